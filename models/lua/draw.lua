-- draw: draw the lots of some of the lobby. An intent stands where its lot says: in the order of the first 13
-- hexadecimal digits of SHA-1(«seed:intent's id»), and of the ids where those are equal. Arrival makes no difference,
-- and anybody who knows the seed can repeat it. A step that is repeated draws others; steps of several may mix.
-- KEYS[1] state    hash
-- KEYS[2] lobby    zset  intent's id → its number of arrival, from 1; its lot, below 0, once that is drawn
-- ARGV[1] limit    int     most lots to draw (at most 2,000)
-- ARGV[2] channel  string  where watchers listen
-- Returns how many are left to draw; 0 also where nothing is to be
-- Invariants: nobody is served before all lots are drawn; nobody enters the lobby then.
-- Cost: O(limit * log lobby)
local LOTS = 2 ^ 52 -- as many as 13 hexadecimal digits tell apart
local limit = tonumber(ARGV[1])
local state = redis.call('HMGET', KEYS[1], 'undrawn_until', 'draw_seed')
if not state[1] then
  return 0
end
local ids = redis.call('ZRANGEBYSCORE', KEYS[2], 1, state[1], 'LIMIT', 0, limit)
local drawn = {}
for _, id in ipairs(ids) do
  local lot = tonumber(string.sub(redis.sha1hex(state[2] .. ':' .. id), 1, 13), 16)
  drawn[#drawn + 1] = string.format('%.0f', lot - LOTS)
  drawn[#drawn + 1] = id
end
-- A full Redis does this too, for it takes no room: what follows a write that is never denied is let through.
redis.call('HDEL', KEYS[1], '')
if #drawn > 0 then
  redis.call('ZADD', KEYS[2], unpack(drawn))
end
local left = redis.call('ZCOUNT', KEYS[2], 1, state[1])
if left > 0 then
  return left
end
redis.call('HDEL', KEYS[1], 'undrawn_until', 'draw_seed')
redis.call('HINCRBY', KEYS[1], 'moves', 1)
redis.call('PUBLISH', ARGV[2], 'drawn')
return 0

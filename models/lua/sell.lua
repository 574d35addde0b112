-- sell: holds of orders that were paid become sold units, once for each, and their orders' change is published.
-- The ledger has moved before. Free units stay as they are; but a standby ticket for more than can still come
-- back has no chance any more, and if holds were at their limit the line may move: so the bell is asked for.
-- KEYS[1] state  hash  settings and counters
-- KEYS[2] holds  hash  intent's id → user|units
-- KEYS[3] sold   hash  intent's id → user|units
-- ARGV[1] epoch            string
-- ARGV[2] live_channel     string
-- ARGV[3] verdict_channel  string
-- ARGV[4] told             string  the changed orders as the sockets want them
-- ARGV[5..]                string  ids of the intents whose orders were paid
-- Returns {code, sold units, ring (0|1)}: sold | fenced | missing
-- Invariants: allocation = available + held + sold; a hold is sold once.
-- Cost: O(intents)
local state = redis.call('HMGET', KEYS[1], 'epoch', 'standby', 'waiting')
if not state[1] then
  return {'missing', 0, 0}
end
if state[1] ~= ARGV[1] then
  return {'fenced', 0, 0}
end
-- A full Redis does this too, for it makes room: what follows a write that is never denied is let through.
redis.call('HDEL', KEYS[2], '')

local sold, closed = 0, 0
for at = 5, #ARGV do
  local hold = redis.call('HGET', KEYS[2], ARGV[at])
  if hold then
    redis.call('HDEL', KEYS[2], ARGV[at])
    redis.call('HSET', KEYS[3], ARGV[at], hold)
    sold, closed = sold + tonumber(string.match(hold, '|(%d+)$')), closed + 1
  end
end
if closed > 0 then
  redis.call('HINCRBY', KEYS[1], 'held', -sold)
  redis.call('HINCRBY', KEYS[1], 'sold', sold)
  redis.call('HINCRBY', KEYS[1], 'open_holds', -closed)
end
redis.call('HINCRBY', KEYS[1], 'moves', 1)
redis.call('PUBLISH', ARGV[3], ARGV[4])
redis.call('PUBLISH', ARGV[2], 'sold')
local work = (tonumber(state[2]) or 0) + (tonumber(state[3]) or 0)
return {'sold', sold, work > 0 and 1 or 0}

-- configure: bring the sale's settings to a newer revision, draw the lobby at the opening, and tell it.
-- Settings are what the ledger rules: status, price, limits, pace and times. Counters are not among them.
-- The draw happens in the same step as the opening, once: the lobby is put in the order of
-- SHA-1(«seed:intent's id») and its tickets are numbered anew, so that arrival made no difference and
-- anybody who knows the seed can repeat it.
-- KEYS[1] state    hash
-- KEYS[2] line     list  intents' ids, oldest first
-- KEYS[3] intents  hash  intent's id → user|ticket|quantity|accept_fewer|submitted_ms|left_ms
-- ARGV[1] epoch     string
-- ARGV[2] revision  int     the ledger's; an older or equal one changes nothing
-- ARGV[3] channel   string  where watchers listen
-- ARGV[4] seed      string  of the draw
-- ARGV[5..]         pairs   field, value
-- Returns «configured», «stale», «fenced» or «missing»
-- Invariants: tickets stay dense; the lobby is drawn once.
-- Cost: O(pairs), and once O(lobby * log lobby)
local found = redis.call('HMGET', KEYS[1], 'epoch', 'revision')
if not found[1] then
  return 'missing'
end
if found[1] ~= ARGV[1] then
  return 'fenced'
end
if tonumber(found[2]) >= tonumber(ARGV[2]) then
  return 'stale'
end
redis.call('HSET', KEYS[1], 'revision', ARGV[2])
for at = 5, #ARGV, 2 do
  redis.call('HSET', KEYS[1], ARGV[at], ARGV[at + 1])
end

local now = redis.call('HMGET', KEYS[1], 'status', 'admission_order', 'lobby_size', 'now_serving')
if now[1] == 'open' and not now[3] then
  local ids = redis.call('LRANGE', KEYS[2], 0, -1)
  redis.call('HSET', KEYS[1], 'lobby_size', #ids)
  if now[2] == 'draw' and #ids > 1 then
    local lots = {}
    for _, id in ipairs(ids) do
      lots[id] = redis.sha1hex(ARGV[4] .. ':' .. id)
    end
    table.sort(ids, function(left, right)
      return lots[left] < lots[right]
    end)
    redis.call('DEL', KEYS[2])
    for place, id in ipairs(ids) do
      local user, rest = string.match(redis.call('HGET', KEYS[3], id), '^([^|]*)|%d+|(.*)$')
      redis.call('HSET', KEYS[3], id, user .. '|' .. (tonumber(now[4]) + place) .. '|' .. rest)
      redis.call('RPUSH', KEYS[2], id)
    end
  end
end
redis.call('PUBLISH', ARGV[3], 'configured')
return 'configured'

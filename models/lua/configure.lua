-- configure: bring the sale's settings to a newer revision, close the lobby at the opening, and publish it.
-- Settings are what the ledger decides: status, price, limits, pace and times. Counters are not among them.
-- The opening ends the lobby, once: its intents go before all that come later. If lots decide, the
-- drawing begins; `draw` does it, in steps.
-- KEYS[1] state    hash
-- KEYS[2] lobby    zset  intent's id → its number of arrival
-- ARGV[1] epoch     string
-- ARGV[2] revision  int     the ledger's; an older or equal one changes nothing
-- ARGV[3] channel   string  where watchers listen
-- ARGV[4] seed      string  of the draw; it is not kept here before the lobby is closed
-- ARGV[5..]         pairs   field, value
-- Returns {«configured», «stale», «fenced» or «missing», whether lots are to be drawn (0|1)}
-- Invariants: tickets stay dense; the lobby is closed once.
-- Cost: O(pairs)
local found = redis.call('HMGET', KEYS[1], 'epoch', 'revision', 'undrawn_until')
if not found[1] then
  return {'missing', 0}
end
if found[1] ~= ARGV[1] then
  return {'fenced', 0}
end
if tonumber(found[2]) >= tonumber(ARGV[2]) then
  return {'stale', found[3] and 1 or 0}
end
redis.call('HSET', KEYS[1], 'revision', ARGV[2])
for at = 5, #ARGV, 2 do
  redis.call('HSET', KEYS[1], ARGV[at], ARGV[at + 1])
end

local is_drawing = found[3] and 1 or 0
local now = redis.call('HMGET', KEYS[1], 'status', 'admission_order', 'lobby_size', 'arrivals')
if now[1] == 'open' and not now[3] then
  local size = redis.call('ZCARD', KEYS[2])
  redis.call('HSET', KEYS[1], 'lobby_size', size)
  if now[2] == 'draw' and size > 1 then
    redis.call('HSET', KEYS[1], 'undrawn_until', now[4], 'draw_seed', ARGV[4])
    is_drawing = 1
  end
end
redis.call('PUBLISH', ARGV[3], 'configured')
return {'configured', is_drawing}

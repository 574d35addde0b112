-- release: return the units of ended holds and of refunded orders, once for each, and publish their orders' change.
-- The ledger has moved before: what is not known here was released already, or not restored by a rebuild.
-- A refunded order's units may still be a hold here, if its payment was never applied here.
-- KEYS[1] state  hash  settings and counters
-- KEYS[2] holds  hash  intent's id → user|units
-- KEYS[3] units  hash  shopper → units held, paid and waiting
-- KEYS[4] sold   hash  intent's id → user|units
-- ARGV[1] epoch            string
-- ARGV[2] live_channel     string
-- ARGV[3] verdict_channel  string
-- ARGV[4] told             string  the changed orders as the sockets want them
-- ARGV[5] ended            int     so many of the intents' holds ended; the others' orders were refunded
-- ARGV[6..]                string  ids of the intents
-- Returns {code, released units, ring (0|1)}: released | fenced | missing
-- Invariants: allocation = available + held + sold; a unit is returned once; what was sold again to a late
--   payment is not taken for the hold that the shopper had before.
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

local from_holds, from_sold, closed = 0, 0, 0
for at = 6, #ARGV do
  local found = redis.call('HGET', KEYS[2], ARGV[at])
  local sale = nil
  if found then
    redis.call('HDEL', KEYS[2], ARGV[at])
    closed = closed + 1
  elseif at > 5 + tonumber(ARGV[5]) then
    sale = redis.call('HGET', KEYS[4], ARGV[at])
    redis.call('HDEL', KEYS[4], ARGV[at])
  end
  if found or sale then
    local user, units = string.match(found or sale, '^([^|]*)|(%d+)$')
    if redis.call('HINCRBY', KEYS[3], user, -tonumber(units)) <= 0 then
      redis.call('HDEL', KEYS[3], user)
    end
    if found then
      from_holds = from_holds + tonumber(units)
    else
      from_sold = from_sold + tonumber(units)
    end
  end
end
if from_holds + from_sold > 0 then
  redis.call('HINCRBY', KEYS[1], 'available', from_holds + from_sold)
  redis.call('HINCRBY', KEYS[1], 'held', 0 - from_holds)
  redis.call('HINCRBY', KEYS[1], 'sold', 0 - from_sold)
  redis.call('HINCRBY', KEYS[1], 'open_holds', 0 - closed)
end
redis.call('HINCRBY', KEYS[1], 'moves', 1)
redis.call('PUBLISH', ARGV[3], ARGV[4])
redis.call('PUBLISH', ARGV[2], 'released')
local work = (tonumber(state[2]) or 0) + (tonumber(state[3]) or 0)
return {'released', from_holds + from_sold, work > 0 and 1 or 0}

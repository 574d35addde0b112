-- release: units of holds that ended come home, once for each hold, and their orders' change is told.
-- The ledger has moved before: a hold that is not known here was released already, or never laid anew.
-- KEYS[1] state  hash  settings and counters
-- KEYS[2] holds  hash  intent's id → user|units
-- KEYS[3] units  hash  shopper → units held, paid and waiting
-- ARGV[1] epoch            string
-- ARGV[2] live_channel     string
-- ARGV[3] verdict_channel  string
-- ARGV[4] told             string  the changed orders as the sockets want them
-- ARGV[5..]                string  ids of the intents whose holds ended
-- Returns {code, released units, ring (0|1)}: released | fenced | missing
-- Invariants: allocation = available + held + sold; a hold comes home once.
-- Cost: O(holds)
local state = redis.call('HMGET', KEYS[1], 'epoch', 'standby', 'waiting')
if not state[1] then
  return {'missing', 0, 0}
end
if state[1] ~= ARGV[1] then
  return {'fenced', 0, 0}
end
local released, ended = 0, 0
for at = 5, #ARGV do
  local hold = redis.call('HGET', KEYS[2], ARGV[at])
  if hold then
    local user, units = string.match(hold, '^([^|]*)|(%d+)$')
    redis.call('HDEL', KEYS[2], ARGV[at])
    if redis.call('HINCRBY', KEYS[3], user, -tonumber(units)) <= 0 then
      redis.call('HDEL', KEYS[3], user)
    end
    released, ended = released + tonumber(units), ended + 1
  end
end
if ended > 0 then
  redis.call('HINCRBY', KEYS[1], 'available', released)
  redis.call('HINCRBY', KEYS[1], 'held', -released)
  redis.call('HINCRBY', KEYS[1], 'open_holds', -ended)
end
redis.call('HINCRBY', KEYS[1], 'moves', 1)
redis.call('PUBLISH', ARGV[3], ARGV[4])
redis.call('PUBLISH', ARGV[2], 'released')
local work = (tonumber(state[2]) or 0) + (tonumber(state[3]) or 0)
return {'released', released, work > 0 and 1 or 0}

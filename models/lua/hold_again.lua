-- hold_again: a shopper paid after their hold had gone. If units are free and nobody waits for them, they are sold
-- to this shopper at once; the ledger follows. A payment gets one answer, and the same whenever it asks again.
-- KEYS[1] state    hash  settings and counters
-- KEYS[2] line     list  intents' ids, oldest first
-- KEYS[3] standby  zset  intent's id → its ticket
-- KEYS[4] holds    hash  intent's id → user|units
-- KEYS[5] sold     hash  intent's id → user|units
-- KEYS[6] units    hash  shopper → units held, paid and waiting
-- KEYS[7] late     hash  payment's id → the answer that it got
-- KEYS[8] lobby    zset  intent's id → its number of arrival, or its lot; goes before the line
-- ARGV[1] epoch    string
-- ARGV[2] payment  string
-- ARGV[3] intent   string
-- ARGV[4] user     string
-- ARGV[5] units    int
-- ARGV[6] channel  string  where watchers listen
-- Returns «sold» | «others_first» | «gone» | «limit_reached», or what is no answer yet: «held_yet» (the
--   old hold's units are not back) | «fenced» | «missing»
-- Invariants: available >= 0; allocation = available + held + sold; nobody who waits is passed over; an
--   intent's units are sold once, whichever of its payments asks.
-- Cost: O(1)
local state = redis.call('HMGET', KEYS[1], 'epoch', 'available', 'per_shopper_limit', 'status')
if not state[1] then
  return 'missing'
end
if state[1] ~= ARGV[1] then
  return 'fenced'
end
local payment, intent, user, units = ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])
local before = redis.call('HGET', KEYS[7], payment)
if before then
  return before
end
local is_sold = redis.call('HEXISTS', KEYS[5], intent) == 1
local answer = 'sold'
if not is_sold then
  if redis.call('HEXISTS', KEYS[4], intent) == 1 then
    return 'held_yet'
  end
  if state[4] == 'cancelled' or tonumber(state[2]) < units then
    answer = 'gone'
  elseif redis.call('ZCARD', KEYS[3]) > 0 or redis.call('LLEN', KEYS[2]) > 0 then
    answer = 'others_first'
  elseif redis.call('ZCARD', KEYS[8]) > 0 then
    answer = 'others_first'
  elseif (tonumber(redis.call('HGET', KEYS[6], user)) or 0) + units > tonumber(state[3]) then
    answer = 'limit_reached'
  end
end
redis.call('HSET', KEYS[7], payment, answer)
if is_sold or answer ~= 'sold' then
  return answer
end
redis.call('HSET', KEYS[5], intent, user .. '|' .. units)
redis.call('HINCRBY', KEYS[6], user, units)
redis.call('HINCRBY', KEYS[1], 'available', -units)
redis.call('HINCRBY', KEYS[1], 'sold', units)
redis.call('HINCRBY', KEYS[1], 'moves', 1)
redis.call('PUBLISH', ARGV[6], 'sold')
return 'sold'

-- hold_again: somebody paid after his hold had gone. Where units are free and nobody waits for them, they
-- are sold to him at once; the ledger follows. Asked again after a yes, it is a yes.
-- KEYS[1] state    hash  settings and counters
-- KEYS[2] line     list  intents' ids, oldest first
-- KEYS[3] standby  zset  intent's id → its ticket
-- KEYS[4] holds    hash  intent's id → user|units
-- KEYS[5] sold     hash  intent's id → user|units
-- KEYS[6] units    hash  shopper → units held, paid and waiting
-- ARGV[1] epoch    string
-- ARGV[2] intent   string
-- ARGV[3] user     string
-- ARGV[4] units    int
-- ARGV[5] channel  string  where watchers listen
-- Returns «sold» | «held_yet» (his old hold has not come home) | «others_first» | «gone» | «limit_reached» |
--   «fenced» | «missing»
-- Invariants: available >= 0; allocation = available + held + sold; nobody who waits is passed over.
-- Cost: O(1)
local state = redis.call('HMGET', KEYS[1], 'epoch', 'available', 'per_shopper_limit', 'status')
if not state[1] then
  return 'missing'
end
if state[1] ~= ARGV[1] then
  return 'fenced'
end
local intent, user, units = ARGV[2], ARGV[3], tonumber(ARGV[4])
if redis.call('HEXISTS', KEYS[5], intent) == 1 then
  return 'sold'
end
if redis.call('HEXISTS', KEYS[4], intent) == 1 then
  return 'held_yet'
end
if state[4] == 'cancelled' or tonumber(state[2]) < units then
  return 'gone'
end
if redis.call('ZCARD', KEYS[3]) > 0 or redis.call('LLEN', KEYS[2]) > 0 then
  return 'others_first'
end
if (tonumber(redis.call('HGET', KEYS[6], user)) or 0) + units > tonumber(state[3]) then
  return 'limit_reached'
end
redis.call('HSET', KEYS[5], intent, user .. '|' .. units)
redis.call('HINCRBY', KEYS[6], user, units)
redis.call('HINCRBY', KEYS[1], 'available', -units)
redis.call('HINCRBY', KEYS[1], 'sold', units)
redis.call('HINCRBY', KEYS[1], 'moves', 1)
redis.call('PUBLISH', ARGV[5], 'sold')
return 'sold'

-- find: an intent whose last verdict is not settled, and what its place is reckoned from.
-- KEYS[1] state    hash  settings and counters
-- KEYS[2] intents  hash  intent's id → its record
-- KEYS[3] standby  zset  intent's id → its ticket
-- ARGV[1] intent  string
-- Returns {record («» where there is none), place on standby from 1 (0: not on standby), now_serving,
--          pace_milli, status}
-- Cost: O(log standby)
local state = redis.call('HMGET', KEYS[1], 'now_serving', 'pace_milli', 'status')
local rank = redis.call('ZRANK', KEYS[3], ARGV[1])
return {
  redis.call('HGET', KEYS[2], ARGV[1]) or '',
  rank and rank + 1 or 0,
  tonumber(state[1]) or 0,
  tonumber(state[2]) or 0,
  state[3] or '',
}

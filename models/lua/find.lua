-- find: an intent whose last verdict is not settled, and what its place is computed from.
-- KEYS[1] state    hash  settings and counters
-- KEYS[2] intents  hash  intent's id → its record
-- KEYS[3] standby  zset  intent's id → its ticket
-- KEYS[4] lobby    zset  intent's id → its number of arrival, or its lot
-- ARGV[1] intent  string
-- Returns {record («» where there is none), place on standby from 1 (0: not on standby), now_serving,
--          pace_milli, status}
--   record: with the place in the lobby as ticket, 0 while lots are drawn
-- Cost: O(log standby + log lobby)
local state = redis.call('HMGET', KEYS[1], 'now_serving', 'pace_milli', 'status', 'undrawn_until')
local record = redis.call('HGET', KEYS[2], ARGV[1]) or ''
if string.find(record, '^[^|]*|0|') then
  local rank = not state[4] and redis.call('ZRANK', KEYS[4], ARGV[1])
  if rank then
    record = string.gsub(record, '^([^|]*)|0|', '%1|' .. tonumber(state[1]) + rank + 1 .. '|')
  end
end
local place = redis.call('ZRANK', KEYS[3], ARGV[1])
return {record, place and place + 1 or 0, tonumber(state[1]) or 0, tonumber(state[2]) or 0, state[3] or ''}

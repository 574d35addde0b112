-- find: intents whose last verdict is not settled, and what their places are computed from, in one snapshot.
-- KEYS[1] state    hash  settings and counters
-- KEYS[2] intents  hash  intent's id → its record
-- KEYS[3] standby  zset  intent's id → its ticket
-- KEYS[4] lobby    zset  intent's id → its number of arrival, or its lot
-- ARGV[1..]        string  intents' ids
-- Returns {now_serving, pace_milli, status, record («» where there is none), place on standby from 1 (0: not on
--          standby), …: two for each intent}
--   record: with the place in the lobby as ticket, 0 while lots are drawn
-- Cost: O(intents * (log standby + log lobby))
local state = redis.call('HMGET', KEYS[1], 'now_serving', 'pace_milli', 'status', 'undrawn_until')
local reply = {tonumber(state[1]) or 0, tonumber(state[2]) or 0, state[3] or ''}
for at = 1, #ARGV do
  local record = redis.call('HGET', KEYS[2], ARGV[at])
  local place = record and redis.call('ZRANK', KEYS[3], ARGV[at])
  if record and string.find(record, '^[^|]*|0|') then
    local rank = not state[4] and redis.call('ZRANK', KEYS[4], ARGV[at])
    if rank then
      record = string.gsub(record, '^([^|]*)|0|', '%1|' .. tonumber(state[1]) + rank + 1 .. '|')
    end
  end
  reply[#reply + 1] = record or ''
  reply[#reply + 1] = place and place + 1 or 0
end
return reply

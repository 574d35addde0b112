-- standing: the intents by which shoppers stand in a sale's line or stand by, and what their places are
-- computed from, in one snapshot. Changes nothing.
-- KEYS[1] state    hash  settings and counters
-- KEYS[2] intents  hash  intent's id → its record
-- KEYS[3] active   hash  shopper → the intent that stands in line or stands by
-- KEYS[4] standby  zset  intent's id → its ticket
-- KEYS[5] lobby    zset  intent's id → its number of arrival, or its lot
-- ARGV[1..]        string  shoppers' ids
-- Returns {now_serving, pace_milli, status, shopper, intent's id, record, place on standby from 1 (0: not on
--          standby), …: four for each shopper who stands there}
--   record: with the place in the lobby as ticket, 0 while lots are drawn
-- Cost: O(shoppers * (log standby + log lobby))
local state = redis.call('HMGET', KEYS[1], 'now_serving', 'pace_milli', 'status', 'undrawn_until')
local reply = {tonumber(state[1]) or 0, tonumber(state[2]) or 0, state[3] or ''}
for at = 1, #ARGV do
  local id = redis.call('HGET', KEYS[3], ARGV[at])
  local record = id and redis.call('HGET', KEYS[2], id)
  if record then
    local place = not state[4] and string.find(record, '^[^|]*|0|') and redis.call('ZRANK', KEYS[5], id)
    if place then
      record = string.gsub(record, '^([^|]*)|0|', '%1|' .. tonumber(state[1]) + place + 1 .. '|')
    end
    local rank = redis.call('ZRANK', KEYS[4], id)
    reply[#reply + 1] = ARGV[at]
    reply[#reply + 1] = id
    reply[#reply + 1] = record
    reply[#reply + 1] = rank and rank + 1 or 0
  end
end
return reply

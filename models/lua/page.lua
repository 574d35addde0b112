-- page: list intents that still stand in line, newest ticket first, from below a ticket on. The lobby goes before
-- the line; while its lots are drawn, the numbers in it are provisional.
-- KEYS[1] state    hash  settings and counters
-- KEYS[2] line     list  intents' ids, oldest first; the last one has the last ticket
-- KEYS[3] intents  hash  intent's id → its record
-- KEYS[4] lobby    zset  intent's id → its number of arrival, or its lot
-- ARGV[1] before  int  only tickets below this one; 0 for all
-- ARGV[2] limit   int  at most so many (at most 1,000)
-- Returns {now_serving, pace_milli, status, id, record, …}
--   record: with the place in the lobby as ticket
-- Cost: O(limit + log lobby + distance from an end of the line)
local before, limit = tonumber(ARGV[1]), tonumber(ARGV[2])
local state = redis.call('HMGET', KEYS[1], 'now_serving', 'pace_milli', 'status', 'last_ticket')
local now_serving = tonumber(state[1]) or 0
local reply = {now_serving, tonumber(state[2]) or 0, state[3] or ''}
local upto = tonumber(state[4]) or 0
if before > 0 then
  upto = math.min(upto, before - 1)
end
local first = math.max(upto - limit, now_serving) + 1
if upto < first then
  return reply
end
-- Places from 0: those below `in_lobby` are in the lobby, the others in the line.
local in_lobby = redis.call('ZCARD', KEYS[4])
local from, to = first - now_serving - 1, upto - now_serving - 1
local ids = {}
if from < in_lobby then
  ids = redis.call('ZRANGE', KEYS[4], from, math.min(to, in_lobby - 1))
end
if to >= in_lobby then
  for _, id in ipairs(redis.call('LRANGE', KEYS[2], math.max(from - in_lobby, 0), to - in_lobby)) do
    ids[#ids + 1] = id
  end
end
if #ids == 0 then
  return reply
end
local records = redis.call('HMGET', KEYS[3], unpack(ids))
for index = #ids, 1, -1 do
  reply[#reply + 1] = ids[index]
  reply[#reply + 1] = (string.gsub(records[index], '^([^|]*)|0|', '%1|' .. first + index - 1 .. '|'))
end
return reply

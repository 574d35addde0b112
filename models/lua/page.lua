-- page: list intents that still stand in line, newest ticket first, from below a ticket on.
-- KEYS[1] state    hash  settings and counters
-- KEYS[2] line     list  intents' ids, oldest first; the last one has the last ticket
-- KEYS[3] intents  hash  intent's id → its record
-- ARGV[1] before  int  only tickets below this one; 0 for all
-- ARGV[2] limit   int  at most so many (at most 1,000)
-- Returns {now_serving, pace_milli, status, id, record, …}
-- Cost: O(limit + distance from the end)
local before, limit = tonumber(ARGV[1]), tonumber(ARGV[2])
local state = redis.call('HMGET', KEYS[1], 'now_serving', 'pace_milli', 'status', 'last_ticket')
local reply = {tonumber(state[1]) or 0, tonumber(state[2]) or 0, state[3] or ''}
local skipped = 0
if before > 0 then
  skipped = math.max((tonumber(state[4]) or 0) - before + 1, 0)
end
local ids = redis.call('LRANGE', KEYS[2], -skipped - limit, -skipped - 1)
if #ids == 0 then
  return reply
end
local records = redis.call('HMGET', KEYS[3], unpack(ids))
for index = #ids, 1, -1 do
  reply[#reply + 1] = ids[index]
  reply[#reply + 1] = records[index]
end
return reply

-- look: a consistent snapshot of a sale, and what work waits for it. Changes nothing.
-- KEYS[1] state    hash
-- KEYS[2] line     list
-- KEYS[3] claims   zset  claim's id → end of its lease, ms; +inf when parked
-- KEYS[4] standby  zset  intent's id → its ticket
-- KEYS[5] lobby    zset  intent's id → its number of arrival, or its lot; goes before the line
-- KEYS[6] departed list  intents' ids: they left the lobby, and no claim has them yet
-- Returns {now_ms, length of lobby and line, departed, claims, overdue claims, parked claims, marks of the standby,
--         field, value, …} and no fields where there is no live state
--   overdue: the lease ran out, or ends later than the longest that was given could: the clock was set back
--   marks: ticket, place, ticket, place, …, by which standby tickets find their place: all of a short
--          standby; of a long one the first eight, and eight more that part the rest evenly, the last among them
-- Cost: O(fields + log claims + log standby)
local EXACT, MARKS = 8, 16
local now = redis.call('TIME')
local now_ms = now[1] * 1000 + math.floor(now[2] / 1000)

local marks = {}
local function mark(place)
  local found = redis.call('ZRANGE', KEYS[4], place - 1, place - 1, 'WITHSCORES')
  marks[#marks + 1] = tonumber(found[2])
  marks[#marks + 1] = place
end
local standing_by = redis.call('ZCARD', KEYS[4])
if standing_by <= MARKS then
  local all = redis.call('ZRANGE', KEYS[4], 0, -1, 'WITHSCORES')
  for place = 1, standing_by do
    marks[#marks + 1] = tonumber(all[2 * place])
    marks[#marks + 1] = place
  end
else
  for place = 1, EXACT do
    mark(place)
  end
  for part = 1, MARKS - EXACT do
    mark(EXACT + math.floor((standing_by - EXACT) * part / (MARKS - EXACT)))
  end
end

local overdue = redis.call('ZCOUNT', KEYS[3], '-inf', now_ms)
local longest_ms = redis.call('HGET', KEYS[1], 'lease_ms')
if longest_ms then
  overdue = overdue + redis.call('ZCOUNT', KEYS[3], '(' .. now_ms + tonumber(longest_ms), '(+inf')
end

local reply = {
  now_ms,
  redis.call('ZCARD', KEYS[5]) + redis.call('LLEN', KEYS[2]),
  redis.call('LLEN', KEYS[6]),
  redis.call('ZCARD', KEYS[3]),
  overdue,
  redis.call('ZCOUNT', KEYS[3], '+inf', '+inf'),
  marks,
}
for _, word in ipairs(redis.call('HGETALL', KEYS[1])) do
  reply[#reply + 1] = word
end
return reply

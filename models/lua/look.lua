-- look: one consistent picture of a sale, and what work waits for it. Changes nothing.
-- KEYS[1] state   hash
-- KEYS[2] line    list
-- KEYS[3] claims  zset  claim's id → end of its lease, ms; +inf when parked
-- Returns {now_ms, length of the line, claims, overdue claims, parked claims, field, value, …}
--         and no fields where there is no live state
-- Cost: O(fields + log claims)
local now = redis.call('TIME')
local now_ms = now[1] * 1000 + math.floor(now[2] / 1000)
local reply = {
  now_ms,
  redis.call('LLEN', KEYS[2]),
  redis.call('ZCARD', KEYS[3]),
  redis.call('ZCOUNT', KEYS[3], '-inf', now_ms),
  redis.call('ZCOUNT', KEYS[3], '+inf', '+inf'),
}
for _, word in ipairs(redis.call('HGETALL', KEYS[1])) do
  reply[#reply + 1] = word
end
return reply

-- turn: claim a piece of work that only one process should do per period. A turn ends by Redis' clock; one
-- that lies further ahead than it is long is over too: that clock was set back since.
-- KEYS[1] turn  string  the end of the turn, ms
-- ARGV[1] for_ms  int
-- Returns 1 where it is the caller's turn, else 0
-- Cost: O(1)
local for_ms = tonumber(ARGV[1])
local now = redis.call('TIME')
local now_ms = now[1] * 1000 + math.floor(now[2] / 1000)

local left_ms = tonumber(redis.call('GET', KEYS[1]) or 0) - now_ms
if left_ms > 0 and left_ms <= for_ms then
  return 0
end
redis.call('SET', KEYS[1], string.format('%.0f', now_ms + for_ms))
return 1

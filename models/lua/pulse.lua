-- pulse: take a sample of a sale's figures, unless this second has one. The first worker takes it, so that
-- any number of workers make one sample a second.
-- KEYS[1] state  hash  the sale's counters
-- KEYS[2] pulse  list  samples, newest first: at_ms|last_ticket|now_serving|available|held|sold|waiting|standby
-- ARGV[1] most         int  samples that are kept
-- ARGV[2] lifetime_ms  int  of all of them, from the newest on
-- Returns 1 where this call took it; 0 where it was taken, or there is no live state
-- Invariants: it changes nothing but the samples.
-- Cost: O(1), and O(samples) once the clock was set back
local most, lifetime_ms = tonumber(ARGV[1]), ARGV[2]
local now = redis.call('TIME')
local now_ms = now[1] * 1000 + math.floor(now[2] / 1000)

-- What was sampled in the future is dropped: the clock was set back since, and samples are in order of time.
local second, newest = tonumber(now[1]), redis.call('LINDEX', KEYS[2], 0)
while newest do
  local sampled = math.floor(tonumber(string.match(newest, '^%d+')) / 1000)
  if sampled == second then
    return 0
  elseif sampled < second then
    break
  end
  redis.call('LPOP', KEYS[2])
  newest = redis.call('LINDEX', KEYS[2], 0)
end
local state = redis.call('HMGET', KEYS[1], 'epoch', 'last_ticket', 'now_serving', 'available', 'held', 'sold',
  'waiting', 'standby')
if not state[1] then
  return 0
end

local sample = string.format('%.0f', now_ms)
for at = 2, #state do
  sample = sample .. '|' .. (state[at] or 0)
end
redis.call('LPUSH', KEYS[2], sample)
redis.call('LTRIM', KEYS[2], 0, most - 1)
redis.call('PEXPIRE', KEYS[2], lifetime_ms)
return 1

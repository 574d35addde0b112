-- postpone: the ledger was unavailable, so a claim could not be persisted; offer it again later.
-- The try does not count: nothing is wrong with the claim.
-- KEYS[1] claims   zset  claim's id → end of its lease, ms
-- KEYS[2] claimed  hash  tries:<claim's id> → how often it was handed out
-- ARGV[1] claim     string
-- ARGV[2] delay_ms  int
-- Returns 1 where the claim was still there, else 0
-- Cost: O(log claims)
local now = redis.call('TIME')
local now_ms = now[1] * 1000 + math.floor(now[2] / 1000)
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then
  return 0
end
-- A full Redis does this too, lest a claim run out of tries: what follows a write that is never denied is
-- let through.
redis.call('ZREM', KEYS[1], '')
redis.call('ZADD', KEYS[1], now_ms + tonumber(ARGV[2]), ARGV[1])
if tonumber(redis.call('HGET', KEYS[2], 'tries:' .. ARGV[1]) or 0) > 0 then
  redis.call('HINCRBY', KEYS[2], 'tries:' .. ARGV[1], -1)
end
return 1

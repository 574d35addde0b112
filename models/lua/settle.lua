-- settle: a claim is in the ledger; forget it here, and tell its verdicts in the same step. Who was put on
-- standby stays known: the last word is not spoken.
-- KEYS[1] state    hash
-- KEYS[2] intents  hash  intent's id → its record
-- KEYS[3] claims   zset  claim's id → end of its lease, ms
-- KEYS[4] claimed  hash  claim's id → what was decided; tries:<claim's id>
-- ARGV[1] claim            string
-- ARGV[2] epoch            string
-- ARGV[3] units_back       int     units that the claim held and the ledger did not grant (negative: the reverse)
-- ARGV[4] live_channel     string
-- ARGV[5] verdict_channel  string
-- ARGV[6] told             string  the verdicts as the sockets want them
-- Returns «settled», «already» or «fenced»
-- Invariants: settling twice is settling once; allocation = available + held + sold.
-- Cost: O(tickets of the claim)
local claim, epoch, units_back = ARGV[1], ARGV[2], tonumber(ARGV[3])
if redis.call('HGET', KEYS[1], 'epoch') ~= epoch then
  return 'fenced'
end
if redis.call('ZREM', KEYS[3], claim) == 0 then
  return 'already'
end
local ids = {}
for id, outcome in
  string.gmatch(redis.call('HGET', KEYS[4], claim), '\n([^|]+)|[^|]*|%d+|%d+|%d|%d+|([^|]+)|') do
  if outcome ~= 'standby' then
    ids[#ids + 1] = id
  end
end
redis.call('HDEL', KEYS[4], claim, 'tries:' .. claim)
if #ids > 0 then
  redis.call('HDEL', KEYS[2], unpack(ids))
end
if units_back ~= 0 then
  redis.call('HINCRBY', KEYS[1], 'available', units_back)
  redis.call('HINCRBY', KEYS[1], 'held', -units_back)
end
redis.call('HINCRBY', KEYS[1], 'moves', 1)
redis.call('PUBLISH', ARGV[5], ARGV[6])
redis.call('PUBLISH', ARGV[4], 'settled')
return 'settled'

-- settle: a claim is in the ledger; forget it here, and publish its verdicts in the same step. Intents put on
-- standby stay known: their final verdict is still to come. If the ledger keeps other units for an intent than the
-- claim set aside, its hold becomes what the ledger keeps; a hold that was released or sold stays gone.
-- KEYS[1] state    hash
-- KEYS[2] intents  hash  intent's id → its record
-- KEYS[3] claims   zset  claim's id → end of its lease, ms
-- KEYS[4] claimed  hash  claim's id → what was decided; tries:<claim's id>
-- KEYS[5] holds    hash  intent's id → user|units
-- KEYS[6] units    hash  shopper → units held, paid and waiting
-- ARGV[1] claim            string
-- ARGV[2] epoch            string
-- ARGV[3] live_channel     string
-- ARGV[4] verdict_channel  string
-- ARGV[5] told             string  the verdicts as the sockets want them
-- ARGV[6..]                string  intent|user|granted|kept: what the claim set aside, and what the ledger keeps
-- Returns «settled», «already» or «fenced»
-- Invariants: settling twice is settling once; allocation = available + held + sold; held and open_holds are
--   those of the holds.
-- Cost: O(tickets of the claim)
local claim, epoch = ARGV[1], ARGV[2]
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
for at = 6, #ARGV do
  local intent, user, granted, kept = string.match(ARGV[at], '^([^|]*)|([^|]*)|(%d+)|(%d+)$')
  local hold = redis.call('HGET', KEYS[5], intent)
  if hold or granted == '0' then
    local before = hold and tonumber(string.match(hold, '|(%d+)$')) or 0
    local more = tonumber(kept) - before
    if kept == '0' then
      redis.call('HDEL', KEYS[5], intent)
    else
      redis.call('HSET', KEYS[5], intent, user .. '|' .. kept)
    end
    redis.call('HINCRBY', KEYS[1], 'available', 0 - more)
    redis.call('HINCRBY', KEYS[1], 'held', more)
    redis.call('HINCRBY', KEYS[1], 'open_holds', (kept == '0' and 0 or 1) - (hold and 1 or 0))
    if redis.call('HINCRBY', KEYS[6], user, more) <= 0 then
      redis.call('HDEL', KEYS[6], user)
    end
  end
end
redis.call('HINCRBY', KEYS[1], 'moves', 1)
redis.call('PUBLISH', ARGV[4], ARGV[5])
redis.call('PUBLISH', ARGV[3], 'settled')
return 'settled'

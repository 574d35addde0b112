-- split: take rows that the ledger refuses out of a claim, and park them as a claim of their own, so that
-- one bad row does not keep its neighbours from their verdicts. Parked units stay held.
-- KEYS[1] claims   zset  claim's id → end of its lease, ms; +inf when parked
-- KEYS[2] claimed  hash  claim's id → what was decided
-- ARGV[1] claim   string
-- ARGV[2..]       string  ids of the refused intents
-- Returns what is left of the claim, packed as claim.lua does, or «» where it is gone
-- Invariants: every row is in exactly one of the two claims.
-- Cost: O(tickets of the claim)
local packed = redis.call('HGET', KEYS[2], ARGV[1])
if not packed then
  return ''
end
local refused = {}
for at = 2, #ARGV do
  refused[ARGV[at]] = true
end
local header, good, bad = nil, {}, {}
for row in string.gmatch(packed, '[^\n]+') do
  if not header then
    header = row
  elseif refused[string.match(row, '^[^|]+')] then
    bad[#bad + 1] = row
  else
    good[#good + 1] = row
  end
end
if #bad == 0 then
  return packed
end
-- A full Redis does this too, for it makes room: what follows a write that is never denied is let through.
redis.call('ZREM', KEYS[1], '')
local parked = ARGV[1] .. '.refused'
local rest = string.match(header, '|.*$')
redis.call('HSET', KEYS[2], parked, parked .. rest .. '\n' .. table.concat(bad, '\n'))
redis.call('ZADD', KEYS[1], '+inf', parked)
if #good == 0 then
  redis.call('HDEL', KEYS[2], ARGV[1], 'tries:' .. ARGV[1])
  redis.call('ZREM', KEYS[1], ARGV[1])
  return ''
end
local left = header .. '\n' .. table.concat(good, '\n')
redis.call('HSET', KEYS[2], ARGV[1], left)
return left

-- adjust: raise or cut the allocation, once for each adjustment's id.
-- A cut takes free units only; where there are too few it is refused, and stays refused when retried.
-- KEYS[1] state       hash
-- KEYS[2] adjustments hash  adjustment's id → applied | refused
-- ARGV[1] epoch       string
-- ARGV[2] adjustment  string  its id
-- ARGV[3] units       int     more (positive) or fewer (negative)
-- ARGV[4] channel     string  where watchers listen
-- Returns «applied», «refused», «fenced» or «missing»
-- Invariants: available >= 0; allocation = available + held + sold.
-- Cost: O(1)
local found = redis.call('HMGET', KEYS[1], 'epoch', 'available')
if not found[1] then
  return 'missing'
end
if found[1] ~= ARGV[1] then
  return 'fenced'
end
local before = redis.call('HGET', KEYS[2], ARGV[2])
if before then
  return before
end
local units = tonumber(ARGV[3])
if tonumber(found[2]) + units < 0 then
  redis.call('HSET', KEYS[2], ARGV[2], 'refused')
  return 'refused'
end
redis.call('HINCRBY', KEYS[1], 'allocation', units)
redis.call('HINCRBY', KEYS[1], 'available', units)
redis.call('HSET', KEYS[2], ARGV[2], 'applied')
redis.call('HINCRBY', KEYS[1], 'moves', 1)
redis.call('PUBLISH', ARGV[4], 'adjusted')
return 'applied'

-- seal: end an epoch. Callers with it are refused from now on, so that a rebuild knows the last ticket that was given.
-- KEYS[1] state  hash
-- ARGV[1] epoch  string  the next one
-- Returns {accepted, last_ticket}; zeros where there is no live state
-- Invariants: nothing but the epoch changes.
-- Cost: O(1)
local state = redis.call('HMGET', KEYS[1], 'epoch', 'accepted', 'last_ticket')
if not state[1] then
  return {0, 0}
end
-- A full Redis does this too, for it makes room: what follows a write that is never denied is let through.
redis.call('HDEL', KEYS[1], '')
redis.call('HSET', KEYS[1], 'epoch', ARGV[1])
return {tonumber(state[2]) or 0, tonumber(state[3]) or 0}

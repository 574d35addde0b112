-- note: note in the live state how many intents its line has accepted in all, before the ledger does. A Redis that
-- has lost this note has gone back in time, whatever it accepted since.
-- KEYS[1] state  hash
-- ARGV[1] epoch  string
-- Returns {accepted, last_ticket}, or {} where there is no live state of this epoch
-- Invariants: noted <= accepted; it never shrinks.
-- Cost: O(1)
local state = redis.call('HMGET', KEYS[1], 'epoch', 'accepted', 'last_ticket')
if state[1] ~= ARGV[1] then
  return {}
end
redis.call('HSET', KEYS[1], 'noted', state[2] or 0)
return {tonumber(state[2]) or 0, tonumber(state[3])}

-- leave: give up a place in line or on standby. A ticket in line keeps its number and is passed over when
-- its turn comes; one on standby is written down as a claim of its own, so that the ledger learns of it.
-- KEYS[1] state    hash  settings and counters
-- KEYS[2] intents  hash  intent's id → user|ticket|quantity|accept_fewer|submitted_ms|left_ms
-- KEYS[3] active   hash  shopper → the intent that stands in line or stands by
-- KEYS[4] units    hash  shopper → units held, paid and waiting
-- KEYS[5] standby  zset  intent's id → its ticket
-- KEYS[6] claims   zset  claim's id → end of its lease, ms
-- KEYS[7] claimed  hash  claim's id → what was decided, as claim.lua packs it
-- ARGV[1] epoch   string
-- ARGV[2] intent  string
-- ARGV[3] user    string  who asks
-- ARGV[4] channel string  where watchers listen
-- Returns {code, record, ring (0|1)}: left (also when it had left before) | decided | unknown | fenced | missing
-- Invariants: what has its verdict can no longer leave; units are freed once.
-- Cost: O(log standby)
local now = redis.call('TIME')
local now_ms = now[1] * 1000 + math.floor(now[2] / 1000)
local state = redis.call('HMGET', KEYS[1], 'epoch', 'now_serving', 'price_minor', 'currency')
if not state[1] then
  return {'missing', '', 0}
end
if state[1] ~= ARGV[1] then
  return {'fenced', '', 0}
end
local record = redis.call('HGET', KEYS[2], ARGV[2])
if not record then
  return {'unknown', '', 0}
end
local user, ticket, quantity, fewer, submitted, left =
  string.match(record, '^([^|]*)|(%d+)|(%d+)|(%d)|(%d+)|(%d+)$')
if user ~= ARGV[3] then
  return {'unknown', '', 0}
end
if left ~= '0' then
  return {'left', record, 0}
end
local stood_by = redis.call('ZREM', KEYS[5], ARGV[2]) == 1
if not stood_by and tonumber(ticket) <= tonumber(state[2]) then
  return {'decided', record, 0}
end
record = table.concat({user, ticket, quantity, fewer, submitted, now_ms}, '|')
redis.call('HSET', KEYS[2], ARGV[2], record)
redis.call('HDEL', KEYS[3], user)
if redis.call('HINCRBY', KEYS[4], user, -tonumber(quantity)) <= 0 then
  redis.call('HDEL', KEYS[4], user)
end
if stood_by then
  local claim = 'leave.' .. ARGV[2]
  redis.call('HINCRBY', KEYS[1], 'standby', -1)
  redis.call('HSET', KEYS[7], claim,
    table.concat({claim, state[1], now_ms, state[3], state[4], now_ms}, '|') .. '\n'
    .. table.concat({ARGV[2], user, ticket, quantity, fewer, submitted, 'left', '', 0}, '|'))
  redis.call('ZADD', KEYS[6], now_ms, claim)
else
  redis.call('HINCRBY', KEYS[1], 'waiting', -1)
end
redis.call('HINCRBY', KEYS[1], 'moves', 1)
redis.call('PUBLISH', ARGV[4], 'left')
return {'left', record, stood_by and 1 or 0}

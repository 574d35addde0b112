-- leave: give up a place in the lobby, in line or on standby. An intent that leaves the lobby is gone at once:
-- the others move up, and a claim tells the ledger. A ticket in line keeps its number and is passed over when
-- its turn comes; one on standby is written down as a claim of its own, so that the ledger learns of it.
-- Coming again is free a few times; each further leaving makes the shopper wait twice as long as the one before.
-- KEYS[1] state    hash  settings and counters
-- KEYS[2] intents  hash  intent's id → user|ticket|quantity|accept_fewer|submitted_ms|left_ms; ticket 0: by its
--                        place in the lobby
-- KEYS[3] active   hash  shopper → the intent that stands in line or stands by
-- KEYS[4] units    hash  shopper → units held, paid and waiting
-- KEYS[5] standby  zset  intent's id → its ticket
-- KEYS[6] claims   zset  claim's id → end of its lease, ms
-- KEYS[7] claimed  hash  claim's id → what was decided, as claim.lua packs it
-- KEYS[8] lobby    zset  intent's id → its number of arrival, or its lot
-- KEYS[9] departed list  intents' ids: they left the lobby, and no claim has them yet
-- KEYS[10] leavings hash shopper → how often they left|when they may come again, ms
-- KEYS[11] needs   zset  intent's id on standby → the fewest units that would do, then its ticket
-- ARGV[1] epoch    string
-- ARGV[2] intent   string
-- ARGV[3] user     string  who asks
-- ARGV[4] channel  string  where watchers listen
-- ARGV[5] free     int     so many leavings cost nothing; -1: this one does not count, it is not the shopper's will
-- ARGV[6] pause_ms int     the wait after the first that does
-- ARGV[7] most_ms  int     no wait is longer
-- Returns {code, record, ring (0|1)}: left (also when it had left before) | decided | unknown | fenced | missing
-- Invariants: what has its verdict can no longer leave; units are freed once; what left the lobby has no ticket.
-- Cost: O(log standby + log lobby)
local now = redis.call('TIME')
local now_ms = now[1] * 1000 + math.floor(now[2] / 1000)
local state = redis.call('HMGET', KEYS[1], 'epoch', 'now_serving', 'price_minor', 'currency', 'status')
if not state[1] then
  return {'missing', '', 0}
end
if state[1] ~= ARGV[1] then
  return {'fenced', '', 0}
end
local intent = ARGV[2]
local record = redis.call('HGET', KEYS[2], intent)
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
local stands_by = redis.call('ZSCORE', KEYS[5], intent)
if not stands_by and ticket ~= '0' and tonumber(ticket) <= tonumber(state[2]) then
  return {'decided', record, 0}
end
local before = redis.call('HGET', KEYS[10], user)
local leavings = (before and tonumber(string.match(before, '^%d+')) or 0) + 1
local paid = leavings - tonumber(ARGV[5])
local wait_ms = paid > 0 and math.min(tonumber(ARGV[6]) * 2 ^ math.min(paid - 1, 30), tonumber(ARGV[7])) or 0
local ring = 0

record = table.concat({user, ticket, quantity, fewer, submitted, now_ms}, '|')
-- A full Redis does this too, for it makes room: what follows a write that is never denied is let through.
redis.call('ZREM', KEYS[5], intent)
redis.call('HSET', KEYS[2], intent, record)
if tonumber(ARGV[5]) >= 0 then
  redis.call('HSET', KEYS[10], user, string.format('%d|%.0f', leavings, now_ms + wait_ms))
end
redis.call('HDEL', KEYS[3], user)
if redis.call('HINCRBY', KEYS[4], user, -tonumber(quantity)) <= 0 then
  redis.call('HDEL', KEYS[4], user)
end
if stands_by then
  local claim = 'leave.' .. intent
  redis.call('ZREM', KEYS[11], intent)
  redis.call('HINCRBY', KEYS[1], 'standby', -1)
  redis.call('HSET', KEYS[7], claim,
    table.concat({claim, state[1], now_ms, state[3], state[4], now_ms}, '|') .. '\n'
    .. table.concat({intent, user, ticket, quantity, fewer, submitted, 'left', '', 0}, '|'))
  redis.call('ZADD', KEYS[6], now_ms, claim)
  ring = 1
else
  redis.call('HINCRBY', KEYS[1], 'waiting', -1)
  if state[5] == 'scheduled' and redis.call('ZREM', KEYS[8], intent) == 1 then
    redis.call('HINCRBY', KEYS[1], 'last_ticket', -1)
    ring = redis.call('RPUSH', KEYS[9], intent) == 1 and 1 or 0
  end
end
redis.call('HINCRBY', KEYS[1], 'moves', 1)
redis.call('PUBLISH', ARGV[4], 'left')
return {'left', record, ring}

-- load: create a sale's live state, for the first time or again after Redis lost it.
-- «new» creates it only if there is none, so that a retried first load changes nothing. «clear» removes what is
-- there: a rebuild from the ledger, which goes on with «more» as often as needed. The settings come last, under a
-- new epoch that fences off callers with the old one: before them there is no live state for anybody.
-- KEYS[1] state       hash    the sale's settings and counters
-- KEYS[2] line        list    intents' ids, oldest first
-- KEYS[3] intents     hash    intent's id → its record, until its last verdict is settled
-- KEYS[4] active      hash    shopper → the intent that stands in line or stands by
-- KEYS[5] units       hash    shopper → units held, paid and waiting
-- KEYS[6] claims      zset    claim's id → end of its lease, ms
-- KEYS[7] claimed     hash    claim's id → what was decided, and how often it was handed out
-- KEYS[8] adjustments hash    adjustment's id → what became of it
-- KEYS[9] standby     zset    intent's id → its ticket
-- KEYS[10] holds      hash    intent's id → user|units
-- KEYS[11] sold       hash    intent's id → user|units, of those that are paid
-- KEYS[12] late       hash    payment's id → the answer that it got when it came late
-- KEYS[13] lobby      zset    intent's id → its number of arrival, or its lot
-- KEYS[14] departed   list    intents' ids: they left the lobby, and no claim has them yet
-- KEYS[15] leavings   hash    shopper → how often they left|when they may come again, ms
-- KEYS[16] needs      zset    intent's id on standby → the fewest units that would do, then its ticket
-- ARGV[1] mode   string  new | clear | more
-- ARGV[2] epoch  string
-- ARGV[3] world  JSON    {state: {field: value} (with the last part), units: {user: n},
--                        holds: {intent: «user|units»}, sold: {intent: «user|units»},
--                        standby: {intent: its record}, line: [intent, its record, …],
--                        lobby: {intent: «number of arrival|its record»}}; values are strings
-- Returns «loaded» or «exists»
-- Invariants: available + held + sold = allocation, as given by the caller.
-- Cost: O(world), of which the caller gives a part at a time; what was there is freed aside
local mode, epoch, world = ARGV[1], ARGV[2], cjson.decode(ARGV[3])
local TICKETS = 900000000 -- a sale, as in claim.lua
if mode == 'new' and redis.call('EXISTS', KEYS[1]) == 1 then
  return 'exists'
end
if mode ~= 'more' then
  for index = 1, 16 do
    redis.call('UNLINK', KEYS[index])
  end
end
for user, units in pairs(world.units) do
  redis.call('HSET', KEYS[5], user, units)
end
for intent, hold in pairs(world.holds) do
  redis.call('HSET', KEYS[10], intent, hold)
end
for intent, sale in pairs(world.sold) do
  redis.call('HSET', KEYS[11], intent, sale)
end
for intent, record in pairs(world.standby) do
  local user, ticket, quantity, fewer = string.match(record, '^([^|]*)|(%d+)|(%d+)|(%d)|')
  local need = fewer == '1' and 1 or tonumber(quantity)
  redis.call('HSET', KEYS[3], intent, record)
  redis.call('HSET', KEYS[4], user, intent)
  redis.call('ZADD', KEYS[9], ticket, intent)
  redis.call('ZADD', KEYS[16], string.format('%.0f', need * TICKETS + tonumber(ticket)), intent)
end
for at = 1, #world.line, 2 do
  local intent, record = world.line[at], world.line[at + 1]
  local user, left = string.match(record, '^([^|]*)|.*|(%d+)$')
  redis.call('RPUSH', KEYS[2], intent)
  redis.call('HSET', KEYS[3], intent, record)
  if left == '0' then
    redis.call('HSET', KEYS[4], user, intent)
  end
end
for intent, numbered in pairs(world.lobby) do
  local arrival, record = string.match(numbered, '^(%d+)|(.*)$')
  redis.call('ZADD', KEYS[13], arrival, intent)
  redis.call('HSET', KEYS[3], intent, record)
  redis.call('HSET', KEYS[4], string.match(record, '^[^|]*'), intent)
end
if world.state then
  redis.call('HSET', KEYS[1], 'epoch', epoch)
  for field, value in pairs(world.state) do
    redis.call('HSET', KEYS[1], field, value)
  end
end
return 'loaded'

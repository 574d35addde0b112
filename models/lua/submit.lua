-- submit: append intents of one sale to its line, in the order given, each with its ticket; before the opening
-- to its lobby, where a number is a place among those who are there and changes when others leave.
-- Each intent is judged for itself: is the sale or its lobby open, is the key known, does the shopper already stand
-- in line, did they come and leave too often, is there room under the limit. What is refused leaves no trace; an
-- intent that is sent again while it stands there is not put there twice.
-- KEYS[1] state    hash    settings and counters
-- KEYS[2] line     list    intents' ids, oldest first
-- KEYS[3] intents  hash    intent's id → user|ticket|quantity|accept_fewer|submitted_ms|left_ms; ticket 0: by its
--                          place in the lobby
-- KEYS[4] active   hash    shopper → the intent that stands in line or stands by
-- KEYS[5] units    hash    shopper → units held, paid and waiting
-- KEYS[6] lobby    zset    intent's id → its number of arrival, or its lot once that is drawn; goes before the line
-- KEYS[7] leavings hash    shopper → how often they left|when they may come again, ms
-- KEYS[8..]        string  intent's id|body's hash: one for each intent that brings an Idempotency-Key, in order
-- ARGV[1] epoch       string
-- ARGV[2] key_ttl_ms  int     how long a key is remembered
-- ARGV[3] rebell_ms   int     a bell that was rung longer ago counts as lost, and one of the future: the clock
--                             was set back since
-- ARGV[4] deadline_ms int     the sender gives up then: what comes later is refused whole, so that an intent
--                             which nobody waits for any more cannot slip into the line
-- ARGV[5] intents     JSON    [[id, user, quantity, accept_fewer (0|1), body's hash («» without a key)], …]:
--                             one argument, since a client takes longer to write many than Redis to read one
-- Returns {«ok», now_ms, now_serving, pace_milli, status, ring (0|1), code, intent's id, record, …: three an intent}
--         or {«fenced»}, {«missing»} or {«late»}
--   code: accepted | replayed | in_line | key_reused | limit_reached | not_open | over | too_soon (the intent's id
--         is then the wait in ms)
--   record: as in intents, with the place in the lobby as ticket, 0 while lots are drawn; «» where the intent is
--           settled or was refused
-- Invariants: tickets are dense, in order of acceptance; one intent a shopper in line; units <= limit.
-- Cost: O(intents * log lobby)
local now = redis.call('TIME')
local now_ms = now[1] * 1000 + math.floor(now[2] / 1000)
local state = redis.call('HMGET', KEYS[1], 'epoch', 'status', 'closes_at_ms', 'per_shopper_limit',
  'last_ticket', 'now_serving', 'pace_milli', 'bell_ms', 'lobby_opens_at_ms', 'undrawn_until',
  'arrivals')
if not state[1] then
  return {'missing'}
end
if state[1] ~= ARGV[1] then
  return {'fenced'}
end
if now_ms > tonumber(ARGV[4]) then
  return {'late'}
end
local status, closes_at_ms, limit = state[2], tonumber(state[3]), tonumber(state[4])
local last_ticket, key_ttl_ms, rebell_ms = tonumber(state[5]), ARGV[2], tonumber(ARGV[3])
local has_lobby, arrivals = status == 'scheduled', tonumber(state[11]) or 0
local somebody_left = redis.call('EXISTS', KEYS[7]) == 1

local gate = nil
if status == 'ended' or status == 'cancelled' or now_ms >= closes_at_ms then
  gate = 'over'
elseif status == 'scheduled' then
  local lobby_ms = tonumber(state[9]) or 0
  if lobby_ms == 0 or now_ms < lobby_ms then
    gate = 'not_open'
  end
elseif status ~= 'open' then
  gate = 'not_open'
end

local function wait_of(user)
  local left = somebody_left and redis.call('HGET', KEYS[7], user)
  return left and math.max(tonumber(string.match(left, '|(%d+)$')) - now_ms, 0) or 0
end

local function numbered(id, record)
  if not string.find(record, '^[^|]*|0|') then
    return record
  end
  local rank = not state[10] and redis.call('ZRANK', KEYS[6], id)
  return rank and (string.gsub(record, '^([^|]*)|0|', '%1|' .. tonumber(state[6]) + rank + 1 .. '|')) or record
end

local function judge(id, user, quantity, hash, key)
  if hash ~= '' then
    local known = redis.call('GET', key)
    if known then
      local intent, before = string.match(known, '^([^|]*)|(.*)$')
      return before == hash and 'replayed' or 'key_reused', intent
    end
  end
  if redis.call('HEXISTS', KEYS[3], id) == 1 then
    return 'replayed', id
  end
  if gate then
    return gate, ''
  end
  local standing = redis.call('HGET', KEYS[4], user)
  if standing then
    return 'in_line', standing
  end
  local wait_ms = wait_of(user)
  if wait_ms > 0 then
    return 'too_soon', string.format('%.0f', wait_ms)
  end
  if (tonumber(redis.call('HGET', KEYS[5], user)) or 0) + quantity > limit then
    return 'limit_reached', ''
  end
  return 'accepted', ''
end

local reply = {'ok', now_ms, tonumber(state[6]), tonumber(state[7]), status, 0}
local accepted, next_key = 0, 8
for _, one in ipairs(cjson.decode(ARGV[5])) do
  local id, user, quantity, fewer, hash = one[1], one[2], one[3], one[4], one[5]
  local key = nil
  if hash ~= '' then
    key, next_key = KEYS[next_key], next_key + 1
  end
  local code, intent = judge(id, user, quantity, hash, key)
  local record = ''
  if code == 'accepted' then
    accepted, last_ticket, intent = accepted + 1, last_ticket + 1, id
    record = table.concat({user, last_ticket, quantity, fewer, now_ms, 0}, '|')
    if has_lobby then
      redis.call('ZADD', KEYS[6], arrivals + accepted, id)
      redis.call('HSET', KEYS[3], id, table.concat({user, 0, quantity, fewer, now_ms, 0}, '|'))
    else
      redis.call('RPUSH', KEYS[2], id)
      redis.call('HSET', KEYS[3], id, record)
    end
    redis.call('HSET', KEYS[4], user, id)
    redis.call('HINCRBY', KEYS[5], user, quantity)
    if key then
      redis.call('SET', key, id .. '|' .. hash, 'PX', key_ttl_ms)
    end
  elseif code ~= 'too_soon' and intent ~= '' then
    record = numbered(intent, redis.call('HGET', KEYS[3], intent) or '')
  end
  reply[#reply + 1] = code
  reply[#reply + 1] = intent
  reply[#reply + 1] = record
end

if accepted > 0 then
  redis.call('HSET', KEYS[1], 'last_ticket', last_ticket)
  if has_lobby then
    redis.call('HSET', KEYS[1], 'arrivals', arrivals + accepted)
  end
  redis.call('HINCRBY', KEYS[1], 'waiting', accepted)
  redis.call('HINCRBY', KEYS[1], 'accepted', accepted)
  local rung_ms = tonumber(state[8])
  if status == 'open' and (now_ms - rung_ms >= rebell_ms or now_ms < rung_ms) then
    redis.call('HSET', KEYS[1], 'bell_ms', now_ms)
    reply[6] = 1
  end
end
return reply

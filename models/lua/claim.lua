-- claim: hand out work. A claim whose lease ran out comes first, as it was decided; else free units
-- go to the oldest standby ticket that they suffice for, then the head of the line is decided, in which the
-- lobby stands first; room that is left goes to those who left the lobby. All of it is written down before anyone
-- acts on it.
-- KEYS[1] state    hash  settings and counters
-- KEYS[2] line     list  intents' ids, oldest first
-- KEYS[3] intents  hash  intent's id → user|ticket|quantity|accept_fewer|submitted_ms|left_ms; ticket 0: by its
--                        place in the lobby, or none where it left that
-- KEYS[4] active   hash  shopper → the intent that stands in line or stands by
-- KEYS[5] units    hash  shopper → units held, paid and waiting
-- KEYS[6] claims   zset  claim's id → end of its lease, ms; +inf when parked
-- KEYS[7] claimed  hash  claim's id → what was decided; tries:<claim's id> → how often it was handed out
-- KEYS[8] standby  zset  intent's id → its ticket
-- KEYS[9] holds    hash  intent's id → user|units
-- KEYS[10] lobby   zset  intent's id → its number of arrival, or its lot; goes before the line
-- KEYS[11] departed list intents' ids: they left the lobby, and no claim has them yet
-- KEYS[12] needs   zset  intent's id on standby → the fewest units that would do, then its ticket
-- ARGV[1] claim      string  an id for the new claim; the same id again returns the same claim
-- ARGV[2] limit      int     most tickets to decide (at most 1,000)
-- ARGV[3] lease_ms   int     for how long nobody else gets the claim; a lease that lies further ahead than the
--                            longest was made for has run out too: the clock was set back since
-- ARGV[4] max_tries  int     a claim handed out more often is parked for a person to look at
-- ARGV[5] kept       int     the last ticket that enough replicas have: no later one is decided, since a master that
--                            does not know it would give it to somebody else; 0 where they do not answer: as before;
--                            -1: nobody asks for replicas
-- Returns {code, claim, waiting, parked, wait_ms}
--   code: fresh | again | empty | not_open | drawing (first the lots) | paced (come again in wait_ms) | full (as
--         many open holds as may be) | ahead (the next ticket is later than `kept`) | missing (there is no live
--         state)
--   claim: a line claim|epoch|decided_ms|price_minor|currency|hold_until_ms, then a line for each ticket:
--          intent|user|ticket|quantity|accept_fewer|submitted_ms|outcome|reason|granted
-- Invariants: available >= 0; a ticket has one verdict, offered in ticket order; the claim is written
--   before it is told; decisions a second and open holds stay within their bounds.
-- Cost: O(limit * log line), and O(different needs on standby that the free units suffice for)
local now = redis.call('TIME')
local now_ms = now[1] * 1000 + math.floor(now[2] / 1000)
local new_claim, limit, lease_ms, max_tries = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local kept = tonumber(ARGV[5])
local PAGE = 50
local BURST_MS = 250
local TICKETS = 900000000 -- a sale; what is needed times this, and the ticket, fit into a score exactly

local state = {}
do
  local flat = redis.call('HGETALL', KEYS[1])
  for at = 1, #flat, 2 do
    state[flat[at]] = flat[at + 1]
  end
end
if not state.epoch then
  return {'missing', '', 0, 0, 0}
end
local function number(field)
  return tonumber(state[field]) or 0
end
local status, waiting = state.status, number('waiting')

local known = redis.call('HGET', KEYS[7], new_claim)
if known then
  return {'fresh', known, waiting, 0, 0}
end

-- A full Redis does this too, for it makes room: what follows a write that is never denied is let through.
redis.call('ZREM', KEYS[6], '')

local parked, longest_ms = 0, math.max(lease_ms, number('lease_ms'))
local come_again = redis.call('ZRANGEBYSCORE', KEYS[6], '-inf', now_ms, 'LIMIT', 0, 10)
if #come_again == 0 then
  come_again = redis.call('ZRANGEBYSCORE', KEYS[6], '(' .. now_ms + longest_ms, '(+inf', 'LIMIT', 0, 10)
end
for _, overdue in ipairs(come_again) do
  local tries = redis.call('HINCRBY', KEYS[7], 'tries:' .. overdue, 1)
  if tries < max_tries then
    redis.call('ZADD', KEYS[6], now_ms + lease_ms, overdue)
    return {'again', redis.call('HGET', KEYS[7], overdue), waiting, parked, 0}
  end
  redis.call('ZADD', KEYS[6], '+inf', overdue)
  parked = parked + 1
end

if state.undrawn_until then
  return {'drawing', '', waiting, parked, 0}
end
local is_still = status == 'scheduled' or status == 'paused'

local closed = nil
if status == 'ended' then
  closed = {'sold_out', 'sale_ended'}
elseif status == 'cancelled' then
  closed = {'rejected', 'sale_cancelled'}
end

-- The pace: a bucket that fills on Redis' time. 1,000 thousandths are one decision.
local rate, bucket = number('rate_per_second'), 0
local is_paced = rate > 0 and not closed
if is_paced then
  local last_ms = number('bucket_ms')
  local most = math.max(1000, rate * BURST_MS)
  bucket = number('bucket')
  if last_ms > 0 then
    bucket = math.min(most, bucket + math.max(0, now_ms - last_ms) * rate)
  end
end
local function has_token()
  return not is_paced or bucket >= 1000
end

local available, held = number('available'), number('held')
local open_holds, max_open_holds = number('open_holds'), number('max_open_holds')
local function is_full()
  return max_open_holds > 0 and open_holds >= max_open_holds
end

local rows, grants, freed, done, stood_by, their_needs, gone, numbered = {}, {}, {}, {}, {}, {}, {}, {}
local stopped = nil

local function parse(record)
  local kept, user, ticket, asked, fewer, left =
    string.match(record, '^(([^|]*)|(%d+)|(%d+)|(%d)|%d+|)(%d+)$')
  local quantity = tonumber(asked)
  return {kept = kept, user = user, ticket = ticket, quantity = quantity, left = left,
    need = fewer == '1' and 1 or quantity}
end

local function write(id, one, outcome, reason, granted)
  rows[#rows + 1] = id .. '|' .. one.kept .. outcome .. '|' .. reason .. '|' .. granted
  if outcome == 'standby' then
    return
  end
  if one.left == '0' then
    done[#done + 1] = one.user
    if granted < one.quantity then
      freed[#freed + 1] = {one.user, one.quantity - granted}
    end
  end
  if granted > 0 then
    available, held, open_holds = available - granted, held + granted, open_holds + 1
    grants[#grants + 1] = id
    grants[#grants + 1] = one.user .. '|' .. granted
  end
end

local function spend()
  if is_paced then
    bucket = bucket - 1000
  end
end

-- Standby first: its tickets are older than any in the line. Of each need that the free units suffice for, the
-- oldest is looked at, and the oldest of those is served: nobody is passed over, and nobody is looked at in vain.
local standing_by = redis.call('ZCARD', KEYS[8])
local heads = {}
local function score(need, ticket)
  return string.format('%.0f', need * TICKETS + (ticket or 0))
end
local function turn_page(head)
  head.page = redis.call('ZRANGEBYSCORE', KEYS[12], score(head.need), '(' .. score(head.need + 1), 'WITHSCORES',
    'LIMIT', head.seen, PAGE)
  head.at, head.seen = 1, head.seen + PAGE
end
local function ticket_of(head)
  return tonumber(head.page[head.at + 1]) - head.need * TICKETS
end
local function oldest_who_fits()
  local oldest = nil
  for _, head in ipairs(heads) do
    if head.need <= available and head.page[head.at] and (not oldest or ticket_of(head) < ticket_of(oldest)) then
      oldest = head
    end
  end
  return oldest
end
local function refuse(ids, outcome, reason)
  local records = #ids > 0 and redis.call('HMGET', KEYS[3], unpack(ids)) or {}
  for index, id in ipairs(ids) do
    write(id, parse(records[index]), outcome, reason, 0)
    gone[#gone + 1] = id
  end
end
if standing_by > 0 and closed then
  refuse(redis.call('ZRANGE', KEYS[8], 0, limit - 1), closed[1], closed[2])
elseif standing_by > 0 and not is_still then
  local need = 0
  while need <= available do
    local least = redis.call('ZRANGEBYSCORE', KEYS[12], score(need + 1), '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
    need = least[2] and math.floor(tonumber(least[2]) / TICKETS) or available + 1
    if need <= available then
      heads[#heads + 1] = {need = need, seen = 0}
      turn_page(heads[#heads])
    end
  end
  local head = oldest_who_fits()
  while head and not stopped do
    if #rows >= limit then
      stopped = 'limit'
    elseif is_full() then
      stopped = 'full'
    elseif not has_token() then
      stopped = 'paced'
    else
      local id = head.page[head.at]
      local one = parse(redis.call('HGET', KEYS[3], id))
      write(id, one, 'held', '', math.min(one.quantity, available))
      gone[#gone + 1] = id
      spend()
      head.at = head.at + 2
      if not head.page[head.at] then
        turn_page(head)
      end
      head = oldest_who_fits()
    end
  end
  if #rows < limit then
    refuse(redis.call('ZRANGEBYSCORE', KEYS[12], score(available + held + 1), '+inf', 'LIMIT', 0, limit - #rows),
      'sold_out', '')
  end
end

-- Then the line, with the lobby at its head. A place in the lobby becomes a ticket here.
local popped, in_lobby, now_serving, served = 0, 0, number('now_serving'), nil
local last_kept = kept < 0 and math.huge or math.max(kept, number('kept_ticket'))
local ids = {}
if not stopped and not is_still and #rows < limit then
  ids = redis.call('ZRANGE', KEYS[10], 0, limit - #rows - 1)
  in_lobby = #ids
  if in_lobby < limit - #rows then
    for _, id in ipairs(redis.call('LRANGE', KEYS[2], 0, limit - #rows - in_lobby - 1)) do
      ids[#ids + 1] = id
    end
  end
end
if #ids > 0 then
  local records = redis.call('HMGET', KEYS[3], unpack(ids))
  for index, id in ipairs(ids) do
    local record = records[index]
    if index <= in_lobby then
      record = string.gsub(record, '^([^|]*)|0|', '%1|' .. now_serving + index .. '|')
    end
    local one = parse(record)
    local fits = one.need <= available
    if tonumber(one.ticket) > last_kept then
      stopped = 'ahead'
      break
    elseif one.left ~= '0' then
      write(id, one, 'left', '', 0)
    elseif closed then
      write(id, one, closed[1], closed[2], 0)
      waiting = waiting - 1
    elseif not has_token() then
      stopped = 'paced'
      break
    elseif fits and is_full() then
      stopped = 'full'
      break
    else
      spend()
      waiting = waiting - 1
      if fits then
        write(id, one, 'held', '', math.min(one.quantity, available))
      elseif one.need > available + held then
        write(id, one, 'sold_out', '', 0)
      else
        write(id, one, 'standby', '', 0)
        stood_by[#stood_by + 1] = one.ticket
        stood_by[#stood_by + 1] = id
        their_needs[#their_needs + 1] = score(one.need, tonumber(one.ticket))
        their_needs[#their_needs + 1] = id
      end
    end
    if index <= in_lobby then
      numbered[#numbered + 1] = id
      numbered[#numbered + 1] = record
    end
    popped, served = popped + 1, one.ticket
  end
end

-- Last the intents that left the lobby: nobody waits for them.
local departed = #rows < limit and redis.call('LRANGE', KEYS[11], 0, limit - #rows - 1) or {}
if #departed > 0 then
  local records = redis.call('HMGET', KEYS[3], unpack(departed))
  for index, id in ipairs(departed) do
    write(id, parse(records[index]), 'left', '', 0)
  end
end

if is_still and #rows == 0 then
  return {'not_open', '', waiting, parked, 0}
end
local function need_at(place)
  local found = redis.call('ZRANGE', KEYS[12], place, place, 'WITHSCORES')
  return found[2] and math.floor(tonumber(found[2]) / TICKETS) or 0
end
local wait_ms = 0
if stopped == 'paced' then
  wait_ms = math.ceil((1000 - bucket) / rate)
end
if is_paced and not is_still then
  redis.call('HSET', KEYS[1], 'bucket', bucket, 'bucket_ms', now_ms)
end
if #rows == 0 then
  local code = (stopped == 'paced' or stopped == 'full' or stopped == 'ahead') and stopped or 'empty'
  redis.call('HSET', KEYS[1], 'bell_ms', code == 'paced' and now_ms or 0, 'standby_min_need', need_at(0),
    'standby_max_need', need_at(-1))
  return {code, '', waiting, parked, wait_ms}
end

local claim = table.concat({new_claim, state.epoch, now_ms, state.price_minor, state.currency,
  now_ms + number('hold_ms')}, '|') .. '\n' .. table.concat(rows, '\n')
local pace_start_ms, pace_count = number('pace_start_ms'), number('pace_count') + popped
local pace_milli = number('pace_milli')
if is_still or pace_start_ms == 0 or now_ms < pace_start_ms or now_ms - pace_start_ms > 10000 then
  pace_start_ms, pace_count = now_ms, popped
elseif now_ms - pace_start_ms >= 1000 then
  local observed = math.floor(pace_count * 1000000 / (now_ms - pace_start_ms))
  pace_milli = pace_milli == 0 and observed or math.floor((pace_milli + observed) / 2)
  pace_start_ms, pace_count = now_ms, 0
end

redis.call('HINCRBY', KEYS[1], 'moves', 1)
if kept > 0 then
  redis.call('HSET', KEYS[1], 'kept_ticket', last_kept)
end
redis.call('HSET', KEYS[7], new_claim, claim)
redis.call('ZADD', KEYS[6], now_ms + lease_ms, new_claim)
if popped > 0 then
  local from_lobby = math.min(popped, in_lobby)
  if from_lobby > 0 then
    redis.call('ZREMRANGEBYRANK', KEYS[10], 0, from_lobby - 1)
    redis.call('HSET', KEYS[3], unpack(numbered))
  end
  redis.call('LTRIM', KEYS[2], popped - from_lobby, -1)
  redis.call('HSET', KEYS[1], 'now_serving', served)
end
if #departed > 0 then
  redis.call('LTRIM', KEYS[11], #departed, -1)
end
if #stood_by > 0 then
  redis.call('ZADD', KEYS[8], unpack(stood_by))
  redis.call('ZADD', KEYS[12], unpack(their_needs))
end
if #gone > 0 then
  redis.call('ZREM', KEYS[8], unpack(gone))
  redis.call('ZREM', KEYS[12], unpack(gone))
end
if #grants > 0 then
  redis.call('HSET', KEYS[9], unpack(grants))
end
if #done > 0 then
  redis.call('HDEL', KEYS[4], unpack(done))
end
for _, back in ipairs(freed) do
  if redis.call('HINCRBY', KEYS[5], back[1], -back[2]) <= 0 then
    redis.call('HDEL', KEYS[5], back[1])
  end
end
redis.call('HSET', KEYS[1], 'available', available, 'held', held, 'waiting', waiting, 'open_holds', open_holds,
  'standby', standing_by + #stood_by / 2 - #gone, 'standby_min_need', need_at(0), 'standby_max_need', need_at(-1),
  'bell_ms', now_ms, 'pace_start_ms', pace_start_ms, 'pace_count', pace_count, 'pace_milli', pace_milli,
  'lease_ms', longest_ms)
return {'fresh', claim, waiting, parked, wait_ms}

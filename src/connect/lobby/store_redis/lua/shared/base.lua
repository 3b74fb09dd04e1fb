-- Keys, the clock, counters and users: the first part of every script.
--
-- KEYS[1] is the key prefix. All keys share its hash tag, so that they are in one cluster slot.
-- Rust prepends the constants in capitals; durations are in milliseconds. Redis runs this with
-- every call, so it is short: a relay runs about a dozen commands, and each further command costs
-- it a tenth. Nicknames, texts and interests arrive sealed; scripts only move them. Every key has
-- a TTL.
--
-- Keys:
--   seq                      the last sequence number
--   time                     '<lobby_ms> <clock_ms>': the lobby's time, and Redis's clock when it was read
--   last_seen                zset: user ids by the time of their last call
--   user_ids                 zset: user ids in the order of their digits
--   user:<user_id>           hash: a user, see below
--   inbox:<user_id>          list: packed items, oldest first
--   blocked:<user_id>        set: users that this user is never matched with
--   transcript:<user_id>     list: texts that the partner of the current or last chat sent
--   queue:all                zset: waiting users by ticket
--   queue:open               zset: waiting users that accept any partner, by ticket
--   queue:interest_only      zset: waiting users that require a shared interest, by waiting_since
--   queue:interest:<hash>    zset: waiting users with this interest, by ticket
--   history:<room_id>        list: packed messages of a chat
--   replay:<key>             outcome and items of a call, for its replay
--   replays:<user_id>        list: keys of the user's replays, oldest first; some have expired
--   replay_items:<user_id>   list: '<created_ms>:<count>:<key>' of the user's replays with items, oldest first
--   claimed:<key>            a claimed webhook message
--   departures               zset: users without a connection, by the time when their last one ended
--   nudge_due                zset: <room_id><user_id>, one user of each chat, by time of the check
--   recent_waits             list: how long the last matched users waited, in milliseconds
--   counters                 hash: pairs, relayed, masked, evicted
--   signals                  channel: <user_id> after an event, <user_id><room_id><0|1> for typing
--
-- Fields of a user; a flag is '1' or absent, times are in milliseconds:
--   state                    waiting or chatting; absent while idle
--   ttl_renewed_at           when the TTL of the user's keys was last renewed; always present
--   language                 language code, once known
--   masking                  '0' while the user has masking turned off
--   nickname, caller_nickname  chosen by the user; passed by the caller
--   interests                packed pairs {hash, sealed name} of the match preferences
--   wants_history            flag of the match preferences
--   notice_seen, poorly_rated, has_blocked  flags of the match constraints
--   recent_partners          packed entries {user_id, room_id, ended_at, user_wrote, partner_wrote},
--                           oldest first
--   replay_item_count        number of items in replay_items
--   last_broadcast           id of the last broadcast received
--   lease_id, lease_expires_at, lease_item_count  the active lease
--   ticket, waiting_since, skip_partner           while waiting
--   partner, room_id, own_name, partner_name, common_interests, is_first_chat, keeps_history,
--   mask_memory, mask_memory_digest, sent_count, trusted  while chatting
--   chat_started_at          while chatting; absent in a chat that an older version began

local key_prefix = unpack(KEYS)
local prefix = key_prefix .. ':'

local function call(...) return redis.call(...) end
local function format_int(number) return string.format('%.0f', number) end
local function renew_ttl(key) call('PEXPIRE', key, KEY_TTL) end

-- Concatenates fields, each preceded by its length and a colon; codec.rs unpacks them.
local function pack_fields(...)
  local fields = {}
  for i = 1, select('#', ...) do
    local field = select(i, ...)
    fields[i] = #field .. ':' .. field
  end
  return table.concat(fields)
end

local function next_seq()
  local seq = call('INCR', prefix .. 'seq')
  if seq == 1 then renew_ttl(prefix .. 'seq') end
  return seq
end

-- The date of an event is its lobby time plus this.
local date_offset_ms = 0

-- Returns the lobby's time, which measures leases, waits and silence, and the clock that it follows.
-- The clock is Redis's, so that no instance's clock matters. If it jumps, the lobby's time advances
-- by 0 to MAX_CLOCK_STEP, so that a wrong clock neither stops the lobby nor evicts its users. In
-- tests, `test_now_ms` is the clock, and may jump; otherwise it is ''.
local function lobby_time(test_now_ms)
  local clock_ms = tonumber(test_now_ms)
  if not clock_ms then
    local seconds, microseconds = unpack(call('TIME'))
    clock_ms = seconds * 1000 + math.floor(microseconds / 1000)
  end
  local last_lobby_ms, last_clock_ms = (call('GET', prefix .. 'time') or ''):match('(%d+) (%d+)')
  if not last_lobby_ms then return clock_ms, clock_ms end
  if test_now_ms ~= '' then return math.max(clock_ms, tonumber(last_lobby_ms)), clock_ms end
  local step_ms = math.max(0, math.min(clock_ms - tonumber(last_clock_ms), MAX_CLOCK_STEP))
  date_offset_ms = clock_ms - last_lobby_ms - step_ms
  return last_lobby_ms + step_ms, clock_ms
end

-- Returns the lobby's time and stores it.
local function advance_clock(test_now_ms)
  local now_ms, clock_ms = lobby_time(test_now_ms)
  local time = format_int(now_ms) .. ' ' .. format_int(clock_ms)
  call('SET', prefix .. 'time', time, 'PX', KEY_TTL)
  return now_ms
end

local function add_to_counter(name, increment)
  if call('HINCRBY', prefix .. 'counters', name, increment) == tonumber(increment) then
    renew_ttl(prefix .. 'counters')
  end
end

-- Returns the fields of a user and `user_id` as a table, or nil if the user is unknown.
local function load_user(user_id)
  local reply = call('HGETALL', prefix .. 'user:' .. user_id)
  if #reply == 0 then return nil end
  local user = { user_id = user_id }
  for i = 1, #reply, 2 do user[reply[i]] = reply[i + 1] end
  return user
end

-- Sets fields of a user and removes those that are false. Writes only changes.
local function update_user(user, fields)
  local key, changed, removed = prefix .. 'user:' .. user.user_id, {}, {}
  for field, value in pairs(fields) do
    if value and value ~= user[field] then
      user[field] = value
      changed[#changed + 1], changed[#changed + 2] = field, value
    elseif not value and user[field] then
      user[field] = nil
      removed[#removed + 1] = field
    end
  end
  if #changed > 0 then call('HSET', key, unpack(changed)) end
  if #removed > 0 then call('HDEL', key, unpack(removed)) end
end

-- Returns the entries of past chats, oldest first.
local function recent_partners(user)
  return user.recent_partners and cmsgpack.unpack(user.recent_partners) or {}
end

-- Records a call of the user, and creates the user if `user` is nil. Renews the TTL of the user's
-- keys and of the shared keys at most once per quarter of KEY_TTL.
local function touch(user_id, user, now_ms)
  user = user or { user_id = user_id }
  local ttl_is_fresh = user.ttl_renewed_at and now_ms - tonumber(user.ttl_renewed_at) < KEY_TTL / 4
  call('ZADD', prefix .. 'last_seen', format_int(now_ms), user_id)
  if ttl_is_fresh then return user end
  update_user(user, { ttl_renewed_at = format_int(now_ms) })
  call('ZADD', prefix .. 'user_ids', 0, user_id)
  local keys = { 'user:' .. user_id, 'inbox:' .. user_id, 'blocked:' .. user_id, 'replays:' .. user_id,
    'replay_items:' .. user_id, 'last_seen', 'user_ids', 'seq', 'counters' }
  for _, key in ipairs(keys) do renew_ttl(prefix .. key) end
  return user
end

-- The first part of a call: leases the inbox, unless the call is a replay or has to wait.
--
-- A file of actions/ follows, or all but relay.lua, then finish.lua. A replay within REPLAY_TTL
-- returns the stored outcome and items, and changes only the lease.
--
-- KEYS[1]: key prefix. ARGV: test_now_ms or '', user_id, idempotency_key or '', caller_nickname or
-- '', room_id that the call is meant for or '', include_inbox ('1' or '0'), wait_for_lease ('1' or
-- '0'), written_by_ms (a date) or '', scope ('search', 'chat' or ''), action, two random nicknames
-- and a random room id, then the arguments of the action. Written at written_by_ms at the latest, the
-- call must not act on a chat that began later, nor, if its scope is 'search', on a later search.
-- Returns {outcome, lease_id or '', items, language or ''}. The outcomes {'lease_busy'} and
-- {'sender_changed'} mean that the action did not run.

local test_now_ms, user_id, idempotency_key, caller_nickname, room_id = unpack(ARGV, 1, 5)
local include_inbox, wait_for_lease, written_by_ms, scope, action = unpack(ARGV, 6, 10)
local nickname_a, nickname_b, new_room_id = unpack(ARGV, 11, 13)
local args = { unpack(ARGV, 14) }
local fresh = { nickname_a = nickname_a, nickname_b = nickname_b, room_id = new_room_id }

local user = load_user(user_id)
local language = user and user.language or ''
if include_inbox == '1' and wait_for_lease == '1' and user and user.lease_id then
  return { { 'lease_busy' }, '', {}, language }
end
local now_ms = advance_clock(test_now_ms)
user = touch(user_id, user, now_ms)

-- The sequence number of a packed item: its first field.
local function seq_of(item)
  local length = item:match('^(%d+):')
  return tonumber(item:sub(#length + 2, #length + 1 + tonumber(length)))
end

local record = idempotency_key ~= '' and call('GET', prefix .. 'replay:' .. idempotency_key)
if record then
  local created_at, outcome, items = unpack(cmsgpack.unpack(record))
  if now_ms - created_at < REPLAY_TTL then
    local last_seq, count = #items > 0 and seq_of(items[#items]) or 0, 0
    for _, item in ipairs(call('LRANGE', prefix .. 'inbox:' .. user_id, 0, -1)) do
      if seq_of(item) > last_seq then break end
      count = count + 1
    end
    local lease_id = ''
    if count > 0 and (not user.lease_id or tonumber(user.lease_item_count) == count) then
      lease_id = create_lease(user, now_ms, count)
    end
    return { outcome, lease_id, items, language }
  end
end

-- Returns true if the sender state that the text of a relay was prepared for is outdated.
local function sender_changed()
  local masking, trusted, _, expected_memory_digest, chat_room_id = unpack(args, 1, 5)
  return (user.masking or '1') ~= masking or (user.trusted or '0') ~= trusted
    or (user.mask_memory_digest or '') ~= expected_memory_digest
    or user.state == 'chatting' and user.room_id ~= chat_room_id
end

if action == 'relay' and sender_changed() then return { { 'sender_changed' }, '', {}, '' } end
if caller_nickname ~= '' then update_user(user, { caller_nickname = caller_nickname }) end
reclaim(user, now_ms)
local lease_id, items = '', {}
if include_inbox == '1' then lease_id, items = lease_inbox(user, now_ms) end

-- Functions by the name of the action: each changes `user` and returns the outcome.
local actions = {}

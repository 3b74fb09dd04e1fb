-- The last part of a call: runs the action if the user is in the room that the call is meant for,
-- and stores the result for a replay. See begin.lua for KEYS, ARGV and the return value.

-- Returns true if the chat or the search that the call would act on began after it was written.
local function written_before()
  local started_at = user.state == 'chatting' and scope ~= '' and user.chat_started_at
    or scope == 'search' and user.waiting_since
  return written_by_ms ~= '' and started_at
    and tonumber(started_at) + date_offset_ms > tonumber(written_by_ms)
end

-- Counts the items of a stored result, and deletes those of the user's oldest results beyond
-- MAX_REPLAY_ITEMS. Their outcomes stay. See replay.rs.
local function limit_replay_items(count)
  local holders = prefix .. 'replay_items:' .. user_id
  local holder = format_int(now_ms) .. ':' .. count .. ':' .. idempotency_key
  local holder_count = call('RPUSH', holders, holder)
  if holder_count == 1 then renew_ttl(holders) end
  local item_count = tonumber(user.replay_item_count or '0') + count
  while item_count > MAX_REPLAY_ITEMS and holder_count > 1 do
    local created_at, old_count, key = call('LPOP', holders):match('^(%d+):(%d+):(.*)$')
    local record = call('GET', prefix .. 'replay:' .. key)
    local fields = record and cmsgpack.unpack(record)
    -- The key may have been used again since.
    if fields and fields[1] == tonumber(created_at) then
      record = cmsgpack.pack({ fields[1], fields[2], {} })
      call('SET', prefix .. 'replay:' .. key, record, 'KEEPTTL')
    end
    item_count, holder_count = item_count - tonumber(old_count), holder_count - 1
  end
  update_user(user, { replay_item_count = format_int(item_count) })
end

local outcome
if room_id ~= '' and (user.state ~= 'chatting' or user.room_id ~= room_id) then
  local ended = 0
  for _, entry in ipairs(recent_partners(user)) do
    if entry[2] == room_id then ended = 1 end
  end
  outcome = { 'not_in_room', ended }
elseif written_before() then
  outcome = { 'written_before' }
else
  outcome = actions[action]()
end
if idempotency_key ~= '' then
  local stored = outcome
  if outcome[1] == 'sent' then
    -- A replay completes no exchange.
    stored = { unpack(outcome, 1, 5) }
    stored[6], stored[7] = 0, outcome[7]
  end
  local record = cmsgpack.pack({ now_ms, stored, items })
  call('SET', prefix .. 'replay:' .. idempotency_key, record, 'PX', REPLAY_TTL)
  local index = prefix .. 'replays:' .. user_id
  local count = call('RPUSH', index, idempotency_key)
  if count == 1 then renew_ttl(index) end
  while count > MAX_REPLAYS do
    call('DEL', prefix .. 'replay:' .. call('LPOP', index))
    count = count - 1
  end
  if #items > 0 then limit_replay_items(#items) end
end
return { outcome, lease_id, items, language }

-- The last part of a call: runs the action if the user is in the room that the call is meant for,
-- and stores the result for a replay. See begin.lua for KEYS, ARGV and the return value.

-- Returns true if the chat or the search that the call would act on began after it was written.
local function written_before()
  local started_at = user.state == 'chatting' and scope ~= '' and user.chat_started_at
    or scope == 'search' and user.waiting_since
  return written_by_ms ~= '' and started_at
    and tonumber(started_at) + date_offset_ms > tonumber(written_by_ms)
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
  -- Trims rarely, to save a command.
  if count == 2 * MAX_INDEXED_REPLAYS then call('LTRIM', index, -MAX_INDEXED_REPLAYS, -1) end
end
return { outcome, lease_id, items, language }

-- The last part of a call: runs the action if the user is in the room that the call is meant for,
-- and stores the result for a replay. See begin.lua for KEYS, ARGV and the return value.

local outcome
if room_id ~= '' and (user.state ~= 'chatting' or user.room_id ~= room_id) then
  local ended = 0
  for _, entry in ipairs(recent_partners(user)) do
    if entry[2] == room_id then ended = 1 end
  end
  outcome = { 'not_in_room', ended }
else
  outcome = actions[action]()
end
if idempotency_key ~= '' then
  local record = cmsgpack.pack({ now_ms, outcome, items })
  call('SET', prefix .. 'replay:' .. idempotency_key, record, 'PX', REPLAY_TTL)
end
return { outcome, lease_id, items, language }

-- Ends the chat or search and deletes what is stored about the user, except blocks. The transcript
-- that the last partner may report with stays, too.
--
-- args: none. Returns {'forgotten'}.
function actions.forget()
  leave_chat(user, now_ms)
  dequeue(user)
  local kept = { user_id = true, ttl_renewed_at = true, has_blocked = true, last_broadcast = true }
  local removed = {}
  for field in pairs(user) do
    if not kept[field] then removed[field] = false end
  end
  update_user(user, removed)
  local replays = prefix .. 'replays:' .. user_id
  for _, key in ipairs(call('LRANGE', replays, 0, -1)) do call('DEL', prefix .. 'replay:' .. key) end
  call('DEL', replays, prefix .. 'replay_items:' .. user_id, prefix .. 'inbox:' .. user_id, prefix .. 'transcript:' .. user_id)
  return { 'forgotten' }
end

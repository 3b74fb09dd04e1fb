-- Reports whether the user is idle, waiting or chatting.
--
-- args: none. Returns {'status_idle'}, {'status_waiting', position, median_wait_ms or ''} or
-- {'status_chatting', chat}.
function actions.get_status()
  if user.state == 'chatting' then return { 'status_chatting', chat_fields(user) } end
  if user.state == 'waiting' then return { 'status_waiting', queue_position(user) } end
  return { 'status_idle' }
end

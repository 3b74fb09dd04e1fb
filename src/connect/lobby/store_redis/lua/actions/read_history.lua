-- Reads the last messages of the chat.
--
-- args: limit. Returns {'history', packed messages, oldest first, partner, room_id} or {'no_history'} unless both
-- users opted in.
function actions.read_history()
  local limit = tonumber(args[1])
  if not user.keeps_history then return { 'no_history' } end
  if limit == 0 then return { 'history', {}, user.partner, user.room_id } end
  local messages = call('LRANGE', prefix .. 'history:' .. user.room_id, -limit, -1)
  return { 'history', messages, user.partner, user.room_id }
end

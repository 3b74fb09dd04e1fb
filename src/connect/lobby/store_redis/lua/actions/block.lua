-- Blocks a user and ends the chat with that user.
--
-- args: target_id or '' for the last partner, reported ('1' or '0').
-- Returns {'blocked', 1 if a chat ended, reported} or {'no_block_target'}.
function actions.block()
  local target_id, reported = unpack(args)
  local target = target_id ~= '' and target_id or last_partner(user, now_ms)
  if not target then return { 'no_block_target' } end
  block(user, target)
  local chat_ended = user.state == 'chatting' and user.partner == target
  if chat_ended then leave_chat(user, now_ms) end
  return { 'blocked', chat_ended and 1 or 0, reported }
end

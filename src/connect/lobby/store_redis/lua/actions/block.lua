-- Blocks a user and ends the chat with that user.
--
-- args: target_id. Returns {'blocked', 1 if a chat ended}.
function actions.block()
  local target_id = unpack(args)
  block(user, target_id)
  local chat_ended = user.state == 'chatting' and user.partner == target_id
  if chat_ended then leave_chat(user, now_ms) end
  return { 'blocked', chat_ended and 1 or 0 }
end

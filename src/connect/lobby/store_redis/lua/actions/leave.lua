-- Ends the chat or leaves the queue.
--
-- args: none. Returns {'chat_ended'}, {'left_queue'} or {'nothing_to_leave'}.
function actions.leave()
  if leave_chat(user, now_ms) then return { 'chat_ended' } end
  return { dequeue(user) and 'left_queue' or 'nothing_to_leave' }
end

-- Searches for a partner with new match preferences. A waiting user keeps the place in the queue.
--
-- args: keep_history ('1' or '0'), blocked_ids (32 hex digits each), notice_seen and poorly_rated
-- ('1' or '0'), then hash and sealed name of each interest.
-- Returns {'connected', chat, 0}, {'waiting', position, median_wait_ms or '', interests, 0, wait_cause} or
-- {'already_chatting', chat}.
function actions.meet()
  local keep_history, blocked_ids, notice_seen, poorly_rated = unpack(args, 1, 4)
  apply_constraints(user, blocked_ids, notice_seen, poorly_rated)
  if user.state == 'chatting' then return { 'already_chatting', chat_fields(user) } end
  local entry = { state = user.state, ticket = user.ticket, waiting_since = user.waiting_since,
    skip_partner = user.skip_partner }
  dequeue(user)
  local interests = {}
  for i = 5, #args, 2 do interests[#interests + 1] = { args[i], args[i + 1] } end
  update_user(user, { interests = #interests > 0 and cmsgpack.pack(interests),
    wants_history = keep_history == '1' and '1' })
  if entry.state == 'waiting' then update_user(user, entry) end
  return search(user, now_ms, fresh, nil, 0)
end

-- Ends the chat and searches with the same match preferences, but not for the last partner.
--
-- args: blocked_ids (32 hex digits each), notice_seen and poorly_rated ('1' or '0').
-- Returns {'connected', chat, 1} or {'waiting', position, median_wait_ms or '', interests, 1, wait_cause}.
function actions.again()
  local blocked_ids, notice_seen, poorly_rated = unpack(args)
  apply_constraints(user, blocked_ids, notice_seen, poorly_rated)
  leave_chat(user, now_ms)
  return search(user, now_ms, fresh, last_partner(user, now_ms), 1)
end

-- Sends a conversation starter to the partner.
--
-- args: question (its index).
-- Returns {'icebreaker', question}, {'no_partner', 1 while waiting} or {'partner_inbox_full'}.
function actions.icebreaker()
  local question = unpack(args)
  if user.state ~= 'chatting' then return { 'no_partner', user.state == 'waiting' and 1 or 0 } end
  if call('LLEN', prefix .. 'inbox:' .. user.partner) + 1 > INBOX_CAPACITY then
    return { 'partner_inbox_full' }
  end
  push_event(user.partner, now_ms, 'icebreaker', user.room_id, question)
  return { 'icebreaker', question }
end

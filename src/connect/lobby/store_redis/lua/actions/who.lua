-- Reports the nickname of the partner.
--
-- args: none. Returns {'partner_name', sealed nickname, partner, room_id} or {'partner_name'} without a
-- chat.
function actions.who()
  if user.state ~= 'chatting' then return { 'partner_name' } end
  return { 'partner_name', user.partner_name, user.partner, user.room_id }
end

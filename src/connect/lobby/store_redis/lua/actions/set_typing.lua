-- Signals to the partner that the user starts or stops typing.
--
-- args: typing ('1' or '0'). Returns {'typing_set'} or {'no_partner', 1 while waiting}.
function actions.set_typing()
  local typing = unpack(args)
  if user.state ~= 'chatting' then return { 'no_partner', user.state == 'waiting' and 1 or 0 } end
  call('PUBLISH', prefix .. 'signals', user.partner .. user.room_id .. typing)
  return { 'typing_set' }
end

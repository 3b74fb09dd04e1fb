-- Sets the nickname that the user has in later chats.
--
-- args: nickname (sealed). Returns {'nickname_set', nickname}.
function actions.set_nickname()
  local nickname = unpack(args)
  update_user(user, { nickname = nickname })
  return { 'nickname_set', nickname }
end

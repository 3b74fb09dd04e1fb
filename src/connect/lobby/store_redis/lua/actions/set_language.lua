-- Sets the language of the replies to the user.
--
-- args: language (its code). Returns {'language_set', language}.
function actions.set_language()
  local chosen_language = unpack(args)
  update_user(user, { language = chosen_language })
  return { 'language_set', chosen_language }
end

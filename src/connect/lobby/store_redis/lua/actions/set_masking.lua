-- Turns masking of the user's texts on or off. A change deletes the mask memory.
--
-- args: on ('1' or '0', or '' to toggle it).
-- Returns {'masking', 1 if it is on now}.
function actions.set_masking()
  local chosen, was_on = args[1], user.masking ~= '0'
  local on = chosen == '1' or chosen == '' and not was_on
  if on ~= was_on then
    update_user(user, { masking = not on and '0', mask_memory = false, mask_memory_digest = false })
  end
  return { 'masking', on and 1 or 0 }
end

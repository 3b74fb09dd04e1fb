-- Turns masking of the user's texts on or off and deletes the mask memory.
--
-- args: none. Returns {'masking', 1 if it is on now}.
function actions.toggle_masking()
  local on = user.masking == '0'
  update_user(user, { masking = not on and '0', mask_memory = false, mask_memory_digest = false })
  return { 'masking', on and 1 or 0 }
end

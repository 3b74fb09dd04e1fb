-- Reports the partner, or the recent one after a chat.
--
-- args: with_transcript ('1' or '0').
-- Returns {'last_partner', partner, texts of the partner, oldest first} or {'last_partner'} without
-- one.
function actions.look_up_last_partner()
  local with_transcript = unpack(args)
  local partner = last_partner(user, now_ms)
  if not partner then return { 'last_partner' } end
  local transcript = {}
  if with_transcript == '1' then
    transcript = call('LRANGE', prefix .. 'transcript:' .. user_id, -TRANSCRIPT_LEN, -1)
  end
  return { 'last_partner', partner, transcript }
end

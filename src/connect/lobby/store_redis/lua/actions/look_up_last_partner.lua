-- Reports the partner, or the recent one after a chat.
--
-- args: with_transcript ('1' or '0').
-- Returns {'last_partner', partner, 1 if the user wrote, 1 if the partner wrote, texts of the partner,
-- oldest first, room_id} or {'last_partner'} without one.
function actions.look_up_last_partner()
  local with_transcript = unpack(args)
  local partner, user_wrote, partner_wrote, room_id = last_partner(user, now_ms)
  if not partner then return { 'last_partner' } end
  local transcript = {}
  if with_transcript == '1' then
    local texts = call('LRANGE', prefix .. 'transcript:' .. user_id, 0, -1)
    for i, text in ipairs(texts) do
      if i <= TRANSCRIPT_FIRST or i > #texts - TRANSCRIPT_LAST then transcript[#transcript + 1] = text end
    end
  end
  return { 'last_partner', partner, user_wrote, partner_wrote, transcript, room_id }
end

-- Sends a text to the partner. A script without the other actions, because it is the most frequent
-- call.
--
-- args: masking and trusted ('1' or '0') that the text was prepared for, language it seems to be in
-- or '', expected_memory_digest or '', room_id of the chat that the text was sealed for or '', mask_memory and mask_memory_digest after the text or '',
-- masked_count, text, then its pieces if it takes more than one item.
-- Returns {'sent', partner, seq of the first item, own_name, text, 1 if both users have now sent for
-- the first time, room_id}, {'no_partner', 1 while waiting} or {'partner_inbox_full'}.
function actions.relay()
  local _, _, text_language, _, _, mask_memory, mask_memory_digest, masked_count, text = unpack(args, 1, 9)
  local pieces = #args > 9 and { unpack(args, 10) } or { text }
  if not user.language and text_language ~= '' then update_user(user, { language = text_language }) end
  if user.state ~= 'chatting' then return { 'no_partner', user.state == 'waiting' and 1 or 0 } end
  if call('LLEN', prefix .. 'inbox:' .. user.partner) + #pieces > INBOX_CAPACITY then
    return { 'partner_inbox_full' }
  end
  local sent_count = tonumber(user.sent_count or '0') + 1
  update_user(user, { mask_memory = mask_memory ~= '' and mask_memory,
    mask_memory_digest = mask_memory_digest ~= '' and mask_memory_digest,
    sent_count = sent_count <= TRUST_AFTER_MESSAGES and format_int(sent_count) or nil })
  local partner_key = prefix .. 'user:' .. user.partner
  local completes_exchange = sent_count == 1 and call('HEXISTS', partner_key, 'sent_count') or 0
  if sent_count == TRUST_AFTER_MESSAGES
    and call('HGET', partner_key, 'sent_count') == format_int(TRUST_AFTER_MESSAGES) then
    call('HSET', prefix .. 'user:' .. user_id, 'trusted', '1')
    call('HSET', partner_key, 'trusted', '1')
  end
  add_to_counter('relayed', 1)
  if masked_count ~= '0' then add_to_counter('masked', masked_count) end
  local transcript_key = prefix .. 'transcript:' .. user.partner
  local count = call('RPUSH', transcript_key, text)
  if count == 1 then renew_ttl(transcript_key) end
  -- Trims every TRANSCRIPT_LAST messages only, to save commands.
  if count == TRANSCRIPT_FIRST + 2 * TRANSCRIPT_LAST then
    local first = call('LRANGE', transcript_key, 0, TRANSCRIPT_FIRST - 1)
    call('LTRIM', transcript_key, -TRANSCRIPT_LAST, -1)
    for i = #first, 1, -1 do call('LPUSH', transcript_key, first[i]) end
  end
  local first_seq
  for _, piece in ipairs(pieces) do
    local seq = push_event(user.partner, now_ms, 'message', user.room_id, user.own_name, piece, user_id)
    first_seq = first_seq or seq
  end
  if user.keeps_history then
    local history_key = prefix .. 'history:' .. user.room_id
    local date_ms = format_int(now_ms + date_offset_ms)
    local message = pack_fields(format_int(first_seq), date_ms, user_id, user.own_name, text)
    call('RPUSH', history_key, message)
    call('LTRIM', history_key, -MAX_HISTORY, -1)
    renew_ttl(history_key)
  end
  return { 'sent', user.partner, first_seq, user.own_name, text, completes_exchange, user.room_id }
end

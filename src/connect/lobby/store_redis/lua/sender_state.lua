-- Reads the state that decides how a text of this user is prepared for a relay.
--
-- KEYS[1]: key prefix. ARGV: user_id.
-- Returns {masking '1' or '0', mask_memory or '', trusted '1' or '0', language or '', own_name or
-- '', room_id or '', partner or ''}.

local user_id = unpack(ARGV)
local masking, mask_memory, trusted, language, own_name, room_id, partner =
  unpack(call('HMGET', prefix .. 'user:' .. user_id,
    'masking', 'mask_memory', 'trusted', 'language', 'own_name', 'room_id', 'partner'))
return { masking or '1', mask_memory or '', trusted or '0', language or '', own_name or '',
  room_id or '', partner or '' }

-- Reads the state that decides how a text of this user is prepared for a relay.
--
-- KEYS[1]: key prefix. ARGV: user_id.
-- Returns {masking '1' or '0', mask_memory or '', trusted '1' or '0', language or '', own_name or
-- ''}.

local user_id = unpack(ARGV)
local masking, mask_memory, trusted, language, own_name = unpack(call('HMGET', prefix .. 'user:' .. user_id,
  'masking', 'mask_memory', 'trusted', 'language', 'own_name'))
return { masking or '1', mask_memory or '', trusted or '0', language or '', own_name or '' }

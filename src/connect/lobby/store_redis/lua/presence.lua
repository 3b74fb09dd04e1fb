-- Reads the presence of a user.
--
-- KEYS[1]: key prefix. ARGV: user_id. Returns 'chatting', 'waiting', 'idle', or '' if the user is
-- unknown.

local user_id = unpack(ARGV)
local state, ttl_renewed_at = unpack(call('HMGET', prefix .. 'user:' .. user_id, 'state', 'ttl_renewed_at'))
return ttl_renewed_at and (state or 'idle') or ''

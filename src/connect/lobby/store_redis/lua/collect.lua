-- Leases the inbox of a user without a call, for a push channel.
--
-- KEYS[1]: key prefix. ARGV: test_now_ms or '', user_id. Returns {lease_id or '', items, language or ''}.

local test_now_ms, user_id = unpack(ARGV)
local now_ms = advance_clock(test_now_ms)
local user = load_user(user_id)
if not user then return { '', {}, '' } end
reclaim(user, now_ms)
local lease_id, items = lease_inbox(user, now_ms)
return { lease_id, items, user.language or '' }

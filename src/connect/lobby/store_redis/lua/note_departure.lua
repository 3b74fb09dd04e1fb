-- Records that a connection of a user ended.
--
-- KEYS[1]: key prefix. ARGV: test_now_ms or '', user_id.

local test_now_ms, user_id = unpack(ARGV)
local now_ms = advance_clock(test_now_ms)
call('ZADD', prefix .. 'departures', format_int(now_ms), user_id)
renew_ttl(prefix .. 'departures')

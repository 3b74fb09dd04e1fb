-- Finds known users by the first hex digits of their id.
--
-- KEYS[1]: key prefix. ARGV: id_prefix, limit. Returns the user ids in the order of their digits.

local id_prefix, limit = unpack(ARGV)
-- 'g' sorts after every hex digit.
local first, last = '[' .. id_prefix, '[' .. id_prefix .. 'g'
return call('ZRANGEBYLEX', prefix .. 'user_ids', first, last, 'LIMIT', 0, limit)

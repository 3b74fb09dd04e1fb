-- Returns the ids of departed users.
--
-- KEYS[1]: key prefix. ARGV: limit on the number of users.

return call('ZRANGE', prefix .. 'departures', 0, tonumber(ARGV[1]) - 1)

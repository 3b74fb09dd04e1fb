-- Whether a message comes for the first time in days. ARGV: its key. Returns 1 or 0.

return call('SET', P .. 'w:' .. ARGV[1], 1, 'NX', 'PX', REDELIVERY) and 1 or 0

-- Who is known and has a code that begins so. ARGV: how it begins, how many at most.

return call('ZRANGEBYLEX', P .. 'ids', '[' .. ARGV[1], '[' .. ARGV[1] .. 'g', 'LIMIT', 0, ARGV[2])

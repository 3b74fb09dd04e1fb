-- How a person stands. ARGV: person. Returns 'c' (chatting), 'w' (waiting), 'i' (idle), or '' for somebody
-- who is not known.

local st, kept = unpack(call('HMGET', P .. 'p:' .. ARGV[1], 'st', 'kept'))
return kept and (st or 'i') or ''

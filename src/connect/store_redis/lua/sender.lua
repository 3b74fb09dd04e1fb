-- What a text of a person must go through. ARGV: person. Returns the masking, the memory and
-- whether the two are familiar.

local mask, mem, familiar = unpack(call('HMGET', P .. 'p:' .. ARGV[1], 'mask', 'mem', 'tr'))
return { mask or '1', mem or '', familiar or '0' }

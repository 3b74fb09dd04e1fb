-- What a text of a person must go through. ARGV: person. Returns the masking and the memory.

local mask, mem = unpack(call('HMGET', P .. 'p:' .. ARGV[1], 'mask', 'mem'))
return { mask or '1', mem or '' }

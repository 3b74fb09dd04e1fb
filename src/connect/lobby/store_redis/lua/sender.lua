-- What a text of a person must go through. ARGV: person. Returns the masking, the memory,
-- whether the two are familiar, and the language or ''.

local mask, mem, familiar, lang = unpack(call('HMGET', P .. 'p:' .. ARGV[1], 'mask', 'mem', 'tr', 'lang'))
return { mask or '1', mem or '', familiar or '0', lang or '' }

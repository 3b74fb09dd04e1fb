-- Claims a webhook message, so that a redelivery of it is detected for CLAIM_TTL.
--
-- KEYS[1]: key prefix. ARGV: claim_key. Returns 1 for the first claim of this key, otherwise 0.

local claim_key = unpack(ARGV)
return call('SET', prefix .. 'claimed:' .. claim_key, 1, 'NX', 'PX', CLAIM_TTL) and 1 or 0

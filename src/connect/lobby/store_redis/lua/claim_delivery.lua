-- Claims a webhook message, so that a redelivery of it is detected for CLAIM_TTL.
--
-- KEYS[1]: key prefix. ARGV: claim_key, claimant (a random word, the same when the claim is sent
-- again). Returns 1 for the first claim of this key and for its repetition, otherwise 0.

local claim_key, claimant = unpack(ARGV)
local key = prefix .. 'claimed:' .. claim_key
if call('SET', key, claimant, 'NX', 'PX', CLAIM_TTL) then return 1 end
return call('GET', key) == claimant and 1 or 0

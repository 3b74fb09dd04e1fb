-- Takes back the last admission of an action. Implements the rule of rate_limit/gcra.rs.
--
-- KEYS: the key of the action. ARGV: emission_interval_ms.

local key, emission_interval_ms = KEYS[1], ARGV[1]
-- Without the key, which has a TTL, nothing limits the user.
if redis.call('EXISTS', key) == 1 then redis.call('DECRBY', key, emission_interval_ms) end

-- Admits a call and counts all of its actions, or returns the first one that exceeds its limit and
-- counts none. Implements the rules of rate_limit/gcra.rs.
--
-- KEYS: the idempotency key of the call, then one key per action.
-- ARGV: now_ms, retry_ttl_ms, then emission_interval_ms and burst_tolerance_ms per action.
-- retry_ttl_ms is '' for a call without an idempotency key; KEYS[1] is then ignored.
-- Returns {0, 0} if the call is admitted, otherwise the 1-based position of the action and
-- retry_after_ms.

local now_ms, retry_ttl_ms, new_tat = tonumber(ARGV[1]), tonumber(ARGV[2]), {}
local stored = redis.call('MGET', unpack(KEYS))
if retry_ttl_ms and stored[1] and now_ms - tonumber(stored[1]) < retry_ttl_ms then return { 0, 0 } end
for i = 2, #KEYS do
  local emission_interval_ms, burst_tolerance_ms = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  new_tat[i] = math.max(tonumber(stored[i] or '0'), now_ms) + emission_interval_ms
  local retry_after_ms = new_tat[i] - now_ms - burst_tolerance_ms
  if retry_after_ms > 0 then return { i - 1, retry_after_ms } end
end
for i = 2, #KEYS do
  redis.call('SET', KEYS[i], string.format('%.0f', new_tat[i]), 'PX', string.format('%.0f', new_tat[i] - now_ms))
end
if retry_ttl_ms then redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) end
return { 0, 0 }

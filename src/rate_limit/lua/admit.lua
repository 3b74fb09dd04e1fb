-- Admits a call and counts all of its actions, or returns the first one that exceeds its limit and
-- counts none. Implements the rules of rate_limit/gcra.rs.
--
-- KEYS: the idempotency key of the call, then one key per action.
-- ARGV: test_now_ms or '' for Redis's clock, retry_ttl_ms, then emission_interval_ms and
-- burst_tolerance_ms per action. retry_ttl_ms is '' for a call without an idempotency key; the first
-- key is then ignored.
-- Returns {0, 0} if the call is admitted, otherwise the 1-based position of the action and
-- retry_after_ms.

local test_now_ms, retry_ttl_ms = unpack(ARGV, 1, 2)
local quotas = { unpack(ARGV, 3) }
local idempotency_key, action_keys = KEYS[1], { unpack(KEYS, 2) }
local stored_values = redis.call('MGET', unpack(KEYS))
local admitted_at_ms, stored_tats = stored_values[1], { unpack(stored_values, 2, #KEYS) }

local now_ms = tonumber(test_now_ms)
if not now_ms then
  local seconds, microseconds = unpack(redis.call('TIME'))
  now_ms = seconds * 1000 + math.floor(microseconds / 1000)
end
local function format_int(number) return string.format('%.0f', number) end

local has_key = retry_ttl_ms ~= ''
if has_key and admitted_at_ms and now_ms - tonumber(admitted_at_ms) < tonumber(retry_ttl_ms) then
  return { 0, 0 }
end
local new_tats = {}
for i = 1, #action_keys do
  local emission_interval_ms, burst_tolerance_ms = tonumber(quotas[2 * i - 1]), tonumber(quotas[2 * i])
  -- An admitted call never sets a later time: the clock ran ahead when it was stored.
  local tat_ms = math.min(tonumber(stored_tats[i] or '0'), now_ms + burst_tolerance_ms)
  new_tats[i] = math.max(tat_ms, now_ms) + emission_interval_ms
  local retry_after_ms = new_tats[i] - now_ms - burst_tolerance_ms
  if retry_after_ms > 0 then return { i, retry_after_ms } end
end
for i, key in ipairs(action_keys) do
  redis.call('SET', key, format_int(new_tats[i]), 'PX', format_int(new_tats[i] - now_ms))
end
if has_key then redis.call('SET', idempotency_key, format_int(now_ms), 'PX', retry_ttl_ms) end
return { 0, 0 }

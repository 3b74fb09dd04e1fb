-- Admits a call that does several things, and counts them; or says which of them comes too early, and
-- counts none. See pace.rs for the rules.
--
-- KEYS: the call, then one for each thing it does. ARGV: now, how long the call is remembered ('' for one
-- without a key, of which KEYS[1] is not looked at), then for each thing how often it may be done and how
-- far ahead. All times are in milliseconds. Returns 0, or which of the things it is and how long it has to
-- wait.

local now, remembered, next = tonumber(ARGV[1]), tonumber(ARGV[2]), {}
local kept = redis.call('MGET', unpack(KEYS))
if remembered and kept[1] and now - tonumber(kept[1]) < remembered then return { 0, 0 } end
for i = 2, #KEYS do
  local every, ahead = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  next[i] = math.max(tonumber(kept[i] or '0'), now) + every
  local early = next[i] - now - ahead
  if early > 0 then return { i - 1, early } end
end
for i = 2, #KEYS do
  redis.call('SET', KEYS[i], string.format('%.0f', next[i]), 'PX', string.format('%.0f', next[i] - now))
end
if remembered then redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) end
return { 0, 0 }

-- Counts users, queue, pairs and instances.
--
-- KEYS[1]: key prefix. ARGV: test_now_ms or ''. Returns {users, waiting users, longest wait in
-- milliseconds, pairs, relayed, masked, evicted, instances}. Instances are the subscribers of the
-- channel `signals`; on a cluster, those of this node.

local test_now_ms = unpack(ARGV)
local now_ms = lobby_time(test_now_ms)

local longest_waiter = call('ZRANGE', prefix .. 'queue:all', 0, 0)[1]
local counters = call('HMGET', prefix .. 'counters', 'pairs', 'relayed', 'masked', 'evicted')
for i = 1, 4 do counters[i] = counters[i] or '0' end
counters[5] = call('PUBSUB', 'NUMSUB', prefix .. 'signals')[2]
local waiting_since = longest_waiter and call('HGET', prefix .. 'user:' .. longest_waiter, 'waiting_since')
local longest_wait_ms = waiting_since and math.max(0, now_ms - tonumber(waiting_since)) or 0
return { call('ZCARD', prefix .. 'last_seen'), call('ZCARD', prefix .. 'queue:all'),
  format_int(longest_wait_ms), unpack(counters) }

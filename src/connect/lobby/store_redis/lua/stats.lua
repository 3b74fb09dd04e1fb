-- Counts users, queue, pairs and instances.
--
-- KEYS[1]: key prefix. ARGV: none. Returns {users, waiting users, waiting_since of the longest
-- waiter in milliseconds or '', pairs, relayed, masked, evicted, instances}. Instances are the
-- subscribers of the channel `signals`; on a cluster, those of this node.

local longest_waiter = call('ZRANGE', prefix .. 'queue:all', 0, 0)[1]
local counters = call('HMGET', prefix .. 'counters', 'pairs', 'relayed', 'masked', 'evicted')
for i = 1, 4 do counters[i] = counters[i] or '0' end
counters[5] = call('PUBSUB', 'NUMSUB', prefix .. 'signals')[2]
return { call('ZCARD', prefix .. 'last_seen'), call('ZCARD', prefix .. 'queue:all'),
  longest_waiter and call('HGET', prefix .. 'user:' .. longest_waiter, 'waiting_since') or '',
  unpack(counters) }

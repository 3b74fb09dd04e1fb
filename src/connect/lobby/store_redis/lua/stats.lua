-- How the lobby does. Returns people, waiting, since when the longest waits or '', the counters, and how
-- many processes listen for wake-ups; on a cluster, those that do so at this node.

local head = call('ZRANGE', P .. 'q:all', 0, 0)[1]
local counters = call('HMGET', P .. 'c', 'pairs', 'relayed', 'masked', 'evicted')
for i = 1, 4 do counters[i] = counters[i] or '0' end
counters[5] = call('PUBSUB', 'NUMSUB', P .. 'wake')[2]
return { call('ZCARD', P .. 'seen'), call('ZCARD', P .. 'q:all'),
  head and call('HGET', P .. 'p:' .. head, 'since') or '', unpack(counters) }

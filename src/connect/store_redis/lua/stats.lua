-- How the lobby does. Returns people, waiting, since when the longest waits or '', and the counters.

local head = call('ZRANGE', P .. 'q:all', 0, 0)[1]
local counters = call('HMGET', P .. 'c', 'pairs', 'relayed', 'masked', 'evicted')
for i = 1, 4 do counters[i] = counters[i] or '0' end
return { call('ZCARD', P .. 'seen'), call('ZCARD', P .. 'q:all'),
  head and call('HGET', P .. 'p:' .. head, 'since') or '', unpack(counters) }

-- Forgets some of those who made no call for too long, and tells their partners. ARGV: now, idle
-- time, how many at most. Returns how many were forgotten.

local now = advance(ARGV[1])
local idle = call('ZRANGEBYSCORE', P .. 'seen', '-inf', int(now - tonumber(ARGV[2])), 'LIMIT', 0, ARGV[3])
for _, uid in ipairs(idle) do
  local p = get(uid)
  if p then
    stop_waiting(p)
    local room, partner = end_chat(p, now)
    if partner then notify(partner, now, 't', room) end
  end
  call('DEL', P .. 'p:' .. uid, P .. 'in:' .. uid, P .. 'a:' .. uid, P .. 'x:' .. uid)
  call('ZREM', P .. 'seen', uid)
  call('ZREM', P .. 'ids', uid)
end
if #idle > 0 then count('evicted', #idle) end
return #idle

-- Nudges some of the pairs of whom neither was heard of for a while, each once. ARGV: now, how many to
-- look at. Returns how many were nudged, and 1 if there may be more to look at.

local now, nudged = advance(ARGV[1]), 0
local line = P .. 'quiet'
local due = call('ZRANGEBYSCORE', line, '-inf', int(now), 'LIMIT', 0, ARGV[2])
for _, entry in ipairs(due) do
  call('ZREM', line, entry)
  local room, p = entry:sub(1, 32), get(entry:sub(33))
  if p and p.st == 'c' and p.room == room then
    local partner, last = { uid = p.par }, 0
    for _, one in ipairs({ p, partner }) do
      last = math.max(last, tonumber(call('ZSCORE', P .. 'seen', one.uid) or '0'))
    end
    if now - last < QUIET then
      call('ZADD', line, int(last + QUIET), entry)
      keep(line)
    else
      notify(p, now, 'q', room)
      notify(partner, now, 'q', room)
      nudged = nudged + 1
    end
  end
end
return { nudged, #due == tonumber(ARGV[2]) and 1 or 0 }

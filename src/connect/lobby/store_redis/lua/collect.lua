-- Hands out what waits for a person without a call of theirs. ARGV: now, person.

local now, p = advance(ARGV[1]), get(ARGV[2])
if not p then return { '', {}, '' } end
reclaim(p, now)
local id, items = lease(p, now)
return { id, items, p.lang or '' }

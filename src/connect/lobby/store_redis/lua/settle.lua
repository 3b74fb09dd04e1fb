-- Ends a lease, or shortens it. ARGV: person, lease, 'delivered', 'lost' or how many of its items
-- the answer could show.

local p, fate = get(ARGV[1]), ARGV[3]
if not p or p.lid ~= ARGV[2] then return end
if fate ~= 'delivered' and fate ~= 'lost' then
  set(p, { lcount = int(math.min(tonumber(p.lcount), tonumber(fate))) })
  return
end
local key = P .. 'in:' .. p.uid
if fate == 'delivered' and tonumber(p.lcount) > 0 then call('LTRIM', key, p.lcount, -1) end
set(p, { lid = false, luntil = false, lcount = false })
-- What came in the meantime could not be collected.
if call('EXISTS', key) == 1 then news(p.uid) end

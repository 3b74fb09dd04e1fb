-- Pairs some of the longest waiters whose wishes have relaxed, and tells both. ARGV: now, then two
-- names and a room for each pair. Returns how many pairs were made.

local now, made = advance(ARGV[1]), 0
relax(now)
for i, uid in ipairs(call('ZRANGE', P .. 'q:open', 0, (#ARGV - 1) / 3 - 1)) do
  local p = get(uid)
  if p and p.st == 'w' then
    if now - tonumber(p.since) < CHOOSY_FOR then break end
    local at = 3 * i - 1
    local partner = match(p, now, { ARGV[at], ARGV[at + 1], ARGV[at + 2] })
    if partner then
      tell_connected(partner, now)
      tell_connected(get(uid), now)
      made = made + 1
    end
  end
end
return made

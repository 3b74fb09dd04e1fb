-- Puts a notice into the inboxes of some people, in the order of their codes. Who was told of it last, or
-- has no room, is passed over. ARGV: now, behind whom or '', how many at most, what the notice is known by,
-- the notice. Returns how many were told, had been told before and had no room, and the last who was looked
-- at, '' where nobody is behind them.

local now, limit, key = advance(ARGV[1]), tonumber(ARGV[3]), ARGV[4]
local from = ARGV[2] == '' and '-' or '(' .. ARGV[2]
local some = call('ZRANGEBYLEX', P .. 'ids', from, '+', 'LIMIT', 0, limit)
local told, before, full = 0, 0, 0
for _, uid in ipairs(some) do
  local last, kept = unpack(call('HMGET', P .. 'p:' .. uid, 'ann', 'kept'))
  if not kept then
    call('ZREM', P .. 'ids', uid)
  elseif last == key then
    before = before + 1
  elseif call('LLEN', P .. 'in:' .. uid) + 1 > CAPACITY then
    full = full + 1
  else
    call('HSET', P .. 'p:' .. uid, 'ann', key)
    notify({ uid = uid }, now, 'n', '', ARGV[5])
    told = told + 1
  end
end
return { told, before, full, #some == limit and some[#some] or '' }

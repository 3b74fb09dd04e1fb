-- One call of one person: hands out their inbox, then does what they ask. A call whose key was seen
-- within ten minutes is answered again and does nothing.
--
-- ARGV: now, person, key or '', given name or '', room or '', whether the inbox is shown, whether to
-- wait for what is on its way, action, two names and a room, then what the action takes.
-- Returns the outcome, the lease or '', the items, and the person's language or ''; or {'busy'}, with nothing done.
--
-- Behind this comes what the actions do (relay.lua, act.lua), and then answer.lua.

local uid, key, given, room = ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local takes, action, rand = ARGV[6] == '1', ARGV[8], { ARGV[9], ARGV[10], ARGV[11] }
local p = get(uid)
local lang = p and p.lang or ''
if takes and ARGV[7] == '1' and p and p.lid then return { { 'busy' }, '', {}, lang } end
local now = advance(ARGV[1])
p = touch(uid, p, now)

-- The number of a packed item: its first field.
local function number_of(item)
  local length = item:match('^(%d+):')
  return tonumber(item:sub(#length + 2, #length + 1 + tonumber(length)))
end

local record = key ~= '' and call('GET', P .. 'r:' .. key)
if record then
  local made, outcome, items = unpack(cmsgpack.unpack(record))
  if now - made < REMEMBERED_FOR then
    local last, many = #items > 0 and number_of(items[#items]) or 0, 0
    for _, item in ipairs(call('LRANGE', P .. 'in:' .. uid, 0, -1)) do
      if number_of(item) > last then break end
      many = many + 1
    end
    local id = ''
    if many > 0 and (not p.lid or tonumber(p.lcount) == many) then id = put_on_lease(p, now, many) end
    return { outcome, id, items, lang }
  end
end

if action == 'relay' and ((p.mask or '1') .. (p.tr or '0') ~= ARGV[12]:sub(1, 2) or (p.mh or '') ~= ARGV[13]) then
  return { { 'changed' }, '', {}, '' }
end
if given ~= '' then set(p, { given = given }) end
reclaim(p, now)
local id, items = '', {}
if takes then id, items = lease(p, now) end

local acts = {}

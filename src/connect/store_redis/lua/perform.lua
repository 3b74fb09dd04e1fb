-- One call of one person: hands out their inbox, then does what they ask. A call whose key was seen
-- within ten minutes is answered again and does nothing.
--
-- ARGV: now, person, key or '', given name or '', room or '', whether the inbox is shown, whether to
-- wait for what is on its way, action, two names and a room, then what the action takes.
-- Returns the outcome, the lease or '', and the items; or {'busy'}, with nothing done.

local uid, key, given, room = ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local takes, action, rand = ARGV[6] == '1', ARGV[8], { ARGV[9], ARGV[10], ARGV[11] }
if takes and ARGV[7] == '1' and call('HEXISTS', P .. 'p:' .. uid, 'lid') == 1 then
  return { { 'busy' }, '', {} }
end
local now = advance(ARGV[1])
local p = touch(uid, now)

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
    return { outcome, id, items }
  end
end

if action == 'relay' and ((p.mask or '1') ~= ARGV[12] or (p.mh or '') ~= ARGV[13]) then
  return { { 'changed' }, '', {} }
end
if given ~= '' then set(p, { given = given }) end
reclaim(p, now)
local id, items = '', {}
if takes then id, items = lease(p, now) end

local function place()
  local waits = call('LRANGE', P .. 'waits', 0, -1)
  for i, wait in ipairs(waits) do waits[i] = tonumber(wait) end
  table.sort(waits)
  local usual = waits[math.floor(#waits / 2) + 1]
  return call('ZRANK', P .. 'q:all', uid) + 1, usual and int(usual) or ''
end

local function search(spurned, again)
  if p.st == 'w' then
    set(p, { spurned = spurned or p.spurned or false })
  else
    set(p, { st = 'w', tk = int(number()), since = int(now), spurned = spurned or false })
  end
  join(p)
  local partner = match(p, now, rand)
  if partner then
    tell_connected(partner, now)
    return { 'connected', chat(p), again }
  end
  local position, usual = place()
  local labels = {}
  for i, like in ipairs(interests(p)) do labels[i] = like[2] end
  return { 'waiting', position, usual, pack(unpack(labels)), again }
end

local acts = {}

function acts.meet()
  if p.st == 'c' then return { 'already', chat(p) } end
  local before = { st = p.st, tk = p.tk, since = p.since, spurned = p.spurned }
  stop_waiting(p)
  local likes = {}
  for i = 13, #ARGV, 2 do likes[#likes + 1] = { ARGV[i], ARGV[i + 1] } end
  set(p, { ints = #likes > 0 and cmsgpack.pack(likes), keep = ARGV[12] == '1' and '1' })
  if before.st == 'w' then set(p, before) end
  return search(nil, 0)
end

function acts.again()
  local left, partner = end_chat(p, now)
  if partner then notify(partner, now, 'l', left) end
  local all = recents(p)
  local last = all[#all]
  return search(last and now - last[3] < RECENT_FOR and last[1], 1)
end

function acts.leave()
  local left, partner = end_chat(p, now)
  if partner then notify(partner, now, 'l', left) end
  if left then return { 'ended' } end
  return { stop_waiting(p) and 'left' or 'nothing' }
end

-- Then: the masking and memory it was prepared for, the memory now and its digest, how many numbers
-- were hidden, the whole text, and its pieces; without any the text is the only one.
function acts.relay()
  if p.st ~= 'c' then return { 'nobody', p.st == 'w' and 1 or 0 } end
  local text, pieces = ARGV[17], { unpack(ARGV, 18) }
  if #pieces == 0 then pieces = { text } end
  if call('LLEN', P .. 'in:' .. p.par) + #pieces > CAPACITY then return { 'full' } end
  set(p, { mem = ARGV[14] ~= '' and ARGV[14], mh = ARGV[15] ~= '' and ARGV[15] })
  count('relayed', 1)
  if ARGV[16] ~= '0' then count('masked', ARGV[16]) end
  local n
  for _, piece in ipairs(pieces) do
    local own = notify({ uid = p.par }, now, 'm', p.room, p.own, piece)
    n = n or own
  end
  if p.hist then
    local kept = P .. 'h:' .. p.room
    call('RPUSH', kept, pack(int(n), int(now), uid, p.own, text))
    call('LTRIM', kept, -HISTORY, -1)
    keep(kept)
  end
  return { 'sent', p.par, n, p.own, text }
end

function acts.mask()
  local on = p.mask == '0'
  set(p, { mask = not on and '0', mem = false, mh = false })
  return { 'masking', on and 1 or 0 }
end

function acts.who() return { 'partner', p.pn or '' } end

function acts.rename()
  set(p, { name = ARGV[12] })
  return { 'renamed', ARGV[12] }
end

function acts.type()
  if p.st ~= 'c' then return { 'nobody', p.st == 'w' and 1 or 0 } end
  call('PUBLISH', P .. 'wake', p.par .. p.room .. ARGV[12])
  return { 'typing' }
end

function acts.history()
  if not p.hist then return { 'nothing_kept' } end
  local limit = tonumber(ARGV[12])
  if limit == 0 then return { 'history', {} } end
  return { 'history', call('LRANGE', P .. 'h:' .. p.room, -limit, -1) }
end

function acts.look()
  if p.st == 'c' then return { 'chatting', chat(p) } end
  if p.st == 'w' then return { 'queued', place() } end
  return { 'idle' }
end

function acts.read() return { 'read' } end

local outcome
if room ~= '' and (p.st ~= 'c' or p.room ~= room) then
  local ended = 0
  for _, last in ipairs(recents(p)) do
    if last[2] == room then ended = 1 end
  end
  outcome = { 'elsewhere', ended }
else
  outcome = acts[action]()
end
if key ~= '' then
  call('SET', P .. 'r:' .. key, cmsgpack.pack({ now, outcome, items }), 'PX', REMEMBERED_FOR)
end
return { outcome, id, items }

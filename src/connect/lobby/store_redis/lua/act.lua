-- All other actions: what each does to the person p and returns as its outcome.

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

-- Never lets the person meet these: ids of 32 digits, one after the other.
local function avoid(uids)
  local line = P .. 'a:' .. uid
  for other in uids:gmatch(('%x'):rep(32)) do call('SADD', line, other) end
  if uids == '' then return end
  keep(line)
  set(p, { av = '1' })
end

-- What is known of who looks for a partner: whom they are to avoid, whether they were told how people
-- treat each other here, and whether many would rather not have met them.
local function accept(uids, terms)
  avoid(uids)
  set(p, { inf = (p.inf or terms:sub(1, 1) == '1') and '1', shun = terms:sub(2, 2) == '1' and '1' })
end

-- Whom the person talks with, or talked with last, if that was lately.
local function partner_of_late()
  if p.st == 'c' then return p.par end
  local all = recents(p)
  local last = all[#all]
  return last and now - last[3] < RECENT_FOR and last[1]
end

function acts.meet()
  accept(ARGV[13], ARGV[14])
  if p.st == 'c' then return { 'already', chat(p) } end
  local before = { st = p.st, tk = p.tk, since = p.since, spurned = p.spurned }
  stop_waiting(p)
  local likes = {}
  for i = 15, #ARGV, 2 do likes[#likes + 1] = { ARGV[i], ARGV[i + 1] } end
  set(p, { ints = #likes > 0 and cmsgpack.pack(likes), keep = ARGV[12] == '1' and '1' })
  if before.st == 'w' then set(p, before) end
  return search(nil, 0)
end

function acts.again()
  accept(ARGV[12], ARGV[13])
  local left, partner = end_chat(p, now)
  if partner then notify(partner, now, 'l', left) end
  return search(partner_of_late(), 1)
end

function acts.leave()
  local left, partner = end_chat(p, now)
  if partner then notify(partner, now, 'l', left) end
  if left then return { 'ended' } end
  return { stop_waiting(p) and 'left' or 'nothing' }
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

function acts.encounter()
  local partner = partner_of_late()
  if not partner then return { 'encounter' } end
  return { 'encounter', partner, ARGV[12] == '1' and call('LRANGE', P .. 'x:' .. uid, -QUOTED, -1) or {} }
end

function acts.block()
  local whom = ARGV[12] ~= '' and ARGV[12] or partner_of_late()
  if not whom then return { 'nobody_to_block' } end
  avoid(whom)
  local here = p.st == 'c' and p.par == whom
  if here then
    local left, partner = end_chat(p, now)
    if partner then notify(partner, now, 'l', left) end
  end
  return { 'blocked', here and 1 or 0, ARGV[13] }
end

function acts.icebreaker()
  if p.st ~= 'c' then return { 'nobody', p.st == 'w' and 1 or 0 } end
  if call('LLEN', P .. 'in:' .. p.par) + 1 > CAPACITY then return { 'full' } end
  notify({ uid = p.par }, now, 'i', p.room, ARGV[12])
  return { 'ice', ARGV[12] }
end

function acts.speak()
  set(p, { lang = ARGV[12] })
  return { 'speaks', ARGV[12] }
end

-- What others keep: here nobody is rated and nothing agreed to.
function acts.rate() return { 'unrated' } end
function acts.agree() return { 'agreed' } end

function acts.look()
  if p.st == 'c' then return { 'chatting', chat(p) } end
  if p.st == 'w' then return { 'queued', place() } end
  return { 'idle' }
end

function acts.read() return { 'read' } end

-- The queue, and how it makes pairs of people and parts them: see matching.rs for the rules.

local function interests(p) return p.ints and cmsgpack.unpack(p.ints) or {} end

-- p has its ticket; since when decides how long it is choosy.
local function join(p)
  local line = function(name, score)
    call('ZADD', P .. name, score, p.uid)
    keep(P .. name)
  end
  line('q:all', p.tk)
  local likes = interests(p)
  if #likes == 0 then line('q:open', p.tk) else line('q:choosy', p.since) end
  for _, like in ipairs(likes) do line('i:' .. like[1], p.tk) end
end

local function stop_waiting(p)
  if p.st ~= 'w' then return false end
  for _, name in ipairs({ 'q:all', 'q:open', 'q:choosy' }) do call('ZREM', P .. name, p.uid) end
  for _, like in ipairs(interests(p)) do call('ZREM', P .. 'i:' .. like[1], p.uid) end
  set(p, { st = false, tk = false, since = false, spurned = false })
  return true
end

-- Opens those to anyone who have been choosy for long enough.
local function relax(now)
  local line = P .. 'q:choosy'
  for _, uid in ipairs(call('ZRANGEBYSCORE', line, '-inf', int(now - CHOOSY_FOR))) do
    call('ZREM', line, uid)
    call('ZADD', P .. 'q:open', call('HGET', P .. 'p:' .. uid, 'tk') or '0', uid)
    keep(P .. 'q:open')
  end
end

local function knows(p, uid, now)
  for _, last in ipairs(recents(p)) do
    if last[1] == uid and now - last[3] < RECENT_FOR then return true end
  end
  return false
end

local function remember(p, uid, room, now)
  local all = {}
  for _, last in ipairs(recents(p)) do
    if last[1] ~= uid then all[#all + 1] = last end
  end
  if #all == RECENT_PARTNERS then table.remove(all, 1) end
  all[#all + 1] = { uid, room, now }
  set(p, { rec = cmsgpack.pack(all) })
end

local function patient(p, now) return now - tonumber(p.since) < PATIENCE end

-- Whether nobody but those it wants will do yet; see matching.rs.
local function choosy(p, now) return now - tonumber(p.since) < CHOOSY_FOR end

local function avoids(a, b) return a.av and call('SISMEMBER', P .. 'a:' .. a.uid, b.uid) == 1 end

-- Whether two who wait may be paired now; see matching.rs.
local function may_pair(a, b, now)
  if not b or a.uid == b.uid or a.st ~= 'w' or b.st ~= 'w' then return false end
  local strangers = not knows(a, b.uid, now) and not knows(b, a.uid, now)
  if not (strangers or not patient(a, now) or not patient(b, now)) then return false end
  if a.shun ~= b.shun and choosy(a, now) and choosy(b, now) then return false end
  if avoids(a, b) or avoids(b, a) then return false end
  return not (a.spurned == b.uid and patient(a, now)) and not (b.spurned == a.uid and patient(b, now))
end

-- The first of a line who may be paired with a, and their ticket.
local function first(line, a, now)
  local all = call('ZRANGE', P .. line, 0, LOOKED_AT - 1, 'WITHSCORES')
  for i = 1, #all, 2 do
    local b = get(all[i])
    if may_pair(a, b, now) then return b, tonumber(all[i + 1]) end
  end
end

local function waited(p, now)
  local wait = now - tonumber(p.since)
  if wait <= 0 then return end
  call('LPUSH', P .. 'waits', int(wait))
  call('LTRIM', P .. 'waits', 0, WAITS - 1)
  keep(P .. 'waits')
end

local function chat(p) return { p.room, p.par, p.pn, p.com, p.first or '0' } end

-- Pairs somebody who waits with whoever suits best; nobody is told yet. rand is two names and a
-- room, for those who have none.
local function match(a, now, rand)
  relax(now)
  if a.st ~= 'w' then return nil end
  local likes, b, ticket = interests(a), nil, math.huge
  for _, like in ipairs(likes) do
    local other, its = first('i:' .. like[1], a, now)
    if other and its < ticket then b, ticket = other, its end
  end
  if not b and call('ZSCORE', P .. 'q:open', a.uid) then b = first('q:open', a, now) end
  if not b then return nil end
  local theirs, common = {}, {}
  for _, like in ipairs(interests(b)) do theirs[like[1]] = true end
  for _, like in ipairs(likes) do
    if theirs[like[1]] then common[#common + 1] = like[2] end
  end
  common = pack(unpack(common))
  for _, one in ipairs({ a, b }) do
    waited(one, now)
    stop_waiting(one)
    call('DEL', P .. 'x:' .. one.uid)
  end
  local an, bn, room = a.name or a.given or rand[1], b.name or b.given or rand[2], rand[3]
  local hist = a.keep and b.keep or false
  set(a, { st = 'c', room = room, par = b.uid, own = an, pn = bn, com = common, hist = hist,
    first = not a.inf and '1', inf = '1' })
  set(b, { st = 'c', room = room, par = a.uid, own = bn, pn = an, com = common, hist = hist,
    first = not b.inf and '1', inf = '1' })
  call('ZADD', P .. 'quiet', int(now + QUIET), room .. a.uid)
  keep(P .. 'quiet')
  count('pairs', 1)
  return b
end

local function tell_connected(p, now) notify(p, now, 'c', p.room, p.par, p.pn, p.com, p.first or '0') end

-- Ends a chat for both; returns the room, and the partner if they are still known.
local function end_chat(p, now)
  if p.st ~= 'c' then return nil end
  local partner, room = get(p.par), p.room
  for _, one in ipairs({ p, partner }) do
    local other = one.par
    set(one, { st = false, room = false, par = false, own = false, pn = false, com = false,
      first = false, hist = false, mem = false, mh = false, sn = false, tr = false })
    remember(one, other, room, now)
    call('PEXPIRE', P .. 'x:' .. one.uid, RECENT_FOR)
  end
  call('DEL', P .. 'h:' .. room)
  count('pairs', -1)
  return room, partner
end

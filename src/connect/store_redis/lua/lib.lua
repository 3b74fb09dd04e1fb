-- What all scripts share: keys, people, inboxes, the queue.
--
-- Rust puts the constants in capitals before this, and one script behind it. KEYS[1] is the
-- lobby's hash tag; all other keys begin with it, so that they live on the same node of a cluster.
-- Names, texts and interests are sealed: here they are only moved. Every key has a time to live.
--
--   n, t          the last number given out; the latest time seen
--   seen          people by the time of their last call
--   p:<uid>       a person (a hash)            in:<uid>  their inbox (a list)
--   q:all, q:open, q:choosy, i:<interest>      the lines of the queue, by ticket (choosy: by time)
--   h:<room>      the messages of a chat       r:<key>   a call that was carried out
--   waits         how long the last who were paired had waited
--   c             counters: pairs, relayed, masked, evicted

local P = KEYS[1] .. ':'

local function call(...) return redis.call(...) end
local function int(n) return string.format('%.0f', n) end
local function keep(key) call('PEXPIRE', key, LIFETIME) end

-- Fields one after the other, each behind its length: what Rust reads.
local function pack(...)
  local out = {}
  for i = 1, select('#', ...) do
    local field = select(i, ...)
    out[i] = #field .. ':' .. field
  end
  return table.concat(out)
end

local function number()
  local n = call('INCR', P .. 'n')
  keep(P .. 'n')
  return n
end

-- The time never runs backwards, whatever the clocks of the callers say.
local function advance(now)
  now = math.max(tonumber(now), tonumber(call('GET', P .. 't') or '0'))
  call('SET', P .. 't', int(now), 'PX', LIFETIME)
  return now
end

local function count(name, by)
  call('HINCRBY', P .. 'c', name, by)
  keep(P .. 'c')
end

-- A person as a table, or nil.
local function get(uid)
  local flat = call('HGETALL', P .. 'p:' .. uid)
  if #flat == 0 then return nil end
  local p = { uid = uid }
  for i = 1, #flat, 2 do p[flat[i]] = flat[i + 1] end
  return p
end

-- Sets fields of a person; false takes one away.
local function set(p, fields)
  local key, there, gone = P .. 'p:' .. p.uid, {}, {}
  for field, value in pairs(fields) do
    if value then
      p[field] = value
      there[#there + 1], there[#there + 2] = field, value
    else
      p[field] = nil
      gone[#gone + 1] = field
    end
  end
  if #there > 0 then call('HSET', key, unpack(there)) end
  if #gone > 0 then call('HDEL', key, unpack(gone)) end
end

-- A person who makes a call: known from now on.
local function touch(uid, now)
  local p = get(uid) or { uid = uid }
  set(p, { seen = int(now) })
  keep(P .. 'p:' .. uid)
  call('ZADD', P .. 'seen', int(now), uid)
  keep(P .. 'seen')
  return p
end

local function news(uid) call('PUBLISH', P .. 'wake', uid) end

-- Ends a lease of which was not heard for too long.
local function reclaim(p, now)
  if p.lid and tonumber(p.luntil) <= now then
    set(p, { lid = false, luntil = false, lcount = false })
  end
end

local function put_on_lease(p, now, many)
  local id = int(number())
  set(p, { lid = id, luntil = int(now + LEASE_TIME), lcount = int(many) })
  return id
end

-- Hands out all that waits; nothing while anything is on its way.
local function lease(p, now)
  if p.lid then return '', {} end
  local items = call('LRANGE', P .. 'in:' .. p.uid, 0, -1)
  if #items == 0 then return '', {} end
  return put_on_lease(p, now, #items), items
end

-- Puts something into the inbox of a person.
local function notify(p, now, kind, room, ...)
  local n = number()
  local key = P .. 'in:' .. p.uid
  call('RPUSH', key, pack(int(n), int(now), kind, room, ...))
  keep(key)
  news(p.uid)
  return n
end

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

local function recents(p) return p.rec and cmsgpack.unpack(p.rec) or {} end

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

-- Whether two who wait may be paired now; see matching.rs.
local function may_pair(a, b, now)
  if not b or a.uid == b.uid or a.st ~= 'w' or b.st ~= 'w' then return false end
  local strangers = not knows(a, b.uid, now) and not knows(b, a.uid, now)
  if not (strangers or not patient(a, now) or not patient(b, now)) then return false end
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

local function chat(p) return { p.room, p.par, p.pn, p.com } end

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
  end
  local an, bn, room = a.name or a.given or rand[1], b.name or b.given or rand[2], rand[3]
  local hist = a.keep and b.keep or false
  set(a, { st = 'c', room = room, par = b.uid, own = an, pn = bn, com = common, hist = hist })
  set(b, { st = 'c', room = room, par = a.uid, own = bn, pn = an, com = common, hist = hist })
  count('pairs', 1)
  return b
end

local function tell_connected(p, now) notify(p, now, 'c', p.room, p.par, p.pn, p.com) end

-- Ends a chat for both; returns the room, and the partner if they are still known.
local function end_chat(p, now)
  if p.st ~= 'c' then return nil end
  local partner, room = get(p.par), p.room
  for _, one in ipairs({ p, partner }) do
    local other = one.par
    set(one, { st = false, room = false, par = false, own = false, pn = false, com = false,
      hist = false, mem = false, mh = false })
    remember(one, other, room, now)
  end
  call('DEL', P .. 'h:' .. room)
  count('pairs', -1)
  return room, partner
end

-- What all scripts share: keys, people, inboxes.
--
-- Rust puts the constants in capitals before this, and one script behind it; what is about the queue
-- comes between (queue.lua). This is run with every call, so it is short: a relay makes a dozen
-- commands, and each more costs it a tenth. KEYS[1] is the lobby's hash tag; all other keys begin with
-- it, so that they live on the same node of a cluster. Names, texts and interests are sealed: here they
-- are only moved. Every key has a time to live.
--
--   n, t          the last number given out; the latest time seen
--   seen, ids     people by the time of their last call, and by their codes
--   p:<uid>       a person (a hash)            in:<uid>  their inbox (a list)
--   q:all, q:open, q:choosy, i:<interest>      the lines of the queue, by ticket (choosy: by time)
--   a:<uid>       whom they are never to meet  x:<uid>   what was last written to them
--   h:<room>      the messages of a chat       r:<key>   a call that was carried out
--   w:<key>       a message that may be sent again for days
--   quiet         a person of each chat, by when it is to be seen whether it is silent
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
  if n == 1 then keep(P .. 'n') end
  return n
end

-- The time never runs backwards, whatever the clocks of the callers say.
local function advance(now)
  now = tonumber(now)
  local latest = tonumber(call('GET', P .. 't') or '0')
  if now <= latest then return latest end
  call('SET', P .. 't', int(now), 'PX', LIFETIME)
  return now
end

local function count(name, by)
  if call('HINCRBY', P .. 'c', name, by) == tonumber(by) then keep(P .. 'c') end
end

-- A person as a table, or nil.
local function get(uid)
  local flat = call('HGETALL', P .. 'p:' .. uid)
  if #flat == 0 then return nil end
  local p = { uid = uid }
  for i = 1, #flat, 2 do p[flat[i]] = flat[i + 1] end
  return p
end

-- Sets fields of a person; false takes one away. What is so already is not sent.
local function set(p, fields)
  local key, there, gone = P .. 'p:' .. p.uid, {}, {}
  for field, value in pairs(fields) do
    if value and value ~= p[field] then
      p[field] = value
      there[#there + 1], there[#there + 2] = field, value
    elseif not value and p[field] then
      p[field] = nil
      gone[#gone + 1] = field
    end
  end
  if #there > 0 then call('HSET', key, unpack(there)) end
  if #gone > 0 then call('HDEL', key, unpack(gone)) end
end

-- Makes a person known who makes a call: p, or a new one. Now and then their keys, and those that
-- everybody shares, are given their time to live anew.
local function touch(uid, p, now)
  p = p or { uid = uid }
  local fresh = p.kept and now - tonumber(p.kept) < LIFETIME / 4
  call('ZADD', P .. 'seen', int(now), uid)
  if not fresh then
    set(p, { kept = int(now) })
    call('ZADD', P .. 'ids', 0, uid)
    for _, key in ipairs({ 'p:' .. uid, 'in:' .. uid, 'a:' .. uid, 'seen', 'ids', 'n', 'c' }) do keep(P .. key) end
  end
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
  if call('RPUSH', key, pack(int(n), int(now), kind, room, ...)) == 1 then keep(key) end
  news(p.uid)
  return n
end

-- Whom somebody chatted with lately: partner, room and when it ended, oldest first.
local function recents(p) return p.rec and cmsgpack.unpack(p.rec) or {} end

-- The queue of waiting users. See queue.rs for the rules.

-- Returns the interests of a user as pairs {hash, sealed name}.
local function interests_of(user) return user.interests and cmsgpack.unpack(user.interests) or {} end

-- Adds a waiting user, who has a ticket, to the queues.
local function enqueue(user)
  local add = function(name, score)
    call('ZADD', prefix .. name, score, user.user_id)
    renew_ttl(prefix .. name)
  end
  add('queue:all', user.ticket)
  local interests = interests_of(user)
  if #interests == 0 then
    add('queue:open', user.ticket)
  else
    add('queue:interest_only', user.waiting_since)
  end
  for _, interest in ipairs(interests) do add('queue:interest:' .. interest[1], user.ticket) end
end

-- Removes a user from the queues. Returns false if the user was not waiting.
local function dequeue(user)
  if user.state ~= 'waiting' then return false end
  for _, name in ipairs({ 'queue:all', 'queue:open', 'queue:interest_only' }) do
    call('ZREM', prefix .. name, user.user_id)
  end
  for _, interest in ipairs(interests_of(user)) do
    call('ZREM', prefix .. 'queue:interest:' .. interest[1], user.user_id)
  end
  update_user(user, { state = false, ticket = false, waiting_since = false, skip_partner = false })
  return true
end

-- Moves users that have waited for INTEREST_ONLY_FOR to the open queue.
local function relax(now_ms)
  local zset, open = prefix .. 'queue:interest_only', prefix .. 'queue:open'
  local latest = format_int(now_ms - INTEREST_ONLY_FOR)
  for _, user_id in ipairs(call('ZRANGEBYSCORE', zset, '-inf', latest)) do
    call('ZREM', zset, user_id)
    call('ZADD', open, call('HGET', prefix .. 'user:' .. user_id, 'ticket') or '0', user_id)
    renew_ttl(open)
  end
end

-- Adds the wait of a matched user to the sample of the estimate. Skips 0, because a user that finds
-- a waiting partner does not wait.
local function record_wait(user, now_ms)
  local wait_ms = now_ms - tonumber(user.waiting_since)
  if wait_ms <= 0 then return end
  call('LPUSH', prefix .. 'recent_waits', format_int(wait_ms))
  call('LTRIM', prefix .. 'recent_waits', 0, RECENT_WAITS - 1)
  renew_ttl(prefix .. 'recent_waits')
end

-- Returns the 1-based rank of a waiting user and the median of recent waits in milliseconds, or ''.
local function queue_position(user)
  local waits = call('LRANGE', prefix .. 'recent_waits', 0, -1)
  for i, wait_ms in ipairs(waits) do waits[i] = tonumber(wait_ms) end
  table.sort(waits)
  local median_wait = waits[math.floor(#waits / 2) + 1]
  local rank = call('ZRANK', prefix .. 'queue:all', user.user_id)
  return rank + 1, median_wait and format_int(median_wait) or ''
end

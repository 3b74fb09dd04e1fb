-- The inbox of a user: events and leases. See inbox.rs for the rules.

-- Notifies the listeners of a user, in all instances, that the inbox changed.
local function signal(user_id) call('PUBLISH', prefix .. 'signals', user_id) end

local function end_lease(user)
  update_user(user, { lease_id = false, lease_expires_at = false, lease_item_count = false })
end

-- Ends an expired lease.
local function reclaim(user, now_ms)
  if user.lease_id and tonumber(user.lease_expires_at) <= now_ms then end_lease(user) end
end

-- Leases the first items of the inbox and returns the id of the lease.
local function create_lease(user, now_ms, item_count)
  local lease_id = format_int(next_seq())
  update_user(user, { lease_id = lease_id, lease_expires_at = format_int(now_ms + LEASE_TIME),
    lease_item_count = format_int(item_count) })
  return lease_id
end

-- Leases the whole inbox. Returns the id of the lease and the items; '' and no items if the inbox
-- is empty or another lease is active.
local function lease_inbox(user, now_ms)
  if user.lease_id then return '', {} end
  local items = call('LRANGE', prefix .. 'inbox:' .. user.user_id, 0, -1)
  if #items == 0 then return '', {} end
  return create_lease(user, now_ms, #items), items
end

-- Appends an item to the inbox of a user and returns its sequence number.
local function push_event(user_id, now_ms, kind, room_id, ...)
  local seq = next_seq()
  local key = prefix .. 'inbox:' .. user_id
  local date_ms = format_int(now_ms + date_offset_ms)
  local item = pack_fields(format_int(seq), date_ms, kind, room_id, ...)
  if call('RPUSH', key, item) == 1 then renew_ttl(key) end
  signal(user_id)
  return seq
end

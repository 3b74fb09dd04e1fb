-- Ends a lease: deletes its items if they were delivered, otherwise leaves them for a redelivery.
--
-- KEYS[1]: key prefix. ARGV: user_id, lease_id, delivered ('1' or '0'). Returns nil. Ignores a
-- lease that is no longer active.

local user_id, lease_id, delivered = unpack(ARGV)
local user = load_user(user_id)
if not user or user.lease_id ~= lease_id then return end
local key = prefix .. 'inbox:' .. user_id
if delivered == '1' and tonumber(user.lease_item_count) > 0 then
  call('LTRIM', key, user.lease_item_count, -1)
end
end_lease(user)
-- Listeners could not collect items that arrived during the lease.
if call('EXISTS', key) == 1 then signal(user_id) end

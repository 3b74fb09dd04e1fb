-- Shortens a lease to its first items and returns the others to the inbox.
--
-- KEYS[1]: key prefix. ARGV: user_id, lease_id, shown (number of items that stay on lease). Returns
-- nil. Ignores a lease that is no longer active.

local user_id, lease_id, shown = unpack(ARGV)
local user = load_user(user_id)
if not user or user.lease_id ~= lease_id then return end
local count = math.min(tonumber(user.lease_item_count), tonumber(shown))
update_user(user, { lease_item_count = format_int(count) })

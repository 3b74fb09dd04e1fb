-- Evicts idle users and notifies their partners.
--
-- KEYS[1]: key prefix. ARGV: test_now_ms or '', idle_ms since the last call, limit on the number of users.
-- Returns the ids of the evicted users.

local test_now_ms, idle_ms, limit = unpack(ARGV)
local now_ms = advance_clock(test_now_ms)
local latest = format_int(now_ms - tonumber(idle_ms))
local idle = call('ZRANGEBYSCORE', prefix .. 'last_seen', '-inf', latest, 'LIMIT', 0, limit)
for _, user_id in ipairs(idle) do
  local user = load_user(user_id)
  if user then
    dequeue(user)
    local room_id, partner = end_chat(user, now_ms)
    if partner then push_event(partner.user_id, now_ms, 'partner_timed_out', room_id) end
  end
  call('DEL', prefix .. 'user:' .. user_id, prefix .. 'inbox:' .. user_id,
    prefix .. 'blocked:' .. user_id, prefix .. 'transcript:' .. user_id,
    prefix .. 'replays:' .. user_id, prefix .. 'replay_items:' .. user_id)
  call('ZREM', prefix .. 'last_seen', user_id)
  call('ZREM', prefix .. 'user_ids', user_id)
end
if #idle > 0 then add_to_counter('evicted', #idle) end
return idle

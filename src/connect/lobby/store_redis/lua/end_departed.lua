-- Ends the searches of users who departed QUEUE_GRACE ago, and the chats of those who departed
-- CHAT_GRACE ago, unless they have called since.
--
-- KEYS[1]: key prefix. ARGV: test_now_ms or '', limit on the number of users to check, then the ids of
-- departed users who are connected all the same.
-- Returns the number of users whose search or chat ended.

local test_now_ms, limit = unpack(ARGV, 1, 2)
local connected = { unpack(ARGV, 3) }
local now_ms = advance_clock(test_now_ms)
local key, ended = prefix .. 'departures', 0
for _, user_id in ipairs(connected) do call('ZREM', key, user_id) end
local latest = format_int(now_ms - QUEUE_GRACE)
local due = call('ZRANGEBYSCORE', key, '-inf', latest, 'WITHSCORES', 'LIMIT', 0, limit)
for i = 1, #due, 2 do
  local user_id, left_ms = due[i], tonumber(due[i + 1])
  local user = load_user(user_id)
  local seen_ms = tonumber(call('ZSCORE', prefix .. 'last_seen', user_id) or '0')
  if not user or not user.state or seen_ms > left_ms then
    call('ZREM', key, user_id)
  elseif user.state == 'waiting' or now_ms - left_ms >= CHAT_GRACE then
    call('ZREM', key, user_id)
    dequeue(user)
    local room_id, partner = end_chat(user, now_ms)
    if partner then push_event(partner.user_id, now_ms, 'partner_timed_out', room_id) end
    ended = ended + 1
  end
end
return ended

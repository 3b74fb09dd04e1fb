-- Nudges both users of a chat after NUDGE_AFTER without a call of either, once per chat.
--
-- KEYS[1]: key prefix. ARGV: test_now_ms or '', limit on the number of chats to check.
-- Returns {number of nudged pairs, 1 if more chats may be due}.

local test_now_ms, limit = unpack(ARGV)
local now_ms = advance_clock(test_now_ms)
local key, nudged = prefix .. 'nudge_due', 0
local due = call('ZRANGEBYSCORE', key, '-inf', format_int(now_ms), 'LIMIT', 0, limit)
for _, member in ipairs(due) do
  call('ZREM', key, member)
  local room_id, user = member:sub(1, 32), load_user(member:sub(33))
  if user and user.state == 'chatting' and user.room_id == room_id then
    local last_call_ms = 0
    for _, user_id in ipairs({ user.user_id, user.partner }) do
      local seen_ms = tonumber(call('ZSCORE', prefix .. 'last_seen', user_id) or '0')
      last_call_ms = math.max(last_call_ms, seen_ms)
    end
    if now_ms - last_call_ms < NUDGE_AFTER then
      call('ZADD', key, format_int(last_call_ms + NUDGE_AFTER), member)
      renew_ttl(key)
    else
      push_event(user.user_id, now_ms, 'nudge', room_id)
      push_event(user.partner, now_ms, 'nudge', room_id)
      nudged = nudged + 1
    end
  end
end
return { nudged, #due == tonumber(limit) and 1 or 0 }

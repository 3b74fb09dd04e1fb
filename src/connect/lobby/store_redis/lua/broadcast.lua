-- Pushes a broadcast to one page of users, in the order of their ids. Skips users that received it
-- last and users whose inbox is full.
--
-- KEYS[1]: key prefix. ARGV: test_now_ms or '', after_id (the last user of the previous page, or ''), limit on
-- the number of users, broadcast_id, sealed_text.
-- Returns {delivered, already_delivered, inbox_full, cursor (the last user, or '' on the last
-- page)}.

local test_now_ms, after_id, limit, broadcast_id, sealed_text = unpack(ARGV)
local now_ms = advance_clock(test_now_ms)
limit = tonumber(limit)
local first = after_id == '' and '-' or '(' .. after_id
local page = call('ZRANGEBYLEX', prefix .. 'user_ids', first, '+', 'LIMIT', 0, limit)
local delivered, already_delivered, inbox_full = 0, 0, 0
for _, user_id in ipairs(page) do
  local key = prefix .. 'user:' .. user_id
  local last_broadcast, ttl_renewed_at = unpack(call('HMGET', key, 'last_broadcast', 'ttl_renewed_at'))
  if not ttl_renewed_at then
    call('ZREM', prefix .. 'user_ids', user_id)
  elseif last_broadcast == broadcast_id then
    already_delivered = already_delivered + 1
  elseif call('LLEN', prefix .. 'inbox:' .. user_id) + 1 > INBOX_CAPACITY then
    inbox_full = inbox_full + 1
  else
    call('HSET', key, 'last_broadcast', broadcast_id)
    push_event(user_id, now_ms, 'broadcast', '', sealed_text)
    delivered = delivered + 1
  end
end
return { delivered, already_delivered, inbox_full, #page == limit and page[#page] or '' }

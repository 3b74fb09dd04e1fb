-- Pairs users that have waited for INTEREST_ONLY_FOR, longest waiting first, and notifies both
-- sides.
--
-- KEYS[1]: key prefix. ARGV: test_now_ms or '', then two random nicknames and a room id for each
-- pair, which also limits the number of users that one call checks. Returns the number of pairs.

local test_now_ms = unpack(ARGV)
local fresh_values = { unpack(ARGV, 2) }
local now_ms, paired, limit = advance_clock(test_now_ms), 0, #fresh_values / 3
relax(now_ms)
for i, user_id in ipairs(call('ZRANGE', prefix .. 'queue:open', 0, limit - 1)) do
  local user = load_user(user_id)
  if user and user.state == 'waiting' then
    if is_selective(user, now_ms) then break end
    local nickname_a, nickname_b, room_id = unpack(fresh_values, 3 * i - 2, 3 * i)
    local fresh = { nickname_a = nickname_a, nickname_b = nickname_b, room_id = room_id }
    local partner = match_user(user, now_ms, fresh)
    if partner then
      push_matched(partner, now_ms)
      push_matched(user, now_ms)
      paired = paired + 1
    end
  end
end
return paired

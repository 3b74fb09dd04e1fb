-- The search for a partner, which the actions `meet` and `again` share.

-- Adds what moderation knows of a user. `notice_seen` and `poorly_rated` are '1' or '0'.
local function apply_constraints(user, blocked_ids, notice_seen, poorly_rated)
  block(user, blocked_ids)
  update_user(user, { notice_seen = (user.notice_seen or notice_seen == '1') and '1',
    poorly_rated = poorly_rated == '1' and '1' })
end

-- Returns why a waiting user was not matched: see WaitCause in action.rs.
local function wait_cause(user)
  if call('ZCARD', prefix .. 'queue:all') <= 1 then
    local pairs = call('HGET', prefix .. 'counters', 'pairs') or '0'
    return pairs == '0' and 'alone' or 'all_chatting'
  end
  local open = prefix .. 'queue:open'
  local is_only_open = call('ZSCORE', open, user.user_id) and call('ZCARD', open) == 1
  return is_only_open and 'all_selective' or 'not_eligible'
end

-- Pairs the user or adds them to the queue; a waiting user keeps the ticket. Returns the outcome.
-- `again` is 1 after `#again`, otherwise 0.
local function search(user, now_ms, fresh, skip_partner, again)
  if user.state == 'waiting' then
    update_user(user, { skip_partner = skip_partner or user.skip_partner or false })
  else
    update_user(user, { state = 'waiting', ticket = format_int(next_seq()),
      waiting_since = format_int(now_ms), skip_partner = skip_partner or false })
  end
  enqueue(user)
  local partner = match_user(user, now_ms, fresh)
  if partner then
    push_matched(partner, now_ms)
    return { 'connected', chat_fields(user), again }
  end
  local position, median_wait = queue_position(user)
  local sealed_interests = {}
  for i, interest in ipairs(interests_of(user)) do sealed_interests[i] = interest[2] end
  return { 'waiting', position, median_wait, pack_fields(unpack(sealed_interests)), again,
    wait_cause(user) }
end

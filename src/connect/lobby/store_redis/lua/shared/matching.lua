-- Matching of waiting users. See matching.rs for the rules.

local function avoids_recent(user, now_ms) return now_ms - tonumber(user.waiting_since) < AVOID_RECENT_FOR end

-- Returns true while the user accepts only equally rated partners.
local function is_selective(user, now_ms) return now_ms - tonumber(user.waiting_since) < INTEREST_ONLY_FOR end

-- Returns true if two waiting users may be paired now.
local function can_pair(user, candidate, now_ms)
  if not candidate or user.user_id == candidate.user_id then return false end
  if user.state ~= 'waiting' or candidate.state ~= 'waiting' then return false end
  local user_avoids, candidate_avoids = avoids_recent(user, now_ms), avoids_recent(candidate, now_ms)
  if user_avoids and candidate_avoids and (met_recently(user, candidate.user_id, now_ms)
    or met_recently(candidate, user.user_id, now_ms)) then return false end
  if user.poorly_rated ~= candidate.poorly_rated
    and is_selective(user, now_ms) and is_selective(candidate, now_ms) then return false end
  if has_blocked(user, candidate.user_id) or has_blocked(candidate, user.user_id) then return false end
  return not (user.skip_partner == candidate.user_id and user_avoids)
    and not (candidate.skip_partner == user.user_id and candidate_avoids)
end

-- Returns the first user of a queue that may be paired with `user`, and the candidate's ticket.
-- Checks at most MAX_CANDIDATES users.
local function first_candidate(queue, user, now_ms)
  local members = call('ZRANGE', prefix .. queue, 0, MAX_CANDIDATES - 1, 'WITHSCORES')
  for i = 1, #members, 2 do
    local candidate = load_user(members[i])
    if can_pair(user, candidate, now_ms) then return candidate, tonumber(members[i + 1]) end
  end
end

-- Returns true if exactly two users wait, one of them accepts anyone, and there is no chat.
local function are_alone()
  return call('ZCARD', prefix .. 'queue:all') == 2 and call('ZCARD', prefix .. 'queue:open') > 0
    and (call('HGET', prefix .. 'counters', 'pairs') or '0') == '0'
end

-- Returns the best candidate: the first to share an interest, otherwise the first that accepts
-- anyone, otherwise the only other waiter.
local function best_candidate(user, now_ms)
  local best, best_ticket = nil, math.huge
  for _, interest in ipairs(interests_of(user)) do
    local candidate, ticket = first_candidate('queue:interest:' .. interest[1], user, now_ms)
    if candidate and ticket < best_ticket then best, best_ticket = candidate, ticket end
  end
  if not best and call('ZSCORE', prefix .. 'queue:open', user.user_id) then
    best = first_candidate('queue:open', user, now_ms)
  end
  if not best and are_alone() then best = first_candidate('queue:all', user, now_ms) end
  return best
end

-- Returns the sealed names of the interests that both share, packed, by user: each reads their own.
local function common_interests(user, candidate)
  local sealed_by_hash, of_user, of_candidate = {}, {}, {}
  for _, interest in ipairs(interests_of(candidate)) do sealed_by_hash[interest[1]] = interest[2] end
  for _, interest in ipairs(interests_of(user)) do
    local sealed = sealed_by_hash[interest[1]]
    if sealed then
      of_user[#of_user + 1], of_candidate[#of_candidate + 1] = interest[2], sealed
    end
  end
  return { [user.user_id] = pack_fields(unpack(of_user)),
    [candidate.user_id] = pack_fields(unpack(of_candidate)) }
end

-- Puts one side of a pair into the chat.
local function start_chat(user, partner, chat, now_ms)
  update_user(user, { state = 'chatting', room_id = chat.room_id, partner = partner.user_id,
    own_name = chat.names[user.user_id], partner_name = chat.names[partner.user_id],
    common_interests = chat.interests[user.user_id], keeps_history = chat.keeps_history,
    is_first_chat = not user.notice_seen and '1', notice_seen = '1',
    chat_started_at = format_int(now_ms) })
end

-- Pairs a waiting user with the best candidate and returns the candidate, or nil. Notifies neither.
-- `fresh` has two random nicknames, for users without one, and the id of the new room.
local function match_user(user, now_ms, fresh)
  relax(now_ms)
  if user.state ~= 'waiting' then return nil end
  local candidate = best_candidate(user, now_ms)
  if not candidate then return nil end
  local chat = { room_id = fresh.room_id, interests = common_interests(user, candidate),
    keeps_history = user.wants_history and candidate.wants_history or false,
    names = {
      [user.user_id] = user.nickname or user.caller_nickname or fresh.nickname_a,
      [candidate.user_id] = candidate.nickname or candidate.caller_nickname or fresh.nickname_b,
    } }
  for _, side in ipairs({ user, candidate }) do
    record_wait(side, now_ms)
    dequeue(side)
    call('DEL', prefix .. 'transcript:' .. side.user_id)
  end
  start_chat(user, candidate, chat, now_ms)
  start_chat(candidate, user, chat, now_ms)
  call('ZADD', prefix .. 'nudge_due', format_int(now_ms + NUDGE_AFTER), chat.room_id .. user.user_id)
  renew_ttl(prefix .. 'nudge_due')
  add_to_counter('pairs', 1)
  return candidate
end

-- Notifies a user of a new chat.
local function push_matched(user, now_ms)
  local room_id, partner, partner_name, interests, is_first_chat = unpack(chat_fields(user))
  push_event(user.user_id, now_ms, 'matched', room_id, partner, partner_name, interests, is_first_chat)
end

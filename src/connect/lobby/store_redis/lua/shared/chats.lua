-- Chats, recent partners and blocked users.

-- Returns true if a chat of the two ended less than RECENT_PARTNER_TTL ago.
local function met_recently(user, partner_id, now_ms)
  for _, entry in ipairs(recent_partners(user)) do
    if entry[1] == partner_id and now_ms - entry[3] < RECENT_PARTNER_TTL then return true end
  end
  return false
end

-- Returns 1 if a user has sent a message in the current chat, otherwise 0.
local function wrote(user) return user.sent_count and 1 or 0 end

-- Appends a past chat with who wrote in it, removes an older one with the same partner, and limits the list.
local function add_recent_partner(user, partner_id, room_id, now_ms, user_wrote, partner_wrote)
  local entries = {}
  for _, entry in ipairs(recent_partners(user)) do
    if entry[1] ~= partner_id then entries[#entries + 1] = entry end
  end
  if #entries == RECENT_PARTNERS then table.remove(entries, 1) end
  entries[#entries + 1] = { partner_id, room_id, now_ms, user_wrote, partner_wrote }
  update_user(user, { recent_partners = cmsgpack.pack(entries) })
end

-- Returns the id of the partner, or of the last one if that chat ended less than RECENT_PARTNER_TTL
-- ago, then 1 if the user wrote or 0, the same for the partner, and the room. Returns nil without a
-- partner.
local function last_partner(user, now_ms)
  if user.state == 'chatting' then
    local partner_wrote = call('HEXISTS', prefix .. 'user:' .. user.partner, 'sent_count')
    return user.partner, wrote(user), partner_wrote, user.room_id
  end
  local entries = recent_partners(user)
  local entry = entries[#entries]
  if not entry or now_ms - entry[3] >= RECENT_PARTNER_TTL then return nil end
  return entry[1], entry[4], entry[5], entry[2]
end

-- Returns the chat from the user's side, as codec.rs decodes it.
local function chat_fields(user)
  return { user.room_id, user.partner, user.partner_name, user.common_interests, user.is_first_chat or '0' }
end

-- Ends the chat of both users. Returns the id of the room, or nil without a chat, and the partner.
local function end_chat(user, now_ms)
  if user.state ~= 'chatting' then return nil end
  local partner, room_id = load_user(user.partner), user.room_id
  local has_written = { [user.user_id] = wrote(user), [partner.user_id] = wrote(partner) }
  for _, side in ipairs({ user, partner }) do
    local partner_id = side.partner
    update_user(side, { state = false, room_id = false, partner = false, own_name = false,
      partner_name = false, common_interests = false, is_first_chat = false, keeps_history = false,
      mask_memory = false, mask_memory_digest = false, sent_count = false, trusted = false,
      chat_started_at = false })
    add_recent_partner(side, partner_id, room_id, now_ms, has_written[side.user_id],
      has_written[partner_id])
    call('PEXPIRE', prefix .. 'transcript:' .. side.user_id, RECENT_PARTNER_TTL)
  end
  call('DEL', prefix .. 'history:' .. room_id)
  add_to_counter('pairs', -1)
  return room_id, partner
end

-- Ends the chat of the user and notifies the partner. Returns the id of the room, or nil without a
-- chat.
local function leave_chat(user, now_ms)
  local room_id, partner = end_chat(user, now_ms)
  if partner then push_event(partner.user_id, now_ms, 'partner_left', room_id) end
  return room_id
end

-- Never matches the user with these users again. `user_ids` is a string of ids of 32 hex digits.
local function block(user, user_ids)
  local key = prefix .. 'blocked:' .. user.user_id
  for user_id in user_ids:gmatch(('%x'):rep(32)) do call('SADD', key, user_id) end
  if user_ids == '' then return end
  renew_ttl(key)
  update_user(user, { has_blocked = '1' })
end

local function has_blocked(user, user_id)
  return user.has_blocked and call('SISMEMBER', prefix .. 'blocked:' .. user.user_id, user_id) == 1
end

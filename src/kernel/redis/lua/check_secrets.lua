-- Checks that an instance has the secrets of the others, and stores them for the next.
--
-- KEYS: the secrets (hash of id_salt, seal_key and other_key: fingerprints of ID_SALT, of the key of
-- INBOX_KEY that seals, and of its other key or '').
-- ARGV: id_salt, seal_key, other_key or '', ttl_seconds of the hash.
-- Returns '' if they agree, otherwise 'ID_SALT' or 'INBOX_KEY'. Writes only changes, so that it also
-- works where writes are refused.

local secrets_key = unpack(KEYS)
local id_salt, seal_key, other_key, ttl_seconds = unpack(ARGV)
local stored_salt, stored_seal_key, stored_other_key =
  unpack(redis.call('HMGET', secrets_key, 'id_salt', 'seal_key', 'other_key'))

if stored_salt then
  if stored_salt ~= id_salt then return 'ID_SALT' end
  -- This instance must open what the others seal, and they what it seals.
  local opens = stored_seal_key == seal_key or stored_seal_key == other_key
  local is_opened = seal_key == stored_seal_key or seal_key == stored_other_key
  if not (opens and is_opened) then return 'INBOX_KEY' end
end

local is_stored = stored_seal_key == seal_key and stored_other_key == other_key
if not is_stored or redis.call('TTL', secrets_key) < tonumber(ttl_seconds) / 2 then
  redis.call('HSET', secrets_key, 'id_salt', id_salt, 'seal_key', seal_key, 'other_key', other_key)
  redis.call('EXPIRE', secrets_key, ttl_seconds)
end
return ''

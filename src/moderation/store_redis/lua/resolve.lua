-- Decides a report that has no decision.
--
-- KEYS: the reports of the reported user, the open reports, the users with a dismissed report by
-- this reporter.
-- ARGV: reporter, reported, verdict ('upheld' or 'dismissed'), TTL of the last key in seconds, time of
-- the decision in milliseconds, token that decided.
-- Returns nil if there is no such report, and otherwise the report as it was.

local reports_key, open_key, dismissed_key = unpack(KEYS)
local reporter, reported, verdict, ttl_seconds, decided_at, decided_by = unpack(ARGV)
local record = redis.call('HGET', reports_key, reporter)
if not record then return false end
-- codec.rs lists the words. Version 0.1.0 wrote four.
local words = { '', '', '', 'open', '1', '1', '0', '-', '0', '-' }
local count = 0
for word in record:gmatch('%S+') do
  count = count + 1
  words[count] = word
end
if words[4] ~= 'open' then return record end
words[4], words[9], words[10] = verdict, decided_at, decided_by
redis.call('HSET', reports_key, reporter, table.concat(words, ' '))
redis.call('ZREM', open_key, reported .. reporter)
if verdict == 'dismissed' then
  redis.call('SADD', dismissed_key, reported)
  redis.call('EXPIRE', dismissed_key, ttl_seconds)
end
return record

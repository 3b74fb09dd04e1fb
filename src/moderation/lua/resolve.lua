-- Sets the verdict of a report and replaces an earlier one.
--
-- KEYS: the reports of the reported user, the open reports, the users with a dismissed report by
-- this reporter.
-- ARGV: reporter, reported, verdict ('upheld' or 'dismissed'), TTL of KEYS[3] in seconds.
-- Returns 1 if the report exists, otherwise 0.

local reporter, reported, verdict = ARGV[1], ARGV[2], ARGV[3]
local record = redis.call('HGET', KEYS[1], reporter)
if not record then return 0 end
-- The verdict is the last word of the record.
redis.call('HSET', KEYS[1], reporter, (record:gsub('%S+$', verdict)))
redis.call('ZREM', KEYS[2], reported .. reporter)
redis.call(verdict == 'dismissed' and 'SADD' or 'SREM', KEYS[3], reported)
redis.call('EXPIRE', KEYS[3], ARGV[4])
return 1

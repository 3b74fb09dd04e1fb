-- Decides a report. KEYS: the reports of the person, the open ones, of whom the reporter's were dismissed.
-- ARGV: the reporter, the person, the verdict's word, how long dismissals are remembered (seconds).
-- Returns whether there is such a report.

local reporter, person, verdict = ARGV[1], ARGV[2], ARGV[3]
local written = redis.call('HGET', KEYS[1], reporter)
if not written then return 0 end
-- The verdict is the last word of what is kept.
redis.call('HSET', KEYS[1], reporter, (written:gsub('%S+$', verdict)))
redis.call('ZREM', KEYS[2], person .. reporter)
redis.call(verdict == 'dismissed' and 'SADD' or 'SREM', KEYS[3], person)
redis.call('EXPIRE', KEYS[3], ARGV[4])
return 1

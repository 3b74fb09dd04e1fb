-- Adds a report, unless the reporter has already reported this user.
--
-- KEYS: the reports of the reported user, all reports, the open reports, the reports with evidence, the
-- known users, the history of the reporter, the evidence of the report.
-- ARGV: reporter, reported, record (see codec.rs), time of the report in milliseconds, TTL of all keys but
-- the last in seconds, TTL of the evidence in seconds, sealed evidence or ''.
-- Returns 1 if the report was added, otherwise 0.

local reports_key, all_key, open_key, with_evidence_key, user_ids_key, history_key, evidence_key = unpack(KEYS)
local reporter, reported, record, reported_at, ttl_seconds, evidence_ttl_seconds, evidence = unpack(ARGV)
if redis.call('HSETNX', reports_key, reporter, record) == 0 then return 0 end
for _, key in ipairs({ all_key, open_key, with_evidence_key }) do
  redis.call('ZADD', key, reported_at, reported .. reporter)
end
redis.call('ZADD', user_ids_key, 0, reported)
redis.call('HINCRBY', history_key, 'reports', 1)
for _, key in ipairs({ reports_key, all_key, open_key, with_evidence_key, user_ids_key, history_key }) do
  redis.call('EXPIRE', key, ttl_seconds)
end
if evidence ~= '' then redis.call('SET', evidence_key, evidence, 'EX', evidence_ttl_seconds) end
return 1

-- What an account uses of its limits, over all instances. Times are nanoseconds since the Unix epoch.

ALTER TABLE gateway_accounts ADD COLUMN open_holds INTEGER NOT NULL DEFAULT 0;
-- When the whole limit of a minute is free again.
ALTER TABLE gateway_accounts ADD COLUMN requests_free_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE gateway_accounts ADD COLUMN tokens_free_at INTEGER NOT NULL DEFAULT 0;

UPDATE gateway_accounts AS a SET open_holds = (
    SELECT count(*) FROM gateway_requests r WHERE r.account = a.account AND r.settled_at IS NULL
);

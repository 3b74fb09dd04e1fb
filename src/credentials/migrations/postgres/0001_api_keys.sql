-- A key is stored as its keyed hash. Times are milliseconds since the Unix epoch. The collation of ids is "C", so
-- that they are sorted by their bytes as on SQLite.
CREATE TABLE api_keys (
    id TEXT COLLATE "C" PRIMARY KEY,
    hash BYTEA NOT NULL,
    name TEXT NOT NULL,
    owner TEXT NOT NULL,
    policy TEXT NOT NULL, -- JSON: the level and the globs
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT,
    replaced_by TEXT,
    last_used_at BIGINT,
    change BIGINT NOT NULL -- the number of its last change
);

CREATE INDEX api_keys_by_change ON api_keys (change);
CREATE INDEX api_keys_by_creation ON api_keys (created_at, id);
CREATE INDEX api_keys_by_expiry ON api_keys (expires_at);

-- The number of the last change of any key, in one row. A change locks the row until it is committed, so that
-- changes are visible in the order of their numbers.
CREATE TABLE api_key_changes (last BIGINT NOT NULL);
INSERT INTO api_key_changes VALUES (0);

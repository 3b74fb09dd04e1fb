-- A key is stored as its keyed hash. Times are milliseconds since the Unix epoch.
CREATE TABLE api_keys (
    id TEXT PRIMARY KEY,
    hash BLOB NOT NULL,
    name TEXT NOT NULL,
    owner TEXT NOT NULL,
    policy TEXT NOT NULL, -- JSON: the level and the globs
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    revoked_at INTEGER,
    replaced_by TEXT,
    last_used_at INTEGER,
    change INTEGER NOT NULL -- the number of its last change
) WITHOUT ROWID;

CREATE INDEX api_keys_by_change ON api_keys (change);
CREATE INDEX api_keys_by_creation ON api_keys (created_at, id);
CREATE INDEX api_keys_by_expiry ON api_keys (expires_at);

-- The number of the last change of any key, in one row.
CREATE TABLE api_key_changes (last INTEGER NOT NULL);
INSERT INTO api_key_changes VALUES (0);

-- The numbers of chats and reports of users. The partners of a user are not stored.
CREATE TABLE histories (
    person TEXT PRIMARY KEY,
    first_chat INTEGER,
    chats INTEGER NOT NULL DEFAULT 0,
    reports INTEGER NOT NULL DEFAULT 0,
    changed_at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE INDEX histories_by_time ON histories (changed_at);

-- Reports and ratings of version 0.1.0 keep their weight.
ALTER TABLE reports ADD COLUMN established INTEGER NOT NULL DEFAULT 1;
ALTER TABLE reports ADD COLUMN both_wrote INTEGER NOT NULL DEFAULT 1;
ALTER TABLE reports ADD COLUMN chats INTEGER NOT NULL DEFAULT 0;
ALTER TABLE reports ADD COLUMN network TEXT;
ALTER TABLE reports ADD COLUMN decided_at INTEGER;
ALTER TABLE reports ADD COLUMN decided_by TEXT;
ALTER TABLE ratings ADD COLUMN weight INTEGER NOT NULL DEFAULT 60;

CREATE INDEX reports_open ON reports (at, person, reporter) WHERE upheld IS NULL;

-- A ban without an end lasts until it is lifted; the reason is sealed.
ALTER TABLE decisions ADD COLUMN banned_until INTEGER;
ALTER TABLE decisions ADD COLUMN reason BLOB;

-- The fingerprint of the token that acted.
ALTER TABLE log ADD COLUMN operator TEXT NOT NULL DEFAULT '';

-- Who somebody is, is a keyed hash of 32 hex digits; evidence is sealed; times are milliseconds.

CREATE TABLE blocks (
    who TEXT NOT NULL,
    whom TEXT NOT NULL,
    PRIMARY KEY (who, whom)
) WITHOUT ROWID;

CREATE TABLE reports (
    person TEXT NOT NULL,
    reporter TEXT NOT NULL,
    at INTEGER NOT NULL,
    topic TEXT NOT NULL,
    weight INTEGER NOT NULL,
    upheld INTEGER, -- null while nobody has decided it, 0 when it was dismissed
    evidence BLOB,
    PRIMARY KEY (person, reporter)
) WITHOUT ROWID;

CREATE INDEX reports_by_reporter ON reports (reporter) WHERE upheld = 0;
CREATE INDEX reports_by_time ON reports (at);

CREATE TABLE decisions (
    person TEXT PRIMARY KEY,
    banned INTEGER,
    pardoned INTEGER
) WITHOUT ROWID;

CREATE TABLE log (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    what TEXT NOT NULL
);

-- What was written stays written.
CREATE TRIGGER log_is_not_changed BEFORE UPDATE ON log BEGIN SELECT RAISE(ABORT, 'the log only grows'); END;
CREATE TRIGGER log_is_not_shortened BEFORE DELETE ON log BEGIN SELECT RAISE(ABORT, 'the log only grows'); END;

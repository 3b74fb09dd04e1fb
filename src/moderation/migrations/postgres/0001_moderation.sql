-- User ids are keyed hashes of 32 hex digits, evidence and reasons of bans are sealed, times are milliseconds.
-- The collation of ids is "C", so that they are sorted by their bytes as on SQLite.

CREATE TABLE moderation_blocks (
    person TEXT COLLATE "C" NOT NULL,
    other TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (person, other)
);

CREATE TABLE moderation_reports (
    person TEXT COLLATE "C" NOT NULL,
    reporter TEXT COLLATE "C" NOT NULL,
    at BIGINT NOT NULL,
    topic TEXT NOT NULL,
    weight BIGINT NOT NULL,
    established BOOLEAN NOT NULL,
    both_wrote BOOLEAN NOT NULL,
    chats BIGINT NOT NULL,
    network TEXT,
    upheld BOOLEAN, -- null until it is decided
    decided_at BIGINT,
    decided_by TEXT,
    evidence BYTEA,
    PRIMARY KEY (person, reporter)
);

CREATE INDEX moderation_reports_by_reporter ON moderation_reports (reporter) WHERE NOT upheld;
CREATE INDEX moderation_reports_by_time ON moderation_reports (at);
CREATE INDEX moderation_reports_open ON moderation_reports (at, person, reporter) WHERE upheld IS NULL;

CREATE TABLE moderation_decisions (
    person TEXT COLLATE "C" PRIMARY KEY,
    banned BIGINT,
    banned_until BIGINT, -- null for a ban until it is lifted
    reason BYTEA,
    pardoned BIGINT
);

CREATE TABLE moderation_notices (
    person TEXT COLLATE "C" PRIMARY KEY,
    accepted BOOLEAN NOT NULL,
    at BIGINT NOT NULL
);

CREATE INDEX moderation_notices_by_time ON moderation_notices (at);

CREATE TABLE moderation_ratings (
    person TEXT COLLATE "C" NOT NULL,
    rater TEXT COLLATE "C" NOT NULL,
    good BOOLEAN NOT NULL,
    at BIGINT NOT NULL,
    weight BIGINT NOT NULL,
    PRIMARY KEY (person, rater)
);

CREATE INDEX moderation_ratings_by_rater ON moderation_ratings (rater);
CREATE INDEX moderation_ratings_by_time ON moderation_ratings (at);

-- The numbers of chats and reports of users. The partners of a user are not stored.
CREATE TABLE moderation_histories (
    person TEXT COLLATE "C" PRIMARY KEY,
    first_chat BIGINT,
    chats BIGINT NOT NULL DEFAULT 0,
    reports BIGINT NOT NULL DEFAULT 0,
    changed_at BIGINT NOT NULL
);

CREATE INDEX moderation_histories_by_time ON moderation_histories (changed_at);

CREATE TABLE moderation_audit_log (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at BIGINT NOT NULL,
    operator TEXT NOT NULL, -- the fingerprint of the token that acted
    action TEXT NOT NULL
);

CREATE FUNCTION moderation_audit_log_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log only grows';
END
$$;

CREATE TRIGGER moderation_audit_log_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON moderation_audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION moderation_audit_log_only_grows();

-- Keyed hashes of ID_SALT and INBOX_KEY, so that a start with other secrets is refused.
CREATE TABLE secret_fingerprints (
    number INTEGER PRIMARY KEY CHECK (number = 1),
    id_salt TEXT NOT NULL,
    inbox_key TEXT NOT NULL
);

-- Who was told how people treat each other here, and who agreed to it.
CREATE TABLE notices (
    person TEXT PRIMARY KEY,
    agreed INTEGER NOT NULL,
    at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE ratings (
    person TEXT NOT NULL,
    rater TEXT NOT NULL,
    good INTEGER NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (person, rater)
) WITHOUT ROWID;

CREATE INDEX notices_by_time ON notices (at);
CREATE INDEX ratings_by_time ON ratings (at);

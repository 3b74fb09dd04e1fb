-- Who was told how people treat each other here, and who agreed to it.
CREATE TABLE consents (
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

CREATE INDEX consents_by_time ON consents (at);
CREATE INDEX ratings_by_time ON ratings (at);

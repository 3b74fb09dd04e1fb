-- Times are milliseconds since the Unix epoch, dates are texts such as 2026-11-28. An id begins with the letter of its
-- kind.

-- `revision` is the number of writes. `number` is the owner in the search.
CREATE TABLE goals_owners (
    number INTEGER PRIMARY KEY,
    owner TEXT NOT NULL UNIQUE,
    revision INTEGER NOT NULL
);

-- Goals, tasks, memories, life areas, completions and profiles. `body` is the item as JSON; the columns before it are
-- computed from it.
CREATE TABLE goals_items (
    number INTEGER PRIMARY KEY,
    owner TEXT NOT NULL,
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    state INTEGER NOT NULL,
    sort TEXT NOT NULL,
    goal TEXT,
    task TEXT,
    area TEXT,
    day TEXT,
    labels TEXT NOT NULL,
    deleted_at INTEGER,
    body TEXT NOT NULL,
    UNIQUE (owner, id)
);

CREATE INDEX goals_items_by_state ON goals_items (owner, kind, state, sort) WHERE deleted_at IS NULL;
CREATE INDEX goals_items_by_sort ON goals_items (owner, kind, sort) WHERE deleted_at IS NULL;
CREATE INDEX goals_items_by_goal ON goals_items (owner, goal) WHERE goal IS NOT NULL;
CREATE INDEX goals_items_by_task ON goals_items (owner, task) WHERE task IS NOT NULL;
CREATE INDEX goals_items_by_area ON goals_items (owner, area) WHERE area IS NOT NULL;
CREATE INDEX goals_items_by_day ON goals_items (owner, kind, day) WHERE day IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX goals_items_in_bin ON goals_items (deleted_at) WHERE deleted_at IS NOT NULL;

-- The number of items of each state, without those in the bin.
CREATE TABLE goals_counts (
    owner TEXT NOT NULL,
    kind TEXT NOT NULL,
    state INTEGER NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (owner, kind, state)
) WITHOUT ROWID;

-- The words of the items that are not in the bin, by their numbers. `place` is the owner with the kind.
CREATE VIRTUAL TABLE goals_search USING fts5 (
    place, words, content = '', contentless_delete = 1, tokenize = 'porter unicode61 remove_diacritics 2'
);

-- The log: `items` is a list of items before and after the write, as JSON.
CREATE TABLE goals_changes (
    owner TEXT NOT NULL,
    revision INTEGER NOT NULL,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    tool TEXT NOT NULL,
    undoes INTEGER,
    undone_by INTEGER,
    items TEXT NOT NULL,
    PRIMARY KEY (owner, revision)
);

CREATE INDEX goals_changes_by_age ON goals_changes (at);

CREATE TABLE goals_changed_items (
    owner TEXT NOT NULL,
    id TEXT NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (owner, id, revision)
) WITHOUT ROWID;

CREATE INDEX goals_changed_items_by_revision ON goals_changed_items (owner, revision);

-- Answers to writes with an id. `outcome` is JSON.
CREATE TABLE goals_requests (
    owner TEXT NOT NULL,
    request_id TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    at INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    PRIMARY KEY (owner, request_id)
);

CREATE INDEX goals_requests_by_age ON goals_requests (at);

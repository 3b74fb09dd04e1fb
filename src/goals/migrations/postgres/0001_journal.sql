-- Times are milliseconds since the Unix epoch, dates are texts such as 2026-11-28. An id begins with the letter of its
-- kind.

-- `revision` is the number of writes.
CREATE TABLE goals_owners (
    owner text COLLATE "C" PRIMARY KEY,
    revision bigint NOT NULL
);

-- Goals, tasks, memories, life areas, completions and profiles. `body` is the item as JSON; the columns before it are
-- computed from it.
CREATE TABLE goals_items (
    owner text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    state bigint NOT NULL,
    sort text COLLATE "C" NOT NULL,
    goal text COLLATE "C",
    task text COLLATE "C",
    area text COLLATE "C",
    day text COLLATE "C",
    labels text COLLATE "C" NOT NULL,
    deleted_at bigint,
    words tsvector NOT NULL, -- for the search
    body text COLLATE "C" NOT NULL,
    PRIMARY KEY (owner, id)
);

CREATE INDEX goals_items_by_state ON goals_items (owner, kind, state, sort) WHERE deleted_at IS NULL;
CREATE INDEX goals_items_by_sort ON goals_items (owner, kind, sort) WHERE deleted_at IS NULL;
CREATE INDEX goals_items_by_goal ON goals_items (owner, goal) WHERE goal IS NOT NULL;
CREATE INDEX goals_items_by_task ON goals_items (owner, task) WHERE task IS NOT NULL;
CREATE INDEX goals_items_by_area ON goals_items (owner, area) WHERE area IS NOT NULL;
CREATE INDEX goals_items_by_day ON goals_items (owner, kind, day) WHERE day IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX goals_items_in_bin ON goals_items (deleted_at) WHERE deleted_at IS NOT NULL;

CREATE INDEX goals_items_by_words ON goals_items USING gin (words) WHERE deleted_at IS NULL;

-- The number of items of each state, without those in the bin.
CREATE TABLE goals_counts (
    owner text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    state bigint NOT NULL,
    count bigint NOT NULL,
    PRIMARY KEY (owner, kind, state)
);

-- The log: `items` is a list of items before and after the write, as JSON.
CREATE TABLE goals_changes (
    owner text COLLATE "C" NOT NULL,
    revision bigint NOT NULL,
    at bigint NOT NULL,
    actor text COLLATE "C" NOT NULL,
    tool text COLLATE "C" NOT NULL,
    undoes bigint,
    undone_by bigint,
    items text COLLATE "C" NOT NULL,
    PRIMARY KEY (owner, revision)
);

CREATE INDEX goals_changes_by_age ON goals_changes (at);

CREATE TABLE goals_changed_items (
    owner text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    revision bigint NOT NULL,
    PRIMARY KEY (owner, id, revision)
);

CREATE INDEX goals_changed_items_by_revision ON goals_changed_items (owner, revision);

-- Answers to writes with an id. `outcome` is JSON.
CREATE TABLE goals_requests (
    owner text COLLATE "C" NOT NULL,
    request_id text COLLATE "C" NOT NULL,
    fingerprint text COLLATE "C" NOT NULL,
    at bigint NOT NULL,
    outcome text COLLATE "C" NOT NULL,
    PRIMARY KEY (owner, request_id)
);

CREATE INDEX goals_requests_by_age ON goals_requests (at);

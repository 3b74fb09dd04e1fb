-- Amounts are millionths of a credit. Times are milliseconds since the Unix epoch. Ids, keys and hashes are bytes.

-- One row for each user. The sum of the entries is `balance`, and that of the open holds is `held`.
CREATE TABLE gateway_accounts (
    account BLOB PRIMARY KEY,
    balance INTEGER NOT NULL,
    held INTEGER NOT NULL,
    entries INTEGER NOT NULL, -- the number of the last entry
    moved INTEGER NOT NULL DEFAULT 0, -- the amount of the last hold or charge, for RETURNING
    CHECK (balance >= 0 AND held >= 0 AND balance >= held)
) WITHOUT ROWID;

-- A request from its reservation until it is deleted. It is open until `settled_at` is set. The key is NULL once the
-- request has lost it. The columns after `settled_at` are those of its usage.
CREATE TABLE gateway_requests (
    hold BLOB PRIMARY KEY,
    account BLOB NOT NULL,
    request_key BLOB,
    body_hash BLOB NOT NULL,
    amount INTEGER NOT NULL CHECK (amount >= 0),
    checkpoint INTEGER NOT NULL DEFAULT 0, -- the charge if the node ends
    node BLOB NOT NULL,
    lease_until INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    provider TEXT NOT NULL,
    model TEXT NOT NULL, -- as it was asked for
    settled_at INTEGER,
    charged INTEGER,
    uncollected INTEGER,
    response_model TEXT,
    input_tokens INTEGER,
    cache_read_tokens INTEGER,
    cache_write_tokens INTEGER,
    long_cache_write_tokens INTEGER,
    output_tokens INTEGER,
    reasoning_tokens INTEGER,
    source TEXT,
    status TEXT,
    finish TEXT,
    first_token_ms INTEGER,
    total_ms INTEGER,
    attempts INTEGER
) WITHOUT ROWID;

CREATE UNIQUE INDEX gateway_requests_by_key ON gateway_requests (account, request_key) WHERE request_key IS NOT NULL;
-- Also finds the open holds, which have no time.
CREATE INDEX gateway_requests_by_time ON gateway_requests (settled_at, hold);
CREATE INDEX gateway_requests_by_account ON gateway_requests (account, settled_at, hold) WHERE settled_at IS NOT NULL;

-- The encrypted answer of a request, while its key belongs to it.
CREATE TABLE gateway_results (
    hold BLOB PRIMARY KEY,
    body BLOB NOT NULL,
    settled_at INTEGER NOT NULL
);

CREATE INDEX gateway_results_by_time ON gateway_results (settled_at);

-- Changes of balances. Rows are never changed or deleted. `amount` is the user's side; the operator's account
-- `contra` has the other side, which is the same amount with the other sign.
CREATE TABLE gateway_entries (
    account BLOB NOT NULL,
    number INTEGER NOT NULL, -- 1, 2, 3 for each account
    amount INTEGER NOT NULL,
    balance INTEGER NOT NULL, -- after the entry
    kind TEXT NOT NULL,
    contra TEXT NOT NULL,
    hold BLOB, -- of a charge
    entry_key BLOB, -- makes a change of credit idempotent
    reason TEXT,
    operator TEXT,
    at INTEGER NOT NULL,
    PRIMARY KEY (account, number)
) WITHOUT ROWID;

CREATE UNIQUE INDEX gateway_entries_by_key ON gateway_entries (account, entry_key) WHERE entry_key IS NOT NULL;

-- Extends the leases of all holds of a node.
CREATE TABLE gateway_nodes (
    node BLOB PRIMARY KEY,
    lease_until INTEGER NOT NULL
) WITHOUT ROWID;

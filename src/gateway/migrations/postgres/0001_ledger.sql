-- Amounts are millionths of a credit. Times are milliseconds since the Unix epoch. Ids, keys and hashes are bytes.

-- One row for each user. The sum of the entries is `balance`, and that of the open holds is `held`.
CREATE TABLE gateway_accounts (
    account BYTEA PRIMARY KEY,
    balance BIGINT NOT NULL,
    held BIGINT NOT NULL,
    entries BIGINT NOT NULL, -- the number of the last entry
    moved BIGINT NOT NULL DEFAULT 0, -- the amount of the last hold or charge, for RETURNING in the same statement
    CHECK (balance >= 0 AND held >= 0 AND balance >= held)
);

-- A request from its reservation until it is deleted. It is open until `settled_at` is set. The key is NULL once the
-- request has lost it. The columns after `settled_at` are those of its usage.
CREATE TABLE gateway_requests (
    hold BYTEA PRIMARY KEY,
    account BYTEA NOT NULL,
    request_key BYTEA,
    body_hash BYTEA NOT NULL,
    amount BIGINT NOT NULL CHECK (amount >= 0),
    checkpoint BIGINT NOT NULL DEFAULT 0, -- the charge if the node ends
    node BYTEA NOT NULL,
    lease_until BIGINT NOT NULL,
    started_at BIGINT NOT NULL,
    provider TEXT NOT NULL,
    model TEXT NOT NULL, -- as it was asked for
    settled_at BIGINT,
    charged BIGINT,
    uncollected BIGINT,
    response_model TEXT,
    input_tokens BIGINT,
    cache_read_tokens BIGINT,
    cache_write_tokens BIGINT,
    long_cache_write_tokens BIGINT,
    output_tokens BIGINT,
    reasoning_tokens BIGINT,
    source TEXT,
    status TEXT,
    finish TEXT,
    first_token_ms BIGINT,
    total_ms BIGINT,
    attempts BIGINT
);

CREATE UNIQUE INDEX gateway_requests_by_key ON gateway_requests (account, request_key) WHERE request_key IS NOT NULL;
-- Also finds the open holds, which have no time.
CREATE INDEX gateway_requests_by_time ON gateway_requests (settled_at, hold);
CREATE INDEX gateway_requests_by_account ON gateway_requests (account, settled_at, hold) WHERE settled_at IS NOT NULL;

-- The encrypted answer of a request, while its key belongs to it.
CREATE TABLE gateway_results (
    hold BYTEA PRIMARY KEY,
    body BYTEA NOT NULL,
    settled_at BIGINT NOT NULL
);

CREATE INDEX gateway_results_by_time ON gateway_results (settled_at);

-- Changes of balances. Rows are never changed or deleted. `amount` is the user's side; the operator's account
-- `contra` has the other side, which is the same amount with the other sign.
CREATE TABLE gateway_entries (
    account BYTEA NOT NULL,
    number BIGINT NOT NULL, -- 1, 2, 3 for each account
    amount BIGINT NOT NULL,
    balance BIGINT NOT NULL, -- after the entry
    kind TEXT NOT NULL,
    contra TEXT NOT NULL,
    hold BYTEA, -- of a charge
    entry_key BYTEA, -- makes a change of credit idempotent
    reason TEXT,
    operator TEXT,
    at BIGINT NOT NULL,
    PRIMARY KEY (account, number)
);

CREATE UNIQUE INDEX gateway_entries_by_key ON gateway_entries (account, entry_key) WHERE entry_key IS NOT NULL;

-- Extends the leases of all holds of a node.
CREATE TABLE gateway_nodes (
    node BYTEA PRIMARY KEY,
    lease_until BIGINT NOT NULL
);

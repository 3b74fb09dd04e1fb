-- What instances share besides the accounts. Times are milliseconds since the Unix epoch.

-- Open sockets. A row counts until its lease ends.
CREATE TABLE gateway_sockets (
    socket BYTEA PRIMARY KEY,
    account BYTEA NOT NULL,
    lease_until BIGINT NOT NULL
);

CREATE INDEX gateway_sockets_by_account ON gateway_sockets (account);

-- The last change of each breaker. An empty model stands for all models of the key.
CREATE TABLE gateway_breakers (
    provider TEXT NOT NULL,
    variable TEXT NOT NULL,
    model TEXT NOT NULL,
    -- The instance that made the change.
    node BYTEA NOT NULL,
    version BIGINT NOT NULL,
    -- 0 for a breaker that closed.
    open_until BIGINT NOT NULL,
    PRIMARY KEY (provider, variable, model)
);

CREATE TABLE tallies (
    owner TEXT NOT NULL,
    name TEXT NOT NULL,
    count BIGINT NOT NULL,
    PRIMARY KEY (owner, name)
);

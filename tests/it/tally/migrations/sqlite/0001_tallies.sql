CREATE TABLE tallies (
    owner TEXT NOT NULL,
    name TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (owner, name)
) STRICT;

-- Keyed hashes of ID_SALT and INBOX_KEY, so that a start with other secrets is refused.
CREATE TABLE secret_fingerprints (
    number INTEGER PRIMARY KEY CHECK (number = 1),
    id_salt TEXT NOT NULL,
    inbox_key TEXT NOT NULL
);

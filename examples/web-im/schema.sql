-- Users. Messages are not here: the module stores them.

PRAGMA journal_mode = WAL;

CREATE TABLE IF NOT EXISTS users (
    id            INTEGER PRIMARY KEY,
    name          TEXT NOT NULL UNIQUE COLLATE NOCASE,
    password_hash TEXT NOT NULL,
    channel       TEXT NOT NULL UNIQUE,   -- the inbox: known to this user's browsers only
    seen_at       INTEGER                 -- unix time; null: never
);

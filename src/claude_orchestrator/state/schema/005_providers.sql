-- The health of each account that pays for calls to models: one circuit breaker for all windows and processes.
-- state is closed, open or half_open; until ends its waits, probe is the attempt that tries alone. parked_until is when
-- a rate limit ends. failed_* tell of the latest failure of any kind, succeeded_at of the latest success.
CREATE TABLE provider (
    name         TEXT PRIMARY KEY,
    state        TEXT NOT NULL DEFAULT 'closed',
    failures     INTEGER NOT NULL DEFAULT 0,
    until        REAL NOT NULL DEFAULT 0,
    probe        TEXT NOT NULL DEFAULT '',
    parked_until REAL NOT NULL DEFAULT 0,
    limits       INTEGER NOT NULL DEFAULT 0,
    since        REAL NOT NULL DEFAULT 0,
    why          TEXT NOT NULL DEFAULT '',
    failed_at    REAL,
    failed_kind  TEXT NOT NULL DEFAULT '',
    failure      TEXT NOT NULL DEFAULT '',
    succeeded_at REAL
);

-- How many calls and launches of a provider succeeded and failed in each hour (hours since the epoch).
CREATE TABLE provider_hour (
    name      TEXT NOT NULL,
    hour      INTEGER NOT NULL,
    successes INTEGER NOT NULL DEFAULT 0,
    failures  INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (name, hour)
);

-- stalls counts how often in a row a task was put off because of its provider, stalled_at is the latest time.
ALTER TABLE task ADD COLUMN stalls INTEGER NOT NULL DEFAULT 0;
ALTER TABLE task ADD COLUMN stalled_at REAL NOT NULL DEFAULT 0;

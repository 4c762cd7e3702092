-- remembered is where an attempt goes on whose launch died without an outcome; deaths counts such launches, died is
-- the latest one that was counted.
ALTER TABLE attempt ADD COLUMN remembered TEXT;
ALTER TABLE attempt ADD COLUMN deaths INTEGER NOT NULL DEFAULT 0;
ALTER TABLE attempt ADD COLUMN died INTEGER;

-- Who pays for the attempt and with which model it works; chosen when it is claimed.
ALTER TABLE attempt ADD COLUMN provider TEXT NOT NULL DEFAULT '';
ALTER TABLE attempt ADD COLUMN model TEXT NOT NULL DEFAULT '';

-- One row for each call to a model; call is its name within the attempt, so that none is counted twice.
-- micro_usd is the price in millionths of a US dollar; NULL: unknown. prices says which table it was reckoned with.
CREATE TABLE cost (
    attempt_id         TEXT NOT NULL,
    call               TEXT NOT NULL,
    run_id             TEXT NOT NULL,
    task_id            TEXT NOT NULL,
    provider           TEXT NOT NULL,
    model              TEXT NOT NULL,
    at                 REAL NOT NULL,
    input_tokens       INTEGER NOT NULL,
    output_tokens      INTEGER NOT NULL,
    cache_read_tokens  INTEGER NOT NULL,
    cache_write_tokens INTEGER NOT NULL,
    micro_usd          INTEGER,
    prices             TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (attempt_id, call)
);

CREATE INDEX cost_run ON cost (run_id, task_id);
CREATE INDEX cost_day ON cost (provider, at);

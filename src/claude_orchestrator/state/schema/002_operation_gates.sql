-- channel is where an answer came from: cli, terminal, python, or expiry.
ALTER TABLE gate ADD COLUMN channel TEXT;

-- What an agent may not do without a human: one row beside each gate of kind 'operation'.
-- key is the same for one operation at one place of one task, whoever asks for it and how often; round rises when
-- the attempt wants it again after an answer has been used up. launch and resume say where its agent goes on.
-- way is how it was answered: once, pattern, edited, denied or expired.
CREATE TABLE operation_gate (
    gate_id    TEXT PRIMARY KEY REFERENCES gate (id),
    attempt_id TEXT NOT NULL,
    key        TEXT NOT NULL,
    round      INTEGER NOT NULL,
    launch     INTEGER NOT NULL,
    resume     TEXT,
    operation  TEXT NOT NULL,
    effects    TEXT NOT NULL,
    rule       TEXT NOT NULL,
    shown      TEXT NOT NULL,
    risk       TEXT NOT NULL,
    suggestion TEXT,
    expires_at REAL,
    way        TEXT,
    pattern    TEXT,
    edited     TEXT,
    used_at    REAL,
    UNIQUE (attempt_id, key, round)
);

CREATE INDEX operation_gate_key ON operation_gate (key);
CREATE INDEX gate_attempt ON gate (attempt_id);

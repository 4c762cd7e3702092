-- A planning session: from a goal to an approved plan. survey, research, plan, review and notes are JSON; revision rises
-- with each change, so that of two windows that change it at once one hears of the other.
CREATE TABLE planning_session (
    id              TEXT PRIMARY KEY,
    number          INTEGER NOT NULL UNIQUE,
    project         TEXT NOT NULL,
    goal            TEXT NOT NULL,
    context         TEXT NOT NULL DEFAULT '',
    kind            TEXT NOT NULL,
    stage           TEXT NOT NULL,
    base_commit     TEXT NOT NULL,
    survey          TEXT,
    research        TEXT,
    plan            TEXT,
    drafted_by      TEXT NOT NULL DEFAULT '',
    review          TEXT,
    notes           TEXT NOT NULL DEFAULT '[]',
    plan_id         TEXT,
    plan_version    INTEGER,
    spent_micro_usd INTEGER NOT NULL DEFAULT 0,
    revision        INTEGER NOT NULL DEFAULT 1,
    created_at      REAL NOT NULL,
    updated_at      REAL NOT NULL
);

-- question is JSON, and so is answer; answered_by is person, host, default, goal or repository.
CREATE TABLE planning_question (
    session_id  TEXT NOT NULL REFERENCES planning_session (id),
    id          TEXT NOT NULL,
    position    INTEGER NOT NULL,
    question    TEXT NOT NULL,
    answer      TEXT,
    answered_by TEXT,
    answered_at REAL,
    PRIMARY KEY (session_id, id)
);

-- What each task of an approved plan rests on: the files of its scope as they were at the commit of the approval. blob
-- is empty for a file that was not there.
CREATE TABLE plan_ground (
    plan_id     TEXT NOT NULL,
    version     INTEGER NOT NULL,
    task_id     TEXT NOT NULL,
    base_commit TEXT NOT NULL,
    path        TEXT NOT NULL,
    blob        TEXT NOT NULL,
    PRIMARY KEY (plan_id, version, task_id, path),
    FOREIGN KEY (plan_id, version) REFERENCES plan_version (plan_id, version)
);

-- What a gate of kind 'drift' is about: a file that a task rests on was one blob at the commit since, and is another at
-- head, the commit of the run's branch; empty: not there. Once the gate is approved, blob is what the task rests on in
-- this run.
CREATE TABLE drift (
    gate_id TEXT NOT NULL REFERENCES gate (id),
    path    TEXT NOT NULL,
    was     TEXT NOT NULL,
    since   TEXT NOT NULL,
    blob    TEXT NOT NULL,
    head    TEXT NOT NULL,
    PRIMARY KEY (gate_id, path)
);
CREATE INDEX gate_drift ON gate (run_id, task_id) WHERE kind = 'drift';

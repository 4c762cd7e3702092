CREATE TABLE plan (
    id         TEXT PRIMARY KEY,
    number     INTEGER NOT NULL UNIQUE,
    created_at REAL NOT NULL
);

CREATE TABLE plan_version (
    plan_id     TEXT NOT NULL REFERENCES plan (id),
    version     INTEGER NOT NULL,
    goal        TEXT NOT NULL,
    document    TEXT NOT NULL,
    digest      TEXT NOT NULL,
    created_at  REAL NOT NULL,
    approved_at REAL,
    PRIMARY KEY (plan_id, version)
);

CREATE TABLE worker (
    id         TEXT PRIMARY KEY,
    pid        INTEGER NOT NULL,
    run_id     TEXT,
    started_at REAL NOT NULL
);

-- intent is what a human last asked for (run, pause, cancel); status is what is so.
-- token makes the run's commit trailers unique, also beside runs of another home in the same repository.
CREATE TABLE run (
    id           TEXT PRIMARY KEY,
    number       INTEGER NOT NULL UNIQUE,
    token        TEXT NOT NULL,
    plan_id      TEXT NOT NULL,
    plan_version INTEGER NOT NULL,
    goal         TEXT NOT NULL,
    repository   TEXT NOT NULL,
    git_dir      TEXT NOT NULL,
    base_commit  TEXT NOT NULL,
    target_ref   TEXT NOT NULL,
    intent       TEXT NOT NULL DEFAULT 'run',
    status       TEXT NOT NULL DEFAULT 'running',
    reason       TEXT NOT NULL DEFAULT '',
    created_at   REAL NOT NULL,
    finished_at  REAL,
    FOREIGN KEY (plan_id, plan_version) REFERENCES plan_version (plan_id, version)
);

CREATE TABLE phase (
    run_id   TEXT NOT NULL REFERENCES run (id),
    id       TEXT NOT NULL,
    title    TEXT NOT NULL,
    position INTEGER NOT NULL,
    open     INTEGER NOT NULL,
    PRIMARY KEY (run_id, id)
);

CREATE TABLE phase_dependency (
    run_id   TEXT NOT NULL,
    phase_id TEXT NOT NULL,
    needs    TEXT NOT NULL,
    PRIMARY KEY (run_id, needs, phase_id)
);

-- blockers counts the unfinished tasks and phases that the task waits for; it changes in the
-- transaction that finishes one of them, so that a claim needs no walk over the graph.
-- fence rises with every change of owner: a write that names an old fence changes nothing.
CREATE TABLE task (
    run_id       TEXT NOT NULL REFERENCES run (id),
    id           TEXT NOT NULL,
    phase_id     TEXT NOT NULL,
    position     INTEGER NOT NULL,
    title        TEXT NOT NULL,
    definition   TEXT NOT NULL,
    locks        TEXT NOT NULL,
    max_attempts INTEGER NOT NULL,
    status       TEXT NOT NULL DEFAULT 'pending',
    blockers     INTEGER NOT NULL,
    failures     INTEGER NOT NULL DEFAULT 0,
    claims       INTEGER NOT NULL DEFAULT 0,
    ready_at     REAL NOT NULL DEFAULT 0,
    owner        TEXT,
    fence        INTEGER NOT NULL DEFAULT 0,
    attempt_id   TEXT,
    reason       TEXT NOT NULL DEFAULT '',
    merge_commit TEXT,
    finished_at  REAL,
    PRIMARY KEY (run_id, id)
);

CREATE INDEX task_ready ON task (run_id, position) WHERE status = 'pending' AND blockers = 0;
CREATE INDEX task_active ON task (status) WHERE status IN ('delegated', 'in_progress', 'verifying');
CREATE INDEX task_phase ON task (run_id, phase_id);

CREATE TABLE dependency (
    run_id  TEXT NOT NULL,
    task_id TEXT NOT NULL,
    needs   TEXT NOT NULL,
    PRIMARY KEY (run_id, needs, task_id)
);

-- A file lock is held from the claim until the task leaves the running states.
CREATE TABLE file_lock (
    git_dir TEXT NOT NULL,
    run_id  TEXT NOT NULL,
    task_id TEXT NOT NULL,
    pattern TEXT NOT NULL,
    PRIMARY KEY (git_dir, run_id, task_id, pattern)
);

-- number is the try as the agent sees it (a pause does not count); launch counts runner processes;
-- session names who works on it by hand instead of an agent of ours.
CREATE TABLE attempt (
    id          TEXT PRIMARY KEY,
    run_id      TEXT NOT NULL,
    task_id     TEXT NOT NULL,
    number      INTEGER NOT NULL,
    status      TEXT NOT NULL,
    base_commit TEXT,
    worktree    TEXT,
    launch      INTEGER NOT NULL DEFAULT 0,
    resume      TEXT,
    session     TEXT,
    commit_id   TEXT,
    feedback    TEXT NOT NULL DEFAULT '',
    reason      TEXT NOT NULL DEFAULT '',
    started_at  REAL NOT NULL,
    finished_at REAL,
    FOREIGN KEY (run_id, task_id) REFERENCES task (run_id, id)
);

CREATE INDEX attempt_task ON attempt (run_id, task_id);

CREATE TABLE step (
    attempt_id  TEXT NOT NULL REFERENCES attempt (id),
    name        TEXT NOT NULL,
    status      TEXT NOT NULL,
    output      TEXT,
    started_at  REAL NOT NULL,
    finished_at REAL,
    PRIMARY KEY (attempt_id, name)
);

CREATE TABLE evidence (
    id         INTEGER PRIMARY KEY,
    run_id     TEXT NOT NULL,
    task_id    TEXT NOT NULL,
    attempt_id TEXT NOT NULL,
    tree       TEXT NOT NULL,
    verdict    TEXT NOT NULL,
    document   TEXT NOT NULL,
    folder     TEXT NOT NULL,
    at         REAL NOT NULL
);

CREATE INDEX evidence_task ON evidence (run_id, task_id);

CREATE TABLE gate (
    id          TEXT PRIMARY KEY,
    number      INTEGER NOT NULL UNIQUE,
    run_id      TEXT NOT NULL,
    task_id     TEXT NOT NULL,
    attempt_id  TEXT,
    kind        TEXT NOT NULL,
    question    TEXT NOT NULL,
    subject     TEXT NOT NULL DEFAULT '',
    status      TEXT NOT NULL DEFAULT 'open',
    answer      TEXT,
    reason      TEXT NOT NULL DEFAULT '',
    answered_by TEXT,
    created_at  REAL NOT NULL,
    answered_at REAL
);

CREATE INDEX gate_open ON gate (run_id) WHERE status = 'open';

CREATE TABLE event (
    seq        INTEGER PRIMARY KEY AUTOINCREMENT,
    at         REAL NOT NULL,
    kind       TEXT NOT NULL,
    run_id     TEXT,
    task_id    TEXT,
    attempt_id TEXT,
    data       TEXT NOT NULL
);

CREATE INDEX event_run ON event (run_id, seq);

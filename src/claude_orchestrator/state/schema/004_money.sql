-- All money is in millionths of a US dollar.

-- What an attempt may spend from the moment it is claimed, and what it had spent before; NULL: no limit. It is reserved
-- for as long as its task is delegated or in progress: nothing has to be given back, so nothing stays reserved.
ALTER TABLE attempt ADD COLUMN allowance INTEGER;
ALTER TABLE attempt ADD COLUMN spent_before INTEGER NOT NULL DEFAULT 0;

-- What a call counts against limits: its price, or, where that is unknown and a limit holds, all that was reserved.
ALTER TABLE cost ADD COLUMN counted INTEGER NOT NULL DEFAULT 0;
UPDATE cost SET counted = coalesce(micro_usd, 0);
DROP INDEX cost_run;
DROP INDEX cost_day;
CREATE INDEX cost_run ON cost (run_id, task_id, counted, micro_usd);
CREATE INDEX cost_day ON cost (provider, at, counted, micro_usd);

-- Limits. kind is attempt, task, run, day or month; subject whose: an attempt's id, run/task, a run's id, a provider.
-- period is empty for the limit of every day and every month, else the one day or month (UTC) that it is raised for.
CREATE TABLE budget (
    kind      TEXT NOT NULL,
    subject   TEXT NOT NULL,
    period    TEXT NOT NULL DEFAULT '',
    micro_usd INTEGER NOT NULL,
    PRIMARY KEY (kind, subject, period)
);

-- The limit that a gate of kind 'budget' is about: raised is its amount after an approval, needed is what has to be
-- left of it before its tasks can go on, until is when it counts from nothing again.
CREATE TABLE budget_gate (
    gate_id TEXT PRIMARY KEY REFERENCES gate (id),
    kind    TEXT NOT NULL,
    subject TEXT NOT NULL,
    period  TEXT NOT NULL,
    needed  INTEGER NOT NULL,
    raised  INTEGER NOT NULL,
    until   REAL
);

-- The gate of kind 'budget' that a task has waited for last; several tasks may wait for one.
ALTER TABLE task ADD COLUMN budget_gate TEXT;
CREATE INDEX task_budget_gate ON task (budget_gate) WHERE budget_gate IS NOT NULL;

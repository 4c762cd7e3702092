"""Runs: one execution of one approved plan version on one repository from one base commit."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from claude_orchestrator.errors import NotReadyError
from claude_orchestrator.state import budgets, events, spending
from claude_orchestrator.state.database import Database, Row, Transaction

FINAL = ("completed", "failed", "cancelled")
"""Run statuses that nothing leads out of; ``paused`` and ``incomplete`` runs can be resumed."""

LONGEST_WAIT_S: Final = 86400.0
"""A run whose tasks wait for no more than a budget of a new day or month goes on by itself within this time."""


@dataclass(frozen=True)
class NewPhase:
    """A phase as a run needs it; ``needs`` are ids of phases that must be finished first."""

    id: str
    title: str
    needs: tuple[str, ...]


@dataclass(frozen=True)
class NewTask:
    """A task as a run needs it: ``definition`` is the plan's JSON, ``locks`` canonical path patterns as JSON."""

    id: str
    phase_id: str
    title: str
    definition: str
    locks: str
    max_attempts: int
    needs: tuple[str, ...]
    budget: int | None = None
    """What all its attempts together may spend, in millionths of a US dollar; None: no limit."""


@dataclass(frozen=True)
class NewRun:
    """What a run rests on; ids and numbers are given by :func:`create`."""

    plan_id: str
    plan_version: int
    goal: str
    repository: str
    git_dir: str
    base_commit: str
    phases: Sequence[NewPhase]
    tasks: Sequence[NewTask]
    budget: int | None = None
    """What the run may spend, in millionths of a US dollar; None: no limit."""


async def next_number(tx: Transaction) -> int:
    """The number that the next run of this home gets."""
    row = await tx.fetch_one("SELECT coalesce(max(number), 0) + 1 AS number FROM run")
    assert row is not None
    return int(row["number"])


async def create(tx: Transaction, new: NewRun, *, number: int, target_ref: str, now: float) -> str:
    """Insert a run with its phases, tasks and dependencies; return its id (``r<number>``)."""
    run_id = f"r{number}"
    await tx.execute(
        "INSERT INTO run"
        " (id, number, token, plan_id, plan_version, goal, repository, git_dir, base_commit, target_ref,"
        " created_at)"
        " VALUES (:id, :number, :token, :plan_id, :plan_version, :goal, :repository, :git_dir,"
        " :base_commit, :target_ref, :now)",
        {
            "id": run_id,
            "number": number,
            "token": secrets.token_hex(4),
            "plan_id": new.plan_id,
            "plan_version": new.plan_version,
            "goal": new.goal,
            "repository": new.repository,
            "git_dir": new.git_dir,
            "base_commit": new.base_commit,
            "target_ref": target_ref,
            "now": now,
        },
    )
    await _insert_graph(tx, run_id, new)
    await _set_budgets(tx, run_id, new)
    await events.append(
        tx,
        kind="run.created",
        run_id=run_id,
        data={"target": target_ref, "base": new.base_commit, "plan": new.plan_id, "version": new.plan_version},
    )
    return run_id


async def _insert_graph(tx: Transaction, run_id: str, new: NewRun) -> None:
    phase_needs = {phase.id: len(set(phase.needs)) for phase in new.phases}
    counts: dict[str, int] = dict.fromkeys(phase_needs, 0)
    for task in new.tasks:
        counts[task.phase_id] += 1
    await tx.execute_many(
        "INSERT INTO phase (run_id, id, title, position, open) VALUES (:run, :id, :title, :position, :open)",
        [
            {"run": run_id, "id": phase.id, "title": phase.title, "position": index, "open": counts[phase.id]}
            for index, phase in enumerate(new.phases)
        ],
    )
    await tx.execute_many(
        "INSERT INTO phase_dependency (run_id, phase_id, needs) VALUES (:run, :phase, :needs)",
        [{"run": run_id, "phase": phase.id, "needs": needs} for phase in new.phases for needs in set(phase.needs)],
    )
    await tx.execute_many(
        "INSERT INTO task (run_id, id, phase_id, position, title, definition, locks, max_attempts, blockers)"
        " VALUES (:run, :id, :phase, :position, :title, :definition, :locks, :max_attempts, :blockers)",
        [
            {
                "run": run_id,
                "id": task.id,
                "phase": task.phase_id,
                "position": index,
                "title": task.title,
                "definition": task.definition,
                "locks": task.locks,
                "max_attempts": task.max_attempts,
                "blockers": phase_needs[task.phase_id] + len(set(task.needs)),
            }
            for index, task in enumerate(new.tasks)
        ],
    )
    await tx.execute_many(
        "INSERT INTO dependency (run_id, task_id, needs) VALUES (:run, :task, :needs)",
        [{"run": run_id, "task": task.id, "needs": needs} for task in new.tasks for needs in set(task.needs)],
    )


async def _set_budgets(tx: Transaction, run_id: str, new: NewRun) -> None:
    if new.budget is not None:
        await budgets.put(tx, "run", run_id, new.budget)
    for task in new.tasks:
        if task.budget is not None:
            await budgets.put(tx, "task", f"{run_id}/{task.id}", task.budget)


async def get(source: Transaction | Database, run_id: str) -> Row:
    """The row of a run. Raises NotReadyError when there is none of that id."""
    row = await source.fetch_one("SELECT * FROM run WHERE id = :run", {"run": run_id})
    if row is None:
        raise NotReadyError(f"there is no run '{run_id}': 'claude-orchestrator status' lists the runs")
    return row


async def recent(source: Transaction | Database, limit: int = 20) -> list[Row]:
    """The newest runs first, each with its count of tasks and of completed tasks."""
    return await source.fetch_all(
        "SELECT run.*, count(task.id) AS tasks, coalesce(sum(task.status = 'completed'), 0) AS completed FROM run"
        " LEFT JOIN task ON task.run_id = run.id GROUP BY run.id ORDER BY run.number DESC LIMIT :limit",
        {"limit": limit},
    )


async def decisions(source: Transaction | Database, run_id: str) -> list[dict[str, Any]]:
    """What was decided before the run's plan was made: question, answer and reason of each."""
    row = await source.fetch_one(
        "SELECT document FROM plan_version JOIN run ON run.plan_id = plan_version.plan_id"
        " AND run.plan_version = plan_version.version WHERE run.id = :run",
        {"run": run_id},
    )
    assert row is not None, run_id
    found: list[dict[str, Any]] = json.loads(row["document"]).get("decisions") or []
    return found


async def finished_before(source: Transaction | Database, run_id: str, task_id: str) -> list[Row]:
    """The completed tasks that a task depends on, in the plan's order, each with what its agent left (``output``)."""
    return await source.fetch_all(
        "SELECT task.id, task.title, task.merge_commit, step.output FROM dependency"
        " JOIN task ON task.run_id = dependency.run_id AND task.id = dependency.needs"
        " LEFT JOIN step ON step.attempt_id = task.attempt_id AND step.name = 'agent'"
        " WHERE dependency.run_id = :run AND dependency.task_id = :task AND task.status = 'completed'"
        " ORDER BY task.position",
        {"run": run_id, "task": task_id},
    )


async def unfinished(source: Transaction | Database) -> list[Row]:
    """Every run that ``resume`` could move, oldest first."""
    return await source.fetch_all(
        "SELECT * FROM run WHERE status NOT IN ('completed', 'failed', 'cancelled') ORDER BY number"
    )


async def want(tx: Transaction, run_id: str, intent: str, *, reason: str = "") -> None:
    """Record what a human asks of a run: ``run``, ``pause`` or ``cancel``; whoever moves the run obeys.

    A run that is being cancelled is not paused instead: a cancel already stops everything.
    Raises NotReadyError when the run is already over.
    """
    run = await get(tx, run_id)
    if run["status"] in FINAL:
        raise NotReadyError(
            f"run {run_id} is already {run['status']}: start another with 'claude-orchestrator run PLAN'"
        )
    if intent == "pause" and run["intent"] == "cancel":
        return
    status = "running" if intent == "run" else run["status"]
    await tx.execute(
        "UPDATE run SET intent = :intent, status = :status, reason = :reason WHERE id = :run",
        {"intent": intent, "status": status, "reason": reason, "run": run_id},
    )
    await events.append(tx, kind=f"run.{intent}_wanted", run_id=run_id, data={"reason": reason})


async def settle(tx: Transaction, run_id: str, now: float) -> str:
    """Bring the run's status in line with its tasks and its intent; return the status.

    ``running`` stays until no task is active. Then a wanted cancel or pause takes effect, and a run in which
    nothing can move any more (nor will by itself within a day) is ``completed`` (every task is), ``incomplete`` (a
    human has to decide something) or ``failed`` (a human has decided, and what is left depends on a task that was
    given up).
    """
    run = await get(tx, run_id)
    if run["status"] in FINAL:
        return str(run["status"])
    counts = await tx.fetch_one(
        "SELECT count(*) AS tasks,"
        " coalesce(sum(status IN ('delegated', 'in_progress', 'verifying')), 0) AS active,"
        " coalesce(sum(status = 'completed'), 0) AS completed,"
        " coalesce(sum(status = 'pending' AND blockers = 0), 0) AS ready,"
        " coalesce(sum(status IN ('waiting', 'escalated')), 0) AS asking,"
        " coalesce(sum(status = 'waiting'"
        " AND budget_gate IN (SELECT gate_id FROM budget_gate WHERE until <= :soon)), 0) AS timed"
        " FROM task WHERE run_id = :run",
        {"run": run_id, "soon": now + LONGEST_WAIT_S},
    )
    assert counts is not None
    status = _status(run, counts)
    if status == "cancelled":
        await tx.execute(
            "UPDATE task SET status = 'cancelled', finished_at = :now WHERE run_id = :run"
            " AND status IN ('pending', 'waiting', 'escalated')",
            {"run": run_id, "now": now},
        )
        await tx.execute(
            "UPDATE attempt SET status = 'cancelled', finished_at = :now WHERE run_id = :run"
            " AND status IN ('parked', 'waiting', 'approved')",
            {"run": run_id, "now": now},
        )
        for gate in await tx.fetch_all(
            "UPDATE gate SET status = 'withdrawn' WHERE run_id = :run AND status = 'open' RETURNING *", {"run": run_id}
        ):
            place = {name: gate[name] for name in ("run_id", "task_id", "attempt_id")}
            await events.append(tx, kind="gate.withdrawn", data={"gate": gate["id"]}, **place)
    if status != "running":
        # Nobody holds anything any more: whom a task waited for is no news now.
        await tx.execute(
            "UPDATE task SET reason = '' WHERE run_id = :run AND status = 'pending' AND reason LIKE 'waits for %'",
            {"run": run_id},
        )
    if status != run["status"]:
        await tx.execute(
            "UPDATE run SET status = :status, finished_at = :now WHERE id = :run",
            {"status": status, "now": now if status in FINAL else None, "run": run_id},
        )
        await events.append(tx, kind=f"run.{status}", run_id=run_id, data={"reason": run["reason"]})
    return status


def _status(run: Row, counts: Row) -> str:
    if counts["active"]:
        return "running"
    if counts["completed"] == counts["tasks"]:
        return "completed"
    if run["intent"] == "cancel":
        return "cancelled"
    if run["intent"] == "pause":
        return "paused"
    if counts["ready"] or counts["timed"]:
        return "running"
    return "incomplete" if counts["asking"] else "failed"


async def progress(source: Transaction | Database, run_id: str) -> dict[str, Any]:
    """Everything that a face shows of a run: itself, phases, tasks with their latest attempt, open gates, costs."""
    tasks = await source.fetch_all(
        "SELECT task.id, task.phase_id, task.title, task.status, task.reason, task.failures, task.max_attempts,"
        " task.blockers, task.ready_at, task.owner, task.attempt_id, task.merge_commit, task.finished_at, task.stalls,"
        " task.budget_gate, attempt.provider, attempt.model,"
        " attempt.number, attempt.started_at, attempt.worktree, attempt.launch, attempt.status AS attempt_status"
        " FROM task LEFT JOIN attempt ON attempt.id = task.attempt_id WHERE task.run_id = :run ORDER BY task.position",
        {"run": run_id},
    )
    return {
        "run": await get(source, run_id),
        "phases": await source.fetch_all("SELECT * FROM phase WHERE run_id = :run ORDER BY position", {"run": run_id}),
        "tasks": tasks,
        "gates": await source.fetch_all(
            "SELECT * FROM gate WHERE run_id = :run AND status = 'open' ORDER BY number", {"run": run_id}
        ),
        "cost": await spending.total(source, run_id),
        "budget": await budgets.limit_now(source, "run", run_id, 0),
        "usage": {row["task_id"]: row for row in await spending.sums(source, "task", run_id)},
    }

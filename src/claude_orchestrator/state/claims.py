"""The claim: the one transaction in which a task gets a worker, a slot, its file locks and an attempt."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any, Final

from claude_orchestrator.state import budget_gates, events
from claude_orchestrator.state.database import Row, Transaction
from claude_orchestrator.state.grants import Fund, Grant, Wait
from claude_orchestrator.state.tasks import Claim

_PAGE: Final = 64
_WAITS: Final = "waits for "


async def claim(
    tx: Transaction,
    *,
    run_id: str,
    worker: str,
    limit: int,
    overlap: Callable[[str, str], bool],
    now: float,
    only: str | None = None,
    longest_wait: float = math.inf,
    fund: Fund | None = None,
) -> Claim | None:
    """Take the first ready task of a run: dependencies done, slot free, file locks granted, wait over.

    ``limit`` is the number of running attempts over all processes and runs. Tasks whose locks ``overlap`` with
    those that another holds are passed over, and their rows say whom they wait for. ``only`` restricts the choice
    to one task. A task that seems to wait for more than ``longest_wait`` seconds was told so before the clock was
    put back: it is ready. ``fund`` says who pays for the attempt; tasks that it
    lets wait are passed over like those that wait for a lock, and those for which the money does not last get a gate.
    None: whoever claims works by hand and pays alone.
    """
    run = await tx.fetch_one(
        "SELECT git_dir,"
        " (SELECT count(*) FROM task WHERE status IN ('delegated', 'in_progress', 'verifying')) AS active"
        " FROM run WHERE id = :run AND status = 'running' AND intent = 'run'",
        {"run": run_id},
    )
    if run is None or run["active"] >= limit:
        return None
    ready = {"run": run_id, "now": now, "too_late": now + longest_wait, "only": only, "page": _PAGE}
    found = await _first_free(tx, run["git_dir"], overlap, ready, fund)
    return None if found is None else await _take(tx, *found, run["git_dir"], worker, now)


async def _first_free(
    tx: Transaction,
    git_dir: str,
    overlap: Callable[[str, str], bool],
    ready: Mapping[str, Any],
    fund: Fund | None,
) -> tuple[Row, Grant] | None:
    held = await tx.fetch_all(
        "SELECT pattern, run_id, task_id FROM file_lock WHERE git_dir = :git_dir", {"git_dir": git_dir}
    )
    position = -1
    while True:
        page = await tx.fetch_all(
            "SELECT task.run_id, task.id, position, definition, locks, failures, claims, fence, task.reason,"
            " parked.id AS parked_id, parked.number AS parked_number,"
            " parked.status AS parked_status, parked.provider AS parked_provider, parked.model AS parked_model"
            " FROM task LEFT JOIN attempt AS parked ON parked.id = task.attempt_id"
            " AND parked.status IN ('parked', 'approved')"
            " WHERE task.run_id = :run AND task.status = 'pending' AND blockers = 0"
            " AND (ready_at <= :now OR ready_at > :too_late)"
            " AND position > :position AND (:only IS NULL OR task.id = :only) ORDER BY position LIMIT :page",
            {**ready, "position": position},
        )
        for task in page:
            task["definition"] = json.loads(task["definition"])
            holder = _holder(json.loads(task["locks"]), held, overlap)
            if holder is not None:
                holds = f"{holder['run_id']}/{holder['task_id']}, which holds {holder['pattern']}"
                await _note_wait(tx, task, holds, "task.lock_wait")
            elif (grant := await _funded(tx, task, fund, ready["now"])) is not None:
                return task, grant
        if len(page) < _PAGE:
            return None
        position = page[-1]["position"]


def _holder(wanted: list[str], held: list[Row], overlap: Callable[[str, str], bool]) -> Row | None:
    for lock in held:
        if any(overlap(pattern, lock["pattern"]) for pattern in wanted):
            return lock
    return None


async def _funded(tx: Transaction, task: Row, fund: Fund | None, now: float) -> Grant | None:
    """Leave for the task to work now; None when it has to wait, which its row then says."""
    if fund is None:
        return Grant()
    funded = await fund(tx, task, _attempt_id(task), task["definition"], now)
    if isinstance(funded, Grant):
        return funded
    if isinstance(funded, Wait):
        await _note_wait(tx, task, funded.reason, "task.wait")
    else:
        await budget_gates.wait(tx, task, task["parked_id"], funded, now)
    return None


async def _note_wait(tx: Transaction, task: Row, what: str, kind: str) -> None:
    reason = f"{_WAITS}{what}"
    if task["reason"] != reason:
        await tx.execute(
            "UPDATE task SET reason = :reason WHERE run_id = :run AND id = :task",
            {"reason": reason, "run": task["run_id"], "task": task["id"]},
        )
    # Once a wait: with each new holder, the journal would grow with the square of the number of tasks.
    if not task["reason"].startswith(_WAITS):
        await events.append(tx, kind=kind, run_id=task["run_id"], task_id=task["id"], data={"reason": reason})


def _attempt_id(task: Row) -> str:
    return str(task["parked_id"] or f"{task['run_id']}.{task['id']}.{task['claims'] + 1}")


async def _take(tx: Transaction, task: Row, grant: Grant, git_dir: str, worker: str, now: float) -> Claim:
    run_id, task_id = task["run_id"], task["id"]
    parked = task["parked_id"] is not None
    attempt_id = _attempt_id(task)
    number = task["parked_number"] or task["failures"] + 1
    fence = task["fence"] + 1
    await tx.execute(
        "UPDATE task SET status = 'delegated', owner = :worker, fence = :fence, attempt_id = :attempt,"
        " claims = claims + :new, reason = '' WHERE run_id = :run AND id = :task",
        {
            "worker": worker,
            "fence": fence,
            "attempt": attempt_id,
            "new": 0 if parked else 1,
            "run": run_id,
            "task": task_id,
        },
    )
    await tx.execute_many(
        "INSERT INTO file_lock (git_dir, run_id, task_id, pattern) VALUES (:git_dir, :run, :task, :pattern)",
        [
            {"git_dir": git_dir, "run": run_id, "task": task_id, "pattern": pattern}
            for pattern in dict.fromkeys(json.loads(task["locks"]))
        ],
    )
    paid = {"provider": grant.provider, "model": grant.model, "allowance": grant.allowance}
    if parked:
        await tx.execute(
            "UPDATE attempt SET status = 'running', provider = :provider, model = :model, allowance = :allowance,"
            " spent_before = (SELECT coalesce(sum(counted), 0) FROM cost WHERE attempt_id = :id)"
            " WHERE id = :id AND status = 'parked'",
            {"id": attempt_id, **paid},
        )
    else:
        await tx.execute(
            "INSERT INTO attempt (id, run_id, task_id, number, status, started_at, provider, model, allowance)"
            " VALUES (:id, :run, :task, :number, 'running', :now, :provider, :model, :allowance)",
            {"id": attempt_id, "run": run_id, "task": task_id, "number": number, "now": now, **paid},
        )
    await events.append(
        tx,
        kind="task.resumed" if parked else "task.delegated",
        run_id=run_id,
        task_id=task_id,
        attempt_id=attempt_id,
        data={"number": number, "worker": worker},
    )
    return Claim(run_id, task_id, attempt_id, number, fence, worker, task["definition"])

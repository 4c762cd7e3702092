"""Attempts: their rows, their named steps, and the evidence that the verifier left."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from claude_orchestrator.state.database import Database, Row, Transaction
from claude_orchestrator.state.tasks import Claim, own, record

MAX_DEATHS: Final = 3
"""How many launches of an attempt may die before it has failed."""

_NOTED: Final = frozenset({"base_commit", "worktree", "launch", "resume", "session", "commit_id"})


async def get(source: Transaction | Database, attempt_id: str) -> Row:
    """The row of an attempt; ``resume`` is decoded."""
    row = await source.fetch_one("SELECT * FROM attempt WHERE id = :id", {"id": attempt_id})
    assert row is not None, attempt_id
    row["resume"] = json.loads(row["resume"]) if row["resume"] else None
    return row


async def of_task(source: Transaction | Database, run_id: str, task_id: str) -> list[Row]:
    """The rows of all attempts of a task, oldest first."""
    return await source.fetch_all(
        "SELECT * FROM attempt WHERE run_id = :run AND task_id = :task ORDER BY length(id), id",
        {"run": run_id, "task": task_id},
    )


async def session(source: Transaction | Database, attempt_id: str) -> str | None:
    """Who works on the attempt by hand (the Python API), or None where an agent of ours does."""
    row = await source.fetch_one("SELECT session FROM attempt WHERE id = :id", {"id": attempt_id})
    return row["session"] if row else None


async def feedback(source: Transaction | Database, claim: Claim) -> str:
    """The evidence of the latest failed attempt of the claimed task, or an empty text."""
    row = await source.fetch_one(
        "SELECT feedback FROM attempt WHERE run_id = :run AND task_id = :task AND status = 'failed'"
        " ORDER BY length(id) DESC, id DESC LIMIT 1",  # the id ends with a number; clocks go wrong
        {"run": claim.run_id, "task": claim.task_id},
    )
    return str(row["feedback"]) if row else ""


async def note(tx: Transaction, claim: Claim, values: Mapping[str, Any]) -> None:
    """Set columns of the claimed attempt: the names in :data:`_NOTED`."""
    await own(tx, claim)
    unknown = set(values) - _NOTED
    assert not unknown, unknown
    columns = ", ".join(f"{name} = :{name}" for name in values)
    statement = f"UPDATE attempt SET {columns} WHERE id = :attempt"  # noqa: S608  # nosec B608 - names checked above
    await tx.execute(statement, {**values, "attempt": claim.attempt_id})


async def step(source: Transaction | Database, attempt_id: str, name: str) -> Row | None:
    """A step of an attempt (``status`` started or done, ``output`` decoded), or None before it started."""
    row = await source.fetch_one(
        "SELECT * FROM step WHERE attempt_id = :attempt AND name = :name", {"attempt": attempt_id, "name": name}
    )
    if row:
        row["output"] = json.loads(row["output"]) if row["output"] else None
    return row


async def remember(tx: Transaction, attempt_id: str, token: Mapping[str, Any]) -> None:
    """Keep the token with which a launch goes on after one that died."""
    await tx.execute(
        "UPDATE attempt SET remembered = :token WHERE id = :attempt",
        {"token": json.dumps(token), "attempt": attempt_id},
    )


async def revive(tx: Transaction, claim: Claim, launch: int) -> dict[str, Any] | None:
    """Count the death of a launch, once; return the token with which the next one goes on, where there is one.

    None also after :data:`MAX_DEATHS` launches have died: something in the attempt kills them.
    """
    await own(tx, claim)
    await tx.execute(
        "UPDATE attempt SET deaths = deaths + 1, died = :launch WHERE id = :attempt AND died IS NOT :launch",
        {"launch": launch, "attempt": claim.attempt_id},
    )
    row = await tx.fetch_one("SELECT deaths, remembered FROM attempt WHERE id = :id", {"id": claim.attempt_id})
    if row is None or row["remembered"] is None or row["deaths"] >= MAX_DEATHS:
        return None
    token: dict[str, Any] = json.loads(row["remembered"])
    return token


async def start_step(tx: Transaction, claim: Claim, name: str, now: float) -> None:
    """Write ``started`` before the step's effect; a step that is started again stays one row."""
    await own(tx, claim)
    await tx.execute(
        "INSERT INTO step (attempt_id, name, status, started_at) VALUES (:attempt, :name, 'started', :now)"
        " ON CONFLICT (attempt_id, name) DO UPDATE SET status = 'started', output = NULL, finished_at = NULL",
        {"attempt": claim.attempt_id, "name": name, "now": now},
    )


async def finish_step(tx: Transaction, claim: Claim, name: str, output: Mapping[str, Any], now: float) -> None:
    """Write ``done`` with what the step produced, in the transaction of the state change that it led to."""
    await own(tx, claim)
    await tx.execute(
        "UPDATE step SET status = 'done', output = :output, finished_at = :now"
        " WHERE attempt_id = :attempt AND name = :name",
        {"output": json.dumps(output), "now": now, "attempt": claim.attempt_id, "name": name},
    )


async def record_evidence(
    tx: Transaction, claim: Claim, *, tree: str, verdict: str, document: Mapping[str, Any], folder: str, now: float
) -> None:
    """Store what the verifier said of one candidate tree."""
    await own(tx, claim)
    await tx.execute(
        "INSERT INTO evidence (run_id, task_id, attempt_id, tree, verdict, document, folder, at)"
        " VALUES (:run, :task, :attempt, :tree, :verdict, :document, :folder, :now)",
        {
            "run": claim.run_id,
            "task": claim.task_id,
            "attempt": claim.attempt_id,
            "tree": tree,
            "verdict": verdict,
            "document": json.dumps(document),
            "folder": folder,
            "now": now,
        },
    )
    await record(tx, claim, "task.verified", {"verdict": verdict, "tree": tree})


async def waive_evidence(tx: Transaction, claim: Claim, *, tree: str, waiver: Mapping[str, Any]) -> None:
    """Add a human's approval to the newest evidence of a candidate tree; once for each gate."""
    await own(tx, claim)
    row = await tx.fetch_one(
        "SELECT id, document FROM evidence WHERE attempt_id = :attempt AND tree = :tree ORDER BY id DESC LIMIT 1",
        {"attempt": claim.attempt_id, "tree": tree},
    )
    if row is None:
        return
    document = json.loads(row["document"])
    known = document.get("waivers", [])
    if all(other["gate"] != waiver["gate"] for other in known):
        document["waivers"] = [*known, dict(waiver)]
        await tx.execute(
            "UPDATE evidence SET document = :document WHERE id = :id",
            {"document": json.dumps(document), "id": row["id"]},
        )


async def evidence(source: Transaction | Database, run_id: str, task_id: str) -> list[Row]:
    """All evidence of a task, oldest first, ``document`` decoded, with the attempt's number."""
    rows = await source.fetch_all(
        "SELECT evidence.*, attempt.number FROM evidence JOIN attempt ON attempt.id = evidence.attempt_id"
        " WHERE evidence.run_id = :run AND evidence.task_id = :task ORDER BY evidence.id",
        {"run": run_id, "task": task_id},
    )
    for row in rows:
        row["document"] = json.loads(row["document"])
    return rows


async def was_interrupted(source: Transaction | Database, claim: Claim) -> bool:
    """Whether somebody who moves runs has asked the attempt's runner to stop."""
    row = await source.fetch_one(
        "SELECT 1 FROM event WHERE run_id = :run AND attempt_id = :attempt AND kind = 'attempt.interrupted' LIMIT 1",
        {"run": claim.run_id, "attempt": claim.attempt_id},
    )
    return row is not None


async def ended_with_worktree(source: Transaction | Database, run_id: str) -> list[Row]:
    """Attempts of a run that are over, and kept, but still have a worktree on record."""
    return await source.fetch_all(
        "SELECT id, worktree FROM attempt WHERE run_id = :run AND worktree IS NOT NULL AND commit_id IS NOT NULL"
        " AND status IN ('passed', 'failed', 'waiting', 'cancelled', 'interrupted')",
        {"run": run_id},
    )


async def forget_worktree(tx: Transaction, attempt_id: str) -> None:
    """The worktree of an attempt that is over has been removed."""
    await tx.execute("UPDATE attempt SET worktree = NULL WHERE id = :id", {"id": attempt_id})


async def last_operation_at(source: Transaction | Database, claim: Claim) -> float:
    """When the attempt's agent last asked, did, said or paid for something (seconds since the epoch), or 0."""
    row = await source.fetch_one(
        "SELECT max(at) AS at FROM (SELECT at FROM event WHERE run_id = :run AND attempt_id = :attempt"
        " AND kind IN ('operation.asked', 'operation.done', 'attempt.progress')"
        " UNION ALL SELECT at FROM cost WHERE attempt_id = :attempt) AS sign",
        {"run": claim.run_id, "attempt": claim.attempt_id},
    )
    return float((row and row["at"]) or 0.0)


async def last_nudge(source: Transaction | Database, claim: Claim) -> tuple[float, bool]:
    """When the attempt's agent was last told that it makes no progress (0: never), and whether it could be told."""
    rows = await source.fetch_all(
        "SELECT at, data FROM event WHERE run_id = :run AND attempt_id = :attempt AND kind = 'attempt.nudged'"
        " ORDER BY seq DESC",
        {"run": claim.run_id, "attempt": claim.attempt_id},
    )
    for row in rows:
        told = json.loads(row["data"])
        if told["cause"] == "silence":
            return row["at"], bool(told["heard"])
    return 0.0, False


async def operations_done(source: Transaction | Database, claim: Claim) -> int:
    """How many operations of the attempt are in the journal as done."""
    row = await source.fetch_one(
        "SELECT count(*) AS n FROM event WHERE run_id = :run AND attempt_id = :attempt AND kind = 'operation.done'",
        {"run": claim.run_id, "attempt": claim.attempt_id},
    )
    return int(row["n"]) if row else 0

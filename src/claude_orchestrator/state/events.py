"""The journal: an append-only list of what happened, written in the transaction of what it tells of."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from claude_orchestrator.state.database import Database, Row, Transaction


async def append(
    tx: Transaction,
    *,
    kind: str,
    run_id: str | None = None,
    task_id: str | None = None,
    attempt_id: str | None = None,
    data: Mapping[str, Any] | None = None,
) -> None:
    """Write one event; ``kind`` is ``noun.verb``, ``data`` anything that JSON can hold."""
    await tx.execute(
        "INSERT INTO event (at, kind, run_id, task_id, attempt_id, data)"
        " VALUES (:at, :kind, :run, :task, :attempt, :data)",
        {
            "at": time.time(),
            "kind": kind,
            "run": run_id,
            "task": task_id,
            "attempt": attempt_id,
            "data": json.dumps(data or {}, default=str),
        },
    )


async def after(db: Database, seq: int, *, run_id: str | None = None, limit: int = 1000) -> list[Row]:
    """Events with a number above ``seq``, oldest first, of one run or of all; ``data`` is decoded."""
    rows = await db.fetch_all(
        "SELECT * FROM event WHERE seq > :seq AND (:run IS NULL OR run_id = :run) ORDER BY seq LIMIT :limit",
        {"seq": seq, "run": run_id, "limit": limit},
    )
    for row in rows:
        row["data"] = json.loads(row["data"])
    return rows


async def of_attempt(db: Database, attempt_id: str, *, kind: str | None = None) -> list[Row]:
    """The events of one attempt, oldest first; ``data`` is decoded."""
    rows = await db.fetch_all(
        "SELECT * FROM event WHERE run_id = (SELECT run_id FROM attempt WHERE id = :attempt)"
        " AND attempt_id = :attempt AND (:kind IS NULL OR kind = :kind) ORDER BY seq",
        {"attempt": attempt_id, "kind": kind},
    )
    for row in rows:
        row["data"] = json.loads(row["data"])
    return rows

"""Workers: the processes that move runs. A worker's kernel lock file, not its row, says whether it lives."""

from __future__ import annotations

from claude_orchestrator.state.database import Database, Row, Transaction


async def register(tx: Transaction, *, worker: str, pid: int, run_id: str | None, now: float) -> None:
    """Record a worker, and the run that it moves."""
    await tx.execute(
        "INSERT INTO worker (id, pid, run_id, started_at) VALUES (:id, :pid, :run, :now)",
        {"id": worker, "pid": pid, "run": run_id, "now": now},
    )


async def forget(tx: Transaction, *, worker: str) -> None:
    """Remove a worker that has ended and owns nothing any more."""
    await tx.execute(
        "DELETE FROM worker WHERE id = :id AND NOT EXISTS (SELECT 1 FROM task WHERE owner = :id"
        " AND status IN ('delegated', 'in_progress', 'verifying'))",
        {"id": worker},
    )


async def listed(source: Transaction | Database) -> list[Row]:
    """All recorded workers."""
    return await source.fetch_all("SELECT * FROM worker ORDER BY started_at")

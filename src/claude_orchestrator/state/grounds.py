"""What approved plans rest on, and what humans have accepted of its changes since.

The ground of a task is a set of files: path → blob, as the approval of its plan has stamped them. A gate of kind
``drift`` tells of files that are not so any more; once it is approved, they are the ground of that task in that run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from claude_orchestrator.state import tasks
from claude_orchestrator.state.database import Database, Row, Transaction
from claude_orchestrator.state.tasks import Claim


@dataclass(frozen=True)
class Stamp:
    """One file of a task's ground: ``blob`` is empty for a file that was not there.

    ``commit`` is where it was so; ``accepted`` says that a human has accepted it for this run, else the plan's approval
    says it.
    """

    path: str
    blob: str
    commit: str
    accepted: bool


async def is_stamped(source: Transaction | Database, plan_id: str, version: int) -> bool:
    """Whether a version of a plan has a ground."""
    row = await source.fetch_one(
        "SELECT 1 FROM plan_ground WHERE plan_id = :plan AND version = :version LIMIT 1",
        {"plan": plan_id, "version": version},
    )
    return row is not None


async def count(source: Transaction | Database, plan_id: str, version: int) -> int:
    """How many different files a version rests on."""
    row = await source.fetch_one(
        "SELECT count(DISTINCT path) AS files FROM plan_ground WHERE plan_id = :plan AND version = :version",
        {"plan": plan_id, "version": version},
    )
    return int(row["files"]) if row else 0


async def commits(source: Transaction | Database, plan_id: str, version: int) -> list[str]:
    """The commits at which a version was stamped: they tell the repository that it was approved for."""
    rows = await source.fetch_all(
        "SELECT DISTINCT base_commit FROM plan_ground WHERE plan_id = :plan AND version = :version",
        {"plan": plan_id, "version": version},
    )
    return [row["base_commit"] for row in rows]


async def stamp(
    tx: Transaction, plan_id: str, version: int, commit: str, ground: Mapping[str, Mapping[str, str]]
) -> None:
    """Write down the ground of a version: task → path → blob at ``commit``."""
    await tx.execute_many(
        "INSERT INTO plan_ground (plan_id, version, task_id, base_commit, path, blob)"
        " VALUES (:plan, :version, :task, :commit, :path, :blob)",
        [
            {"plan": plan_id, "version": version, "task": task, "commit": commit, "path": path, "blob": blob}
            for task, files in ground.items()
            for path, blob in files.items()
        ],
    )


async def of_task(source: Transaction | Database, run: Row, task_id: str) -> list[Stamp]:
    """The ground of a task in a run: the plan's stamps, and in their place what was accepted last."""
    rows = await source.fetch_all(
        "SELECT path, blob, base_commit FROM plan_ground"
        " WHERE plan_id = :plan AND version = :version AND task_id = :task",
        {"plan": run["plan_id"], "version": run["plan_version"], "task": task_id},
    )
    if not rows:
        return []
    stamps = {row["path"]: Stamp(row["path"], row["blob"], row["base_commit"], accepted=False) for row in rows}
    for row in await source.fetch_all(
        "SELECT path, blob, head FROM drift JOIN gate ON gate.id = drift.gate_id WHERE gate.run_id = :run"
        " AND gate.task_id = :task AND gate.status = 'approved' ORDER BY gate.number",
        {"run": run["id"], "task": task_id},
    ):
        stamps[row["path"]] = Stamp(row["path"], row["blob"], row["head"], accepted=True)
    return list(stamps.values())


async def ask(
    tx: Transaction,
    claim: Claim,
    *,
    question: str,
    subject: str,
    head: str,
    moved: Mapping[str, tuple[str, str, str]],
    now: float,
) -> str:
    """Stop a task whose ground has moved, with a gate; return the gate's id.

    ``moved`` maps each path to what it was, what it is at ``head``, and the commit at which it was so. Raises
    StaleFenceError when the claim does not hold any more.
    """
    gate_id = await tasks.wait_for_ground(tx, claim, question=question, subject=subject, now=now)
    await tx.execute_many(
        "INSERT INTO drift (gate_id, path, was, since, blob, head) VALUES (:gate, :path, :was, :since, :blob, :head)",
        [
            {"gate": gate_id, "path": path, "was": was, "since": since, "blob": blob, "head": head}
            for path, (was, blob, since) in moved.items()
        ],
    )
    return gate_id


async def asked(source: Transaction | Database, run_id: str, task_id: str) -> list[Row]:
    """The gates of kind ``drift`` of a task, oldest first, each with its ``files``."""
    rows = await source.fetch_all(
        "SELECT * FROM gate WHERE run_id = :run AND task_id = :task AND kind = 'drift' ORDER BY number",
        {"run": run_id, "task": task_id},
    )
    return [{**row, "files": await moved(source, row["id"])} for row in rows]


async def moved(source: Transaction | Database, gate_id: str) -> list[Row]:
    """What a gate of kind ``drift`` is about: each ``path``, its blob ``was`` at ``since``, and ``blob`` at ``head``.

    A blob is empty where there was no such file.
    """
    return await source.fetch_all(
        "SELECT path, was, since, blob, head FROM drift WHERE gate_id = :gate ORDER BY path", {"gate": gate_id}
    )

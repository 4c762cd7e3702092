"""Who may decide: a process of ours that stands below an agent of this home is no human's."""

from __future__ import annotations

from claude_orchestrator.agents.base import marker_of
from claude_orchestrator.agents.folder import LaunchFolder
from claude_orchestrator.config import Settings
from claude_orchestrator.orchestrator.worker import is_alive
from claude_orchestrator.state import workers
from claude_orchestrator.state.database import Database
from claude_orchestrator.workspace import process_table


async def why_not(db: Database, settings: Settings) -> str:
    """Why this process does not speak for a human; empty where it may.

    It does not below an attempt of this home or a mover of its runs, and where that is hidden.
    """
    above = process_table.lineage()
    return (
        _below_attempt(settings, above)
        or await _below_mover(db, settings, {pid for pid, _ in above[1:]})
        or _hidden_away(settings)
    )


def _below_attempt(settings: Settings, above: list[tuple[int, str]]) -> str:
    for name in (name for _, value in above for name in value.split("/")):
        attempt_id = name.rpartition(".")[0]
        if attempt_id and name == marker_of(settings.attempts / attempt_id):
            return f"this process belongs to the attempt {attempt_id}"
    return ""


async def _below_mover(db: Database, settings: Settings, parents: set[int]) -> str:
    for row in await workers.listed(db):
        if row["pid"] in parents and is_alive(settings.workers, row["id"]):
            return f"this process was started by the one that moves runs ({row['pid']})"
    return ""


def _hidden_away(settings: Settings) -> str:
    """In a PID namespace of one's own nobody sees above whom one is: while agents are at work, theirs counts."""
    ours = process_table.pid_namespace()
    for started in settings.attempts.glob("*/launch-*/started.json"):
        if (theirs := LaunchFolder(started.parent).pid_namespace()) and theirs != ours:
            return f"{started.parent.parent.name} is at work, and this process is in another PID namespace ({ours})"
    return ""

"""Runs and attempts as documents: plain values, for programs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from claude_orchestrator.state import events as journal
from claude_orchestrator.state.database import Database
from claude_orchestrator.telling.costs import cost_document
from claude_orchestrator.telling.standing import standing, usage_document
from claude_orchestrator.telling.words import Row, Story, branch

_PAGE: Final = 1000
"""Events read at once."""


async def story_of(db: Database, run_id: str) -> Story:
    """What has happened in a run so far."""
    story, seen = Story(run_id), 0
    while page := await journal.after(db, seen, run_id=run_id, limit=_PAGE):
        for event in page:
            story.add(event)
        seen = page[-1]["seq"]
    return story


def summary_document(progress: dict[str, Any], story: Story) -> dict[str, Any]:
    """A run as the JSON of ``status``, and as the last line of ``run`` and ``watch``."""
    run = progress["run"]
    return {
        "run": run["id"],
        "status": run["status"],
        "intent": run["intent"],
        "reason": run["reason"],
        "goal": run["goal"],
        "plan": run["plan_id"],
        "plan_version": run["plan_version"],
        "repository": run["repository"],
        "base": run["base_commit"],
        "branch": branch(run["target_ref"]),
        "created_at": run["created_at"],
        "finished_at": run["finished_at"],
        "cost": cost_document(progress["cost"], progress["budget"]),
        "phases": [{"id": phase["id"], "title": phase["title"]} for phase in progress["phases"]],
        "tasks": [_task_document(task, progress, story) for task in progress["tasks"]],
        "gates": [
            {key: gate[key] for key in ("id", "kind", "task_id", "question", "created_at")}
            for gate in progress["gates"]
        ],
    }


def _task_document(task: Row, progress: dict[str, Any], story: Story) -> dict[str, Any]:
    state, waits_for = standing(task, progress["gates"])
    usage = progress["usage"].get(task["id"])
    return {
        "id": task["id"],
        "phase": task["phase_id"],
        "title": task["title"],
        "status": task["status"],
        "reason": task["reason"],
        "state": state,
        "waits_for": waits_for or None,
        "doing": story.doing.get((story.run_id, task["id"])) if state == "working" else None,
        "provider": task["provider"] or None,
        "model": task["model"] or None,
        "cost": usage_document(usage) if usage else None,
        "retries": story.put_off.get(task["id"], 0),
        "nudges": story.nudges.get(task["id"], 0),
        "attempts": story.attempts.get(task["id"], 0),
        "merge_commit": task["merge_commit"],
        "refused": [
            {"attempt": refusal.attempt_id, "number": refusal.number, "reason": refusal.text}
            for refusal in story.refusals
            if refusal.task_id == task["id"]
        ],
    }


def attempt_document(row: Row, verdicts: Sequence[Row], events: Sequence[Row], folder: Path) -> dict[str, Any]:
    """An attempt's row, its operations from the journal, and what the verifier said, as plain values."""
    return {
        "id": row["id"],
        "number": row["number"],
        "status": row["status"],
        "reason": row["reason"],
        "feedback": row["feedback"],
        "base": row["base_commit"],
        "commit": row["commit_id"],
        "ref": f"refs/orchestrator/attempts/{row['id']}",
        "folder": str(folder),
        "started_at": row["started_at"],
        "finished_at": row["finished_at"],
        "operations": _operations(events),
        "evidence": [
            {
                "tree": v["tree"],
                "verdict": v["verdict"],
                "folder": v["folder"],
                "at": v["at"],
                "document": v["document"],
            }
            for v in verdicts
        ],
    }


def _operations(events: Sequence[Row]) -> list[dict[str, Any]]:
    """Every operation that was asked for, joined with its result where it was performed.

    An attempt asks for one operation at a time, so a result belongs to the latest question.
    """
    operations: list[dict[str, Any]] = []
    for event in events:
        if event["kind"] == "operation.asked":
            operations.append({"asked_at": event["at"], **event["data"], "done": None})
        elif event["kind"] == "operation.done" and operations:
            operations[-1]["done"] = {"at": event["at"], **event["data"]}
    return operations

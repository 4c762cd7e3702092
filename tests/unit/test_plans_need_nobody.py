"""The example plans and the demo run under the default policy without asking anybody."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import pytest

from claude_orchestrator.agents.base import Assignment
from claude_orchestrator.agents.script import script_of
from claude_orchestrator.plans.files import load_plan
from claude_orchestrator.plans.models import Task
from claude_orchestrator.safety.classifier import classify
from claude_orchestrator.safety.operations import Operation
from claude_orchestrator.safety.policy import load_policy

ROOT = Path(__file__).resolve().parents[2]
DEMO = Path(str(resources.files("claude_orchestrator"))) / "demo" / "plan.yaml"


def operations(task: Task, worktree: Path) -> Iterator[Operation]:
    if task.command:
        yield Operation("run", worktree, shlex.join(task.command), argv=tuple(task.command))
        return
    options = task.model_dump(mode="json", exclude_none=True)
    for number in range(1, max(task.attempts or [1]) + 1):
        assignment = Assignment(
            "a", "r", task.id, number, "script", "", worktree, worktree, worktree, options, timeout_s=1
        )
        yield from (line.operation for line in script_of(assignment))


@pytest.mark.parametrize("plan", [DEMO, *sorted((ROOT / "plans").glob("*.yaml"))], ids=lambda path: path.name)
def test_no_operation_asks(plan: Path, tmp_path: Path) -> None:
    policy = load_policy("worktree", live=True, home=str(Path.home()))
    tasks = [task for phase in load_plan(plan).phases for task in phase.tasks]
    verdicts = [
        (operation.target, classify(operation, policy)) for task in tasks for operation in operations(task, tmp_path)
    ]
    assert len(verdicts) >= len(tasks)
    assert [(target, verdict.reason) for target, verdict in verdicts if not verdict.allowed] == []

"""Assignments, outcomes and scripts as values."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from claude_orchestrator.agents.base import AGENTS, Assignment, Outcome, agent_named
from claude_orchestrator.agents.runner import _without_keys
from claude_orchestrator.agents.script import script_of
from claude_orchestrator.errors import AgentError
from claude_orchestrator.models.faults import Fault
from claude_orchestrator.plans.models import KNOWN_AGENTS, Task
from claude_orchestrator.safety.operations import Operation

WORKTREE = Path("/w")
ASSIGNMENT = Assignment(
    attempt_id="a",
    run_id="r",
    task_id="t",
    number=1,
    agent="script",
    prompt="prömpt\n",
    worktree=WORKTREE,
    folder=Path("/f"),
    database=Path("/d/state.db"),
    options={"operations": []},
    timeout_s=1.5,
    resume={"tree": "x"},
)


def test_every_agent_that_a_plan_may_name_exists() -> None:
    assert tuple(AGENTS) == KNOWN_AGENTS
    assert [agent_named(name).name for name in AGENTS] == list(AGENTS)
    with pytest.raises(AgentError, match="use one of script, command"):
        agent_named("nobody")


def test_assignments_and_outcomes_survive_json() -> None:
    assert Assignment.from_json(ASSIGNMENT.to_json()) == ASSIGNMENT
    outcome = Outcome("interrupted", "why", "report", {"done": 1})
    assert Outcome.from_json(outcome.to_json()) == outcome


def test_what_a_runner_from_before_an_upgrade_leaves_is_understood() -> None:
    left = '{"status": "finished", "detail": "done", "report": "", "resume": null}'
    assert Outcome.from_json(left) == Outcome("finished", "done")


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "null", '{"worktree": "x"}'])
def test_damaged_documents_are_refused(text: str) -> None:
    with pytest.raises(AgentError):
        Assignment.from_json(text)
    with pytest.raises(ValueError, match=r"no outcome|Expecting"):
        Outcome.from_json(text)


def test_a_plans_script_is_understood_as_it_is_stored() -> None:
    task = Task.model_validate(
        {
            "id": "t",
            "title": "t",
            "operations": [
                {"write": "a", "content": ""},
                {"replace": "a", "old": "x", "new": "y", "count": 2},
                {"delete": "a"},
                {"run": ["echo", "a b"]},
                {"run": "echo 'a b' | cat", "may_fail": True},
                {"report": "done"},
            ],
        }
    )
    options = {"operations": task.model_dump(mode="json")["operations"]}
    lines = script_of(replace(ASSIGNMENT, options=options))
    assert [line.operation for line in lines] == [
        Operation("write", WORKTREE, "a"),
        Operation("replace", WORKTREE, "a", content="y", old="x", count=2),
        Operation("delete", WORKTREE, "a"),
        Operation("run", WORKTREE, "echo 'a b'", argv=("echo", "a b")),
        Operation("run", WORKTREE, "echo 'a b' | cat", argv=("/bin/sh", "-c", "echo 'a b' | cat")),
        Operation("report", WORKTREE, "done"),
    ]
    assert [line.may_fail for line in lines] == [False, False, False, False, True, False]


@pytest.mark.parametrize("number", [1, 2, 3])
def test_an_attempts_script_is_the_last_one_listed_up_to_it(number: int) -> None:
    task = Task.model_validate({"id": "t", "title": "t", "attempts": {1: [{"report": "1"}], 2: [{"report": "2"}]}})
    options = {"attempts": task.model_dump(mode="json")["attempts"]}
    (line,) = script_of(replace(ASSIGNMENT, number=number, options=options))
    assert line.operation.target == str(min(number, 2))


@pytest.mark.parametrize("operation", [{}, {"write": "a"}, {"replace": "a", "old": "x"}, {"dance": "a"}])
def test_a_line_that_cannot_be_read_is_named(operation: dict[str, str]) -> None:
    with pytest.raises(AgentError, match="the operation"):
        script_of(replace(ASSIGNMENT, options={"operations": [operation]}))


def test_the_runner_starts_light() -> None:
    code = "import sys; import claude_orchestrator.agents.runner; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert not {"pydantic", "rich", "typer", "yaml", "platformdirs"} & set(loaded)


def test_no_key_is_kept_with_an_outcome_whatever_it_looks_like(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOUSE_API_KEY", "not-like-any-key")
    said = "house refuses the account: 401 wrong key 'not-like-any-key', nor sk-ant-api03-Zq8vT1kLw7Xn3bRd5yHs2mPf"
    kept = _without_keys(Outcome("error", said, said, fault=Fault("authentication", "house", said)))
    assert kept.fault is not None
    assert "[redacted: key]" in kept.fault.detail
    assert "not-like-any-key" not in kept.to_json()
    assert "sk-ant" not in kept.to_json()

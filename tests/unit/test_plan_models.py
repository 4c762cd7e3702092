"""The plan model: what it fills in, what it refuses, and how it looks as data."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from pydantic import ValidationError

from claude_orchestrator.cli.claims import known_kind
from claude_orchestrator.plans import models
from claude_orchestrator.plans.files import check_plan
from claude_orchestrator.plans.models import Operation, Phase, Plan, Task


def task(**fields: Any) -> Task:
    return Task(**{"id": "t", "title": "T", "operations": [], **fields})


def plan(*phases: Phase) -> Plan:
    return Plan(goal="g", phases=list(phases))


def phase(name: str, *tasks: Task, depends_on: list[str] | None = None) -> Phase:
    return Phase(id=name, title=name, tasks=list(tasks), depends_on=depends_on)


def test_the_example_in_the_docstring_is_a_plan() -> None:
    example = re.search(r"```yaml\n(.*?)```", models.__doc__ or "", re.DOTALL)
    assert example
    assert check_plan(example[1]) == []


@pytest.mark.parametrize(
    ("short", "kind"),
    [("docs", "documentation"), ("test", "tests"), ("perf", "performance"), ("feat", "feature"), ("fix", "fix")],
)
def test_kinds_have_the_short_names_of_commit_messages(short: str, kind: str) -> None:
    assert task(kind=short).kind == known_kind(short) == kind


def test_defaults_and_scope() -> None:
    plain = task()
    assert plain.agent == "script"
    assert plain.checks == ["pytest", "ruff", "mypy", "bandit"]
    assert (plain.max_attempts, plain.timeout) == (5, 3600.0)
    assert plain.scope == ["**"]
    assert task(files=["src", "a/*.py"]).scope == ["src", "a/*.py"]
    assert task(operations=None, command=["ruff", "check"]).agent == "command"
    assert task(operations=None, attempts={1: []}).agent == "script"


def test_a_plan_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        task().title = "other"


@pytest.mark.parametrize(
    ("given", "seconds"), [("90s", 90), ("30m", 1800), ("2h", 7200), ("1.5h", 5400), (45, 45), ("45", 45), (0.5, 0.5)]
)
def test_timeouts(given: Any, seconds: float) -> None:
    assert task(timeout=given).timeout == seconds


@pytest.mark.parametrize(
    "given", [0, -1, "0s", "-5m", "5d", "m", "", "1h30m", True, None, float("inf"), float("nan"), [1], "٣s" * 40]
)
def test_no_timeouts(given: Any) -> None:
    with pytest.raises(ValidationError):
        task(timeout=given)


@pytest.mark.parametrize("name", ["a", "A-b_9", "0", "x" * 64])
def test_ids(name: str) -> None:
    assert task(id=name).id == name


@pytest.mark.parametrize("name", ["", "-a", "_a", "a b", "a/b", "a.lock", "..", "ä", "x" * 65, "a\n", "a~1"])
def test_no_ids(name: str) -> None:
    with pytest.raises(ValidationError):
        task(id=name)


@pytest.mark.parametrize(
    "fields",
    [
        {"operations": None},
        {"operations": None, "agent": "script"},
        {"operations": None, "agent": "command"},
        {"agent": "command"},
        {"agent": "claude"},
        {"command": ["x"]},
        {"attempts": {1: []}},
        {"operations": None, "attempts": {2: []}},
        {"operations": None, "attempts": {0: [], 1: []}},
        {"operations": None, "attempts": {1: [], 9: []}},
        {"operations": None, "command": []},
        {"operations": None, "command": [" "]},
        {"operations": None, "command": "ruff check"},
        {"operations": None, "command": ["x", "{prompt_file}"]},
        {"checks": ["pytest", "pylint"]},
        {"max_attempts": 0},
        {"max_attempts": True},
        {"files": ["../x"]},
        {"title": 5},
        {"unknown": 1},
    ],
)
def test_no_task(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        task(**fields)


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"write": "a/b.py", "content": ""}, "write"),
        ({"replace": "a.py", "old": "x", "new": "", "count": 2}, "replace"),
        ({"delete": "a/"}, "delete"),
        ({"run": "make test | tail", "may_fail": True}, "run"),
        ({"run": ["python", "-c", "1"]}, "run"),
        ({"report": "done"}, "report"),
    ],
)
def test_operations_are_flat(fields: dict[str, Any], kind: str) -> None:
    operation = Operation.model_validate(fields)
    assert operation.kind == kind
    assert operation.model_dump() == fields
    assert json.loads(operation.model_dump_json()) == fields


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"content": "x"},
        {"write": "a"},
        {"write": "a/", "content": "x"},
        {"write": "a", "content": "x", "old": "y"},
        {"write": "a", "content": "x", "count": 2},
        {"write": "a", "delete": "a", "content": "x"},
        {"replace": "a", "old": "x"},
        {"replace": "a", "old": "", "new": "y"},
        {"replace": "a", "old": "x", "new": "y", "count": 0},
        {"delete": "."},
        {"delete": "a/.."},
        {"delete": ".git"},
        {"write": "a/.GIT/hooks/x", "content": ""},
        {"write": "git~1/x", "content": ""},
        {"write": ".git. /x", "content": ""},
        {"write": "~/.bashrc", "content": ""},
        {"write": "/tmp/x", "content": ""},
        {"write": "a/../../x", "content": ""},
        {"write": "C:/x", "content": ""},
        {"write": "a\\b", "content": ""},
        {"write": "a\0b", "content": ""},
        {"write": " ", "content": ""},
        {"run": []},
        {"run": ["x", 1]},
        {"run": " "},
        {"run": "a\0b"},
        {"run": 5},
        {"report": ""},
        {"report": "x", "may_fail": True},
        {"wirte": "a", "content": "x"},
    ],
)
def test_no_operation(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Operation.model_validate(fields)


def test_json_keeps_a_plan_equal() -> None:
    whole = plan(
        phase("one", task(id="a", operations=None, attempts={1: [Operation(report="x")], 2: []}, timeout="2m")),
        phase("two", task(id="b", depends_on=["a"], operations=[Operation(run="true", may_fail=True)]), depends_on=[]),
    )
    assert Plan.model_validate_json(whole.model_dump_json()) == whole
    assert Plan.model_validate(whole.model_dump()) == whole
    assert Plan.model_validate_json(whole.model_dump_json(exclude_none=True)) == whole


def test_a_plan_made_in_python_is_checked_as_a_whole() -> None:
    with pytest.raises(ValidationError, match="there twice"):
        plan(phase("one", task(), task()))
    with pytest.raises(ValidationError, match="not there"):
        plan(phase("one", task(depends_on=["x"])))
    with pytest.raises(ValidationError, match="a → b → a"):
        plan(phase("one", task(id="a", depends_on=["b"])), phase("two", task(id="b")))
    with pytest.raises(ValidationError):
        Plan(goal="g", phases=[])


def test_a_file_that_is_to_be_created_lies_in_the_scope() -> None:
    assert task(files=["src/**/*.py"], creates=["src/a/new.py"]).creates == ["src/a/new.py"]
    assert task(creates=["anywhere/new.txt"]).creates == ["anywhere/new.txt"]  # no scope: the whole repository
    for fields in (
        {"files": ["src"], "creates": ["docs/new.md"]},
        {"files": ["src"], "creates": ["src/"]},
        {"creates": ["../new.md"]},
        {"creates": [".git/hooks/x"]},
    ):
        with pytest.raises(ValidationError):
            task(**fields)

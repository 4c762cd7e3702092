"""Graders that another distribution brings: the example of the documentation, found by its entry point."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner
from verifier_world import PROJECT, World, check

from claude_orchestrator.cli.doctor import _graders
from claude_orchestrator.cli.verify import verify
from claude_orchestrator.plans.checks import third_party
from claude_orchestrator.plans.files import check_plan

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "write-a-grader.md"
PLAN = "goal: x\nphases:\n  - id: a\n    tasks:\n      - id: t\n        operations: []\n        checks: [%s]\n"


def distribution(folder: Path, entry_points: str) -> None:
    """A distribution as pip would leave it in ``folder``."""
    information = folder / "house_rules-1.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: house-rules\nVersion: 1\n")
    (information / "entry_points.txt").write_text(f"[claude_orchestrator.graders]\n{entry_points}\n")


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The distribution of the page, and three that are no good, importable here and in the verifier's process."""
    text = PAGE.read_text(encoding="utf-8")
    (code,) = re.findall(r"^```py\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    (point,) = re.findall(r'^\[project\.entry-points\."claude_orchestrator\.graders"\]\n(.*)$', text, re.MULTILINE)
    folder = tmp_path / "site"
    name, _, value = point.replace('"', "").partition(" = ")
    distribution(
        folder, f"{name} = {value}\ngone = no_such_module:Grader\nodd = house_rules:__name__\npytest = house_rules:X"
    )
    (folder / "house_rules.py").write_text(code)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH", "")])))
    return folder


def test_the_example_of_the_page_judges(installed: Path, tmp_path: Path) -> None:
    world = World(tmp_path, PROJECT)
    verification = world.judge({"src/calc/more.py": "print('hello')\nprint('old')\n"}, checks=("no-print",))
    result = check(verification, "no-print")
    assert result.status == "failed"
    assert [(found.path, found.line) for found in result.findings] == [("src/calc/more.py", 1), ("src/calc/more.py", 2)]
    assert check(world.judge({"src/calc/more.py": "X = 1\n"}, checks=("no-print",)), "no-print").status == "passed"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("gone", "the check 'gone' (no_such_module:Grader) cannot be loaded: ModuleNotFoundError"),
        ("odd", "the check 'odd' (house_rules:__name__) cannot be loaded: TypeError"),
        ("nobody", "unknown check 'nobody'"),
        ("scope", "unknown check 'scope'"),
    ],
)
def test_what_is_no_grader_is_one_line(name: str, said: str, installed: Path, tmp_path: Path) -> None:
    verification = World(tmp_path, PROJECT).judge({"a.txt": "x"}, checks=(name,))
    assert verification.verdict == "error"
    (reason,) = verification.reasons
    assert reason.startswith(said)
    assert "\n" not in reason


def test_plans_and_the_command_line_know_it(installed: Path, tmp_path: Path) -> None:
    assert {"no-print", "gone", "pytest"} <= third_party().keys()
    assert check_plan(PLAN % "no-print") == []
    (problem,) = check_plan(PLAN % "no-prints")
    assert problem.hint == "did you mean 'no-print'?"
    world = World(tmp_path, PROJECT)
    world.commit({"src/calc/more.py": "print('hello')\n"})
    app = typer.Typer()
    app.command()(verify)
    arguments = ["--project", str(world.project), "--base", world.base, "--checks", "no-print", "--json"]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 1, done.output
    assert json.loads(done.output)["checks"][-1]["name"] == "no-print"


def test_a_name_of_ours_stays_ours_and_doctor_says_so(installed: Path, tmp_path: Path) -> None:
    verification = World(tmp_path, PROJECT).judge({"docs.md": "x"}, checks=("pytest",))
    assert check(verification, "pytest").tool
    lines = {line.name: line for line in _graders()}
    assert lines["check no-print"].ok
    assert "house-rules 1" in lines["check no-print"].found
    assert not lines["check pytest"].ok
    assert "that is a name of ours" in lines["check pytest"].found

"""What is said of a change is compared with it: through the judge, and through a run whose agent lies."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from engine_world import a_plan, failures, make_project, run, script, task_rows, write
from verifier_world import PROJECT, World, check

from claude_orchestrator.config import Settings
from claude_orchestrator.graders.base import Finding
from claude_orchestrator.orchestrator.verifier import judge

SUB = {
    "src/calc/__init__.py": PROJECT["src/calc/__init__.py"] + "\n\ndef sub(a: int, b: int) -> int:\n    return a - b\n"
}
PYTEST = {"kind": "run", "target": "pytest -q", "exit_code": 0, "tail": "2 passed in 0.10s"}


def judged(
    world: World, files: dict[str, str | None], *, checks: tuple[str, ...] = ("ruff",), **said: Any
) -> tuple[str, list[Finding]]:
    world.git("checkout", "--quiet", "--detach", world.base)
    request = replace(world.request(world.commit(files), checks=checks), **said)
    verification = asyncio.run(judge(request))
    result = check(verification, "semantics")
    assert result.status != "error", result.reasons
    return verification.verdict, list(result.findings)


def test_an_honest_report_passes(world: World) -> None:
    report = "Added `sub` to `src/calc/__init__.py`. All tests pass."
    assert judged(world, SUB, report=report, operations=[PYTEST]) == ("passed", [])


def test_lies_about_files_and_tests_fail_the_change(world: World) -> None:
    report = "Updated `src/calc/__init__.py` and `docs/usage.md`. Added `test_sub`."
    verdict, findings = judged(world, SUB, report=report, operations=[PYTEST])
    assert verdict == "failed"
    assert {finding.rule for finding in findings} == {"claims/files", "claims/tests"}


def test_tests_that_nobody_has_run_go_to_a_human(world: World) -> None:
    wrote = {"kind": "write", "target": "src/calc/__init__.py", "exit_code": 0}
    verdict, (finding,) = judged(world, SUB, report="All tests pass.", operations=[wrote])
    assert (verdict, finding.rule) == ("needs_review", "claims/unsupported")


def test_a_report_without_a_journal_is_only_noted(world: World) -> None:
    verdict, (finding,) = judged(world, SUB, report="All tests pass.")
    assert (verdict, finding.severity) == ("passed", "note")


def test_edits_after_the_last_run_are_seen_in_the_trees_of_the_journal(world: World) -> None:
    world.git("checkout", "--quiet", "--detach", world.base)
    trees = []
    for content in (SUB["src/calc/__init__.py"], SUB["src/calc/__init__.py"].replace("a - b", "b - a")):
        world.commit({"src/calc/__init__.py": content})
        trees.append(world.git("rev-parse", "HEAD^{tree}"))
    edit = {"kind": "write", "target": "src/calc/__init__.py", "exit_code": 0, "tree_after": trees[1]}
    journal = [{**PYTEST, "tree_after": trees[0]}, edit]
    files: dict[str, str | None] = {"src/calc/__init__.py": SUB["src/calc/__init__.py"].replace("a - b", "b - a")}
    verdict, (finding,) = judged(world, files, report="All tests pass.", operations=journal)
    assert (verdict, finding.rule) == ("needs_review", "claims/stale")
    assert (
        judged(world, files, report="All tests pass.", operations=[{**PYTEST, "tree_after": trees[1]}])[0] == "passed"
    )


def test_a_test_that_is_not_collected_was_not_added(world: World) -> None:
    hidden = "from calc import sub\n\n\nclass Checks:\n    def test_sub(self):\n        assert sub(2, 1) == 1\n"
    files: dict[str, str | None] = {**SUB, "tests/test_sub.py": hidden}
    _, findings = judged(world, files, checks=("pytest",), report="Added `test_sub`.", operations=[PYTEST])
    assert ["not among the tests that are collected" in finding.message for finding in findings] == [True]
    files["tests/test_sub.py"] = "from calc import sub\n\n\ndef test_sub():\n    assert sub(2, 1) == 1\n"
    assert judged(world, files, checks=("pytest",), report="Added `test_sub`.", operations=[PYTEST])[1] == []


@pytest.mark.parametrize(("kind", "verdict"), [(None, "needs_review"), ("chore", "needs_review"), ("fix", "failed")])
def test_a_change_that_changes_nothing(world: World, kind: str | None, verdict: str) -> None:
    assert judged(world, {}, kind=kind)[0] == verdict


def test_code_that_speaks_of_what_is_not_there_fails(world: World) -> None:
    code = "import os\n\nfrom calc.fast import add as add\n\nos.getcwdd()\n"
    verdict, findings = judged(world, {"src/calc/__init__.py": code})
    assert verdict == "failed"
    assert {finding.text for finding in findings} == {"calc.fast", "os:getcwdd"}


def test_a_renamed_function_that_an_unchanged_test_imports_fails(world: World) -> None:
    changed = PROJECT["src/calc/__init__.py"].replace("add", "plus")
    _, (finding,) = judged(world, {"src/calc/__init__.py": changed})
    assert (finding.path, finding.severity) == ("tests/test_calc.py", "problem")


# -- in a run -----------------------------------------------------------------------------------------


def test_a_lying_attempt_is_refused_and_the_next_one_is_told_why(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home", retry_base_s=0.01)
    lie = [write("calc.txt"), {"report": "Created `docs/guide.md`."}]
    truth = [write("calc.txt"), {"report": "Created `calc.txt`."}]
    task = script("a", files=["**"], checks=["ruff"], attempts={1: lie, 2: truth})
    assert run(make_project(tmp_path / "project"), settings, a_plan([task])) == "completed"
    (reason,) = failures(settings)
    assert "docs/guide.md" in reason
    prompts = [file.read_text() for file in sorted(settings.attempts.glob("*/prompt.md"))]
    assert ["docs/guide.md" in prompt for prompt in prompts] == [False, True]


def test_a_fix_that_changes_nothing_is_refused_and_a_chore_is_not(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home", retry_base_s=0.01)
    idle = script("idle", {"report": "Nothing had to be done."}, kind="chore")
    fix = script("fix", {"report": "It works already."}, kind="fix", max_attempts=1)
    assert run(make_project(tmp_path / "project"), settings, a_plan([idle, fix])) != "completed"
    assert {name: row["status"] for name, row in task_rows(settings).items()} == {
        "idle": "completed",
        "fix": "escalated",
    }
    assert failures(settings) == ["nothing was changed, but the task is a fix"]


def test_an_answer_without_a_change_has_to_fulfil_its_conditions(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home", retry_base_s=0.01)
    condition = {"contains": {"in": "report", "text": "42"}}
    answer = script(
        "answer", checks=["ruff", condition], attempts={1: [{"report": "Hm."}], 2: [{"report": "It is 42."}]}
    )
    assert run(make_project(tmp_path / "project"), settings, a_plan([answer])) == "completed"
    (reason,) = failures(settings)
    assert "42" in reason

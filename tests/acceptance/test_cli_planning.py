"""``plan new`` and what belongs to it, as a person at a terminal and as a script use it."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cli_world import World
from terminal_world import Terminal

from claude_orchestrator.plans.files import check_plan

GOAL = "Add a currency to the report"
PROMPT = "> "
FILES = {
    "pyproject.toml": '[project]\nname = "tally"\nversion = "1"\n[tool.ruff]\n',
    "src/tally/__init__.py": '"""Tally."""\nfrom tally.report import Report\n\n__all__ = ["Report"]\n',
    "src/tally/report.py": "class Report:\n    def render(self) -> str:\n        return ''\n",
    "src/tally/money.py": "def parse(text: str) -> int:\n    return int(text)\n",
    "tests/test_report.py": "from tally.report import Report\n\n\ndef test_it() -> None:\n    assert Report()\n",
}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    one = World(tmp_path)
    for name, content in FILES.items():
        (one.project / name).parent.mkdir(parents=True, exist_ok=True)
        (one.project / name).write_text(content)
    one.git("add", "--all")
    one.git("commit", "--quiet", "-m", "Tally")
    yield one
    one.close()


def answered(document: dict[str, Any]) -> dict[str, Any]:
    return {answer["id"]: answer["value"] for answer in document["answers"]}


# -- at a terminal -----------------------------------------------------------------------------------------------


def test_a_person_answers_and_sees_the_draft_and_its_review(world: World) -> None:
    terminal = Terminal(world, "plan", "new", GOAL)
    try:
        said = terminal.until(PROMPT)
        assert "known: kind = feature (the goal says it): the goal says 'add'" in said
        assert re.search(r"where: Which files is it about\?  \(several: 1, 2\)", said)
        assert "1 src/tally/report.py" in said
        assert "because: report.py: its name has 'report'" in said
        terminal.types("9\n")
        assert "type numbers of these, or words" in terminal.until(PROMPT)
        terminal.types("1\n")
        asked = terminal.until(PROMPT)
        while "tests-first" not in asked:
            terminal.types("\n")
            asked = terminal.until(PROMPT)
        terminal.types("sometimes\n")
        assert "use first, together, after, none" in terminal.until(PROMPT)
        terminal.types("3\n")
        for _ in range(20):
            asked = terminal.until_any(PROMPT, "approve:")
            if asked.endswith("approve:"):
                break
            terminal.types("\n")
        assert "draft of s1, from answers and map" in asked
        assert "files:  " in asked
        assert "estimate: " in asked
        code, said = terminal.end()
        assert code == 0, said
        assert "plan approve s1" in said
    finally:
        terminal.close()
    document = world.json("plan", "questions", "s1", "--all")
    assert answered(document)["where"] == ["src/tally/report.py"]
    assert answered(document)["tests-first"] == "after"
    assert document["stage"] == "reviewing"


def test_ctrl_c_keeps_what_was_answered_and_resume_goes_on(world: World) -> None:
    terminal = Terminal(world, "plan", "new", GOAL)
    try:
        terminal.until(PROMPT)
        terminal.types("src/tally/money.py\n")
        terminal.until(PROMPT)
        terminal.process.send_signal(signal.SIGINT)
        code, said = terminal.end()
    finally:
        terminal.close()
    assert code == 130, said
    assert "s1 is kept" in said
    assert "plan resume s1" in said
    assert "Traceback" not in said
    again = Terminal(world, "plan", "resume", "s1")
    try:
        assert "where: Which files" not in again.until(PROMPT)
        again.process.send_signal(signal.SIGKILL)
        again.end()
    finally:
        again.close()
    assert answered(world.json("plan", "questions", "s1", "--all"))["where"] == ["src/tally/money.py"]
    assert world.json("plan", "resume", "s1", "--yes")["stage"] == "reviewing"


def test_what_has_no_default_is_asked_until_somebody_says_it(world: World) -> None:
    terminal = Terminal(world, "plan", "new", "Migrate away from click", "--context", "It is old.")
    try:
        asked = terminal.until(PROMPT)
        while "migrate-to" not in asked:
            terminal.types("\n")
            asked = terminal.until(PROMPT)
        assert "[" not in asked.splitlines()[-1]
        terminal.types("\n")
        assert "this one has no default" in terminal.until(PROMPT)
        terminal.types("?\n")
        assert "type an answer" in terminal.until(PROMPT)
        terminal.types("\x04")
        code, said = terminal.end()
    finally:
        terminal.close()
    assert code == 130, said
    assert "s1 is kept" in said
    assert "migrate-to" not in answered(world.json("plan", "questions", "s1", "--all"))


# -- in a script -------------------------------------------------------------------------------------------------


def test_without_a_terminal_the_questions_are_shown_with_the_commands(world: World) -> None:
    said = world.cli("plan", "new", GOAL).stdout
    assert "tests-first: When are the tests written?" in said
    assert "default: together" in said
    assert "because: src/tally/report.py has its tests in tests/test_report.py" in said
    assert "plan answer s1 where VALUE" in said
    assert "Enter takes" not in said
    assert world.cli("plan", "questions", "s1").stdout.count("changes: ") == said.count("changes: ")


def test_a_script_answers_drafts_and_looks(world: World) -> None:
    started = world.json("plan", "new", GOAL, "--kind", "feature")
    assert started["stage"] == "gathering_requirements"
    assert {question["id"] for question in started["questions"]} >= {"where", "tests-first", "compatibility"}
    assert all(question["because"] and question["changes"] for question in started["questions"])
    said = world.cli("plan", "answer", "s1", "compatibility", "deprecate").stdout
    assert "compatibility = deprecate" in said
    assert "deprecated-until: When does the old way go?" in said
    document = world.json("plan", "draft", "s1")
    assert document["drafted_by"] == "map"
    assert document["review"]["approvable"] is True
    assert document["review"]["estimate"]["attempts"] == 0
    assert document["questions"] == []
    said = world.cli("plan", "answer", "s1", "compatibility", "keep").stdout
    assert "the draft rested on the old answer and is gone" in said
    assert world.json("plan", "questions", "s1")["plan"] is None


def test_yes_takes_every_default_down_to_the_review(world: World) -> None:
    said = world.cli("plan", "new", GOAL, "--yes").stdout
    assert "draft of s1, from answers and map" in said
    assert "plan approve s1" in said
    assert answered(world.json("plan", "questions", "s1"))["tests-first"] == "together"


def test_yes_does_not_invent_what_only_a_person_knows(world: World) -> None:
    refused = world.cli("plan", "new", "Migrate away from click", "--yes", code=2)
    assert "before somebody answers: migrate-to (What does it move to?)" in refused.stderr
    world.cli("plan", "answer", "s1", "migrate-to", "typer")
    document = world.json("plan", "draft", "s1")
    assert any("typer" in task["prompt"] for phase in document["plan"]["phases"] for task in phase["tasks"])


def test_a_draft_is_edited_in_a_file_and_handed_back(world: World) -> None:
    world.cli("plan", "new", GOAL, "--yes")
    file = world.folder / "plan.yaml"
    world.cli("plan", "draft", "s1", "--output", file)
    assert check_plan(file) == []
    assert "is there already" in world.cli("plan", "draft", "s1", "--output", file, code=2).stderr
    text = file.read_text()
    file.write_text(text.replace(f"goal: {GOAL}\n", "goal: Currencies everywhere\n", 1))
    document = world.json("plan", "draft", "s1", "--file", file)
    assert document["drafted_by"] == "person"
    assert document["plan"]["goal"] == "Currencies everywhere"
    questions = [decision["question"] for decision in document["plan"]["decisions"]]
    assert len(questions) == len(set(questions))
    file.write_text("goal: x\n")
    assert "'phases' is missing" in world.cli("plan", "draft", "s1", "--file", file, code=2).stderr


def test_a_draft_with_errors_is_shown_and_the_exit_code_says_so(world: World) -> None:
    world.cli("plan", "new", GOAL, "--yes")
    wrong = world.plan({"id": "a", "prompt": "Do it.", "files": ["nowhere.py"]})
    shown = world.cli("plan", "draft", "s1", "--file", wrong, code=1).stdout
    assert "✗ a: " in shown
    assert "[missing-file]" in shown
    assert "the errors have to go before it can be approved" in shown
    assert "plan approve" not in shown


def test_sessions_are_listed_and_abandoned(world: World) -> None:
    assert "no planning sessions yet" in world.cli("plan", "sessions").stdout
    world.cli("plan", "new", GOAL)
    world.cli("plan", "new", "Fix the report")
    assert world.cli("plan", "abandon", "s1").stdout == "s1 is abandoned\n"
    listed = world.cli("plan", "sessions").stdout.splitlines()
    assert [line.split()[0] for line in listed] == ["s2", "s1"]
    assert "questions open" in listed[0]
    assert "abandoned" in listed[1]
    assert [session["id"] for session in world.json("plan", "sessions", "--project", world.project)] == ["s2", "s1"]
    assert "was abandoned" in world.cli("plan", "answer", "s1", "cut", "one", code=2).stderr
    assert "was abandoned" in world.cli("plan", "resume", "s1", "--yes", code=2).stderr


def test_the_context_can_be_a_file(world: World) -> None:
    issue = world.folder / "issue.md"
    issue.write_text("Seen today.\n\nAcceptance criteria:\n- euros are shown\n")
    document = world.json("plan", "new", GOAL, "--context", f"@{issue}")
    assert document["context"].startswith("Seen today.")
    assert answered(document)["done-when"] == "euros are shown"
    assert "cannot be read" in world.cli("plan", "new", GOAL, "--context", "@nothing.md", code=2).stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("plan", "new", ""), "the goal is empty"),
        (("plan", "new", GOAL, "--kind", "wish"), "use feature, fix, refactor"),
        (("plan", "new", GOAL, "--project", "/"), "is not a git repository"),
        (("plan", "questions", "s7"), "there is no planning session 's7'"),
        (("plan", "answer", "s7", "where", "x"), "there is no planning session 's7'"),
        (("plan", "draft", "s7"), "there is no planning session 's7'"),
    ],
)
def test_mistakes_are_one_line_and_exit_2(arguments: tuple[str, ...], said: str, world: World) -> None:
    failed = world.cli(*arguments, code=2)
    assert failed.stderr.startswith("error: ")
    assert said in failed.stderr
    assert failed.stderr.count("\n") == 1


def test_json_is_one_document_that_round_trips(world: World) -> None:
    text = world.cli("plan", "new", GOAL, "--yes", "--json").stdout
    document = json.loads(text)
    assert document["id"] == "s1"
    assert document["spent_usd"] == 0
    assert document["plan"]["phases"]

"""What the command line says of states and events, without any process."""

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from claude_orchestrator.cli import output, report
from claude_orchestrator.cli.dossier import attempt_lines
from claude_orchestrator.cli.live import LiveView, choose_tasks, render
from claude_orchestrator.cli.views import JsonView, PlainView
from claude_orchestrator.plans.models import Plan
from claude_orchestrator.server.approving import plan_form
from claude_orchestrator.telling.documents import attempt_document
from claude_orchestrator.telling.planning import plan_lines
from claude_orchestrator.telling.words import Story, clip, counted, doing, duration

NOTHING = {
    "calls": 0,
    "input_tokens": 0,
    "output_tokens": 0,
    "cache_read_tokens": 0,
    "cache_write_tokens": 0,
    "micro_usd": 0,
    "unknown": 0,
}
"""What a run has cost that has called no model."""


def event(kind: str, task: str | None = "t1", attempt: str | None = "r1.t1.1", /, **data: Any) -> dict[str, Any]:
    return {"seq": 1, "at": 0.0, "kind": kind, "run_id": "r1", "task_id": task, "attempt_id": attempt, "data": data}


def task(task_id: str = "t1", status: str = "pending", **more: Any) -> dict[str, Any]:
    return {
        "id": task_id,
        "phase_id": "one",
        "title": "A task",
        "status": status,
        "reason": "",
        "blockers": 0,
        "ready_at": 0.0,
        "attempt_status": None,
        "merge_commit": None,
        "finished_at": None,
        "number": None,
        "started_at": None,
        "stalls": 0,
        "budget_gate": None,
        "provider": None,
        "model": None,
        **more,
    }


def progress(*tasks: dict[str, Any], **run: Any) -> dict[str, Any]:
    return {
        "run": {
            "id": "r1",
            "status": "running",
            "intent": "run",
            "reason": "",
            "goal": "A goal",
            "plan_id": "p1",
            "plan_version": 1,
            "repository": "/some where/project",
            "git_dir": "/some where/project/.git",
            "base_commit": "b" * 40,
            "target_ref": "refs/heads/orchestrator/r1",
            "created_at": 100.0,
            "finished_at": None,
            **run,
        },
        "phases": [{"id": "one", "title": "First"}],
        "tasks": list(tasks),
        "gates": [],
        "usage": {},
        "cost": NOTHING,
        "budget": None,
    }


def drawn(*tasks: dict[str, Any], height: int = 40, recent: tuple[tuple[float, str], ...] = (), **run: Any) -> str:
    console = Console(width=100, height=height, file=io.StringIO(), force_terminal=False)
    story = Story("r1", doing={("r1", "busy"): "runs pytest"})
    console.print(render([progress(*tasks, **run)], {"r1": story}, recent, 130.0, height))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(-1, "0 s"), (59.4, "59 s"), (60, "1 m 00 s"), (3599, "59 m 59 s"), (3660, "1 h 01 m"), (90000, "1 d 1 h")],
)
def test_durations(seconds: float, said: str) -> None:
    assert duration(seconds) == said


def test_small_words() -> None:
    assert (counted(1, "task"), counted(0, "task")) == ("1 task", "0 tasks")
    assert clip("one\n two   three", 8) == "one two…"


@pytest.mark.parametrize(
    ("happened", "said"),
    [
        (event("run.created", None, None, target="refs/heads/x", base="a" * 40), "run created on x from aaaaaaaaa"),
        (event("run.pause_wanted", None, None, reason="x is checked out"), "pause asked for: x is checked out"),
        (event("run.paused", None, None), "run paused"),
        (event("task.delegated", number=2), "t1 attempt 2 starts"),
        (
            event("task.lock_wait", "t1", None, reason="waits for r1/t2, which holds a"),
            "t1 waits for r1/t2, which holds a",
        ),
        (event("task.attempt_failed", number=1, reason="a test fails"), "t1 attempt 1 refused: a test fails"),
        (event("task.verified", verdict="passed"), "t1 passed every check"),
        (event("task.verified", verdict="failed"), None),
        (event("task.completed", commit="c" * 40), "t1 completed, merged as ccccccccc"),
        (event("task.completed", commit=None), "t1 completed, no change"),
        (
            event("task.head_moved", to="d" * 40),
            "t1 meets a moved head (ddddddddd): merged onto it, and that is verified",
        ),
        (event("task.parked", resumable=True), "t1 parked; it goes on where it was"),
        (event("attempt.heartbeat"), None),
        (event("attempt.progress", text="thinking"), None),
        (event("operation.asked", kind="run", target="ls", verdict="SAFE"), None),
        (
            event("operation.asked", kind="write", target="/etc/passwd", verdict="BLOCKED", reason="outside"),
            "t1 may not write /etc/passwd: outside",
        ),
        (event("operation.done", kind="run", target="pytest -q", exit_code=1), "t1 ran pytest -q (exit 1)"),
        (event("operation.done", kind="replace", target="a.py", exit_code=0), "t1 changed a.py"),
        (event("operation.done", kind="report", target="all done", exit_code=0), None),
        (event("gate.opened", gate="g1", question="Merge?"), "t1 asks (g1): Merge?"),
        (event("gate.denied", gate="g1", by="ada", reason="no"), "t1 g1 denied by ada: no"),
        (event("gate.approved", gate="g1", by="ada", way="pattern"), "t1 g1 approved for the whole run by ada"),
        (event("gate.used", gate="g1"), None),
        (event("gate.withdrawn", gate="g1"), "t1 needs no answer to g1 any more"),
        (event("gate.answer_refused", gate="g1", reason="why"), "t1 tried to answer g1 itself: why"),
        (event("task.parked", resumable=True, gate="g1"), None),
        (event("operation.asked", kind="run", target="x", verdict="REQUIRES_APPROVAL", gate="g1"), None),
        (event("operation.asked", kind="run", target="x", verdict="REQUIRES_APPROVAL", answer="approved"), None),
        (event("something.new"), None),
        (event("task.wait", "t1", None, reason="waits for x until 9"), "t1 waits for x until 9"),
        (
            event("task.parked", reason="overloaded, try 1 of 5: no", retry_at=1.0),
            "t1 is put off: overloaded, try 1 of 5: no",
        ),
        (event("attempt.nudged", cause="circles", heard=True), "t1 goes in circles, and is told so"),
        (event("attempt.nudged", cause="silence", heard=False), "t1 makes no progress, and cannot be told"),
        (event("provider.closed", None, None, provider="x"), "x works again"),
        (
            event("provider.half_open", None, None, provider="x", attempt="r1.t1.1"),
            "x: r1.t1.1 alone tries whether it works again",
        ),
    ],
)
def test_events_in_plain_words(happened: dict[str, Any], said: str | None) -> None:
    assert Story("r1").add(happened) == said


def test_a_story_remembers_what_is_worth_telling() -> None:
    story = Story("r1")
    for happened in (
        event("task.lock_wait", "t1", None, reason="waits for t2"),
        event("task.delegated", number=1),
        event("operation.asked", kind="run", target="pytest", verdict="SAFE"),
    ):
        story.add(happened)
    assert doing(task(status="in_progress"), story, 0.0) == "runs pytest"
    story.add(event("task.head_moved", to="e" * 40))
    assert doing(task(status="verifying"), story, 0.0) == "verifying on the moved head"
    story.add(event("task.attempt_failed", number=1, reason="a test fails"))
    assert [(one.task_id, one.number, one.text) for one in story.refusals] == [("t1", 1, "a test fails")]
    assert story.lock_waits[0].text == "waits for t2"
    assert story.moved_heads[0].text == "e" * 40
    assert story.attempts == {"t1": 1}


@pytest.mark.parametrize(
    ("what", "said"),
    [
        (task(), "ready"),
        (task(reason="waits for r1/t2"), "waits for r1/t2"),
        (task(blockers=1), "waits for what comes before"),
        (task(ready_at=12.0), "next try in 12 s"),
        (task(attempt_status="parked"), "parked; goes on where it was"),
        (task(attempt_status="parked", reason="waits for x until 9"), "waits for x until 9"),
        (task(attempt_status="parked", reason="overloaded", ready_at=3.0, stalls=1), "next try in 3 s (overloaded)"),
        (task(attempt_status="parked", reason="overloaded", blockers=1), "waits for what comes before"),
        (task(status="in_progress"), "starts"),
        (task(status="completed", merge_commit="f" * 40), "merged as fffffffff"),
        (task(status="completed"), "nothing to change"),
        (task(status="failed", reason="denied: no"), "denied: no"),
    ],
)
def test_what_a_task_is_about(what: dict[str, Any], said: str) -> None:
    assert doing(what, Story("r1"), 0.0) == said


def test_a_run_in_lines_says_what_to_do_next() -> None:
    story = Story("r1")
    story.add(event("task.delegated", number=1))
    story.add(event("task.attempt_failed", number=1, reason="a test fails"))
    one = progress(task(status="escalated", reason="a test fails"), status="incomplete", reason="look")
    one["gates"] = [{"id": "g1", "run_id": "r1", "task_id": "t1", "kind": "escalation", "question": "Again?"}]
    told = "\n".join([*report.run_lines(one, story, 130.0), *report.next_lines(one, nobody=False)])
    assert "r1 incomplete  0/1 tasks  30 s  A goal" in told
    assert "! t1  escalated    1 attempt   a test fails" in told
    assert "attempt 1 refused: a test fails" in told
    assert "approve g1" in told
    assert "resume r1" in told

    merged = progress(task(status="completed", merge_commit="f" * 40), status="completed", finished_at=101.0)
    assert list(report.next_lines(merged, nobody=False)) == [
        "  look at the branch: git -C '/some where/project' log --oneline bbbbbbbbb..orchestrator/r1",
        "  take it over:       git -C '/some where/project' merge orchestrator/r1",
    ]
    assert "nobody moves it" in next(report.next_lines(progress(task()), nobody=True))
    assert "watch r1" in next(report.next_lines(progress(task()), nobody=False))


def test_the_picture_shows_tasks_and_latest_events() -> None:
    picture = drawn(
        task("busy", "in_progress", number=2, started_at=120.0),
        task("done", "completed", merge_commit="f" * 40, number=1),
        recent=((0.0, "something happened"),),
        intent="pause",
    )
    lines = picture.splitlines()
    assert lines[0].startswith("r1 running  1/2 tasks  30 s  A goal  (pause asked for)")
    assert lines[1].split() == ["one", "1/2", "First"]
    assert lines[2].split() == ["▸", "busy", "attempt", "2", "10", "s", "runs", "pytest"]
    assert "✓ done" in lines[3]
    assert lines[-1].endswith("something happened")


def test_a_big_plan_fits_the_screen_and_active_tasks_stay_on_it() -> None:
    many = [task(f"t{number}", "completed", finished_at=float(number)) for number in range(200)]
    picture = drawn(*many, task("busy", "in_progress", number=1, started_at=0.0), height=24)
    assert len(picture.splitlines()) <= 24
    assert "busy" in picture
    assert "more tasks" in picture
    chosen, left_out = choose_tasks([*many, task("asks", "waiting"), task("busy", "verifying")], 4)
    assert chosen == {"busy", "asks", "t199"}
    assert left_out == 199


def test_the_live_view_draws_and_leaves() -> None:
    console = Console(width=80, height=30, file=io.StringIO(), force_terminal=True)
    view = LiveView(console)
    view.open()
    view.note("before anything is known")
    view.tell(event("task.delegated"), "t1 starts", is_news=False)
    view.tell(event("attempt.heartbeat"), None, is_news=True)
    view.show([progress(task())], {"r1": Story("r1")})
    view.note("pausing")
    view.close()
    view.close()
    assert isinstance(console.file, io.StringIO)
    drawn = console.file.getvalue()
    assert "t1 starts" in drawn
    assert "pausing" in drawn


def test_plain_and_json_lines(capsys: pytest.CaptureFixture[str]) -> None:
    for several in (False, True):
        plain = PlainView(several=several)
        plain.tell(event("x"), "one\ntwo", is_news=True)
        plain.tell(event("x"), "old", is_news=False)
        plain.tell(event("x"), None, is_news=True)
    said = capsys.readouterr().out.splitlines()
    assert [line.split(" ", 1)[1] for line in said] == ["one two", "r1 one two"]

    view = JsonView()
    view.tell(event("x", text_of="data"), "words", is_news=False)
    view.note("aside")
    said_now = capsys.readouterr()
    document = json.loads(said_now.out)
    assert (document["type"], document["kind"], document["text"]) == ("event", "x", "words")
    assert said_now.err == "aside\n"


def test_the_program_is_called_so_that_it_works_when_pasted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    called = tmp_path / "a b" / "claude-orchestrator"
    called.parent.mkdir()
    called.write_text("#!/bin/sh\n")
    called.chmod(0o755)
    monkeypatch.setattr(sys, "argv", [str(called)])
    monkeypatch.setenv("PATH", str(tmp_path))
    assert output.program() == f"'{called}'"
    monkeypatch.setenv("PATH", str(called.parent))
    assert output.program() == "claude-orchestrator"
    monkeypatch.setattr(output, "_shown_path", [str(tmp_path)])
    assert output.program() == f"'{called}'", "the reader's PATH counts, not what ours has become"
    monkeypatch.setattr(sys, "argv", ["/x/__main__.py"])
    assert output.program() == f"{sys.executable} -m claude_orchestrator"


def test_colour_only_on_a_terminal_that_wants_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert output.paint("x", "red") == "x"
    monkeypatch.setattr(output, "is_terminal", lambda: True)
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert output.paint("x", "bold", "red") == "\x1b[1;31mx\x1b[0m"
    monkeypatch.setenv("NO_COLOR", "1")
    assert output.paint("x", "red") == "x"


def test_a_complaint_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    output.complain("first\n  second")
    assert capsys.readouterr().err == "error: first second\n"


def test_the_dossier_of_an_attempt() -> None:
    row = {
        "id": "r1.t1.1",
        "number": 1,
        "status": "failed",
        "reason": "pytest: x fails",
        "feedback": "Look at x.\nReally.",
        "base_commit": "b" * 40,
        "commit_id": "c" * 40,
        "started_at": 0.0,
        "finished_at": 3.0,
    }
    command = {"argv": ["pytest"], "by_hand": "python -m pytest", "exit_code": 1, "duration_s": 1.0}
    finding = {"path": "a.py", "line": 3, "rule": "F401", "message": "unused"}
    checks = [
        {
            "name": "ruff",
            "version": "1.0",
            "status": "failed",
            "known": 2,
            "findings": [finding] * 25,
            "reasons": ["a.py:3: unused", "and one more thing"],
            "commands": [
                {**command, "label": "ruff-own", "cached": False, "timed_out": False},
                {**command, "label": "ruff-base", "cached": True, "timed_out": True},
            ],
        }
    ]
    document = {"base": "d" * 40, "reasons": ["pytest: x fails"], "checks": checks, "rerun": ["git clone …"]}
    verdict = {"tree": "e" * 40, "verdict": "failed", "folder": "/evidence", "at": 2.0, "document": document}
    events = [
        event("operation.asked", kind="run", target="pytest", verdict="SAFE"),
        event("operation.done", kind="run", target="pytest", exit_code=0),
        event("operation.asked", kind="write", target=".git/x", verdict="BLOCKED", reason="git's own"),
        event("operation.asked", kind="report", target="All fine", verdict="SAFE"),
    ]
    dossier = attempt_document(row, [verdict], events, Path("/attempts/r1.t1.1"))
    told = "\n".join(attempt_lines(dossier, {"repository": "/project"}))

    assert [operation["done"] is not None for operation in dossier["operations"]] == [True, False, False]
    for expected in (
        "attempt 1 (r1.t1.1) failed",
        "refused: pytest: x fails",
        "run      pytest  (exit 0)",
        "write    .git/x  (BLOCKED: git's own)",
        "report   All fine  (not believed)",
        "ruff 1.0: failed, 25 new, 2 known before",
        "a.py:3: F401: unused",
        "… and 5 more",
        "and one more thing",
        "$ python -m pytest",
        "own: exit 1 in 1.0 s; base: timed out in 1.0 s, from an earlier run",
        "git clone …",
        "git -C /project diff bbbbbbbbb refs/orchestrator/attempts/r1.t1.1",
        "| Really.",
    ):
        assert expected in told
    assert "a.py:3: unused" not in told, "said by the finding already"


def test_a_picture_that_is_held_stands_still_and_goes_on() -> None:
    screen = io.StringIO()
    view = LiveView(Console(file=screen, force_terminal=True, width=100, height=30))
    run = {"id": "r1", "status": "running", "intent": "run", "goal": "g", "created_at": 0.0, "finished_at": None}
    progress: dict[str, Any] = {"run": run, "phases": [], "tasks": [], "gates": [], "usage": {}, "cost": NOTHING}
    stories = {"r1": Story("r1")}
    view.open()
    view.show([progress], stories)
    view.hold()
    shown = screen.getvalue()
    view.tell(event("task.delegated"), "t1 starts", is_news=True)
    view.show([progress], stories)
    assert screen.getvalue() == shown
    view.open()
    view.show([progress], stories)
    assert "t1 starts" in screen.getvalue()[len(shown) :]
    view.close()


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("plain · ünïcode 漢", "plain · ünïcode 漢"),
        ("\x1b[31m\x07\r", "\\u001b[31m\\u0007\\u000d"),
        ("a\u202eb\u200bc", "a\\u202eb\\u200bc"),
        ("\U000e0041\udc80", "\\udb40\\udc41\\udc80"),
    ],
)
def test_nothing_is_obeyed_that_an_agent_says(text: str, written: str) -> None:
    assert output.visible(text) == written
    assert json.loads(f'"{output.visible(text)}"') == text


def test_only_our_own_colours_get_through(capsys: pytest.CaptureFixture[str]) -> None:
    output.say("\x1b[1;31mred\x1b[0m\tand \x1b[8mhidden\x1b[2J\nnext")
    assert capsys.readouterr().out == "\x1b[1;31mred\x1b[0m\tand \\u001b[8mhidden\\u001b[2J\nnext\n"


def test_a_plan_that_is_shown_for_approval_names_the_programs_that_it_runs() -> None:
    scripted = [{"run": "make x | tee y"}, {"run": ["ls", "-l"]}, {"write": "f", "content": ""}]
    tasks = [
        {"id": "a", "command": ["python3", "a b.py"]},
        {"id": "b", "attempts": {1: scripted}},
        {"id": "c", "operations": [{"run": f"step {number}"} for number in (*range(10), 9)]},
        {"id": "d", "prompt": "run whatever you like"},
    ]
    plan = Plan.model_validate({"goal": "Go", "phases": [{"id": "one", "tasks": tasks}]})
    document = plan.model_dump(mode="json", exclude_none=True)
    said = [line.strip() for line in plan_lines(document) if "runs:" in line]
    assert said[:3] == ["runs:   python3 'a b.py'", "runs:   make x | tee y", "runs:   ls -l"]
    assert said[3:] == [*(f"runs:   step {number}" for number in range(8)), "runs:   … and 2 more"]
    assert "    runs: python3 'a b.py'" in plan_form(plan, name="s1").shown

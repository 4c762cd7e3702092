"""A run from its start to its end, as a user sees it: real processes, signals, other terminals."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_world import World

DEMO_S = 400
"""It takes about a minute of one core, and cores are shared."""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.close()


def test_a_plan_runs_and_everything_about_it_can_be_seen(world: World) -> None:
    (world.project / "a.txt").write_text("my own change\n")
    plan = world.plan(world.task("t1"), world.task("t2", depends_on=["t1"]))

    said = world.cli("run", plan).stdout

    assert said.startswith("r1 runs plan p1 version 1 on ")
    assert "resume r1" in said
    assert "t1 attempt 1 completed, merged as " in said
    assert "r1 completed  2/2 tasks" in said
    assert "git -C" in said
    assert world.git("show", "orchestrator/r1:t2.txt") == "t2"
    assert (world.project / "a.txt").read_text() == "my own change\n", "a checkout is never touched"
    assert world.git("branch", "--show-current") == "main"

    assert "r1    completed  2/2 tasks" in world.cli("status").stdout
    shown = world.cli("status", "r1").stdout
    assert "✓ t1  completed" in shown

    seen = world.cli("evidence", "r1", "t1").stdout
    assert "attempt 1 (r1.t1.1) passed" in seen
    assert "write    t1.txt  (exit 0)" in seen
    assert "scope: passed" in seen
    assert "refs/orchestrator/attempts/r1.t1.1" in seen

    assert (
        "verified" not in world.cli("verify", "--base", "main", "--head", "orchestrator/r1", "--checks", "none").stderr
    )
    assert world.cli("watch", "r1").stdout.strip().startswith("r1 completed")
    assert world.cli("resume").stderr.startswith("nothing to resume")


def test_programs_get_json(world: World) -> None:
    lines = world.cli("run", world.plan(world.task()), "--json").stdout.splitlines()
    *events, summary = [json.loads(line) for line in lines]

    assert {event["type"] for event in events} == {"event"}
    assert events[0]["kind"] == "run.created"
    assert events[-1]["kind"] == "run.completed"
    assert [event["seq"] for event in events] == sorted(event["seq"] for event in events)
    assert summary["type"] == "summary"
    assert summary["status"] == "completed"
    assert summary["tasks"][0]["merge_commit"] == world.git("rev-parse", "orchestrator/r1")

    (run,) = world.json("status")
    assert (run["run"], run["status"], run["completed"], run["moved"]) == ("r1", "completed", 1, False)
    assert world.json("status", "r1")["tasks"] == summary["tasks"]
    assert world.json("evidence", "r1", "t1")["attempts"][0]["evidence"][0]["verdict"] == "passed"
    assert world.json("evidence", "r1", "t1")["attempts"][0]["operations"][0]["done"]["exit_code"] == 0
    assert json.loads(world.cli("watch", "r1", "--json").stdout.splitlines()[-1])["status"] == "completed"
    assert world.json("plan", "list")[0]["approved_version"] == 1
    assert world.json("plan", "show", "p1")["goal"] == "Something useful"
    assert world.json("inbox") == []
    assert world.json("doctor")["ok"] is True


def test_the_same_plan_is_stored_once_and_runs_by_its_id(world: World) -> None:
    plan = world.plan(world.task())
    world.cli("run", plan)
    world.cli("run", plan, "--target", "mine")
    world.cli("run", "p1", "--base", "mine")

    assert [plan["id"] for plan in world.json("plan", "list")] == ["p1"]
    assert [run["branch"] for run in world.json("status")] == ["orchestrator/r3", "mine", "orchestrator/r1"]
    assert world.json("evidence", "r3", "t1")["merge_commit"] is None, "it was there already"

    (world.folder / "again.yaml").write_text(world.cli("plan", "show", "p1").stdout)
    assert world.cli("plan", "check", world.folder / "again.yaml").stdout.endswith(
        "1 task in 1 phase: Something useful\n"
    )


def test_another_terminal_pauses_and_a_third_resumes(world: World) -> None:
    run = world.start("run", world.plan(world.gated("t1"), world.task("t2", depends_on=["t1"])))
    run.until("t1 attempt 1 wrote t1.txt")
    assert world.json("status", "r1")["moved"] is True

    paused = world.cli("pause", "r1").stdout
    assert "r1 is paused: 0 tasks merged" in paused
    assert "resume r1" in paused
    code, said = run.end()
    assert code == 1
    assert "paused; '" in said
    assert world.json("status", "r1")["status"] == "paused"
    assert world.cli("pause", "r1").stdout.startswith("r1 is paused"), "asking twice is fine"

    resumed = world.start("resume", "r1")
    resumed.until("t1 attempt 1 goes on")
    world.open_gate()
    code, said = resumed.end()
    assert code == 0, said
    assert len(world.json("evidence", "r1", "t1")["attempts"]) == 1, "the attempt went on"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_interrupt_pauses(world: World, number: signal.Signals) -> None:
    run = world.start("run", world.plan(world.gated()))
    run.until("t1 attempt 1 wrote t1.txt")
    run.signal(number)
    code, said = run.end()
    assert code == 1, said
    assert "resume r1' goes on" in said
    status = world.json("status", "r1")
    assert (status["status"], status["tasks"][0]["status"]) == ("paused", "pending")


def test_a_second_interrupt_ends_at_once_and_loses_nothing(world: World) -> None:
    run = world.start("run", world.plan(world.gated()))
    run.until("t1 attempt 1 wrote t1.txt")
    run.signal(signal.SIGINT)
    run.until("pausing")
    run.signal(signal.SIGINT)
    code, _ = run.end()
    assert code == 130

    resumed = world.start("resume")
    resumed.until("is taken over from a process that died")
    world.open_gate()
    code, said = resumed.end()
    assert code == 0, said
    assert world.git("show", "orchestrator/r1:t1.txt") == "x"


def test_a_killed_run_is_seen_and_resumed_without_doing_anything_twice(world: World) -> None:
    run = world.start("run", world.plan(world.gated()))
    run.until("t1 attempt 1 wrote t1.txt")
    run.signal(signal.SIGKILL)
    run.end()

    assert "nobody moves it: " in world.cli("status").stdout
    assert "nobody moves it: " in world.cli("status", "r1").stdout
    sick = world.cli("doctor", code=1).stdout
    assert "✗ attempts: nobody looks after r1/t1" in sick
    assert "resume r1" in sick
    watched = world.cli("watch", "r1", code=1).stdout
    assert "nobody moves it: " in watched

    resumed = world.start("resume")
    resumed.until("is taken over from a process that died")
    world.open_gate()
    code, said = resumed.end()
    assert code == 0, said
    (attempt,) = world.json("evidence", "r1", "t1")["attempts"]
    assert [operation["kind"] for operation in attempt["operations"]] == ["write", "run"]
    world.cli("doctor")


def test_what_another_process_moves_is_watched_and_taken_over_when_it_dies(world: World) -> None:
    run = world.start("run", world.plan(world.gated()))
    run.until("t1 attempt 1 wrote t1.txt")
    second = world.start("resume", "r1")
    second.until(f"r1 is moved by process {run.process.pid}: watching")
    run.signal(signal.SIGHUP)  # its terminal was closed
    second.until("is taken over")
    world.open_gate()
    code, said = second.end()
    assert code == 0, said


def test_ctrl_c_on_a_watch_stops_only_the_watch(world: World) -> None:
    run = world.start("run", world.plan(world.gated()))
    run.until("t1 attempt 1 wrote t1.txt")
    watch = world.start("watch", "r1", "--json")
    watch.until("operation.done")
    watch.signal(signal.SIGINT)
    assert watch.end()[0] == 130
    world.open_gate()
    assert run.end()[0] == 0


def test_cancel_ends_a_run_for_good(world: World) -> None:
    run = world.start("run", world.plan(world.task("t1"), world.gated("t2")))
    run.until("t1 attempt 1 completed")
    run.until("t2 attempt 1 wrote t2.txt")
    cancelled = world.cli("cancel", "r1").stdout
    assert "r1 is cancelled: 1 task merged on orchestrator/r1" in cancelled
    assert run.end()[0] == 1
    assert world.git("for-each-ref", "--format=%(refname)", "refs/orchestrator/attempts/r1.t2.1")
    assert "is already cancelled" in world.cli("resume", "r1", code=2).stderr
    assert world.cli("resume").stderr.startswith("nothing to resume")


def test_a_paused_or_abandoned_run_is_cancelled_without_anybody_moving_it(world: World) -> None:
    run = world.start("run", world.plan(world.gated()))
    run.until("t1 attempt 1 wrote t1.txt")
    run.signal(signal.SIGKILL)
    run.end()
    assert "r1 is paused" in world.cli("pause", "r1").stdout
    assert "r1 is cancelled" in world.cli("cancel", "r1").stdout


def test_a_run_whose_repository_is_gone_stops_nobody_and_can_be_given_up(world: World) -> None:
    run = world.start("run", world.plan(world.gated()))
    run.until("t1 attempt 1 wrote t1.txt")
    run.signal(signal.SIGKILL)
    run.end()
    moved_away = world.folder / "elsewhere"
    world.project.rename(moved_away)
    world.project.mkdir()

    assert "is gone: put it back" in world.cli("resume", "r1", code=2).stderr
    assert "is gone: put it back" in world.cli("resume", code=1).stderr
    assert "r1 is cancelled" in world.cli("cancel", "r1").stdout
    shutil.rmtree(world.project)
    moved_away.rename(world.project)


def test_several_runs_are_resumed_at_once(world: World) -> None:
    for number, name in enumerate(("t1", "t2"), start=1):
        run = world.start("run", world.plan(world.gated(name), name=f"{name}.yaml", goal=name))
        run.until(f"{name} attempt 1 wrote {name}.txt")
        world.cli("pause", f"r{number}")
        run.end()

    resumed = world.start("resume")
    resumed.until("r1 t1 attempt 1 goes on")
    resumed.until("r2 t2 attempt 1 goes on")
    world.open_gate("t1")
    world.open_gate("t2")
    code, said = resumed.end()
    assert code == 0, said
    assert said.count("completed  1/1 tasks") == 2


def test_runs_on_one_repository_wait_for_each_others_files(world: World) -> None:
    first = world.start("run", world.plan(world.gated("t1")))
    first.until("t1 attempt 1 wrote t1.txt")
    second = world.start(
        "run",
        world.plan(
            world.task("other", files=["t1.txt"], operations=[{"write": "t1.txt", "content": "y"}]), name="other.yaml"
        ),
    )
    second.until("other waits for r1/t1, which holds t1.txt")
    world.open_gate()
    assert first.end()[0] == 0
    assert second.end()[0] == 0


def test_a_run_can_go_on_in_the_background(world: World) -> None:
    said = world.cli("run", world.plan(world.gated()), "--detach").stdout
    assert "it goes on in the background" in said
    watch = world.start("watch", "r1", "--json")
    watch.until("operation.done")
    world.open_gate()
    code, said = watch.end()
    assert code == 0, said
    assert json.loads(said.splitlines()[-1])["status"] == "completed"
    assert "r1 completed" in (world.home / "logs" / "r1.log").read_text()


def test_a_task_that_fails_for_good_asks_a_human(world: World) -> None:
    wrong = world.task("t1", {"write": "elsewhere.txt", "content": "x"}, max_attempts=1)
    said = world.cli("run", world.plan(wrong, world.task("t2"), world.task("t3", depends_on=["t1"])), code=1).stdout
    assert "r1 incomplete  1/3 tasks" in said
    assert "attempt 1 refused: scope: elsewhere.txt" in said
    assert "approve g1" in said

    asked = world.cli("inbox").stdout
    assert "g1 r1/t1 (escalation)" in asked
    assert world.json("inbox")[0]["id"] == "g1"

    assert "resume r1" in world.cli("approve", "g1", "--reason", "bad luck").stdout
    assert "already approved" in world.cli("deny", "g1", "--reason", "no", code=2).stderr
    world.cli("resume", code=1)
    assert len(world.json("evidence", "r1", "t1")["attempts"]) == 2

    assert "r1 has failed" in world.cli("deny", "g2", "--reason", "we do without it").stdout
    assert world.cli("inbox").stdout == "no questions wait\n"
    assert "g2 r1/t1 (escalation) denied" in world.cli("inbox", "--all").stdout
    assert "already failed" in world.cli("resume", "r1", code=2).stderr
    status = world.json("status", "r1")
    assert [task["status"] for task in status["tasks"]] == ["failed", "completed", "pending"]


def test_a_reader_that_goes_away_hears_no_complaint(world: World) -> None:
    world.cli("run", world.plan(world.task()))
    for arguments in ("status r1", "watch r1 --json", "evidence r1 t1", "--help"):
        script = f"{sys.executable} -m claude_orchestrator {arguments} | true; exit ${{PIPESTATUS[0]}}"
        done = subprocess.run(
            ["bash", "-c", script], env=world.environment(), capture_output=True, text=True, timeout=30, check=False
        )
        assert done.stderr == "", arguments


@pytest.mark.timeout(DEMO_S + 60)
def test_the_demo_shows_what_it_says(world: World, installed: Path) -> None:
    folder = world.folder / "demo"
    # As after the README's command: nothing is activated, or some other environment is, which lacks the tools.
    ours = (installed, Path(sys.executable).parent)
    elsewhere = os.pathsep.join(part for part in os.environ["PATH"].split(os.pathsep) if Path(part) not in ours)
    environment = world.environment(PATH=elsewhere)
    done = subprocess.run(
        [installed / "claude-orchestrator", "demo", "--keep", str(folder)],
        env={**environment, "VIRTUAL_ENV": str(world.folder / "another venv")},
        capture_output=True,
        text=True,
        timeout=DEMO_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    told = done.stdout
    assert "r1 completed  7/7 tasks" in told
    refused = told.split("What was refused, and why")[1].split("What waited")[0]
    assert "discount attempt 1: pytest: tests/test_invoice.py::" in refused
    assert "customers attempt 1: scope: tests/test_report.py" in refused
    assert "credit: waits for r1/thousands" in told
    assert "onto " in told.split("What found the branch moved on")[1].split("Look for yourself")[0]

    commands = [line.strip() for line in told.split("Look for yourself")[1].splitlines() if line.strip()]
    for command in commands:
        pasted = subprocess.run(
            ["bash", "-c", command], env=environment, cwd="/", capture_output=True, text=True, timeout=30, check=False
        )
        assert pasted.returncode == 0, f"{command}\n{pasted.stderr}"
        assert pasted.stdout

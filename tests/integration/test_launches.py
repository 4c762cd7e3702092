"""Launch folders and runners as real, detached processes: started once, adopted, stopped, killed."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from process_world import FAMILY, Launches, alive, done, run_python, sleepers, use_level, wait_for

from claude_orchestrator.agents import runner
from claude_orchestrator.agents.base import Outcome
from claude_orchestrator.agents.folder import LaunchFolder
from claude_orchestrator.errors import AgentError
from claude_orchestrator.workspace import liveness, process_table


@pytest.fixture
def launches(tmp_path: Path) -> Iterator[Launches]:
    world = Launches(tmp_path)
    yield world
    world.close()


@pytest.fixture(params=["namespaces", "process-group"])
def level(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    yield from use_level(request.param, tmp_path, monkeypatch)


def finish(launch: LaunchFolder) -> Outcome:
    """Start a launch and wait for its outcome."""
    launch.spawn()
    return ended(launch)


def ended(launch: LaunchFolder) -> Outcome:
    wait_for(lambda: done(launch))
    outcome = launch.read_exit()
    assert outcome
    return outcome


def started(launch: LaunchFolder) -> dict[str, str | int]:
    return json.loads((launch.path / "started.json").read_text())  # type: ignore[no-any-return]


def test_a_launch_from_new_to_done(launches: Launches, level: str) -> None:
    launch = launches.script({"write": "b.txt", "content": "b\n"}, {"run": ["cat", "b.txt"]}, {"report": "all well"})
    assert launch.state() == "new"
    assert launch.read_exit() is None
    assert not launch.interrupt()
    assert finish(launch) == Outcome("finished", "3 operations done", "all well")
    assert (launches.worktree / "b.txt").read_text() == "b\n"
    assert launch.last_output_at() > time.time() - 60
    assert (launch.path / "output.log").read_text() == ""


def test_no_two_runners_for_one_launch(launches: Launches, tmp_path: Path) -> None:
    effects = tmp_path / "effects"
    launch = launches.script({"run": f"echo once >> {effects}; sleep 0.3"})
    pids = [launch.spawn() for _ in range(6)]
    while not done(launch):
        launch.state()  # to look must not get in the way
    wait_for(lambda: not any(process_table.start_time(pid) for pid in pids))
    again = launch.spawn()
    wait_for(lambda: not process_table.start_time(again))
    assert effects.read_text() == "once\n"
    assert len(launches.events("attempt.exited")) == 1


def test_a_runner_waits_for_one_who_only_looks_at_the_lock(launches: Launches) -> None:
    launch = launches.script()
    look = liveness.hold(launch.path / "lock")
    pid = launch.spawn()
    time.sleep(0.3)
    assert process_table.start_time(pid)
    look.release()
    assert ended(launch).status == "finished"


def test_a_runner_that_died_before_it_started_may_be_spawned_again(launches: Launches) -> None:
    launch = launches.script()
    os.kill(launch.spawn(), signal.SIGKILL)
    assert launch.state() == "new"
    assert finish(launch).status == "finished"


def test_a_died_launch_never_runs_again(launches: Launches, tmp_path: Path, level: str) -> None:
    launch = launches.script({"run": f"echo once >> {tmp_path}/effects; sleep 7201.25"})
    launch.spawn()
    wait_for((tmp_path / "effects").exists)
    launch.kill()
    assert launch.state() == "died"
    assert sleepers("7201.25") == []
    again = launch.spawn()
    wait_for(lambda: not process_table.start_time(again))
    assert launch.state() == "died"
    assert launch.read_exit() is None
    assert (tmp_path / "effects").read_text() == "once\n"


def test_kill_minus_nine_of_the_runner_takes_every_descendant(launches: Launches, level: str) -> None:
    seconds = "7202.25"
    for _ in range(3):
        launch = launches.script({"run": [sys.executable, "-c", FAMILY, seconds]})
        launch.spawn()
        wait_for(lambda: len(sleepers(seconds)) == 4)
        os.kill(int(started(launch)["pid"]), signal.SIGKILL)
        killed_at = time.monotonic()
        wait_for(lambda: not sleepers(seconds) and not process_table.marked(launches.marker))
        assert time.monotonic() - killed_at < 6
        assert launch.state() == "died"


def test_kill_minus_nine_of_the_runner_at_any_instant(launches: Launches, level: str) -> None:
    seconds = "7203.25"
    chance = random.Random(11)
    states = set()
    for number in range(12):
        launch = launches.script({"run": ["sh", "-c", f"setsid -f sleep {seconds}; exec sleep {seconds}"]})
        pid = launch.spawn()
        if number == 0:
            wait_for(lambda: len(sleepers(seconds)) == 2)
        else:
            time.sleep(chance.uniform(0.0, 0.4))
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: not sleepers(seconds) and not process_table.marked(launches.marker), 2)
        wait_for(lambda pid=pid: not process_table.start_time(pid))
        # Its main thread may be gone a moment before the thread that has the database, and the lock with that.
        wait_for(lambda launch=launch: launch.state() != "alive")
        states.add(launch.state())
    assert states <= {"new", "died"}
    assert "died" in states


ENGINE = """
import sys, time
from pathlib import Path
from claude_orchestrator.agents.folder import LaunchFolder
print(LaunchFolder(Path(sys.argv[1])).spawn(), flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("how", ["kill", "interrupt-key"])
def test_the_runner_outlives_its_engine(launches: Launches, tmp_path: Path, level: str, how: str) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    launch = launches.script({"run": ["cat", str(gate)]}, {"write": "late.txt", "content": "late\n"})
    engine = run_python(ENGINE, str(launch.path))
    assert engine.stdout
    runner_pid = int(engine.stdout.readline())
    wait_for((launch.path / "operation-1.log").exists)
    if how == "kill":
        engine.kill()
    else:
        os.killpg(engine.pid, signal.SIGINT)  # what a terminal does on Ctrl-C
    engine.wait()
    engine.stdout.close()
    assert os.getsid(runner_pid) == runner_pid
    assert launch.state() == "alive"
    gate.write_text("go\n")
    assert ended(launch).status == "finished"
    assert (launches.worktree / "late.txt").read_text() == "late\n"


def test_a_stopped_runner_counts_as_alive(launches: Launches) -> None:
    launch = launches.script({"run": ["sleep", "0.5"]})
    launch.spawn()
    wait_for(lambda: alive(launch))
    pid = int(started(launch)["pid"])
    os.kill(pid, signal.SIGSTOP)
    time.sleep(0.7)
    assert launch.state() == "alive"
    os.kill(pid, signal.SIGCONT)
    assert ended(launch).status == "finished"


def test_an_attempt_of_the_same_name_in_another_home_lives_on(launches: Launches, tmp_path: Path) -> None:
    root = tmp_path / "home" / launches.root.name
    root.mkdir(parents=True)
    other = Launches(root)
    launch, theirs = (one.script({"run": ["sleep", "7208.25"]}) for one in (launches, other))
    try:
        for one in (launch, theirs):
            one.spawn()
        wait_for(lambda: len(sleepers("7208.25")) == 2)
        launch.kill()
        assert (launch.state(), theirs.state()) == ("died", "alive")
    finally:
        other.close()


def test_no_zombie_stays_behind(launches: Launches) -> None:
    launch = launches.script()
    pid = launch.spawn()
    wait_for(lambda: not Path(f"/proc/{pid}").exists())
    assert launch.state() == "done"


def test_a_stranger_with_the_runners_id_is_never_touched(launches: Launches) -> None:
    launch = launches.script()
    assert finish(launch).status == "finished"
    stranger = subprocess.Popen(["sleep", "7204.25"])
    lock = None
    try:
        (launch.path / "exit.json").unlink()
        (launch.path / "started.json").write_text(json.dumps({**started(launch), "pid": stranger.pid}))
        wait_for(lambda: launch.state() == "died")
        launch.kill()
        assert not launch.interrupt()
        wait_for(lambda: not liveness.is_held(launch.path / "lock"))
        lock = liveness.hold(launch.path / "lock")  # even if the lock says that somebody lives
        launch.kill()
        assert not launch.interrupt()
        assert stranger.poll() is None
    finally:
        if lock:
            lock.release()
        stranger.kill()
        stranger.wait()


def test_interrupt_stops_a_command_and_its_family_at_once(launches: Launches, level: str) -> None:
    seconds = "7205.25"
    launch = launches.new({"command": [sys.executable, "-c", FAMILY, seconds]}, agent="command")
    launch.spawn()
    wait_for(lambda: len(sleepers(seconds)) == 4)
    asked_at = time.monotonic()
    assert launch.interrupt()
    assert ended(launch) == Outcome("interrupted", "interrupted")
    assert time.monotonic() - asked_at < 8
    assert sleepers(seconds) == []


def test_the_wall_clock_limit_kills_the_tree(launches: Launches, level: str) -> None:
    seconds = "7206.25"
    launch = launches.script({"report": "so far"}, {"run": [sys.executable, "-c", FAMILY, seconds]}, timeout_s=1.0)
    assert finish(launch) == Outcome("timeout", "not done within 1 s", "so far")
    assert sleepers(seconds) == []


def test_agents_get_no_secrets(launches: Launches, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "hush-hush")
    monkeypatch.setenv("PYTHONPATH", os.environ.get("PYTHONPATH", ""))
    assert finish(launches.script({"run": f"env > {tmp_path}/environment"})).status == "finished"
    names = {line.split("=")[0] for line in (tmp_path / "environment").read_text().splitlines()}
    assert {"PATH", process_table.MARKER} <= names
    assert not names & {"OPENAI_API_KEY", "PYTHONPATH", "CLAUDE_ORCHESTRATOR_HOME"}


STUBBORN = """
import asyncio
from claude_orchestrator.agents import base, runner
class Stubborn:
    name, resumable = "stubborn", False
    async def work(self, assignment, host):
        await host.progress("begun")
        while True:
            try:
                await asyncio.sleep(600)
            except asyncio.CancelledError:
                pass
class Broken(Stubborn):
    async def work(self, assignment, host):
        raise ZeroDivisionError("oops")
base.AGENTS.update(stubborn="__main__:Stubborn", broken="__main__:Broken")
runner.STOPPING_S = 0.2
import sys
from pathlib import Path
sys.exit(runner.main(Path(sys.argv[1])))
"""


def test_an_agent_that_does_not_stop_does_not_hold_the_runner(launches: Launches) -> None:
    launch = launches.new({}, agent="stubborn", timeout_s=0.5)
    process = run_python(STUBBORN, str(launch.path))
    assert process.wait(20) == 0
    outcome = launch.read_exit()
    assert outcome
    assert outcome.status == "timeout"
    assert launches.events("attempt.progress") == [{"text": "begun"}]
    process.communicate()


def test_an_agents_defect_is_an_outcome(launches: Launches) -> None:
    launch = launches.new({}, agent="broken")
    process = run_python(STUBBORN, str(launch.path))
    assert process.wait(20) == 0
    assert launch.read_exit() == Outcome("error", "ZeroDivisionError: oops")
    process.communicate()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"agent": "nobody"}, "no agent 'nobody'"),
        ({"options": {}}, "no script"),
        ({"options": {"operations": [{"dance": 1}]}}, "no verb"),
        ({"options": {"operations": [{"run": ["no-such-program"]}]}}, "no-such-program"),
        ({"agent": "command", "options": {}}, "no command"),
        ({"agent": "command", "options": {"command": ["true"]}, "resume": {"tree": "x"}}, "cannot go on"),
        ({"database": Path("/dev/null/state.db")}, "CLAUDE_ORCHESTRATOR_HOME"),
    ],
)
def test_what_cannot_work_is_an_error_with_a_reason(launches: Launches, change: dict[str, object], words: str) -> None:
    launch = launches.script({"report": "never"})
    launch.write_assignment(replace(launch.read_assignment(), **change))  # type: ignore[arg-type]
    outcome = run_here(launch)
    assert outcome.status == "error"
    assert words in outcome.detail


def run_here(launch: LaunchFolder) -> Outcome:
    """Run a launch in this process: quicker, and an error shows its traceback."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    try:
        assert runner.main(launch.path) == 0
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    outcome = launch.read_exit()
    assert outcome
    return outcome


def test_a_worktree_that_is_gone_is_an_error(launches: Launches) -> None:
    launch = launches.script({"report": "x"})
    launches.worktree.rename(launches.root / "elsewhere")
    assert run_here(launch).status == "error"


def test_a_second_runner_in_this_process_does_nothing(launches: Launches) -> None:
    launch = launches.script()
    first = run_here(launch)
    assert run_here(launch) == first
    assert len(launches.events("attempt.exited")) == 1


def test_without_an_assignment_there_is_nothing_to_spawn(tmp_path: Path) -> None:
    launch = LaunchFolder(tmp_path / "none")
    assert launch.state() == "new"
    with pytest.raises(AgentError):
        launch.spawn()


def test_a_damaged_exit_file_is_not_believed(launches: Launches) -> None:
    launch = launches.script()
    (launch.path / "exit.json").write_text('{"status": "fini')
    with pytest.raises(AgentError, match="damaged"):
        launch.read_exit()


def test_an_exit_that_cannot_be_written_leaves_a_died_launch(
    launches: Launches, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(LaunchFolder, "write_exit", full)
    launch = launches.script()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    try:
        with pytest.raises(OSError, match="space"):
            runner.main(launch.path)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    assert launch.state() == "died"

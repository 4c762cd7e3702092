"""Commands: how they end, what they leave (nothing), what they get (little)."""

from __future__ import annotations

import ast
import asyncio
import hashlib
import os
import random
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from process_world import FAMILY, run_python, sleepers, use_level, wait_for

from claude_orchestrator.workspace import process, process_table, sandbox
from claude_orchestrator.workspace.inside import watch
from claude_orchestrator.workspace.process import Completed, ProgramError


@pytest.fixture(params=["namespaces", "process-group"])
def level(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    yield from use_level(request.param, tmp_path, monkeypatch)


def run(folder: Path, *argv: str, **options: Any) -> Completed:
    given = {
        "cwd": folder,
        "env": process.scrubbed_environment(),
        "timeout_s": 20.0,
        "stdout": folder / "out",
        **options,
    }
    return asyncio.run(process.run(argv, **given))


def test_exit_code_and_output(tmp_path: Path, level: str) -> None:
    completed = run(tmp_path, "sh", "-c", "echo out; echo err >&2; exit 3")
    assert (completed.exit_code, completed.timed_out, completed.output_truncated) == (3, False, False)
    assert (tmp_path / "out").read_text() == completed.tail == "out\nerr\n"
    assert completed.digest == hashlib.sha256(b"out\nerr\n").hexdigest()
    assert completed.argv == ("sh", "-c", "echo out; echo err >&2; exit 3")


def test_standard_error_in_a_file_of_its_own(tmp_path: Path, level: str) -> None:
    run(tmp_path, "sh", "-c", "echo out; echo err >&2", stderr=tmp_path / "err")
    assert (tmp_path / "out").read_text() == "out\n"
    assert (tmp_path / "err").read_text() == "err\n"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV])
def test_a_signal_is_a_negative_exit_code(tmp_path: Path, level: str, number: signal.Signals) -> None:
    assert run(tmp_path, "sh", "-c", f"kill -{int(number)} $$").exit_code == -number


def test_the_command_gets_signals_as_after_a_login(tmp_path: Path, level: str) -> None:
    code = "import signal; print(signal.pthread_sigmask(signal.SIG_BLOCK, []), open('/proc/self/status').read())"
    run(tmp_path, sys.executable, "-I", "-S", "-c", code)
    said = (tmp_path / "out").read_text()
    assert said.startswith("set()")
    ignored = int(next(line for line in said.splitlines() if line.startswith("SigIgn")).split()[1], 16)
    python_ignores = (1 << signal.SIGPIPE - 1) | (1 << signal.SIGXFSZ - 1)
    assert ignored & ~python_ignores == 0
    yes = run(tmp_path, "sh", "-c", "yes | head -1")
    assert yes.tail == "y\n", "SIGPIPE ends a writer without a complaint"


def test_missing_programs_and_folders_are_named(tmp_path: Path, level: str) -> None:
    script = tmp_path / "no-interpreter"
    script.write_text("#!/no/such/interpreter\n")
    script.chmod(0o755)
    for argv in (["no-such-program"], ["./no-such-program"], [str(tmp_path)], [str(script)]):
        with pytest.raises(ProgramError, match=Path(argv[0]).name):
            run(tmp_path, *argv)
    with pytest.raises(ProgramError, match="gone"):
        run(tmp_path, "true", cwd=tmp_path / "gone")


def test_a_program_is_found_in_the_path_of_its_environment(tmp_path: Path) -> None:
    tool = tmp_path / "tools" / "mine"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\necho mine\n")
    tool.chmod(0o755)
    assert run(tmp_path, "mine", env={"PATH": f"{tool.parent}:/usr/bin:/bin"}).tail == "mine\n"
    assert run(tmp_path, "tools/mine").tail == "mine\n"
    with pytest.raises(ProgramError):
        run(tmp_path, "mine")


def test_the_time_limit_kills_the_whole_family(tmp_path: Path, level: str) -> None:
    seconds = "7101.25"
    started = time.monotonic()
    completed = run(tmp_path, sys.executable, "-c", FAMILY, seconds, timeout_s=1.0)
    assert completed.timed_out
    assert completed.exit_code == -signal.SIGKILL
    assert completed.tail == "ready\n"
    assert sleepers(seconds) == []
    assert time.monotonic() - started < 40


def test_what_a_command_leaves_running_is_killed_at_its_end(tmp_path: Path, level: str) -> None:
    seconds = "7102.25"
    all_but_the_last_sleep = FAMILY.rsplit("os.execvp", 1)[0]
    completed = run(tmp_path, sys.executable, "-c", all_but_the_last_sleep, seconds)
    assert completed.exit_code == 0
    assert sleepers(seconds) == []


def test_a_command_that_ignores_every_polite_signal_dies_too(tmp_path: Path, level: str) -> None:
    seconds = "7103.25"
    stubborn = f"trap '' TERM INT HUP; (trap '' TERM; setsid sleep {seconds}) & sleep {seconds}; sleep {seconds}"
    assert run(tmp_path, "sh", "-c", stubborn, timeout_s=0.5).timed_out
    assert sleepers(seconds) == []


def test_cancellation_kills_and_waits(tmp_path: Path, level: str) -> None:
    seconds = "7104.25"

    async def scenario() -> None:
        env = process.scrubbed_environment()
        command = [sys.executable, "-c", FAMILY, seconds]
        work = asyncio.create_task(process.run(command, cwd=tmp_path, env=env, timeout_s=None, stdout=tmp_path / "out"))
        await asyncio.to_thread(wait_for, lambda: len(sleepers(seconds)) == 4)
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
        assert sleepers(seconds) == []

    asyncio.run(scenario())


def test_cancellation_at_any_instant_leaves_nothing(tmp_path: Path, level: str) -> None:
    seconds = "7105.25"

    async def scenario() -> None:
        env = process.scrubbed_environment()
        descriptors = len(list(Path("/proc/self/fd").iterdir()))
        for number in range(12):
            work = asyncio.create_task(
                process.run(["sleep", seconds], cwd=tmp_path, env=env, timeout_s=None, stdout=tmp_path / "out")
            )
            await asyncio.sleep(number * 0.004)
            work.cancel()
            await asyncio.wait({work})
            assert work.cancelled()
            assert sleepers(seconds) == []
        assert len(list(Path("/proc/self/fd").iterdir())) <= descriptors + 1

    asyncio.run(scenario())


OWNER = """
import asyncio, sys
from pathlib import Path
from claude_orchestrator.workspace import process
async def main():
    folder, family, seconds, marker = sys.argv[1:]
    env = process.scrubbed_environment()
    await process.run([sys.executable, "-c", family, seconds], cwd=Path(folder), env=env, timeout_s=None,
                      stdout=Path(folder) / "out", marker=marker)
print("go", flush=True)
asyncio.run(main())
"""


def test_the_family_dies_with_its_owner_whenever_that_is_killed(tmp_path: Path, level: str) -> None:
    seconds, marker = "7106.25", f"owner-{tmp_path.name}"
    chance = random.Random(7)
    for number in range(10):
        owner = run_python(OWNER, str(tmp_path), FAMILY, seconds, marker)
        assert owner.stdout
        owner.stdout.readline()
        if number == 0:
            wait_for(lambda: len(sleepers(seconds)) == 4)
        else:
            time.sleep(chance.uniform(0.0, 0.35))
        owner.kill()
        owner.wait()
        killed_at = time.monotonic()
        wait_for(lambda: not process_table.marked(marker) and not sleepers(seconds))
        assert time.monotonic() - killed_at < 6
        owner.stdout.close()


def test_the_family_survives_nobody_when_its_keeper_is_killed(tmp_path: Path, level: str) -> None:
    seconds, marker = "7107.25", f"keeper-{tmp_path.name}"
    owner = run_python(OWNER, str(tmp_path), FAMILY, seconds, marker)
    assert owner.stdout
    wait_for(lambda: len(sleepers(seconds)) == 4)
    keepers = [pid for pid in process_table.marked(marker) if b"keeper.py" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    os.kill(keepers[-1], signal.SIGKILL)
    owner.wait(timeout=20)
    assert not process_table.marked(marker)
    if level == "namespaces":
        assert not sleepers(seconds)
    else:  # the one that had thrown its marker away had also lost its keeper
        for pid in sleepers(seconds):
            os.kill(pid, signal.SIGKILL)
    owner.stdout.close()


def test_a_keeper_whose_owner_is_gone_starts_nothing(tmp_path: Path) -> None:
    ours, theirs = socket.socketpair()
    ours.close()
    with theirs:
        keeper = sandbox.keeper(theirs.fileno(), [])
        subprocess.run(
            [*keeper, "touch", str(tmp_path / "started")], pass_fds=[theirs.fileno()], check=True, timeout=20
        )
    assert not (tmp_path / "started").exists()


def test_a_flood_is_cut_and_never_blocks_the_writer(tmp_path: Path, level: str) -> None:
    completed = run(tmp_path, "sh", "-c", "head -c 30000000 /dev/zero; echo; echo end", max_output_bytes=100_000)
    assert completed.exit_code == 0
    assert completed.output_truncated
    assert (tmp_path / "out").stat().st_size == 100_000
    assert completed.tail.endswith("\nend\n")
    assert len(completed.tail) <= process.TAIL_BYTES
    assert completed.digest == hashlib.sha256(bytes(30_000_000) + b"\nend\n").hexdigest()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_disk_does_not_stop_the_command(tmp_path: Path) -> None:
    completed = run(tmp_path, "sh", "-c", "echo much; echo done > done", stdout=Path("/dev/full"))
    assert completed.exit_code == 0
    assert completed.output_truncated
    assert completed.tail == "much\n"
    assert (tmp_path / "done").exists()


def test_a_process_that_holds_the_output_open_does_not_hold_us(tmp_path: Path, level: str) -> None:
    started = time.monotonic()
    assert run(tmp_path, "sh", "-c", "setsid sleep 7108.25 & echo started").tail == "started\n"
    assert time.monotonic() - started < 40
    assert sleepers("7108.25") == []


NETWORK = """
import socket
server = socket.create_server(("127.0.0.1", 0))
socket.create_connection(server.getsockname())
print("loopback")
import sys
try:
    socket.create_connection(("127.0.0.1", int(sys.argv[1])), 5)
    print("outside")
except OSError:
    print("alone")
"""


def test_no_network_is_loopback_only(tmp_path: Path) -> None:
    if not sandbox.can_cut_network():
        pytest.skip("no network namespaces here")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        assert run(tmp_path, sys.executable, "-c", NETWORK, port, network=False).tail == "loopback\nalone\n"
        assert run(tmp_path, sys.executable, "-c", NETWORK, port, network=True).tail == "loopback\noutside\n"


def test_the_memory_limit_is_for_the_command_only(tmp_path: Path, level: str) -> None:
    code = "print(len(bytearray(int(3e8))))"
    assert run(tmp_path, sys.executable, "-c", code).exit_code == 0
    assert "MemoryError" in run(tmp_path, sys.executable, "-c", code, max_memory_bytes=200_000_000).tail


def test_a_channel_takes_what_is_written_and_gives_nothing_back(tmp_path: Path, level: str) -> None:
    said = tmp_path / "said"
    code = (
        "import os\nend = int(os.environ['CLAUDE_ORCHESTRATOR_CHANNEL'])\nos.write(end, b'one\\n')\n"
        "for take_back in (lambda: os.lseek(end, 0, 0), lambda: os.ftruncate(end, 0), lambda: os.read(end, 1)):\n"
        "    try:\n        take_back()\n        os.write(end, b'taken back')\n    except OSError:\n"
        "        os.write(end, b'no\\n')\n"
    )
    done = run(tmp_path, sys.executable, "-c", code, channel=said)
    assert (done.exit_code, done.channel_truncated) == (0, False)
    assert said.read_text() == "one\nno\nno\nno\n"
    assert run(tmp_path, "env").tail.find("CHANNEL") < 0


def test_a_channel_is_cut_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "MAX_CHANNEL_BYTES", 1000)
    flood = "head -c 300000 /dev/zero >&$CLAUDE_ORCHESTRATOR_CHANNEL"
    assert run(tmp_path, "bash", "-c", flood, channel=tmp_path / "said").channel_truncated
    assert (tmp_path / "said").stat().st_size == 1000


def test_many_commands_at_once(tmp_path: Path, level: str) -> None:
    async def one(number: int) -> Completed:
        return await process.run(
            ["sh", "-c", f"echo {number}; exit {number}"],
            cwd=tmp_path,
            env=process.scrubbed_environment(),
            timeout_s=20,
            stdout=tmp_path / f"out-{number}",
        )

    async def all_of_them() -> list[Completed]:
        return await asyncio.gather(*(one(number) for number in range(10)))

    for number, completed in enumerate(asyncio.run(all_of_them())):
        assert (completed.exit_code, completed.tail) == (number, f"{number}\n")


def test_the_end_of_one_command_is_not_the_end_of_others_in_the_tree(tmp_path: Path, level: str) -> None:
    async def one(script: str) -> Completed:
        return await process.run(
            ["sh", "-c", script], cwd=tmp_path, env=process.scrubbed_environment(), timeout_s=20,
            stdout=tmp_path / script[-1], marker=f"tree-{tmp_path.name}",
        )  # fmt: skip

    async def both() -> list[Completed]:
        return await asyncio.gather(
            one("exit 3"), one(f"until [ -e {tmp_path}/go ]; do sleep 0.05; done; exit 4"), go()
        )

    async def go() -> Completed:
        done = await one("exit 5")
        (tmp_path / "go").touch()
        return done

    assert [completed.exit_code for completed in asyncio.run(both())] == [3, 4, 5]


def test_no_secret_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "GITHUB_TOKEN", "AWS_SECRET_ACCESS_KEY", "SSH_AUTH_SOCK", "PYTHONPATH", "GIT_DIR"):
        monkeypatch.setenv(name, "secret")
    monkeypatch.setenv("LC_ALL", "C")
    environment = process.scrubbed_environment({"MINE": "1"})
    assert "secret" not in environment.values()
    assert environment["PATH"] == os.environ["PATH"]
    assert (environment["LC_ALL"], environment["MINE"]) == ("C", "1")


def test_kill_marked_kills_those_and_only_those() -> None:
    outer, inner, other = (f"{name}-{os.getpid()}" for name in ("outer", "inner", "other"))
    clean = process.scrubbed_environment()
    children = {
        marker: subprocess.Popen(["sleep", "7109.25"], env={**clean, process_table.MARKER: marker})
        for marker in (outer, f"{outer}/{inner}", other, f"{outer}x")
    }
    try:
        killed = asyncio.run(process.kill_marked(outer))
        assert killed == sorted([children[outer].pid, children[f"{outer}/{inner}"].pid])
        assert children[outer].wait(20) == -signal.SIGKILL
        assert children[other].poll() is None
        assert children[f"{outer}x"].poll() is None
        assert asyncio.run(process.kill_marked(outer)) == []
    finally:
        for child in children.values():
            child.kill()
            child.wait()


def test_trees_within_trees_carry_every_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(process_table.MARKER, "attempt")
    show = f'echo "${process_table.MARKER}"'
    assert run(tmp_path, "sh", "-c", show, marker="check").tail.startswith("attempt/check/")
    assert run(tmp_path, "sh", "-c", show, marker="attempt").tail.count("attempt/") == 1


def test_a_process_is_known_by_its_start_not_by_its_id() -> None:
    child = subprocess.Popen(["sleep", "7110.25"])
    try:
        started = process_table.start_time(child.pid)
        assert started
        assert not process_table.send_signal(child.pid, "0", signal.SIGKILL), "a stranger with the id of the dead"
        assert child.poll() is None
        assert process_table.send_signal(child.pid, started, signal.SIGKILL)
        wait_for(lambda: process_table.start_time(child.pid) is None)  # a zombie has ended
    finally:
        child.kill()
        child.wait()
    assert not process_table.send_signal(child.pid, started, signal.SIGKILL)


def test_the_walk_finds_grandchildren() -> None:
    child = subprocess.Popen(["sh", "-c", "sleep 7111.25 & wait"])
    try:
        wait_for(lambda: len(sleepers("7111.25")) == 1)
        assert list(watch.descendants(child.pid)) == sleepers("7111.25")
        assert {child.pid, *sleepers("7111.25")} <= set(watch.descendants(os.getpid()))
    finally:
        for pid in [*watch.descendants(child.pid), child.pid]:
            os.kill(pid, signal.SIGKILL)
        child.wait()


def test_explanations_say_what_the_level_means(level: str) -> None:
    assert sandbox.explain().startswith(f"{level}: ")


def test_the_lineage_shows_markers_that_a_child_has_dropped() -> None:
    """The marker of a parent stays visible below a child that has taken it out of its own environment."""
    look = "from claude_orchestrator.workspace.process_table import lineage; print(lineage())"
    command = f"env -u {process_table.MARKER} {shlex.join([sys.executable, '-c', look])}; exit $?"
    environment = {**os.environ, process_table.MARKER: "a/b"}
    done = subprocess.run(["sh", "-c", command], env=environment, capture_output=True, text=True, check=True)
    markers = [marker for _, marker in ast.literal_eval(done.stdout)]
    own = os.environ.get(process_table.MARKER, "")
    assert markers[0] == ""
    assert markers[1] == "a/b"
    assert process_table.lineage()[0] == (os.getpid(), own)

"""What each rung of the sandbox ladder lets a command do."""

from __future__ import annotations

import os
import socket
import sys
import textwrap
from pathlib import Path

import pytest
from process_world import FAMILY, sleepers
from verifier_world import PROJECT, World, with_argument
from walls_world import PROTECTING, SMALL, behind, neighbour, python_behind, rung

from claude_orchestrator.workspace import seatbelt, walls
from claude_orchestrator.workspace.walls import Rung, SandboxError, Walls

assert rung  # a fixture


def test_a_command_ends_as_it_wants_to(rung: Rung, tmp_path: Path) -> None:
    done = behind(rung, tmp_path, "sh", "-c", "echo out; exit 3")
    assert (done.exit_code, done.tail, done.broken_limit) == (3, "out\n", "")
    assert behind(rung, tmp_path, "sh", "-c", "kill -15 $$").exit_code == -15
    assert behind(rung, tmp_path, "sleep", "9", timeout_s=0.3).timed_out


def test_it_writes_to_its_own_folder_only(rung: Rung, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    script = f"mkdir a b && echo x > a/f && mv a/f b/f && cat b/f; echo x > {outside}/f; rm -r {outside}; true"
    assert behind(rung, tmp_path, "sh", "-c", script).tail.startswith("x\n")
    if rung in PROTECTING:
        assert list(outside.iterdir()) == []
    assert (tmp_path / "own" / "b" / "f").read_text() == "x\n"


def test_what_is_hidden_is_not_there(rung: Rung, tmp_path: Path) -> None:
    if rung not in PROTECTING:
        pytest.skip("this rung hides nothing")
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "key").write_text("the secret")
    done = behind(rung, tmp_path, "sh", "-c", f"cat {secret}/key; ls -A {Path.home()}; ls /run/* ; true")
    assert "the secret" not in done.tail
    assert ".profile" not in done.tail


def test_python_with_semaphores_and_a_temporary_folder(rung: Rung, tmp_path: Path) -> None:
    code = """
    import multiprocessing, os, subprocess, tempfile
    multiprocessing.Lock()
    with tempfile.TemporaryFile() as file:
        file.write(b"x")
    with open(os.devnull, "w") as nothing:
        subprocess.run(["true"], stdout=nothing, check=True)
    with multiprocessing.Pool(2) as pool:
        print(pool.map(abs, [-1, -2]))
    """
    assert python_behind(rung, tmp_path, textwrap.dedent(code)).tail == "[1, 2]\n"


CALL_OUT = """
import socket, sys
try:
    socket.create_connection(("127.0.0.1", int(sys.argv[1])), 3).close()
    print("reached")
except OSError as error:
    print("cut")
"""
TO_ITSELF = """
import socket
server = socket.create_server(("127.0.0.1", 0))
socket.create_connection(server.getsockname(), 3).close()
print("talked")
"""


def test_the_network_is_what_the_evidence_says(rung: Rung, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        said = python_behind(rung, tmp_path, CALL_OUT, str(server.getsockname()[1])).tail
    assert said == ("reached\n" if walls.abilities(rung).network == "reachable" else "cut\n")
    if rung != "landlock":
        assert python_behind(rung, tmp_path, TO_ITSELF).tail == "talked\n"


def test_no_privileges_are_left(rung: Rung, tmp_path: Path) -> None:
    status = behind(rung, tmp_path, "cat", "/proc/self/status").tail
    fields = dict(line.split(":\t", 1) for line in status.splitlines())
    assert int(fields["CapEff"], 16) == int(fields["CapPrm"], 16) == int(fields["CapAmb"], 16) == 0
    assert fields["NoNewPrivs"] == "1"


def test_other_processes_cannot_be_looked_into(rung: Rung, tmp_path: Path) -> None:
    code = """
    import glob
    for file in glob.glob("/proc/[0-9]*/environ"):
        try:
            print(open(file, "rb").read())
        except OSError:
            pass
    """
    if rung not in PROTECTING and os.geteuid() != 0:
        pytest.skip("on this rung a user can look into the user's processes")
    with neighbour(A_KEY="the-dummy-key"):
        assert (
            "the-dummy-key"
            not in (python_behind(rung, tmp_path, textwrap.dedent(code)), (tmp_path / "out").read_text())[1]
        )


def test_the_keeper_cannot_be_killed_or_looked_into(rung: Rung, tmp_path: Path) -> None:
    code = """
    import os, signal, time
    parent = os.getppid()
    for file in ("environ", "mem", "fd/2"):
        try:
            open(f"/proc/{parent}/{file}", "rb").read(0)
            print("looked into", file)
        except OSError:
            pass
    try:
        os.kill(parent, signal.SIGKILL)
    except OSError:
        pass
    time.sleep(0.2)
    print("alive")
    """
    done = python_behind(rung, tmp_path, textwrap.dedent(code))
    assert "looked into" not in (tmp_path / "out").read_text()
    if rung in PROTECTING:
        assert done.tail == "alive\n"
    else:
        assert done.exit_code == -9


def test_nothing_is_left_running(rung: Rung, tmp_path: Path) -> None:
    seconds = f"72{walls.LADDER.index(rung)}1.25"
    all_but_the_last_sleep = FAMILY.rsplit("os.execvp", 1)[0]
    assert python_behind(rung, tmp_path, all_but_the_last_sleep, seconds).exit_code == 0
    assert sleepers(seconds) == []
    assert python_behind(rung, tmp_path, FAMILY, seconds, timeout_s=1.0).timed_out
    assert sleepers(seconds) == []


STORM = """
import os, sys, time
for number in range(1000):
    try:
        if os.fork() == 0:
            time.sleep(20)
            os._exit(0)
    except OSError:
        time.sleep(0.01)
time.sleep(20)
"""


def test_too_many_processes(rung: Rung, tmp_path: Path) -> None:
    word = f"storm-{tmp_path.name}-{rung}"
    done = python_behind(rung, tmp_path, STORM, word)
    assert done.broken_limit == "it had more than 60 processes at once"
    assert not done.timed_out
    assert with_argument(word) == []


def test_too_much_memory(rung: Rung, tmp_path: Path) -> None:
    code = "import time\nheld = []\nfor _ in range(12):\n    held.append(b'x' * 50_000_000)\n    time.sleep(0.1)\n"
    assert python_behind(rung, tmp_path, code).broken_limit == "it took more than 400 MB of memory"


FILES = """
import os, time
for number in range(20):
    with open(f"file{number}", "wb") as file:
        file.write(bytes(5_000_000))
        file.flush()
        os.fsync(file.fileno())
    time.sleep(0.05)
time.sleep(9)
"""
DELETED = "import os, time\nfile = open('f', 'wb')\nos.unlink('f')\n{}\ntime.sleep(9)"


def test_too_much_on_disk(rung: Rung, tmp_path: Path) -> None:
    said = "it wrote more than 30 MB to its folders"
    assert python_behind(rung, tmp_path, FILES).broken_limit == said
    one = "file.write(bytes(30_500_000)); file.flush()"
    assert python_behind(rung, tmp_path, DELETED.format(one)).broken_limit == said


def test_no_file_gets_larger_than_the_limit(rung: Rung, tmp_path: Path) -> None:
    code = "file = open('f', 'wb')\nfor _ in range(9):\n    file.write(bytes(10_000_000))"
    done = python_behind(rung, tmp_path, code)
    assert done.broken_limit or "File too large" in done.tail
    assert (tmp_path / "own" / "f").stat().st_size <= SMALL.disk_bytes + 1_000_000


def test_a_private_temporary_folder_has_its_size(rung: Rung, tmp_path: Path) -> None:
    if rung not in ("bubblewrap", "namespaces"):
        pytest.skip("this rung has no temporary folder of its own")
    code = "file = open('/tmp/f', 'wb', 0)\nwhile file.write(bytes(5_000_000)) == 5_000_000: pass\nprint('full')"
    assert python_behind(rung, tmp_path, code).exit_code != 0
    assert not Path("/tmp/f").exists()


# -- the ladder -----------------------------------------------------------------------------------------


def test_a_rung_that_does_not_work_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SandboxError, match="use auto or one of bubblewrap"):
        walls.reached("castle")
    monkeypatch.setattr(walls, "works", lambda rung: rung == "limits")
    assert walls.reached() == "limits"
    with pytest.raises(SandboxError, match="does not work on this machine"):
        walls.reached("landlock")


def test_rungs_without_their_means_do_not_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walls.shutil, "which", lambda _: None)
    monkeypatch.setattr(walls.landlock, "version", lambda: 1)
    assert [found for found in walls.LADDER if walls._may_work(found)] in ([], ["seatbelt"])


def test_the_setting_reaches_the_verification(rung: Rung, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLAUDE_ORCHESTRATOR_SANDBOX", rung)
    monkeypatch.setenv("CLAUDE_ORCHESTRATOR_CHECK_PROCESSES", "77")
    done = World(tmp_path, PROJECT).judge({"src/calc/more.py": "X = 1\n"}, checks=("ruff",))
    assert (done.verdict, done.sandbox) == ("passed", rung), done.reasons
    assert done.environment["network"] == walls.abilities(rung).network
    assert "77 processes" in done.environment["limits"]


def test_a_setting_that_cannot_be_met_judges_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLAUDE_ORCHESTRATOR_SANDBOX", "seatbelt" if sys.platform != "darwin" else "landlock")
    done = World(tmp_path, PROJECT).judge({"src/calc/more.py": "X = 1\n"}, checks=("ruff",))
    assert done.verdict == "error"
    assert "does not work on this machine" in done.reasons[0]


# -- paths ------------------------------------------------------------------------------------------------


def test_places_are_real_and_do_not_lie_in_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walls, "PRIVATE", ())
    home, work = tmp_path / "home", tmp_path / "home" / "work"
    (home / "venv").mkdir(parents=True)
    (work / "tree").mkdir(parents=True)
    (tmp_path / "link").symlink_to(home)
    wanted = Walls("limits", (work, work / "tree"), (tmp_path / "link", work), (home / "venv", work / "tree", home))
    places = wanted._places()
    assert places.writable == (str(work),)
    assert places.hidden == (str(home),)
    assert str(home / "venv") in places.shown
    assert str(home) not in places.shown
    assert str(work / "tree") not in places.shown


def test_a_program_needs_its_installation_and_those_of_its_links(tmp_path: Path) -> None:
    real, venv = tmp_path / "python-3" / "bin" / "python3", tmp_path / "venv" / "bin" / "python"
    for file in (real, venv):
        file.parent.mkdir(parents=True)
    real.touch()
    venv.symlink_to(real)
    assert walls.needed_by(venv) == (tmp_path / "venv", tmp_path / "python-3")
    assert walls.needed_by(Path.home() / "bin" / "python") == (Path.home() / "bin",)


def test_the_profile_for_seatbelt() -> None:
    """Only its text: nobody of us has a macOS to run it on."""
    lines = seatbelt.profile(["/w/o rk"], ["/Users/me"], ['/Users/me/"venv"']).splitlines()
    assert lines[:3] == ["(version 1)", "(allow default)", "(deny network*)"]
    for earlier, later in (
        ("(deny file-write*)", '(allow file-write* (subpath "/w/o rk"))'),
        ('(deny file-read-data (subpath "/Users/me"))', '(allow file-read-data (subpath "/Users/me/\\"venv\\""))'),
    ):
        assert lines.index(earlier) < lines.index(later)
    argv = Walls("seatbelt", (Path("/usr"),)).wrap(["true"], cwd=Path("/usr"), lifeline=3)
    assert argv[argv.index("--") + 1 : -2] == [seatbelt.PROGRAM, "-p"]

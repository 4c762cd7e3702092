"""Changes whose tests attack the machine or the verifier, on every rung of the sandbox that this machine has.

What a rung keeps apart is tried with one change of several tests. The limits are the keeper's work, the same on all
rungs (``test_sandbox.py`` tries each on each); here each is seen through a whole verification.
"""

from __future__ import annotations

import os
import socket
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from verifier_world import PROJECT, World, check, with_argument
from walls_world import PROTECTING, neighbour

from claude_orchestrator.graders.suite import flaky
from claude_orchestrator.orchestrator.verification import Verification
from claude_orchestrator.workspace import walls

Attack = Callable[..., Verification]


@pytest.fixture
def attack(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Attack]:
    """Judges on a rung a change that adds tests with the given bodies; afterwards nothing of it may be left running."""
    world = World(tmp_path, PROJECT, cache)
    sign = f"sign-{os.getpid()}-{tmp_path.name}"
    monkeypatch.setattr(flaky, "MOST", 0)  # what fails here need not be run again

    def judged(rung: str, *bodies: str, timeout_s: float = 30.0, **settings: Any) -> Verification:
        if not walls.works(rung):  # type: ignore[arg-type]
            pytest.skip(f"{rung} does not work on this machine")
        monkeypatch.setenv("CLAUDE_ORCHESTRATOR_SANDBOX", rung)
        for name, value in settings.items():
            monkeypatch.setenv(f"CLAUDE_ORCHESTRATOR_CHECK_{name.upper()}", str(value))
        code = f"import os, sys, time\nSIGN = {sign!r}\n"
        for number, body in enumerate(bodies):
            code += f"\n\ndef test_it{number}(capfd):\n" + textwrap.indent(textwrap.dedent(body), "    ")
        return world.judge({"tests/test_new.py": code}, timeout_s=timeout_s)

    yield judged
    assert with_argument(sign) == [], "something was left running"


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results on the base are the same for all attacks."""
    return tmp_path_factory.mktemp("cache")


def refused(done: Verification, *words: str) -> None:
    """The change did not pass, and the reasons have these words."""
    assert done.verdict == "failed", done.reasons
    for word in words:
        assert any(word in reason for reason in done.reasons), done.reasons


def daemons(late: Path) -> str:
    """Processes that wait until the run is over; one of them without any of the environment that it got."""
    return f"""
    for environment in (os.environ, {{"PATH": os.environ["PATH"]}}):
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                os.execvpe("sh", ["sh", "-c", "sleep 30; echo late > {late}", SIGN], environment)
            os._exit(0)
    time.sleep(0.2)
    assert False, "the daemons are on their way"
    """


DEATH_OF_THE_PARENT = """
import signal
parent = os.getppid()
os.kill(parent, signal.SIGKILL)
time.sleep(0.3)
assert os.getppid() != parent
"""

KEYS = """
import glob
found = [repr(dict(os.environ))]
for file in glob.glob("/proc/[0-9]*/environ"):
    try:
        found.append(open(file, errors="replace").read())
    except OSError:
        pass
assert any("the-dummy" + "-key" in text for text in found)
"""

REWRITE = """
import pathlib
written = 0
for folder in FOLDERS:
    for place, _, names in os.walk(folder):
        for name in [*names, "new"]:
            try:
                with open(os.path.join(place, name), "a") as file:
                    file.write('{"kind": "end"}')
                written += 1
            except OSError:
                pass
assert written
"""


def prepared(tmp_path: Path, cache: Path) -> str:
    """The body of a test that rewrites the evidence with its logs, the cache, the user's project, and an answer."""
    evidence = tmp_path / "evidence1"
    evidence.mkdir()
    (evidence / "answer.json").write_text("{}")
    folders = [str(folder) for folder in (evidence, tmp_path / "project" / "src", cache)]
    return f"FOLDERS = {folders!r}\n{textwrap.dedent(REWRITE)}"


@pytest.mark.parametrize("rung", PROTECTING)
def test_a_rung_that_protects(
    attack: Attack, rung: str, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every test fails, because it cannot do what it wants to."""
    monkeypatch.setenv("OPENAI_API_KEY", "the-dummy-key")
    rewriting, project = prepared(tmp_path, cache), files(tmp_path / "project" / "src")
    late = tmp_path / "evidence1" / "late"
    with neighbour(OPENAI_API_KEY="the-dummy-key"), socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0)
        calling = (
            f"import socket\nsocket.create_connection(('127.0.0.1', {server.getsockname()[1]}), 5).sendall(b'data')"
        )
        bodies = (rewriting, calling, KEYS, daemons(late))
        done = attack(rung, *bodies)
        with pytest.raises(BlockingIOError):
            server.accept()
    refused(done)
    failed = {found.symbol for found in check(done, "pytest").findings if found.rule == "pytest/failed"}
    assert failed == {f"tests/test_new.py::test_it{number}" for number in range(len(bodies))}
    assert not late.exists()
    assert files(tmp_path / "project" / "src") == project
    assert (tmp_path / "evidence1" / "answer.json").read_text() == "{}"
    assert not [file for place in (tmp_path / "evidence1", cache) for file in place.rglob("new")]


def test_the_last_rung(attack: Attack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is kept from a change there; its processes end all the same."""
    monkeypatch.setenv("OPENAI_API_KEY", "the-dummy-key")
    # On this rung a user can look into the user's processes: only the environment is clean.
    own = 'assert any("the-dummy" + "-key" in value for value in os.environ.values())'
    refused(attack("limits", own, daemons(tmp_path / "evidence1" / "late")))
    assert not (tmp_path / "evidence1" / "late").exists()


@pytest.mark.parametrize("rung", [*PROTECTING, "limits"])
def test_the_death_of_the_parent(attack: Attack, rung: str) -> None:
    refused(attack(rung, DEATH_OF_THE_PARENT))


def test_the_last_rung_notices_what_was_rewritten(attack: Attack, tmp_path: Path, cache: Path) -> None:
    done = attack("limits", prepared(tmp_path, tmp_path / "other"))
    assert done.verdict in ("failed", "error")  # runs at the base that were under way are not believed either
    assert any("somebody wrote to the evidence" in reason for reason in done.reasons), done.reasons


STORM = """
for number in range(600):
    try:
        if os.fork() == 0:
            os.execvp("sh", ["sh", "-c", "sleep 20; true", SIGN])
    except OSError:
        time.sleep(0.01)
time.sleep(20)
"""


@pytest.mark.parametrize("rung", ["bubblewrap", "landlock", "limits"])
def test_a_storm_of_forks(attack: Attack, rung: str) -> None:
    refused(attack(rung, STORM, processes=80), "it had more than 80 processes at once")


def test_a_full_disk(attack: Attack) -> None:
    body = """
    for number in range(30):
        with open(f"large{number}", "wb") as file:
            file.write(bytes(5_000_000))
            file.flush()
            os.fsync(file.fileno())
        time.sleep(0.02)
    time.sleep(20)
    """
    refused(attack("namespaces", body, disk_mb=40), "it wrote more than 40 MB to its folders")


@pytest.mark.parametrize("rung", ["namespaces", "limits"])
def test_hanging(attack: Attack, rung: str) -> None:
    body = """
    import signal, subprocess
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    subprocess.run(["sh", "-c", "trap '' TERM; sleep 60; true", SIGN])
    """
    refused(attack(rung, body, timeout_s=4.0), "longer than its limit of 4 s")


def test_100_megabytes_of_output(attack: Attack) -> None:
    body = """
    with capfd.disabled():
        for number in range(100):
            os.write(1, b"x" * 1_000_000)
    """
    done = attack("limits", body)
    refused(done, "it wrote more than 20 MB of output")
    assert max(file.stat().st_size for file in Path(done.evidence).iterdir()) <= 20_000_000


def files(folder: Path) -> dict[str, bytes]:
    """What is in a folder."""
    return {str(file): file.read_bytes() for file in folder.rglob("*") if file.is_file()}

"""The same world for every test: nothing of the developer's own settings, nothing left in their home."""

import compileall
import itertools
import os
import signal
import sqlite3
import sys
from collections.abc import Generator, Iterator
from contextlib import closing, suppress
from pathlib import Path

import hypothesis
import pytest
from lean_python import make_lean_python

from claude_orchestrator.graders import suite
from claude_orchestrator.graders.interpreter import TOOLS

# Options meant for this test run (coverage in .ci/run) are not meant for the pytest runs that it starts.
os.environ.pop("PYTEST_ADDOPTS", None)

# pytest rewrites the asserts of its plugins. Where nobody may keep the result, every run that a test starts does it
# again, which takes longer than most of these runs.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# A shell lets what it starts in the background ignore Ctrl-C, and nohup a closed terminal; the processes of the tests
# have to hear both.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

hypothesis.settings.register_profile("quiet", database=None, deadline=None)
hypothesis.settings.load_profile("quiet")

_COUNTED = {"test_cli_runs.py"}
"""The tests whose processes are counted: they start nearly all that only processes of its own run."""


@pytest.fixture(scope="session")
def lean_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with the verifier's tools and nothing of what tests us.

    Who installs us compiles all files. A run of the tests of a project compiles none, and would read our plugin as text
    each time.
    """
    compileall.compile_dir(Path(suite.__file__).parent / "plugin", quiet=1)
    return make_lean_python(tmp_path_factory.mktemp("lean") / "venv", TOOLS)


@pytest.fixture(scope="session")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One new folder after the other; pytest's factory would read all names that it has given each time."""
    place = tmp_path_factory.mktemp("worlds")
    return (place / str(number) for number in itertools.count())


@pytest.fixture(autouse=True)
def own_world(worlds: Iterator[Path], monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Path:
    """A fresh ``CLAUDE_ORCHESTRATOR_HOME``, an empty policy of the user's, no git configuration but git's own.

    Gives the home's path.
    """
    if request.path.name not in _COUNTED:
        # Starting coverage takes a process as long as most of what it is started for.
        monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
    if request.path.parent.name != "unit":
        # What projects without an environment of their own are judged with: no run of theirs loads our own plugins.
        monkeypatch.setenv("VIRTUAL_ENV", str(request.getfixturevalue("lean_python")))
    world = next(worlds)
    home, policy = world / "home", world / "policy.toml"
    home.mkdir(mode=0o700, parents=True)
    policy.touch()
    monkeypatch.setenv("CLAUDE_ORCHESTRATOR_POLICY", str(policy))
    monkeypatch.setenv("CLAUDE_ORCHESTRATOR_HOME", str(home))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name, raising=False)
    return home


def pytest_configure(config: pytest.Config) -> None:
    """Make the mark known where pytest-cov, whose it is, is not installed."""
    config.addinivalue_line("markers", "no_cover: what the test runs is not counted")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Count nothing while random inputs are tried: it doubles their time, and chosen inputs run the same lines."""
    for item in items:
        if getattr(getattr(item, "obj", None), "is_hypothesis_test", False):
            item.add_marker("no_cover")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of the chaos tests."""
    parser.addoption("--chaos-rounds", default=1, type=int, help="multiply the kills")
    parser.addoption("--chaos-seed", default=None, type=int, help="draw the same chances again")


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, object, object]:
    """Remove what processes that were killed have begun to write for coverage, before pytest-cov reads it."""
    result = yield
    if session.config.pluginmanager.hasplugin("_cov") and not hasattr(session.config, "workerinput"):
        for file in session.config.rootpath.glob(".coverage.*"):
            if not _is_whole(file):
                file.unlink(missing_ok=True)
    return result


def _is_whole(file: Path) -> bool:
    with suppress(sqlite3.Error), closing(sqlite3.connect(file)) as data:
        return data.execute("SELECT version FROM coverage_schema").fetchone() is not None
    return False

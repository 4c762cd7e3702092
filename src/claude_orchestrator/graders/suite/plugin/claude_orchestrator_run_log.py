"""Run pytest and keep a log of our own about it. PYTEST_DONT_REWRITE: no assert of ours needs rewriting.

This file is used by itself, in the interpreter of the project under test: it imports nothing of
claude_orchestrator and keeps to syntax that Python 3.8 knows.

As a program, ``python claude_orchestrator_run_log.py SETTINGS [pytest arguments]``: SETTINGS is a JSON file that
is read once and deleted before any code of the project is imported, because it holds the key with which every line of
the log is signed, together with the lines before it: who gets between us and the pipe can change nothing. The log is a
pipe whose descriptor the variable CLAUDE_ORCHESTRATOR_CHANNEL names; it is deleted as well. Pytest is imported before
the project's folders are put on the path, so that no file of the project can stand in for it.

As a plugin it writes one JSON object a line: ``start``, ``collected`` (ids, and apart those that are not to be run),
``collect_error``, ``report`` and ``canary`` (one for each phase of each test; a setup that passed is left out),
``raised`` and ``returned`` (a second account of how the function of a test ended, taken where pytest calls it),
``hidden`` (what code of the checkout reached for without saying so), and
``end`` with the modules of the project that came from somewhere else than the checkout under test, with what of the
harness was exchanged while tests ran (``claude_orchestrator_harness``), and with the lines that were reached.
"""

from __future__ import annotations

import gc
import hashlib
import importlib
import json
import os
import sys
import sysconfig
import unittest
from typing import Any, Callable, Generator

if __name__ == "__main__":
    gc.disable()  # all that is imported stays; to look for what does not is a fifth of a short run

import pytest
from claude_orchestrator_canary import Canaries  # type: ignore[import-not-found] # lies beside this file
from claude_orchestrator_harness import Harness  # type: ignore[import-not-found] # lies beside this file
from claude_orchestrator_hidden import Hidden  # type: ignore[import-not-found] # lies beside this file

SETTINGS: list[dict[str, Any]] = []
"""The settings of this run until pytest is configured, in the process that keeps the log."""

_TEXT_LIMIT = 4000
_NO_FAILURES = (unittest.SkipTest, pytest.skip.Exception, pytest.xfail.Exception)
_NAME = "claude_orchestrator_run_log"
__unittest = True  # leaves our frame out of what is shown of a failure


def _is_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def _is_standard(origin: str) -> bool:
    standard = os.path.realpath(sysconfig.get_path("stdlib"))
    packages = ("site-packages", "dist-packages")
    return _is_below(origin, standard) and not any(_is_below(origin, os.path.join(standard, name)) for name in packages)


def _real(file: str, places: dict[str, str]) -> str:
    """``os.path.realpath``, which takes a while for some hundred files: their folders are looked up once each."""
    if os.path.islink(file):
        return os.path.realpath(file)
    folder, name = os.path.split(file)
    if folder not in places:
        places[folder] = os.path.realpath(folder)
    return os.path.join(places[folder], name)


def foreign_modules(settings: dict[str, Any]) -> dict[str, str]:
    """Modules that the project has and that were loaded from outside its checkout: ``{name: file}``.

    Foreign is a top-level name of the checkout that came from elsewhere (but not from the standard library: pytest
    has loaded that before, as it always does), and any module that came from the user's own working copy (an
    editable install leads there) unless the interpreter itself lives in it.
    """
    checkout = os.path.realpath(settings["checkout"])
    project = os.path.realpath(settings["project"])
    prefixes = [os.path.realpath(sys.prefix), os.path.realpath(sys.base_prefix)]
    names = set(settings["names"])
    places: dict[str, str] = {}
    found = {}
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__dict__", {}).get("__file__")
        if not isinstance(file, str) or name in (_NAME, "__main__", "__mp_main__"):
            continue
        origin = _real(file, places)
        if _is_below(origin, checkout):
            continue
        from_project = _is_below(origin, project) and not any(_is_below(origin, prefix) for prefix in prefixes)
        if (name in names and not _is_standard(origin)) or from_project:
            found[name] = origin
    return found


def _writing(settings: dict[str, Any]) -> Generator[None, dict[str, Any], None]:
    """Adds each line that it is sent to the log; a child that a test forked adds none.

    Another descriptor in its place gets nothing. The key is known to this generator alone: nothing leads into one but
    its frame, and who asks for that is heard (see ``claude_orchestrator_hidden``).
    """
    key, descriptor, owner = bytes.fromhex(settings.pop("nonce")), settings.pop("channel"), os.getpid()
    dumps, put, process, look, sign = json.dumps, os.write, os.getpid, os.fstat, hashlib.blake2b
    last, pipe = b"", (look(descriptor).st_dev, look(descriptor).st_ino)
    while True:
        fields = yield
        if process() != owner:
            continue
        last = sign(last + dumps(fields).encode(), key=key, digest_size=16).hexdigest().encode()
        data = (dumps(dict(fields, nonce=last.decode())) + "\n").encode()
        state = look(descriptor)
        while data and (state.st_dev, state.st_ino) == pipe:
            data = data[put(descriptor, data) :]


class Sealed(type):
    """Classes whose members nobody exchanges while tests run."""

    def __setattr__(cls, name: str, value: Any) -> None:
        raise TypeError("{}.{} is not to be exchanged".format(cls.__name__, name))

    def __delattr__(cls, name: str) -> None:
        raise TypeError("{}.{} is not to be taken away".format(cls.__name__, name))


def _watch_unittest(logs: list[RunLog]) -> None:
    """The methods of test cases are called by unittest, which tells nobody but the report how they ended."""
    original = getattr(unittest.TestCase, "_callTestMethod", None)
    if original is None:
        return

    def call_test_method(case: Any, method: Any) -> Any:
        name, error = logs[0].running if logs else "", None
        try:
            return original(case, method)
        except BaseException as raised:
            error = type(raised)
            raise
        finally:
            if name:
                logs[0].function_ended(name, error)

    unittest.TestCase._callTestMethod = call_test_method  # type: ignore[attr-defined] # noqa: SLF001


class RunLog(metaclass=Sealed):
    """Writes what happens to the log; one object for the one process that keeps it."""

    __slots__ = (
        "canaries", "foreign", "harness", "is_collected", "raised", "running", "session", "settings", "tampered",
        "waiting", "write_line",
    )  # fmt: skip

    def __init__(self, settings: dict[str, Any], harness: Harness) -> None:
        self.settings = settings
        self.harness = harness
        self.canaries = Canaries(settings["canaries"])
        self.foreign: dict[str, str] = {}
        self.tampered: dict[str, str] = {}
        self.is_collected = False
        self.raised: set[str] = set()
        self.running = ""
        self.session: Any = None
        self.waiting: list[str] = []
        writing = _writing(settings)
        next(writing)
        self.write_line: Callable[[dict[str, Any]], None] = writing.send
        harness.watch(self, self.write_line)
        hidden = Hidden(settings["checkout"], self.note_hidden)
        hidden.guarded = writing
        sys.addaudithook(hidden.audit)

    def write(self, kind: str, **fields: Any) -> None:
        """Add one line."""
        while self.waiting:
            self.write_line({"kind": "hidden", "what": self.waiting.pop()})
        self.write_line(dict(fields, kind=kind))

    def note_hidden(self, what: str) -> None:
        """Write down at once what nobody can take back; later, when a line is being written."""
        try:
            self.write_line({"kind": "hidden", "what": what})
        except ValueError:
            self.waiting.append(what)

    def pytest_sessionstart(self, session: Any) -> None:
        """Remember the session."""
        self.session = session

    def pytest_collectreport(self, report: Any) -> None:
        """A file that cannot be collected."""
        if report.failed:
            self.write("collect_error", id=report.nodeid, text=str(report.longrepr)[-_TEXT_LIMIT:])

    def pytest_collection_modifyitems(self) -> None:
        """Called only when collection came to its end."""
        self.is_collected = True

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_finish(self, session: Any) -> None:
        """What is going to be run; called as well when something like ``sys.exit`` ended the collection."""
        if self.is_collected:
            only = self.settings["only"]
            spared = [item.nodeid for item in session.items if only and item.nodeid.split("::", 1)[0] not in only]
            if spared:
                session.items[:] = [item for item in session.items if item.nodeid.split("::", 1)[0] in only]
            self.write("collected", ids=[item.nodeid for item in session.items], spared=spared)
            self.harness.collected(session.items)
            session.items[:] = session.items * self.settings["repeat"]
            self.canaries.surround(session)

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem: Any) -> Any:
        """The function of a test, before anybody makes a report of how it ended."""
        outcome = yield
        error = getattr(outcome, "excinfo", None)
        self.function_ended(pyfuncitem.nodeid, error[0] if error else None)

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item: Any) -> Any:
        """Which test it is that unittest calls."""
        self.running = item.nodeid
        yield
        self.running = ""

    def function_ended(self, name: str, error: type[BaseException] | None) -> None:
        """Write down that the function of a test raised an error, or that it does not any more."""
        failed = error is not None and not issubclass(error, _NO_FAILURES)
        if self.canaries.place_of(name) is None and (failed or name in self.raised):
            self.raised.add(name)
            self.write("raised" if failed else "returned", id=name)

    def pytest_runtest_logreport(self, report: Any) -> None:
        """One phase of one test."""
        if report.when == "setup" and report.outcome == "passed":
            return
        place = self.canaries.place_of(report.nodeid)
        if place is not None:
            self.write("canary", id=place, when=report.when, outcome=report.outcome)
            self.session.testsfailed -= report.outcome == "failed"
            return
        self.write(
            "report",
            id=report.nodeid,
            when=report.when,
            outcome=report.outcome,
            xfail=hasattr(report, "wasxfail"),
            text="" if report.outcome == "passed" else str(report.longrepr)[-_TEXT_LIMIT:],
            line=(report.location[1] or 0) + 1 if report.location else 0,
            file=report.location[0].replace(os.sep, "/") if report.location else "",
        )

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Give a worker of pytest-xdist what it needs, without the nonce."""
        node.workerinput[_NAME] = {key: self.settings[key] for key in ("checkout", "project", "names", "canaries")}

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: Any, ids: list[str]) -> None:
        """What a worker is going to choose from."""
        del node
        self.write("collected", ids=[name for name in ids if self.canaries.place_of(name) is None])

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: Any) -> None:
        """What a worker says; of one that crashed pytest-xdist reports a failed test."""
        said = (getattr(node, "workeroutput", None) or {}).get(_NAME)
        if said is None and not error:
            self.tampered["what a worker of pytest-xdist says at its end"] = "at the end"
        self.foreign.update((said or {}).get("foreign", {}))
        self.tampered.update((said or {}).get("tampered", {}))

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: Any) -> None:
        """Leave the canaries out of what people read."""
        reporter = session.config.pluginmanager.getplugin("terminalreporter")
        failed = reporter.stats.get("failed", []) if reporter is not None else []
        failed[:] = [report for report in failed if self.canaries.place_of(report.nodeid) is None]

    def pytest_unconfigure(self, config: Any) -> None:
        """The last line: without it nothing of the log is believed."""
        del config
        self.tampered.update(self.harness.finish())
        tracer = self.settings.get("tracer")
        reach = tracer.stop() if tracer is not None else {}
        if reach.get("forged"):
            self.tampered["the record of the lines that were reached: " + reach["forged"]] = "at the end"
        self.foreign.update(foreign_modules(self.settings))
        self.write("end", foreign=self.foreign, tampered=self.tampered, reach=reach)


class Worker:
    """In a worker of pytest-xdist: puts canaries among its tests, and passes on what it saw."""

    __slots__ = ("canaries", "config", "harness", "is_collected")

    def __init__(self, config: Any, harness: Harness) -> None:
        self.config = config
        self.harness = harness
        self.canaries = Canaries(config.workerinput[_NAME]["canaries"])
        self.is_collected = False

    def pytest_collection_modifyitems(self) -> None:
        """Called only when collection came to its end."""
        self.is_collected = True

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_finish(self, session: Any) -> None:
        """Before the other process is told what there is to run."""
        if self.is_collected:
            self.harness.collected(session.items)
            self.canaries.surround(session)

    def pytest_sessionfinish(self, session: Any) -> None:
        """Leave what was seen where the other process picks it up."""
        del session
        foreign = foreign_modules(self.config.workerinput[_NAME])
        self.config.workeroutput[_NAME] = {"foreign": foreign, "tampered": self.harness.finish()}


def pytest_configure(config: Any) -> None:
    """Start the log (or, in a worker, get ready to report), and write down how the harness is made."""
    manager = config.pluginmanager
    if hasattr(config, "workerinput"):
        if _NAME in config.workerinput:
            harness = Harness(config, config.workerinput[_NAME]["checkout"])
            manager.register(Worker(config, harness), _NAME + "_worker")
            manager.register(harness, _NAME + "_harness")
            harness.start()
    elif SETTINGS:
        settings = SETTINGS.pop()
        logs: list[RunLog] = []
        _watch_unittest(logs)
        harness = Harness(config, settings["checkout"])
        log = RunLog(settings, harness)
        logs.append(log)
        manager.register(log, _NAME + "_writer")
        manager.register(harness, _NAME + "_harness")
        harness.start()
        log.write("start", pytest=pytest.__version__, python=sys.version.split()[0])


def main(arguments: list[str]) -> int:
    """Read and delete the settings, put the checkout first on the path, run pytest. Returns its exit code."""
    settings_file = arguments[0]
    with open(settings_file, encoding="utf-8") as stream:  # noqa: PTH123 - no pathlib before pytest has its own
        settings = json.load(stream)
    os.unlink(settings_file)  # noqa: PTH108
    settings["channel"] = int(os.environ.pop("CLAUDE_ORCHESTRATOR_CHANNEL"))
    os.set_inheritable(settings["channel"], False)

    # This file runs as __main__; the plugin is the same file under its own name. It is imported before the project
    # has a say in what is found.
    plugin = vars(importlib.import_module(_NAME))
    if settings["reach"]:
        tracing = importlib.import_module("claude_orchestrator_reach")
        settings["tracer"] = tracing.start(settings["checkout"], settings["reach"])
    here = sys.path.pop(0)
    sys.path[:0] = settings["roots"]
    sys.path.append(here)
    os.environ["PYTHONPATH"] = os.pathsep.join(settings["roots"])
    plugin["SETTINGS"].append(settings)
    sys.argv = ["pytest", *arguments[1:]]
    gc.freeze()
    gc.enable()
    return int(pytest.main(["-p", _NAME, *arguments[1:]]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

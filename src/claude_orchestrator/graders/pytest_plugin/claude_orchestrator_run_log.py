"""Run pytest and keep a log of our own about it. PYTEST_DONT_REWRITE: no assert of ours needs rewriting.

This file is used by itself, in the interpreter of the project under test: it imports nothing of
claude_orchestrator and keeps to syntax that Python 3.8 knows.

As a program, ``python claude_orchestrator_run_log.py SETTINGS [pytest arguments]``: SETTINGS is a JSON file that
is read once and deleted before any code of the project is imported, because it holds the nonce that
every line of the log carries. Pytest is imported before the project's folders are put on the path, so
that no file of the project can stand in for it.

As a plugin it writes one JSON object a line: ``start``, ``collected`` (ids), ``collect_error``,
``report`` (one for each phase of each test; a setup that passed is left out), and ``end`` with the modules
of the project that came from somewhere else than the checkout under test.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import sysconfig
from typing import Any

import pytest

SETTINGS: dict[str, Any] | None = None
"""The settings of this run in the process that keeps the log; None in a worker of pytest-xdist."""

_TEXT_LIMIT = 4000
_NAME = "claude_orchestrator_run_log"


def _is_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def _is_standard(origin: str) -> bool:
    standard = os.path.realpath(sysconfig.get_path("stdlib"))
    packages = ("site-packages", "dist-packages")
    return _is_below(origin, standard) and not any(_is_below(origin, os.path.join(standard, name)) for name in packages)


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
    found = {}
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__dict__", {}).get("__file__")
        if not isinstance(file, str) or name in (_NAME, "__main__", "__mp_main__"):
            continue
        origin = os.path.realpath(file)
        if _is_below(origin, checkout):
            continue
        from_project = _is_below(origin, project) and not any(_is_below(origin, prefix) for prefix in prefixes)
        if (name in names and not _is_standard(origin)) or from_project:
            found[name] = origin
    return found


class RunLog:
    """Writes what happens to the log; one object for the one process that keeps it."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.settings = settings
        self.foreign: dict[str, str] = {}
        self.is_collected = False
        self.descriptor = os.open(settings["log"], os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)

    def write(self, kind: str, **fields: Any) -> None:
        """Add one line."""
        line = json.dumps(dict(fields, nonce=self.settings["nonce"], kind=kind)) + "\n"
        data = line.encode()
        while data:
            data = data[os.write(self.descriptor, data) :]

    def pytest_collectreport(self, report: Any) -> None:
        """A file that cannot be collected."""
        if report.failed:
            self.write("collect_error", id=report.nodeid, text=str(report.longrepr)[-_TEXT_LIMIT:])

    def pytest_collection_modifyitems(self) -> None:
        """Called only when collection came to its end."""
        self.is_collected = True

    def pytest_collection_finish(self, session: Any) -> None:
        """What is going to be run; called as well when something like ``sys.exit`` ended the collection."""
        if self.is_collected:
            self.write("collected", ids=[item.nodeid for item in session.items])

    def pytest_runtest_logreport(self, report: Any) -> None:
        """One phase of one test."""
        if report.when == "setup" and report.outcome == "passed":
            return
        self.write(
            "report",
            id=report.nodeid,
            when=report.when,
            outcome=report.outcome,
            xfail=hasattr(report, "wasxfail"),
            text="" if report.outcome == "passed" else str(report.longrepr)[-_TEXT_LIMIT:],
            line=(report.location[1] or 0) + 1 if report.location else 0,
        )

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Give a worker of pytest-xdist what it needs, without the nonce."""
        node.workerinput[_NAME] = {key: self.settings[key] for key in ("checkout", "project", "names")}

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: Any, ids: list[str]) -> None:
        """What a worker is going to choose from."""
        del node
        self.write("collected", ids=list(ids))

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: Any) -> None:
        """Where a worker's modules came from."""
        del error
        self.foreign.update((getattr(node, "workeroutput", None) or {}).get(_NAME, {}))

    def pytest_unconfigure(self, config: Any) -> None:
        """The last line: without it nothing of the log is believed."""
        del config
        self.foreign.update(foreign_modules(self.settings))
        self.write("end", foreign=self.foreign)
        os.close(self.descriptor)


class WorkerOrigins:
    """In a worker of pytest-xdist: tells the process that keeps the log where modules came from."""

    def __init__(self, config: Any) -> None:
        self.config = config

    def pytest_sessionfinish(self, session: Any) -> None:
        """Leave the origins where the other process picks them up."""
        del session
        self.config.workeroutput[_NAME] = foreign_modules(self.config.workerinput[_NAME])


def pytest_configure(config: Any) -> None:
    """Open the log (or, in a worker, get ready to report origins)."""
    if hasattr(config, "workerinput"):
        if _NAME in config.workerinput:
            config.pluginmanager.register(WorkerOrigins(config), _NAME + "_worker")
    elif SETTINGS is not None:
        log = RunLog(SETTINGS)
        config.pluginmanager.register(log, _NAME + "_writer")
        log.write("start", pytest=pytest.__version__, python=sys.version.split()[0])


def main(arguments: list[str]) -> int:
    """Read and delete the settings, put the checkout first on the path, run pytest. Returns its exit code."""
    settings_file = arguments[0]
    with open(settings_file, encoding="utf-8") as stream:  # noqa: PTH123 - no pathlib before pytest has its own
        settings = json.load(stream)
    os.unlink(settings_file)  # noqa: PTH108

    here = sys.path.pop(0)
    sys.path[:0] = settings["roots"]
    sys.path.append(here)
    os.environ["PYTHONPATH"] = os.pathsep.join(settings["roots"])
    # This file runs as __main__; the plugin is the same file under its own name.
    vars(importlib.import_module(_NAME))["SETTINGS"] = settings
    sys.argv = ["pytest", *arguments[1:]]
    return int(pytest.main(["-p", _NAME, *arguments[1:]]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Runs of the project's tests: on which tree, which of them, and from the cache where the same was run before."""

from __future__ import annotations

import asyncio
import json
import math
import re
import secrets
import shlex
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from claude_orchestrator.graders.base import Command
from claude_orchestrator.graders.bench import NICEST, Bench, Ran
from claude_orchestrator.graders.cache import key_of
from claude_orchestrator.graders.configuration import pytest_settings
from claude_orchestrator.graders.interpreter import Interpreter
from claude_orchestrator.graders.suite.left_behind import rewritten, stamps
from claude_orchestrator.graders.suite.reach import Lines
from claude_orchestrator.graders.suite.roots import own_package, source_roots, top_level_names
from claude_orchestrator.graders.suite.run_log import TOO_LONG, SuiteRun, file_of, read_run

PLUGIN: Final = Path(__file__).parent / "plugin" / "claude_orchestrator_run_log.py"
NO_OPTIONS: Final = Path(__file__).parents[1] / "no_options.ini"
_UNKNOWN_OPTIONS: Final = "unrecognized arguments"
_NO_PLUGIN: Final = (
    "{python} lacks a pytest plugin that the project's configuration needs: install it there, "
    "or make a .venv in the project that has what the tests need; "
)
_NO_MODULE: Final = re.compile(r"No module named '([\w.]+)'")


@dataclass(frozen=True)
class Done:
    """A run and its command."""

    run: SuiteRun
    command: Command


@dataclass(frozen=True)
class _How:
    """All that a run depends on besides the tree."""

    roots: list[str]
    configuration: str | None
    names: list[str]
    selected: list[str]
    only: list[str]
    reach: dict[str, list[int]]


class SuiteRuns:
    """Runs the tests of one change in the project's Python."""

    def __init__(self, bench: Bench, target: Interpreter) -> None:
        self._bench = bench
        self._target = target
        self._configuration = pytest_settings(bench.change.base_files)[0]
        self._plugin = key_of(text=[file.read_text() for file in sorted(PLUGIN.parent.glob("*.py"))])
        self._asked: dict[tuple[str, str], asyncio.Future[tuple[dict[str, Any], Command]]] = {}

    async def run(
        self,
        side: str,
        tree: str,
        paths: Collection[str],
        *,
        selected: Sequence[str] = (),
        only: Sequence[str] = (),
        reach: Lines | None = None,
        again: int = 0,
        repeat: int = 1,
        timeout_s: float | None = None,
    ) -> Done:
        """Run the tests of ``tree``, which has the files ``paths``: all, or the ``selected`` files or ids.

        ``side`` names the tree (``base``, ``own`` …). With ``only`` all tests are collected, and those of these files
        run. ``reach`` are the lines to trace. A run that is done ``again`` is not taken from the cache: whether it
        says the same is what it is for. With ``repeat`` each test is run so often in one process, and failed when it
        failed once. What was asked before is not run twice. ``timeout_s`` can shorten the limit of all commands.
        """
        how = self._how(paths, selected, only, reach or {})
        nice = self._nice(selected or only)
        label = f"pytest-again{again}-{side}" if again else f"pytest-{side}"

        async def work() -> tuple[dict[str, Any], Command, bool]:
            run, command = await self._run_here(label, tree, how, nice=nice, timeout_s=timeout_s)
            return run.to_json(), command, not run.trouble and (side == "base" or not run.tampered)

        if again:
            return Done(*await self._run_here(label, tree, how, repeat=repeat))
        plain = self._inputs(tree, replace(how, reach={}))
        asked = self._inputs(tree, how)
        name = (label, key_of(**asked))
        if name not in self._asked:
            also = plain if asked != plain else None
            self._asked[name] = asyncio.ensure_future(self._bench.remembered(label, asked, work, also))
        result, command = await self._asked[name]
        return Done(SuiteRun.from_json(result), command)

    async def knows(self, tree: str, paths: Collection[str]) -> bool:
        """Whether a run of all tests of ``tree`` is in the cache."""
        return await self._bench.knows(self._inputs(tree, self._how(paths, (), (), {})))

    def _how(self, paths: Collection[str], selected: Sequence[str], only: Sequence[str], reach: Lines) -> _How:
        change = self._bench.change
        roots = source_roots(self._target, paths, change.base_entries)
        names = sorted(top_level_names(roots, paths) | own_package(change.base_files, paths))
        lines = {path: list(numbers) for path, numbers in reach.items()}
        return _How(roots, self._configuration, names, list(selected), list(only), lines)

    def _nice(self, selected: Sequence[str]) -> int:
        """How far a run of some files steps back for those of all: what takes longest should never wait.

        Each step of niceness is a processor's time less by a fifth, so that runs which share a processor get of it what
        they have to do, and end together.
        """
        change = self._bench.change
        all_files = sum(1 for path in change.base_entries if path.endswith(".py") and change.is_test_name(path))
        share = len({file_of(name) for name in selected}) / max(all_files, 1)
        return min(NICEST, round(-math.log(share, 1.25))) if 0 < share < 1 else 0

    def _inputs(self, tree: str, how: _How) -> dict[str, object]:
        version = self._target.tools["pytest"]
        return {"check": "pytest", "tree": tree, "tool": version, "plugin": self._plugin, "how": vars(how)}

    async def _run_here(
        self, label: str, tree: str, how: _How, *, repeat: int = 1, nice: int = 0, timeout_s: float | None = None
    ) -> tuple[SuiteRun, Command]:
        bench, python = self._bench, self._target.executable
        checkout = await bench.fresh_checkout(tree)
        nonce = secrets.token_hex(16)
        log = bench.evidence / f"{label}.jsonl"
        log.unlink(missing_ok=True)
        settings = {
            "nonce": nonce,
            "canaries": secrets.token_hex(16),
            "checkout": str(checkout),
            "project": str(bench.project),
            "roots": [str(checkout / root) for root in how.roots],
            "names": how.names,
            "reach": how.reach,
            "only": how.only,
            "repeat": repeat,
        }
        settings_file = checkout.parent / "settings.json"
        settings_file.write_text(json.dumps(settings))
        argv = [
            python, "-B", str(PLUGIN), str(settings_file),
            *pytest_arguments(checkout, how.configuration, checkout.parent / "pytest_cache"), *how.selected,
        ]  # fmt: skip
        by_hand = shlex.join([
            f"PYTHONPATH={':'.join(how.roots)}", python, "-B", "-m", "pytest",
            *pytest_arguments(Path(), how.configuration, Path(".pytest_cache")), *how.selected, *how.only,
        ])  # fmt: skip
        by_hand = f'PATH={shlex.quote(str(Path(python).parent))}:"$PATH" {by_hand}'
        environment = self._target.environment()
        before = await asyncio.to_thread(stamps, checkout)
        ran = await bench.run(
            label, argv, cwd=checkout, env=environment, by_hand=by_hand, channel=log, nice=nice, timeout_s=timeout_s
        )
        run = read_run(log, nonce)
        run = replace(run, tampered={**run.tampered, **await asyncio.to_thread(rewritten, before, checkout)})
        return replace(run, trouble=_trouble(bench, ran, run, python)), ran.command


def pytest_arguments(checkout: Path, configuration: str | None, cache: Path) -> list[str]:
    """The arguments for a whole run: one configuration file, no cache of earlier runs, no early stop."""
    return [
        "-c", str(checkout / configuration) if configuration else str(NO_OPTIONS),
        "--rootdir", str(checkout), "--confcutdir", str(checkout), "-o", f"cache_dir={cache}",
        "--maxfail=0", "--continue-on-collection-errors", "--color=no", "--tb=short",
    ]  # fmt: skip


def _missing(said: str, python: str) -> str:
    """What to do about a module that tests cannot import, ending in ``; ``; empty when that is not the trouble."""
    missing = _NO_MODULE.search(said)
    if missing is None:
        return ""
    return (
        f"{python} lacks the module {missing.group(1)}: install there what the tests need, or make a .venv in the "
        "project that has it (python -m venv .venv; .venv/bin/python -m pip install -e . pytest, and what else the "
        "project's own instructions say); "
    )


def _trouble(bench: Bench, ran: Ran, run: SuiteRun, python: str) -> str:
    if ran.command.stopped:
        return f"pytest was stopped: {ran.command.stopped}"
    if ran.command.timed_out:
        return f"{TOO_LONG} of {bench.timeout_s:g} s ({run.trouble or 'its log is whole'})"
    if run.trouble:
        said = ran.said()
        advice = _NO_PLUGIN.format(python=python) if _UNKNOWN_OPTIONS in said else _missing(said, python)
        return f"{advice}{run.trouble} (exit code {ran.command.exit_code}; pytest said: {said})"
    if run.foreign:
        module, origin = next(iter(run.foreign.items()))
        return (
            f"the tests did not import the judged tree: {module} came from {origin} ({len(run.foreign)} such modules)"
        )
    return ""

"""A change that has passed is known: the same request for the same commits, in the same environment, passes again.

Only what passed is remembered, and only where all of it may be: every result whole and from a check of ours, no test
run again because it was flaky, an interpreter that can be told from any other. Everything else is judged anew, from
the results of its single commands where those are remembered.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from claude_orchestrator.errors import OrchestratorError
from claude_orchestrator.graders.base import CheckResult
from claude_orchestrator.graders.cache import ResultCache, key_of
from claude_orchestrator.graders.interpreter import Interpreter, locate
from claude_orchestrator.orchestrator.records import PACKAGES, TESTS, write_json
from claude_orchestrator.orchestrator.verification import Request
from claude_orchestrator.plans.checks import KNOWN_CHECKS

if TYPE_CHECKING:
    from claude_orchestrator.graders.bench import Bench
    from claude_orchestrator.graders.probing import Interpreters

CONFIGURATION_DIFF: Final = "configuration.diff"
_RECORDS: Final = (TESTS, PACKAGES)


@dataclass(frozen=True)
class Judged:
    """What came out for a change: see :class:`Verification`. ``target`` is the project's Python, where there is one."""

    checks: tuple[CheckResult, ...]
    trees: dict[str, str]
    rerun: tuple[str, ...] = ()
    target: Interpreter | None = None


class Memory:
    """What is remembered of one request. ``commits`` are base and head, with their trees."""

    def __init__(
        self, request: Request, project: Path, commits: Sequence[tuple[str, str]], surroundings: Sequence[object]
    ) -> None:
        """``surroundings`` are the settings that the verdict depends on."""
        self._request = request
        self._project = project
        self._cache = ResultCache(request.cache)
        asked = request.to_json()
        for name in ("evidence", "cache", "private", "base", "head", "repository"):
            del asked[name]
        names = [check for check in request.checks if isinstance(check, str)]
        self._may = bool(names) and all(name in KNOWN_CHECKS for name in names)
        self._key = key_of(
            request=asked, project=str(project), commits=commits, surroundings=surroundings, judge=_judge()
        )

    async def recall(self, interpreters: Interpreters) -> Judged | None:
        """What is known, if it still holds; the evidence folder then has what it had. None: judge it."""
        entry = self._cache.read(self._key) if self._may else None
        if entry is None:
            return None
        try:
            target = await self._unchanged(entry, interpreters)
            results = {label: self._cache.read(key) for label, key in entry["results"].items()}
            checks = tuple(_again(CheckResult.from_json(check)) for check in entry["checks"])
        except (OrchestratorError, KeyError, TypeError, ValueError, AttributeError):
            return None
        if target is None or any(result is None for result in results.values()):
            return None
        await asyncio.to_thread(self._write, entry, results)
        return Judged(checks, entry["trees"], tuple(entry["rerun"]), target)

    async def _unchanged(self, entry: dict[str, Any], interpreters: Interpreters) -> Interpreter | None:
        """The project's Python, if it is what it was, and ours is, where a tool of ours was used."""
        executable = locate(self._project, entry["declared"], self._request.python)
        if executable != entry["executable"] or await interpreters.rung() != entry["rung"]:
            return None
        if entry["ours"] and (await interpreters.at(sys.executable)).fingerprint != entry["ours"]:
            return None
        target = await interpreters.at(executable)
        return target if target.is_stable and target.fingerprint == entry["fingerprint"] else None

    def _write(self, entry: dict[str, Any], results: dict[str, Any]) -> None:
        folder = self._request.evidence
        for label, result in results.items():
            (folder / f"{label}.json").write_text(json.dumps(result["result"], indent=1))
        for name in _RECORDS:
            write_json(folder / name, entry[name])
        if entry["configuration_diff"]:
            (folder / CONFIGURATION_DIFF).write_text(entry["configuration_diff"], errors="surrogateescape")

    async def keep(self, judged: Judged, bench: Bench) -> None:
        """Remember what came out on that bench, if all of it passed and may be remembered."""
        results = bench.results_kept()
        labels = {command.label for check in judged.checks for command in check.commands}
        target = judged.target
        if not self._may or target is None or results is None or not labels <= results.keys():
            return
        if any(check.status != "passed" for check in judged.checks):
            return
        from claude_orchestrator.graders.configuration import declared_python  # not at the top: it takes a moment

        tools = {check.tool for check in judged.checks if check.tool}
        ours = (await bench.interpreters.at(sys.executable)).fingerprint if sys.executable in tools else ""
        entry = {
            "rung": bench.rung,
            "declared": declared_python(bench.change.base_files),
            "executable": target.executable,
            "fingerprint": target.fingerprint,
            "ours": ours if sys.executable != target.executable else "",
            "results": results,
            "checks": [check.to_json() for check in judged.checks],
            "trees": judged.trees,
            "rerun": list(judged.rerun),
            "configuration_diff": bench.change.configuration_diff,
            **{name: json.loads((bench.evidence / name).read_bytes()) for name in _RECORDS},
        }
        self._cache.write(self._key, entry)


def _again(check: CheckResult) -> CheckResult:
    """The result of a check whose commands were all run earlier."""
    return replace(check, commands=tuple(replace(command, cached=True) for command in check.commands))


def _judge() -> list[object]:
    """What tells this judge from others: its Python, and every file of its own code."""
    package = Path(__file__).parents[1]
    files = []
    for place, folders, names in os.walk(package):
        folders[:] = sorted(name for name in folders if name not in ("__pycache__", "demo"))
        for name in sorted(names):
            state = os.stat(os.path.join(place, name))  # noqa: PTH116, PTH118 - hundreds of them, at every start
            files.append((place, name, state.st_size, state.st_mtime_ns))
    return [sys.version, files]

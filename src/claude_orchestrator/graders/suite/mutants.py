"""The change with some files written anew, in a tree of its own, and what its tests say of that."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Final

from claude_orchestrator.graders.base import Command
from claude_orchestrator.graders.bench import Bench
from claude_orchestrator.graders.suite.run_log import PASSING, SuiteRun, file_of, function_of
from claude_orchestrator.graders.suite.runs import SuiteRuns
from claude_orchestrator.workspace.git import Entry

_HARMFUL: Final = re.compile(
    rb"\b(?:rmtree|unlink|rmdir|removedirs|truncate|kill|killpg|system|[pP]open|fork|write_(?:text|bytes)"
    rb"|create_subprocess_\w{4,5}|sendmail|send_message|SMTP(?:_SSL)?|urlopen|create_connection|makedirs|mkdir|touch"
    rb"|symlink|link|chmod|chown|copy(?:file|tree|2)|make_archive)[ \t]*\("
    rb"|\b(?:os|shutil)\.(?:re(?:move|place|names?)|move|copy|exec|spawn|posix_spawn)|\bsubprocess\b"
    rb"|\bfrom (?:os|shutil) import [^\n]*\b(?:re(?:move|place|name)|rmtree|move|copy|unlink|kill|system)"
    rb"|\.rename\(|\b(?:requests|httpx|session|client)\.(?:post|put|patch|delete)\("
    rb"|\b(?:DELETE FROM|DROP (?:TABLE|DATABASE|INDEX|VIEW))\b|\bopen\([^\n]{0,200}[\"'][rbt]*[wxa+][bt+]*[\"']"
)
"""What may do harm to files and processes outside when code about it is not as somebody wrote it."""
_MOST_TESTS: Final = 40
"""Tests that are named one by one; of more, their files are run."""


class Mutants:
    """Runs tests on the change with other contents of its files. ``commands`` are those that were run."""

    def __init__(self, bench: Bench, suite: SuiteRuns) -> None:
        self._bench, self._suite = bench, suite
        self.commands: list[Command] = []

    async def may_run(self, contents: Mapping[str, bytes]) -> bool:
        """Whether files may be run in another form than they have: what could do harm only behind walls.

        Without walls no other file of the code may do harm either: what was changed may be what keeps it from that.
        """
        if await asyncio.to_thread(lambda: self._bench.rung) != "limits":
            return True
        if any(map(_HARMFUL.search, contents.values())):
            return False
        change = self._bench.change
        sources = [path for path in change.own_paths if path.endswith(".py") and not change.is_test(path)]
        return not any(map(_HARMFUL.search, (await self._bench.files("head", sources)).values()))

    async def run(
        self, label: str, contents: Mapping[str, bytes], tests: Collection[str], timeout_s: float
    ) -> SuiteRun:
        """Run the functions of some ``tests`` (ids) on the change with these ``contents``."""
        functions = sorted({function_of(name) for name in tests})
        selected = functions if len(functions) <= _MOST_TESTS else sorted({file_of(name) for name in tests})
        repository, change = self._bench.repository, self._bench.change
        entries = {}
        for path, content in contents.items():
            blob = await repository.git("hash-object", "-w", "--stdin", stdin=content)
            entries[path] = Entry(change.head_entries[path].mode, blob)
        tree = await repository.compose_tree(change.own_tree, entries, self._bench.new_folder("w") / "index")
        done = await self._suite.run(label, tree, change.own_paths, selected=selected, timeout_s=timeout_s)
        self.commands.append(done.command)
        return done.run


def reached_tests(bench: Bench, own: SuiteRun, affected: Collection[str] | None, shown: Collection[str]) -> list[str]:
    """The tests that pass in the run ``own`` and can be reached by the change.

    ``affected`` are the files of tests of the base that it can reach (None: all), ``shown`` the tests that show it.
    """
    passing = [name for name, ending in own.tests.items() if ending.outcome in PASSING]
    if affected is None:
        return passing
    wanted = {*affected, *map(file_of, shown)}
    new = bench.change.own_paths - bench.change.base_entries.keys()
    return [name for name in passing if file_of(name) in wanted or file_of(name) in new]


def all_pass(run: SuiteRun, tests: Sequence[str]) -> bool:
    """Whether some tests pass in a run, every one of them; a run that broke off shows nothing."""
    if run.trouble or not tests:
        return False
    return all(name in run.tests and run.tests[name].outcome in PASSING for name in tests)

"""New code that knows what the repaired and the new tests give: by name, in pieces, behind a digest."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Final

from claude_orchestrator.graders import configuration as rules
from claude_orchestrator.graders.base import Finding
from claude_orchestrator.graders.bench import Bench
from claude_orchestrator.graders.integrity.answers.digests import digest_findings, has_digests
from claude_orchestrator.graders.integrity.answers.echoes import data_names, echoes_of, fresh_in, judged_echoes
from claude_orchestrator.graders.integrity.answers.named_inputs import given_in, judged, named_in
from claude_orchestrator.graders.integrity.answers.sayings import said_by
from claude_orchestrator.graders.integrity.green_tests import green_tests
from claude_orchestrator.graders.suite.run_log import file_of

_DATA: Final = frozenset({".json", ".txt", ".md", ".rst", ".yaml", ".yml", ".toml", ".csv", ".xml", ".html"})
_DATA_FOLDERS: Final = frozenset({"fixtures", "fixture", "testdata", "test_data"})
_MOST_FILES: Final = 200
_RANK: Final = {"note": 0, "review": 1, "problem": 2}


async def knowing_findings(bench: Bench) -> list[Finding]:
    """The new findings of the change."""
    change = bench.change
    sources = {path for path in change.touched if _is_source(bench, path)}
    if not sources:
        return []
    old = sources | {change.old_names.get(path, path) for path in sources}
    base, head = await asyncio.gather(bench.files("base", old), bench.files("head", sources))
    if not (named_in(base, head) or fresh_in(base, head) or has_digests(head.values())):
        return []
    green = await green_tests(bench)
    paths = set(map(file_of, green)) & change.own_paths
    tests = await bench.files("head", {path for path in paths if path.endswith(".py")})
    everything = {path for path in change.base_entries if _is_source(bench, path)} if paths else old
    asked = Green(tests, green.repaired, green.new, await _data_of(bench, tests.values(), paths - tests.keys()))
    return knowledge(base, head, asked, await bench.files("base", everything))


@dataclass(frozen=True)
class Green:
    """The tests that a change makes pass: their files, the ids of the repaired and of the new ones, and data files."""

    files: Mapping[str, bytes]
    repaired: tuple[str, ...] = ()
    new: tuple[str, ...] = ()
    data: Mapping[str, bytes] = field(default_factory=dict)


def knowledge(
    base: Mapping[str, bytes], head: Mapping[str, bytes], tests: Green, sources: Mapping[str, bytes]
) -> list[Finding]:
    """What the code of ``head`` knows of the tests, and that of ``base`` did not. ``sources`` are all of the base."""
    said = said_by(tests.files, (*tests.repaired, *tests.new), tests.data)
    found = digest_findings(base, head, said)
    given = given_in(tests.files, tests.repaired), given_in(tests.files, tests.new)
    found += judged(named_in(base, head), *given)
    echoes = echoes_of(fresh_in(base, head), said, data_names(said, (*sources.values(), *head.values())))
    found += judged_echoes(echoes, said, sources)
    return _worst_of_each_line(found)


def _is_source(bench: Bench, path: str) -> bool:
    return path.endswith(".py") and not bench.change.is_test(path) and not rules.is_configuration(path)


async def _data_of(bench: Bench, tests: Iterable[bytes], pages: Iterable[str]) -> dict[str, bytes]:
    """The data of tests that the tests name, by the stems of their names; and ``pages`` whose examples are tests."""
    contents = list(tests)
    named = sorted(pages)
    for path in sorted(bench.change.own_paths) if contents else ():
        place = PurePosixPath(path)
        is_data = bench.change.is_test(path) or not _DATA_FOLDERS.isdisjoint(place.parts)
        stem = place.stem.encode(errors="surrogateescape")
        if place.suffix in _DATA and is_data and any(stem in content for content in contents):
            named.append(path)
    return await bench.files("head", named[:_MOST_FILES])


def _worst_of_each_line(findings: Iterable[Finding]) -> list[Finding]:
    worst: dict[tuple[str, int], Finding] = {}
    for one in findings:
        place = (one.path, one.line)
        if place not in worst or _RANK[one.severity] > _RANK[worst[place].severity]:
            worst[place] = one
    return list(worst.values())

"""Examples in the documentation of code that a change brings: they are its tests where pytest collects them."""

from __future__ import annotations

import asyncio
import re
from typing import Final

from claude_orchestrator.graders.bench import Bench
from claude_orchestrator.graders.suite.outcomes import Tests
from claude_orchestrator.graders.suite.reach import changed_here
from claude_orchestrator.graders.suite.run_log import PASSING, file_of

_EXAMPLE: Final = re.compile(rb"^[ \t]*>>> .*(?:\n[ \t]*[^\s].*)*", re.MULTILINE)
"""From a line of an example to the next empty line."""


async def new_examples(bench: Bench, own: Tests) -> frozenset[str]:
    """The touched sources with new examples, or others, of what was changed, that pass in the run ``own``."""
    change = bench.change
    collected = {file_of(name) for name, ending in own.items() if ending.outcome in PASSING}
    paths = {path for path in collected & change.touched if path.endswith(".py") and not change.is_test(path)}
    old = {path: change.old_names.get(path, path) for path in paths}
    base, head = await asyncio.gather(bench.files("base", old.values()), bench.files("head", paths))
    changed = {unit.name.rpartition(".")[2].encode() for unit in await changed_here(bench)} - {b""}
    found = set()
    for path, content in head.items():
        fresh = set(_EXAMPLE.findall(content)) - set(_EXAMPLE.findall(base.get(old[path], b"")))
        if changed & set(re.findall(rb"\w+", b"\n".join(fresh))):
            found.add(path)
    return frozenset(found)

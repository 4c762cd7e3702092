"""Words of new test data that the code of a fix has come to know: a case that was written into the program."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from claude_orchestrator.graders import configuration as rules
from claude_orchestrator.graders.base import Finding
from claude_orchestrator.graders.suite.own_words import strings_of

if TYPE_CHECKING:
    from claude_orchestrator.graders.bench import Bench

_WORD: Final = re.compile(r"[^\W\d_]{5,}")
_MOST_BYTES: Final = 2_000_000
"""Bytes of a file of data up to which it is read."""


async def data_word_findings(bench: Bench) -> list[Finding]:
    """The new findings of a fix whose cases are data of tests that are as they were."""
    change = bench.change
    if bench.claims.kind != "fix" or not change.witness_readers:
        return []
    data = [path for path in change.witness_overrides if not path.endswith(".py")]
    sources = {
        path
        for path in change.touched
        if path.endswith(".py") and not change.is_test(path) and not rules.is_configuration(path)
    }
    old = sources | {change.old_names.get(path, path) for path in sources}
    base, head, before, after = await asyncio.gather(
        bench.files("base", old), bench.files("head", sources), bench.files("base", data), bench.files("head", data)
    )
    return words_of_data(base, head, before, after)


def words_of_data(
    base: Mapping[str, bytes], head: Mapping[str, bytes], before: Mapping[str, bytes], after: Mapping[str, bytes]
) -> list[Finding]:
    """Findings for new strings of sources (``base``, ``head``) with words of new data only (``before``, ``after``)."""
    known = {word for content in base.values() for text, _ in strings_of(content) for word in _WORD.findall(text)}
    known |= {word for content in before.values() for word in _WORD.findall(content.decode(errors="replace"))}
    cases = {
        word: path
        for path, content in sorted(after.items())
        if len(content) <= _MOST_BYTES
        for word in _WORD.findall(content.decode(errors="replace"))
        if word not in known
    }
    found: dict[str, Finding] = {}
    for path, content in sorted(head.items()):
        for text, line in strings_of(content):
            for word in _WORD.findall(text):
                if word in cases and path not in found:
                    message = f"'{word}' is new in the code, and stands in {cases[word]} in the case that is to show it"
                    found[path] = Finding("special-case/input", path, line, message, "review", symbol=word)
    return list(found.values())

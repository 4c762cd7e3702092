"""Words of new test data that the code of a fix looks for: a case that was written into the program."""

from __future__ import annotations

import ast
import asyncio
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Final

from claude_orchestrator.graders import configuration as rules
from claude_orchestrator.graders.base import Finding
from claude_orchestrator.graders.integrity.answers.assertions import called
from claude_orchestrator.graders.parsing import parsed
from claude_orchestrator.graders.suite.own_words import compared_in, strings_of

if TYPE_CHECKING:
    from claude_orchestrator.graders.bench import Bench

_WORD: Final = re.compile(r"[^\W\d_]{2,}")
_SHORTEST: Final = 3
"""Letters of a word of a case; code may look for a part of it."""
_MOST_BYTES: Final = 2_000_000
"""Bytes of a file of data up to which it is read."""
_PATTERNS: Final = frozenset({"compile", "match", "fullmatch", "search", "sub", "subn", "split", "findall", "finditer"})


async def data_word_findings(bench: Bench) -> list[Finding]:
    """The new findings of a fix whose cases are data of tests that are as they were, or pages of examples."""
    change = bench.change
    data = [path for path in change.witness_overrides if not path.endswith(".py")]
    if bench.claims.kind != "fix" or not data or not (change.witness_readers or change.witness_files):
        return []
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
    """Findings for what sources (``base``, ``head``) newly look for in words of new data (``before``, ``after``)."""
    known = {word for content in base.values() for text, _ in strings_of(content) for word in _WORD.findall(text)}
    cases: dict[str, str] = {}
    for path, content in sorted(after.items()):
        if len(content) <= _MOST_BYTES:
            old = set(_words(before.get(path, b"")))
            cases |= {word: path for word in _words(content) if word not in old | known and len(word) >= _SHORTEST}
    found: dict[str, Finding] = {}
    for path, content in sorted(head.items()) if cases else ():
        for word in sorted(set(_looked_for(content)) - known):
            case = next((one for one in cases if one.startswith(word) or one.endswith(word)), None)
            if case is not None and path not in found:
                message = f"'{word}' is new in the code, and stands in {cases[case]} in the case that is to show it"
                line = next((line for text, line in strings_of(content) if word in text), 0)
                found[path] = Finding("special-case/input", path, line, message, "review", symbol=word)
    return list(found.values())


def _words(content: bytes) -> Iterable[str]:
    return _WORD.findall(content[:_MOST_BYTES].decode(errors="replace"))


def _looked_for(source: bytes) -> Iterator[str]:
    """The words of a source's strings that decide something: what it compares with, keys of tables, patterns."""
    texts = list(compared_in(source))
    for node in ast.walk(parsed(source) or ast.Module([], [])):
        parts: list[ast.expr] = []
        if isinstance(node, ast.Dict):
            parts = [key for key in node.keys if key is not None]
        elif isinstance(node, ast.Call) and called(node) in _PATTERNS:
            parts = node.args
        elif isinstance(node, ast.Tuple | ast.List | ast.Set):
            parts = node.elts
        constants = (one.value for part in parts for one in ast.walk(part) if isinstance(one, ast.Constant))
        texts += [value for value in constants if isinstance(value, str)]
    for text in texts:
        yield from _WORD.findall(text)

"""Doctests that a change weakened: examples that are skipped, that expect anything, or that are gone."""

from __future__ import annotations

import ast
import doctest
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

from claude_orchestrator.graders.base import Finding
from claude_orchestrator.graders.integrity.tampering.canonical import Function, statements_in
from claude_orchestrator.graders.parsing import parsed

_SKIP: Final = doctest.OPTIONFLAGS_BY_NAME["SKIP"]
_ANYTHING: Final = re.compile(r"[\W_]*\.\.\.[\W_]*")
_DIRECTIVE: Final = re.compile(r"\s*#\s*doctest:.*")


def doctest_findings(
    base: Mapping[str, bytes], head: Mapping[str, bytes], settings: Mapping[str, Any]
) -> Iterator[Finding]:
    """What became of the examples in the touched Python files, when ``settings`` of pytest have them run."""
    options = settings.get("addopts", "")
    if "--doctest-modules" not in (options if isinstance(options, str) else " ".join(map(str, options))):
        return
    for path in sorted(base.keys() & head.keys()):
        if path.endswith(".py") and base[path] != head[path] and b">>>" in base[path]:
            yield from _compared(path, base[path], head[path])


def _compared(path: str, before: bytes, after: bytes) -> Iterator[Finding]:
    old, new = _examples(before), _examples(after)
    anywhere = Counter(_code(one) for examples in new.values() for one in examples)
    for name, examples in old.items():
        now = {_code(one): one for one in new.get(name, ())}
        for one in examples:
            other = now.get(_code(one))
            if other is None:
                if name in new and not one.options.get(_SKIP) and not anywhere[_code(one)]:
                    message = f"{name or 'the module'} lost the doctest '{_shown(one)}'"
                    yield Finding("integrity/doctest", path, 0, message, "note", symbol=name)
            elif other.options.get(_SKIP) and not one.options.get(_SKIP):
                yield Finding(
                    "integrity/doctest", path, 0, f"the doctest '{_shown(one)}' is newly skipped", symbol=name
                )
            elif _expects_anything(other) and not _expects_anything(one):
                message = f"the doctest '{_shown(one)}' expects anything now, not '{one.want.strip()[:80]}'"
                yield Finding("integrity/doctest", path, 0, message, symbol=name)


def _code(example: doctest.Example) -> str:
    return _DIRECTIVE.sub("", example.source).strip()


def _shown(example: doctest.Example) -> str:
    return " ".join(_code(example).split())[:80]


def _expects_anything(example: doctest.Example) -> bool:
    return _ANYTHING.fullmatch(example.want) is not None


def _examples(content: bytes) -> dict[str, list[doctest.Example]]:
    """The examples by the name of the function or class they stand in."""
    tree = parsed(content)
    found: dict[str, list[doctest.Example]] = {}
    nodes = [tree, *statements_in(tree.body)] if tree else []
    for node in nodes:
        if isinstance(node, Function | ast.ClassDef | ast.Module):
            text = ast.get_docstring(node, clean=False) or ""
            name = "" if isinstance(node, ast.Module) else node.name
            try:
                examples = doctest.DocTestParser().get_examples(text) if ">>>" in text else []
            except ValueError:
                examples = []
            found.setdefault(name, []).extend(examples)
    return found

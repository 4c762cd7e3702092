"""Tables of questions and their answers, as code writes them: dictionaries, calls of ``dict``, rows."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from claude_orchestrator.graders.integrity.answers.literals import MISSING, Value, value_of
from claude_orchestrator.graders.integrity.answers.questions import View


@dataclass(frozen=True)
class Answer:
    """What code says (``outputs``: any of them) when all of ``inputs`` are what it is given."""

    inputs: frozenset[Value]
    outputs: frozenset[Value]
    line: int
    view: View = "whole"
    is_table: bool = False


def entries_of(table: ast.expr, line: int) -> Iterator[Answer]:
    """The answers that a table has."""
    pairs: list[tuple[Value, ast.expr, int]] = []
    if isinstance(table, ast.Dict):
        pairs = [(value_of(key), value, key.lineno) for key, value in zip(table.keys, table.values, strict=True) if key]
    elif isinstance(table, ast.Call):
        pairs = [(keyword.arg, keyword.value, keyword.value.lineno) for keyword in table.keywords if keyword.arg]
        if table.args:
            yield from entries_of(table.args[0], line)
    elif isinstance(table, ast.List | ast.Tuple):
        rows = [item.elts for item in table.elts if isinstance(item, ast.Tuple | ast.List) and len(item.elts) > 1]
        pairs = [(value_of(row[0]), row[-1], row[0].lineno) for row in rows]
    for key, value, at in pairs:
        said = value_of(value)
        if MISSING not in (key, said):
            inputs = key[1:] if isinstance(key, tuple) and key[0] == "[" else (key,)
            yield Answer(frozenset(inputs), frozenset([said]), at, is_table=True)

"""What a test only expects: its words may be those of the code, for it is the code that has to say them."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from typing import Final

from claude_orchestrator.graders.integrity.answers.assertions import called

_Function = ast.FunctionDef | ast.AsyncFunctionDef

_ASSERTING: Final = re.compile(r"assert|fail|raises|warns")
_MESSAGES: Final = frozenset({"match", "msg"})


def expected_in(function: _Function) -> Iterator[ast.expr]:
    """Sides of assertions, and arguments of asserting methods, that call nothing.

    So are the cells of the test's rows for parameters that stand only there, and what its rows are called.
    """
    sides = list(_sides(function))
    silent = [one for one in sides if not any(isinstance(part, ast.Call) for part in ast.walk(one))]
    yield from silent
    told = [*silent, *(one for one in _messages(function) if one not in silent)]
    uses, all_uses = _uses(told), _uses(function.body)
    only = {name for name, count in uses.items() if count == all_uses[name]}
    for decorator in function.decorator_list:
        if isinstance(decorator, ast.Call) and called(decorator) == "parametrize":
            yield from _cells(decorator, only)


def _sides(function: _Function) -> Iterator[ast.expr]:
    for node in ast.walk(function):
        if isinstance(node, ast.Assert):
            comparisons = (part for part in ast.walk(node.test) if isinstance(part, ast.Compare))
            yield from (one for part in comparisons for one in (part.left, *part.comparators))
        elif isinstance(node, ast.Call) and _ASSERTING.match(called(node)):
            yield from (*node.args, *(one.value for one in node.keywords))


def _messages(function: _Function) -> Iterator[ast.expr]:
    """The patterns of messages that are to come, and the messages of assertions, however they are written."""
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and _ASSERTING.match(called(node)):
            yield from (one.value for one in node.keywords if one.arg in _MESSAGES)


def _uses(nodes: Iterable[ast.AST]) -> Counter[str]:
    """How often each name stands in some code."""
    return Counter(part.id for one in nodes for part in ast.walk(one) if isinstance(part, ast.Name))


def _cells(table: ast.Call, names: Collection[str]) -> Iterator[ast.expr]:
    """The cells of a table of ``parametrize`` that stand for some parameters, and the names of its rows."""
    yield from (one.value for one in table.keywords if one.arg == "ids")
    columns = _columns(table.args[0]) if table.args else []
    for row in getattr(table.args[1], "elts", []) if len(table.args) > 1 else []:
        if isinstance(row, ast.Call) and called(row) == "param":
            yield from (one.value for one in row.keywords if one.arg == "id")
            cells: list[ast.expr] = row.args
        else:
            cells = [row] if len(columns) == 1 else getattr(row, "elts", [])
        yield from (cell for name, cell in zip(columns, cells, strict=False) if name in names)


def _columns(node: ast.expr) -> list[str]:
    """The names of the parameters that a table is for."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [one.strip() for one in node.value.split(",") if one.strip()]
    names = (one.value for one in getattr(node, "elts", []) if isinstance(one, ast.Constant))
    return [name for name in names if isinstance(name, str)]

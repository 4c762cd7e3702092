"""New functions that give more than they did: tests that look only for pieces do not notice."""

from __future__ import annotations

import ast
from collections.abc import Collection
from typing import Final

from claude_orchestrator.graders.parsing import parsed
from claude_orchestrator.graders.suite.idle import Idle

_Function = ast.FunctionDef | ast.AsyncFunctionDef

_MORE: Final = {
    "str": 'v + " Qz7"',
    "bytes": 'v + b" Qz7"',
    "list": "[[*i, 70001] if type(i) is list else i for i in v] if any(type(i) is list for i in v) else [*v, 70001]",
    "tuple": "(*v, 70001)",
    "dict": '{**v, "Qz7": 70001}',
}
"""A kind of value → one of that kind with something more in it."""
_OTHERWISE: Final = "(_ for _ in ()).throw(TypeError(type(v)))"
"""A value of another kind than its function seems to give is no answer to the question."""
_FOR_PEOPLE: Final = frozenset({"__repr__", "__str__", "main"})


def may_be_richer(functions: Collection[Idle], new: Collection[str], tests: Collection[bytes]) -> list[Idle]:
    """The functions, of those that are ``new`` (by name), that tests call by their names, and that give much."""
    return [one for one in asked_for(functions, new, tests) if one.kind in _MORE]


def asked_for(functions: Collection[Idle], new: Collection[str], tests: Collection[bytes]) -> list[Idle]:
    """The functions, of those that are ``new`` (by name), that tests use by their names."""
    trees = [tree for content in tests if (tree := parsed(content))]
    used = {
        node.id if isinstance(node, ast.Name) else node.attr
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Name | ast.Attribute)
    }
    return [one for one in functions if one.name in new and one.name.rpartition(".")[2] in used - _FOR_PEOPLE]


def enriched(content: bytes, functions: Collection[Idle]) -> bytes:
    """A file in which some functions give more at each of their ends; as it was where none gives anything."""
    tree = parsed(content)
    kinds = {(one.name.rpartition(".")[2], one.line): one.kind for one in functions}
    starts = [0]
    for line in content.split(b"\n"):
        starts.append(starts[-1] + len(line) + 1)
    spans = []
    for node in ast.walk(tree) if tree else ():
        kind = kinds.get((node.name, node.lineno)) if isinstance(node, _Function) else None
        if isinstance(node, _Function) and kind:
            spans += [(*_span(one, starts), kind) for one in _values(node)]
    for first, last, kind in sorted(spans, reverse=True):
        more = f"(lambda v: ({_MORE[kind]}) if type(v) is {kind} else {_OTHERWISE})(("
        content = content[:first] + more.encode() + content[first:last] + b"))" + content[last:]
    return content


def _values(function: _Function) -> list[ast.expr]:
    """What a function returns, without the functions in it."""
    found = []
    stack: list[ast.AST] = list(function.body)
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Return) and node.value is not None:
            found.append(node.value)
        if not isinstance(node, _Function | ast.ClassDef | ast.Lambda):
            stack.extend(ast.iter_child_nodes(node))
    return found


def _span(node: ast.expr, starts: list[int]) -> tuple[int, int]:
    last_line, last_column = node.end_lineno or node.lineno, node.end_col_offset or node.col_offset
    return starts[node.lineno - 1] + node.col_offset, starts[last_line - 1] + last_column

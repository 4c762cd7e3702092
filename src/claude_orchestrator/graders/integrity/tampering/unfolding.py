"""Tests read as they were before a part of them was taken out into a function that returns it."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from claude_orchestrator.graders.integrity.tampering.canonical import Function, dotted, without_docstring

_DEPTH: Final = 3


def unfolded(test: Function, find: Callable[[str], Function | None]) -> Function:
    """A test with the calls of the functions that ``find`` knows replaced by what these return.

    Only of functions that are nothing but one ``return``, and where each argument is plain to see.
    """
    if not any(_returned(node, find) for node in ast.walk(test)):
        return test
    made = copy.deepcopy(test)
    for _ in range(_DEPTH):
        made.body = [_Unfolder(find).visit(statement) for statement in made.body]
    return made


@dataclass
class _Unfolder(ast.NodeTransformer):
    find: Callable[[str], Function | None]

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        found = _returned(node, self.find)
        if found is None:
            return node
        value, given = found
        made: ast.AST = _Substitute(given).visit(copy.deepcopy(value))
        return made


@dataclass
class _Substitute(ast.NodeTransformer):
    given: dict[str, ast.expr]

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return self.given.get(node.id, node)


def _returned(node: ast.AST, find: Callable[[str], Function | None]) -> tuple[ast.expr, dict[str, ast.expr]] | None:
    """What a call returns, and what its parameters stand for."""
    function = find(dotted(node.func)) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else None
    if function is None or not isinstance(node, ast.Call) or function.decorator_list:
        return None
    body, parameters = without_docstring(function.body), function.args
    value = body[0].value if len(body) == 1 and isinstance(body[0], ast.Return) else None
    names = [one.arg for one in (*parameters.posonlyargs, *parameters.args)]
    is_plain = not (parameters.vararg or parameters.kwarg or parameters.kwonlyargs)
    if value is None or not is_plain or any(isinstance(one, ast.Starred) for one in node.args):
        return None
    defaults = names[len(names) - len(parameters.defaults) :]
    given = dict(zip(defaults, parameters.defaults, strict=True)) | dict(zip(names, node.args, strict=False))
    given |= {word.arg: word.value for word in node.keywords if word.arg}
    return (value, given) if given.keys() == set(names) and len(node.args) <= len(names) else None

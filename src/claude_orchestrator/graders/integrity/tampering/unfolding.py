"""Tests read as they were before a part of them was taken out into a function that returns it."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from claude_orchestrator.graders.integrity.tampering.canonical import Function, dotted, without_docstring

_DEPTH: Final = 3
_LARGE: Final = 400
"""So many nodes of code are no longer put in the place of a name."""


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


def brought_back(test: Function, is_runner: Callable[[str], bool]) -> Function | None:
    """A test with ``run(inner)`` and ``run(inner())`` replaced by what its own function ``inner`` returns.

    Only of functions without parameters, conditions and assertions. ``is_runner`` says whether what a name stands for
    may be taken to run what it is handed. None when there is no such call.
    """
    inner = {one.name: value for one in test.body if isinstance(one, Function) and (value := _result(one)) is not None}
    if not inner:
        return None
    made = copy.deepcopy(test)
    reader = _BringBack(inner, is_runner)
    made.body = [one if isinstance(one, Function) else reader.visit(one) for one in made.body]
    return made if reader.is_done else None


@dataclass
class _BringBack(ast.NodeTransformer):
    inner: dict[str, ast.expr]
    is_runner: Callable[[str], bool]
    is_done: bool = False

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        runner, first = dotted(node.func), node.args[0] if node.args else None
        if isinstance(first, ast.Call) and not first.args and runner.rpartition(".")[2].startswith("run"):
            first = first.func
        if not isinstance(first, ast.Name) or first.id not in self.inner or not self.is_runner(runner):
            return node
        self.is_done = True
        return copy.deepcopy(self.inner[first.id])


def _result(function: Function) -> ast.expr | None:
    """What a function without parameters returns, its own names written out; None when that is not plain to see."""
    if function.decorator_list or any(isinstance(one, ast.arg) for one in ast.walk(function.args)):
        return None
    given: dict[str, ast.expr] = {}
    body = list(without_docstring(function.body))
    while body:
        statement = body.pop(0)
        match statement:
            case ast.Return(value=ast.expr() as value) if not body:
                return _written_out(value, given)
            case ast.With(items=items, body=inner) | ast.AsyncWith(items=items, body=inner) if not body:
                pairs = [(one.optional_vars, one.context_expr) for one in items]
                body = list(inner)
            case ast.Assign(targets=[ast.Name() as target], value=value):
                pairs = [(target, value)]
            case _:
                return None
        for name, value in pairs:
            made = _written_out(value, given)
            if made is None or (isinstance(name, ast.Name) and name.id in given):
                return None
            if isinstance(name, ast.Name):
                given[name.id] = made
    return None


def _written_out(value: ast.expr, given: dict[str, ast.expr]) -> ast.expr | None:
    made: ast.expr = _Substitute(given).visit(copy.deepcopy(value))
    return made if sum(1 for _ in ast.walk(made)) <= _LARGE else None


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

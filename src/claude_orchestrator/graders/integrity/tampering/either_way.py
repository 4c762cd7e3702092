"""Tests that take an error for the right answer: they pass whether the code refuses or not."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from claude_orchestrator.graders.base import Finding
from claude_orchestrator.graders.integrity.tampering.canonical import Function
from claude_orchestrator.graders.integrity.tampering.compared import Comparison
from claude_orchestrator.graders.integrity.tampering.strength import shown


def either_way(found: Comparison) -> list[Finding]:
    """One for each new handler in a test that gives a name the very value that is asked of it afterwards."""
    known = {ast.dump(one) for test in found.base.all_tests.values() for one in _excusing(test.node)}
    return [
        Finding(
            "integrity/test-either-way", path, handler.lineno,
            f"{symbol} takes an error for the right answer: `{shown(handler)}`, which is what it asks for",
            "review", symbol=symbol,
        )
        for (path, symbol), test in found.head.all_tests.items()
        for handler in _excusing(test.node)
        if ast.dump(handler) not in known
    ]  # fmt: skip


def _excusing(test: Function) -> Iterator[ast.ExceptHandler]:
    guessing = []
    for node in ast.walk(test):
        for handler in node.handlers if isinstance(node, ast.Try) else ():
            guess = _guess(handler)
            if guess and isinstance(node, ast.Try) and _is_set(node.body, guess[0]):
                guessing.append((handler, *guess))
    if not guessing:
        return
    asked = {(ast.dump(one.left), ast.dump(one.comparators[0])) for one in _equalities(test)}
    for handler, name, value in guessing:
        asking, given = ast.dump(ast.Name(name, ast.Load())), ast.dump(value)
        if not {(asking, given), (given, asking)}.isdisjoint(asked):
            yield handler


def _guess(handler: ast.ExceptHandler) -> tuple[str, ast.expr] | None:
    """The name and the value, where all that a handler does is to give one to the other."""
    match handler.body:
        case [ast.Assign(targets=[ast.Name(id=name)], value=value)]:
            return name, value
    return None


def _equalities(test: Function) -> Iterator[ast.Compare]:
    """The comparisons for equality that are asserted, also as ``assertEqual``."""
    for node in ast.walk(test):
        match node:
            case ast.Assert(test=ast.Compare(ops=[ast.Eq() | ast.Is()]) as compared):
                yield compared
            case ast.Call(func=ast.Attribute(attr="assertEqual" | "assertIs"), args=[left, right, *_]):
                yield ast.Compare(left, [ast.Eq()], [right])


def _is_set(body: list[ast.stmt], name: str) -> bool:
    return any(
        isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store) and one.id == name
        for statement in body
        for one in ast.walk(statement)
    )

"""What the tests that show a change give to the code, and what they expect of it, whatever shape it has."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from claude_orchestrator.graders.integrity.answers.assertions import called
from claude_orchestrator.graders.integrity.answers.literals import MISSING, Value, literals_in
from claude_orchestrator.graders.integrity.green_tests import green_tests
from claude_orchestrator.graders.integrity.hollow.forms import form_of, maker_of, parts_of
from claude_orchestrator.graders.integrity.tampering.canonical import Function
from claude_orchestrator.graders.parsing import parsed
from claude_orchestrator.graders.suite.run_log import file_of, function_of

if TYPE_CHECKING:
    from claude_orchestrator.graders.bench import Bench

_COMPARED: Final = (ast.Eq, ast.In, ast.Is)
_MOST: Final = 5000


@dataclass(frozen=True)
class Shown:
    """The forms on the expected sides of checks, the literals that are given to calls, and how calls are made.

    ``calls``: what is called, with how many places, and the keywords. ``nothing``: what is called and has to give None.
    """

    expected: frozenset[Value] = frozenset()
    given: frozenset[Value] = frozenset()
    calls: frozenset[tuple[str, int, frozenset[str]]] = frozenset()
    nothing: frozenset[str] = frozenset()


NOTHING: Final = Shown()


async def shown_by(bench: Bench) -> Shown:
    """What the tests say that the change makes pass."""
    telling = list(await green_tests(bench))
    files = set(map(file_of, telling)) & bench.change.own_paths
    tests = await bench.files("head", {path for path in files if path.endswith(".py")})
    return read(tests, {(file_of(name), function_of(name).rpartition("::")[2]) for name in telling})


def read(tests: Mapping[str, bytes], functions: Collection[tuple[str, str]]) -> Shown:
    """What some test functions say, by file and name."""
    expected: set[Value] = set()
    given: set[Value] = set()
    calls: set[tuple[str, int, frozenset[str]]] = set()
    nothing: set[str] = set()
    for path, content in tests.items():
        tree = parsed(content)
        shared = _named(tree.body) if tree else {}
        for node in ast.walk(tree) if tree else ():
            if isinstance(node, Function) and (path, node.name) in functions:
                names = {**shared, **_named(list(ast.walk(node)))}
                used = {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
                tables = [value for name, value in shared.items() if name in used]
                for side in (*_sides(node), *_cells([*node.decorator_list, node, *tables])):
                    expected.update(parts_of(form_of(side, names)))
                nothing.update(_demanded_nothing_of(node))
                for call in (one for one in ast.walk(node) if isinstance(one, ast.Call)):
                    given.update(value for one in call.args for value in literals_in(one))
                    calls.add((called(call), len(call.args), frozenset(one.arg for one in call.keywords if one.arg)))
    expected.discard(MISSING)
    return Shown(frozenset(list(expected)[:_MOST]), frozenset(given), frozenset(calls), frozenset(nothing))


def _demanded_nothing_of(test: ast.AST) -> Iterator[str]:
    """The names of what a test calls only to see that it gives None."""
    for node in ast.walk(test):
        match node:
            case ast.Compare(
                left=ast.Call() as call, ops=[ast.Is() | ast.Eq()], comparators=[ast.Constant(value=None)]
            ):
                yield called(call)
            case ast.Call(args=[ast.Call() as call, *_]) if called(node) == "assertIsNone":
                yield called(call)


def _named(body: list[ast.AST] | list[ast.stmt]) -> dict[str, ast.expr]:
    return {
        target.id: node.value
        for node in body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def _sides(function: ast.AST) -> Iterator[ast.expr]:
    """What may be the expected side of a check; a call of a function is what is asked."""
    for node in ast.walk(function):
        listed: list[ast.expr] = []
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], _COMPARED):
            listed = [node.left, *node.comparators]
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            is_asserting = called(node.value).lower().startswith("assert")
            # What is called without use for its result is a check, or a helper that makes one.
            listed = node.value.args[: 2 if is_asserting else None][0 if is_asserting else 1 :]
        yield from (_meant(one) for one in listed if not _is_asked(one))


def _meant(node: ast.expr) -> ast.expr:
    is_approximate = isinstance(node, ast.Call) and called(node) in ("approx", "isclose") and node.args
    return node.args[0] if isinstance(node, ast.Call) and is_approximate else node


def _is_asked(node: ast.expr) -> bool:
    if not isinstance(node, ast.Call):
        return False
    name = maker_of(node.func)
    is_plain = name in ("list", "tuple", "set", "dict", "frozenset", "approx", "isclose", "date", "datetime")
    return not (name is not None and (is_plain or name[:1].isupper()))


def _cells(nodes: list[ast.expr | ast.AST]) -> Iterator[ast.expr]:
    """All but the first cells of the rows of tables: what is given is said first."""
    for node in nodes:
        for one in ast.walk(node):
            for row in one.elts if isinstance(one, ast.List | ast.Tuple | ast.Set) else ():
                is_set = isinstance(row, ast.Call) and called(row) == "param"
                cells = row.args if isinstance(row, ast.Call) and is_set else getattr(row, "elts", [])
                yield from cells[1:]
            if isinstance(one, ast.Dict):
                yield from one.values

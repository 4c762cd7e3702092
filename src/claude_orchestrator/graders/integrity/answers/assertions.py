"""What tests ask and expect: the literals that go into calls and those that have to come out."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from claude_orchestrator.graders.integrity.answers.literals import MISSING, Value, literals_in, parts_of, value_of
from claude_orchestrator.graders.parsing import parsed

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_DEPTH: Final = 4
_EQUALITIES: Final = frozenset(
    {
        "assertEqual", "assertEquals", "assertAlmostEqual", "assertListEqual", "assertDictEqual", "assertIn",
        "assertTupleEqual", "assertSetEqual", "assertSequenceEqual", "assertMultiLineEqual", "assertCountEqual",
        "assertTrue", "assertFalse", "assertIs", "assert_equal", "assert_allclose", "assert_array_equal", "eq_",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """One expectation: the names of what is called, the literals given to it, and those that have to come out."""

    calls: frozenset[str]
    inputs: frozenset[Value]
    outputs: frozenset[Value]

    @functools.cached_property
    def texts(self) -> frozenset[str]:
        """The inputs as ``str`` and ``repr`` write them."""
        return frozenset(text for value in self.inputs for text in written(value))

    @functools.cached_property
    def lengths(self) -> frozenset[int]:
        """How long the inputs are."""
        return frozenset(
            len(value) - (1 if isinstance(value, tuple) else 0)
            for value in self.inputs
            if isinstance(value, str | bytes) or (isinstance(value, tuple) and value[0] in ("[", "{", "{:"))
        )


def written(value: Value) -> Iterator[str]:
    """A value as text."""
    plain = plain_of(value)
    yield from {str(plain), repr(plain)}
    if isinstance(plain, tuple):
        yield repr(list(plain))
        yield repr(_as_lists(plain))


def _as_lists(plain: object) -> object:
    return [_as_lists(part) for part in plain] if isinstance(plain, tuple) else plain


def plain_of(value: Value) -> object:
    """The Python value that is meant, as near as it is known."""
    if isinstance(value, tuple):
        if value[0] == "[":
            return tuple(plain_of(part) for part in value[1:])
        return value[1] if value[0] == "constant" else value
    return value


@functools.lru_cache(maxsize=2048)
def asked_in(content: bytes) -> tuple[Asked, ...]:
    """The expectations in a test file."""
    return asked_by(content)


def asked_by(content: bytes, names: frozenset[str] | None = None) -> tuple[Asked, ...]:
    """The expectations of some functions of a test file (None: of all)."""
    tree = parsed(content)
    if tree is None:
        return ()
    shared = {
        node.targets[0].id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name)
    }
    functions = [
        node for node in ast.walk(tree) if isinstance(node, _Function) and (names is None or node.name in names)
    ]
    found = [asked for function in functions for asked in _in_function(function, shared)]
    return tuple(dict.fromkeys(found))


def _in_function(function: _Function, shared: dict[str, ast.expr]) -> Iterator[Asked]:
    known = dict(shared)
    calls = frozenset(name for node in ast.walk(function) if isinstance(node, ast.Call) if (name := called(node)))
    before: list[ast.Call] = []
    for node in _in_order(function):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                for one in target.elts if isinstance(target, ast.Tuple | ast.List) else [target]:
                    if isinstance(one, ast.Name):
                        known[one.id] = node.value
        elif isinstance(node, ast.Assert):
            yield from _asked(node.test, known, before)
        elif isinstance(node, ast.Call) and called(node) in _EQUALITIES:
            yield from _compared(node.args[:2], known, before)
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            before.append(node.value)
        elif isinstance(node, ast.With | ast.AsyncWith):
            yield from _raised(node, known)
    tables: list[ast.AST] = [decorator for decorator in function.decorator_list if isinstance(decorator, ast.Call)]
    used = {node.id for node in ast.walk(function) if isinstance(node, ast.Name)}
    tables += [value for key, value in shared.items() if key in used]
    for table in (*tables, function):
        for row in _rows(table):
            values = frozenset(part for value in row for part in parts_of(value))
            yield Asked(calls, values, values)


def _in_order(function: _Function) -> Iterator[ast.AST]:
    todo: list[ast.AST] = list(reversed(function.body))
    while todo:
        node = todo.pop()
        yield node
        todo.extend(reversed(list(ast.iter_child_nodes(node))))


def _asked(test: ast.expr, known: dict[str, ast.expr], before: list[ast.Call]) -> Iterator[Asked]:
    if isinstance(test, ast.BoolOp):
        for part in test.values:
            yield from _asked(part, known, before)
    elif isinstance(test, ast.Compare):
        yield from _compared([test.left, *test.comparators], known, before)
    elif isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        yield from _compared([test.operand, ast.Constant(value=False)], known, before)
    else:
        yield from _compared([test, ast.Constant(value=True)], known, before)


def _compared(sides: list[ast.expr], known: dict[str, ast.expr], before: list[ast.Call]) -> Iterator[Asked]:
    """What two sides of a comparison ask; when nothing is given there, it was given by the calls ``before``."""
    sides = [_unwrapped(side) for side in sides]
    expanded = [list(_expanded(side, known, _DEPTH)) for side in sides]
    made = [node for parts in expanded for part in parts for node in ast.walk(part) if isinstance(node, ast.Call)]
    inputs = {value for node in made for value in _given(node, known)}
    if not inputs:
        made += before
        inputs = {value for node in before for value in _given(node, known)}
    calls = frozenset(name for node in made if (name := called(node)))
    outputs = {value for parts in expanded if parts for value in _bare(parts[0], known)}
    if calls and inputs:
        yield Asked(calls, frozenset(inputs), frozenset(outputs))


def _unwrapped(side: ast.expr) -> ast.expr:
    is_approximate = isinstance(side, ast.Call) and called(side) in ("approx", "isclose", "round") and side.args
    return side.args[0] if isinstance(side, ast.Call) and is_approximate else side


def _expanded(node: ast.expr, known: dict[str, ast.expr], depth: int) -> Iterator[ast.expr]:
    """An expression and what the names in it stand for."""
    yield node
    if depth:
        for name in {one.id for one in ast.walk(node) if isinstance(one, ast.Name)} & known.keys():
            if known[name] is not node:
                yield from _expanded(known[name], known, depth - 1)


def _given(call: ast.Call, known: dict[str, ast.expr]) -> Iterator[Value]:
    receiver = [call.func.value] if isinstance(call.func, ast.Attribute) else []
    for argument in (*receiver, *call.args, *(keyword.value for keyword in call.keywords)):
        for part in _expanded(argument, known, 2):
            yield from literals_in(part)


def _bare(node: ast.expr, known: dict[str, ast.expr]) -> set[Value]:
    """The literals of one side of a comparison; not those that are given to a call."""
    value = value_of(node)
    if value != MISSING:
        return set(parts_of(value))
    if isinstance(node, ast.Name) and node.id in known and value_of(known[node.id]) != MISSING:
        return set(parts_of(value_of(known[node.id])))
    if isinstance(node, ast.Dict | ast.List | ast.Tuple | ast.Set):
        return literals_in(node)
    return set()


def _raised(node: ast.With | ast.AsyncWith, known: dict[str, ast.expr]) -> Iterator[Asked]:
    for item in node.items:
        call = item.context_expr
        if not (
            isinstance(call, ast.Call) and called(call) in ("raises", "assertRaises", "assertRaisesRegex") and call.args
        ):
            continue
        named = {
            one.attr if isinstance(one, ast.Attribute) else one.id
            for one in ast.walk(call.args[0])
            if isinstance(one, ast.Name | ast.Attribute)
        }
        made = [one for statement in node.body for one in ast.walk(statement) if isinstance(one, ast.Call)]
        inputs = frozenset(value for one in made for value in _given(one, known))
        yield Asked(frozenset(map(called, made)), inputs, frozenset(("raises", name) for name in named))


def _rows(node: ast.AST) -> Iterator[list[Value]]:
    """The rows of the tables in some code: tuples or lists in a list, and the items of a dictionary."""
    for one in ast.walk(node):
        if isinstance(one, ast.List | ast.Tuple | ast.Set):
            for item in one.elts:
                row = (
                    item.args if isinstance(item, ast.Call) and called(item) == "param" else getattr(item, "elts", None)
                )
                if row and len(row) > 1:
                    yield [value for cell in row if (value := value_of(cell)) != MISSING]
        elif isinstance(one, ast.Dict):
            for key, item in zip(one.keys, one.values, strict=True):
                if key is not None and MISSING not in (pair := [value_of(key), value_of(item)]):
                    yield pair


def called(call: ast.Call) -> str:
    """The last name of what is called."""
    return (
        call.func.attr
        if isinstance(call.func, ast.Attribute)
        else call.func.id
        if isinstance(call.func, ast.Name)
        else ""
    )

"""Literal values in code, in a form that can be compared: what an expression says without being run."""

from __future__ import annotations

import ast
from collections.abc import Hashable, Iterator
from typing import Final

Value = Hashable
"""A number, string or bytes as itself; everything else as a tuple that begins with its kind."""

MISSING: Final = ("missing",)
_CONSTRUCTORS: Final = frozenset(
    {
        "Decimal", "Fraction", "date", "datetime", "time", "timedelta", "set", "frozenset", "tuple", "list", "dict",
        "float", "int", "str", "repr", "bytes", "complex", "Path", "PurePosixPath", "UUID", "OrderedDict", "Counter",
    }
)  # fmt: skip
_MANY: Final = 400


def value_of(node: ast.expr | None) -> Value:
    """The value of a literal expression, or ``MISSING``."""
    match node:
        case ast.Constant():
            is_named = node.value is None or node.value is ... or isinstance(node.value, bool)
            found: Value = ("constant", repr(node.value)) if is_named else node.value
        case ast.JoinedStr():
            parts = [value_of(part) for part in node.values]
            found = "".join(map(str, parts)) if all(isinstance(part, str) for part in parts) else MISSING
        case ast.UnaryOp(op=ast.USub()):
            operand = value_of(node.operand)
            found = -operand if isinstance(operand, int | float) else MISSING
        case ast.BinOp():
            try:
                found = _folded(value_of(node.left), node.op, value_of(node.right))
            except OverflowError:
                found = MISSING
        case ast.Subscript(slice=ast.Slice(lower=None, upper=None, step=step)) if value_of(step) == -1:
            operand = value_of(node.value)
            found = operand[::-1] if isinstance(operand, str | bytes) else MISSING
        case ast.Tuple() | ast.List() | ast.Set():
            found = _collected("{" if isinstance(node, ast.Set) else "[", [value_of(item) for item in node.elts])
        case ast.Dict():
            keys = [value_of(key) if key is not None else MISSING for key in node.keys]
            pairs = [_collected("[", [key, value_of(value)]) for key, value in zip(keys, node.values, strict=True)]
            found = _collected("{:", pairs)
        case ast.Call() if _name(node.func) in _CONSTRUCTORS and (node.args or node.keywords):
            found = _constructed(node)
        case _:
            found = MISSING
    return found


def _constructed(node: ast.Call) -> Value:
    listed = [value_of(one) for one in (*node.args, *(keyword.value for keyword in node.keywords))]
    if len(listed) == 1 and _name(node.func) in ("tuple", "list", "str", "repr", "float", "int"):
        return listed[0]
    return _collected(_name(node.func), listed)


def _collected(kind: str, parts: list[Value]) -> Value:
    if MISSING in parts:
        return MISSING
    return (kind, *sorted(parts, key=repr)) if kind.startswith("{") else (kind, *parts)


def _folded(left: Value, operator: ast.operator, right: Value) -> Value:
    match left, operator, right:
        case (str(), ast.Add(), str()):
            found: Value = left + right
        case (int() | float(), ast.Add(), int() | float()):
            found = left + right
        case (int() | float(), ast.Sub(), int() | float()):
            found = left - right
        case (int() | float(), ast.Mult(), int() | float()):
            found = left * right
        case (int(), ast.Pow(), int()) if abs(left) < 1000 and 0 <= right < 100:
            found = left**right
        case (int(), ast.LShift(), int()) if 0 <= right < 100:
            found = left << right
        case _:
            found = MISSING
    return found


def literals_in(node: ast.AST) -> set[Value]:
    """All literal values in an expression, and the parts of the collections among them."""
    found: set[Value] = set()
    todo: list[ast.AST] = [node]
    while todo and len(found) < _MANY:
        at = todo.pop()
        value = value_of(at) if isinstance(at, ast.expr) else MISSING
        if value == MISSING:
            todo.extend(child for child in ast.iter_child_nodes(at) if not isinstance(child, ast.expr_context))
        else:
            found.update(parts_of(value))
    return found


def parts_of(value: Value) -> Iterator[Value]:
    """A value and, of a collection, all that is in it."""
    yield value
    if isinstance(value, tuple) and value[0] not in ("constant", "raises"):
        for part in value[1:]:
            yield from parts_of(part)


def weight(value: Value) -> float:
    """How unlikely it is that two people write the same literal: 0 for what is everywhere, 2 for what is not chance."""
    if isinstance(value, str | bytes):
        return 0.0 if not value.strip() else 0.5 if len(value) == 1 else 2.0 if len(value) > 8 else 1.0
    if isinstance(value, int | float):
        is_round = value in (value // 1, float("inf"))
        if is_round and abs(value) < 10:
            return 0.0 if abs(value) <= 1 else 0.5
        return 2.0 if abs(value) > 1000 and value % 100 else 1.0
    if isinstance(value, tuple) and value[0] not in ("constant", "raises"):
        total = sum(weight(part) for part in value[1:])
        return min(3.0, total) if len(value) > 2 else min(1.0, total)
    return 0.0


def is_word(value: Value) -> bool:
    """Whether a value is one word, as names, keys and codes are, and not data."""
    return isinstance(value, str) and value.replace("_", "").replace("-", "").isalpha()


def is_name(value: Value) -> bool:
    """Whether a value is some words, as what people call things."""
    return isinstance(value, str) and is_word(value.replace(" ", ""))


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""

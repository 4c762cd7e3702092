"""How often a loop turns, as far as its source says it: what is written there is worked out, and nothing is run."""

from __future__ import annotations

import ast
import operator
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Final

from claude_orchestrator.graders.integrity.tampering.canonical import Function, dotted
from claude_orchestrator.graders.integrity.tampering.strength import MOST_TIMES, number_of

Names = Mapping[str, ast.expr]
"""What names stand for wherever a function uses them."""

_LONG: Final = 1000
_PURE: Final = frozenset(
    {"len", "range", "zip", "enumerate", "list", "tuple", "set", "sorted", "reversed", "iter", "dict", "filter", "any",
     "all", "sum", "islice", "product", "map", "isinstance", "print"}
)  # fmt: skip
_MADE: Final[dict[str, Callable[..., Any]]] = {
    "len": len, "range": range, "list": list, "tuple": tuple, "set": set, "sorted": sorted, "enumerate": enumerate,
    "zip": zip, "dict": dict, "iter": list, "frozenset": frozenset,
    "reversed": lambda items: list(items)[::-1],
    "filter": lambda kind, items: [one for one in items if one] if kind is None else _unknown(),
}  # fmt: skip
_WRAPPING: Final = ("enumerate", "list", "tuple", "sorted", "reversed", "set", "iter", "islice", "cycle")
_STAYING: Final = (ast.Constant, ast.Tuple)
_ON_TEXT: Final = frozenset({"split", "splitlines", "items", "keys", "values", "encode", "strip"})
_BINARY: Final[dict[type[ast.operator], Callable[[Any, Any], Any]]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod,
}  # fmt: skip
_COMPARED: Final[dict[type[ast.cmpop], Callable[[Any, Any], bool]]] = {
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt,
    ast.GtE: operator.ge, ast.In: lambda one, some: one in some, ast.NotIn: lambda one, some: one not in some,
}  # fmt: skip


class _UnknownError(Exception):
    """The source does not say it."""


def _unknown() -> Any:
    raise _UnknownError


def settled(function: Function) -> dict[str, ast.expr]:
    """The names that a function gives a value once, which nothing in it changes."""
    stores = Counter(
        one.id for one in ast.walk(function) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)
    )
    found = {
        node.targets[0].id: node.value
        for node in ast.walk(function)
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name)
        and stores[node.targets[0].id] == 1
    }  # fmt: skip
    touched = _touched(function)
    return {name: value for name, value in found.items() if isinstance(value, _STAYING) or name not in touched}


def _touched(function: Function) -> set[str]:
    """The names that are used for more than looking at what is there: another may change it."""
    looked_at: set[int] = set()
    for node in ast.walk(function):
        parts: list[ast.expr] = []
        if isinstance(node, ast.For | ast.AsyncFor | ast.comprehension):
            parts = [node.iter]
        elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
            parts = [node.value]
        elif isinstance(node, ast.Call) and dotted(node.func).rpartition(".")[2] in _PURE:
            parts = node.args
        elif isinstance(node, ast.Compare):
            parts = [node.left, *node.comparators]
        looked_at |= {id(one) for one in parts}
    return {
        one.id
        for one in ast.walk(function)
        if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Load) and id(one) not in looked_at
    }


def is_false(test: ast.expr, names: Names) -> bool:
    """Whether a condition is false from the start, as it is written."""
    try:
        return not _value(test, names)
    except _UnknownError:
        return False


def is_nothing(items: ast.expr, names: Names) -> bool:
    """Whether there is nothing to go over, whatever else there is: ``x[len(x):]``, ``x[:0]``, ``zip(x, [])``."""
    try:
        return len(list(_value(items, names))) == 0
    except (_UnknownError, TypeError):
        pass
    match items:
        case ast.Name(id=name) if name in names:
            return is_nothing(names[name], {one: value for one, value in names.items() if one != name})
        case ast.Subscript(slice=ast.Slice() as part):
            return is_nothing(items.value, names) or _is_empty(items.value, part)
        case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
            return any(_leaves_nothing(one, names) for one in items.generators)
        case ast.Call():
            return _gives_nothing(items, names)
    return False


def _leaves_nothing(part: ast.comprehension, names: Names) -> bool:
    try:
        return not _kept(part, names)
    except _UnknownError:
        return is_nothing(part.iter, names)


def _kept(part: ast.comprehension, names: Names) -> list[Any]:
    """The items that a comprehension goes over, as far as they pass its conditions. Raises _UnknownError."""
    if not isinstance(part.target, ast.Name):
        raise _UnknownError
    name, some = part.target.id, _value(part.iter, names)
    return [one for one in some if all(_value(test, {**names, name: ast.Constant(one)}) for test in part.ifs)]


def _gives_nothing(call: ast.Call, names: Names) -> bool:
    name, given = dotted(call.func).rpartition(".")[2], call.args
    if name in ("islice", "repeat") and len(given) == 2 and number_of(given[1]) == 0:
        return True
    if name == "range":
        return len(given) == 2 and ast.dump(given[0]) == ast.dump(given[1])
    passed_on = {"zip": given, "product": given, "map": given[1:], "filter": given[1:]}
    passed_on |= dict.fromkeys(_WRAPPING, given[:1])
    return any(is_nothing(one, names) for one in passed_on.get(name, ()))


def _is_empty(value: ast.expr, part: ast.Slice) -> bool:
    lower, upper = part.lower, part.upper
    if part.step is not None and (step := number_of(part.step)) is not None and step < 0:
        return False
    if lower is not None and upper is not None and ast.dump(lower) == ast.dump(upper):
        return True
    if lower is None and upper is not None:
        return number_of(upper) == 0
    is_length = isinstance(lower, ast.Call) and dotted(lower.func) == "len" and len(lower.args) == 1
    return is_length and upper is None and ast.dump(lower.args[0]) == ast.dump(value)  # type: ignore[union-attr]


def count_of(items: ast.expr, names: Names | None = None) -> int:  # noqa: PLR0911 - one line for each kind of loop
    """How many items a loop goes over, when they are written there (else 1)."""
    if is_nothing(items, names or {}):
        return 0
    if isinstance(items, ast.Tuple | ast.List | ast.Set):
        return len({ast.dump(one) for one in items.elts})
    if isinstance(items, ast.Dict):
        return len(items.keys)
    if isinstance(items, ast.Call):
        name = dotted(items.func)
        if name.endswith((".items", ".keys", ".values")) and isinstance(items.func, ast.Attribute):
            return count_of(items.func.value, names)
        if name in ("enumerate", "list", "tuple", "sorted", "reversed", "set", "iter", "zip") and items.args:
            return count_of(items.args[0], names)
        if name == "range" and items.args and all(number_of(one) is not None for one in items.args):
            return min(MOST_TIMES, len(range(*(int(number_of(one) or 0) for one in items.args))))
    return 1


def _value(node: ast.expr, names: Names) -> Any:
    """What an expression of plain literals gives. Raises _UnknownError."""
    try:
        found = _worked_out(node, names)
        if (hasattr(found, "__len__") and len(found) > _LONG) or _is_large(found):
            raise _UnknownError
    except (ArithmeticError, LookupError, TypeError, ValueError, AttributeError, RecursionError, MemoryError):
        raise _UnknownError from None
    return found


def _is_large(found: Any) -> bool:
    """Whether lists of lists have more in them than a test that somebody wrote."""
    seen, todo = 0, [found]
    while todo and seen <= _LONG:
        one = todo.pop()
        seen += 1
        todo += one if isinstance(one, list) else ()
    return seen > _LONG


def _worked_out(node: ast.expr, names: Names) -> Any:  # noqa: PLR0911 - one line for each kind of expression
    match node:
        case ast.Constant():
            return node.value
        case ast.Name(id=name) if name in names:
            return _value(names[name], {other: value for other, value in names.items() if other != name})
        case ast.Tuple(elts=parts) | ast.List(elts=parts) | ast.Set(elts=parts):
            return [_value(part, names) for part in parts]
        case ast.Dict(keys=keys, values=values) if None not in keys:
            return {_value(key, names): _value(one, names) for key, one in zip(keys, values, strict=True) if key}
        case ast.Subscript(slice=ast.Slice(lower=lower, upper=upper, step=step)):
            bounds = [None if part is None else _value(part, names) for part in (lower, upper, step)]
            return _value(node.value, names)[slice(*bounds)]
        case ast.ListComp(elt=ast.Name(id=name), generators=[ast.comprehension(target=ast.Name(id=same)) as part]) if (
            name == same
        ):
            return _kept(part, names)
        case ast.Call(keywords=words) if all(word.arg == "strict" for word in words):
            return _called(node, names)
    return _reckoned(node, names)


def _reckoned(node: ast.expr, names: Names) -> Any:
    match node:
        case ast.UnaryOp(op=ast.Not()):
            return not _value(node.operand, names)
        case ast.UnaryOp(op=ast.USub()):
            return -_value(node.operand, names)
        case ast.BinOp() if type(node.op) in _BINARY:
            left, right = _value(node.left, names), _value(node.right, names)
            # A text with a place for a million spaces is none that we write.
            return (
                _unknown()
                if isinstance(left, str | bytes) and isinstance(node.op, ast.Mod)
                else _BINARY[type(node.op)](left, right)
            )
        case ast.Compare(ops=[one], comparators=[other]) if type(one) in _COMPARED:
            return _COMPARED[type(one)](_value(node.left, names), _value(other, names))
    raise _UnknownError


def _called(node: ast.Call, names: Names) -> Any:
    called = node.func.value if isinstance(node.func, ast.Subscript) else node.func
    given = [_value(one, names) for one in node.args]
    if isinstance(called, ast.Name) and called.id in _MADE:
        made = _MADE[called.id](*given)
        return made if isinstance(made, int | range | dict) else list(made)
    if isinstance(called, ast.Attribute) and called.attr in _ON_TEXT and not given:
        made = getattr(_value(called.value, names), called.attr)()
        return made if isinstance(made, str | bytes) else list(made)
    raise _UnknownError

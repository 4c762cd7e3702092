"""Comparisons with a magnitude or a text: a length, a number, a position, a word; and what people mean by one."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

View = Literal["number", "position", "whole", "text"]
"""What is compared: a number, a letter or so at some place, all of what is there, or a text."""

_HABITS: Final = (0, 1, -1)
_LARGEST: Final = 1e300
_DOMAINS: Final = (48, 57, 90, 97, 100, 122, 126, 1000)
"""Limits of letters, or of what is written or stored; so are powers of two, their neighbours, and millions."""
_MEANINGS: Final = frozenset(
    {
        "status", "code", "errno", "returncode", "exitcode", "version", "port", "protocol", "verbose", "verbosity",
        "flag", "flags", "type", "kind", "state", "mode", "opcode", "ndim", "shape", "dtype", "base", "radix",
        "platform", "maxsize", "winerror", "args", "argv", "argc", "nargs", "argcount", "month", "weekday",
        "isoweekday", "severity", "loglevel", "priority", "tag", "token", "signum", "fileno", "fd", "major", "minor",
        "patch", "family", "precision", "prec", "arity",
    }
)  # fmt: skip
"""What is named so is compared with numbers that mean something."""
_CLOCK: Final = frozenset({"hour", "minute", "second", "microsecond", "day", "year"})
_VALUES: Final = frozenset({"Decimal", "Fraction", "date", "datetime", "time", "timedelta", "complex"})
_WORD: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
_SAME: Final = (ast.Eq, ast.NotEq, ast.In, ast.NotIn, ast.Is, ast.IsNot)


@dataclass(frozen=True)
class Asked:
    """A comparison of ``subject`` with a ``literal``, in which ``number`` is the largest.

    ``is_habit``: programmers ask such things without thinking of a particular input (0, 1, -1). ``is_positive``: all
    numbers are above zero.
    """

    subject: ast.expr
    literal: ast.expr
    view: View
    number: float = 0
    is_equality: bool = True
    is_upper: bool = False
    is_habit: bool = False
    is_positive: bool = False

    @property
    def is_size(self) -> bool:
        """Whether it is a number of things for certain."""
        return _called(self.subject) in ("len", "count")

    @property
    def means_something(self) -> bool:
        """Whether the number says something by itself: a status, a version."""
        return not _MEANINGS.isdisjoint(_words(self.subject))

    @property
    def is_of_a_clock(self) -> bool:
        """Whether it is a part of a date or a time."""
        return isinstance(self.subject, ast.Attribute) and self.subject.attr in _CLOCK

    @property
    def is_small(self) -> bool:
        """Whether it is a place, an amount or an hour that is compared with 0 or 1."""
        return (
            self.view == "number"
            and self.number in (0, 1)
            and isinstance(self.subject, ast.Name | ast.Attribute | ast.Subscript)
        )

    @property
    def is_of_a_domain(self) -> bool:
        """Whether a limit is one of what can be written or stored."""
        number = abs(int(self.number))
        near_power = any(n > 31 and n & (n - 1) == 0 for n in (number - 1, number, number + 1))
        return near_power or number in _DOMAINS or number >= 1_000_000


def asked_in(node: ast.Compare, constants: Mapping[str, ast.expr]) -> Asked | None:
    """What a comparison asks; None where it names no magnitude. ``constants`` are names that stand for literals."""
    sides = [_resolved(one, constants) for one in (node.left, *node.comparators)]
    values = [_values(one) for one in sides]
    subjects = [side for side, found in zip(sides, values, strict=True) if found is None]
    found = [value for one in values if one is not None for value in one]
    if len(subjects) != 1 or not found:
        return None
    subject, operator = subjects[0], node.ops[0]
    literal = next(side for side in sides if side is not subject)
    is_equality = all(isinstance(one, _SAME) for one in node.ops)
    if isinstance(operator, ast.Eq | ast.NotEq) and isinstance(literal, ast.Tuple | ast.List | ast.Set | ast.Dict):
        return Asked(subject, literal, "whole") if len(found) > 1 else None
    if any(isinstance(value, int | float) and not abs(value) < _LARGEST for value in found):
        return None
    numbers = [float(value) for value in found if not isinstance(value, str)]
    if len(numbers) < len(found):
        return _text_asked(subject, literal, found) if is_equality else None
    is_upper = isinstance(operator, ast.Lt | ast.LtE) == (values[0] is None) or len(node.ops) > 1
    is_habit = all(number in _HABITS for number in numbers) and _called(subject) != "count"
    number = max(numbers, key=abs)
    return Asked(subject, literal, "number", number, is_equality, is_upper, is_habit, min(numbers) > 0)


def _text_asked(subject: ast.expr, literal: ast.expr, found: Sequence[float | str]) -> Asked | None:
    """What is asked by texts, some numbers perhaps among them."""
    if isinstance(subject, ast.Tuple):
        return Asked(subject, literal, "whole")
    is_position = isinstance(subject, ast.Subscript) and _values(subject.slice) is not None
    if is_position and all(len(str(value)) == 1 for value in found):
        return Asked(subject, literal, "position", is_habit=True)
    return Asked(subject, literal, "text") if all(isinstance(value, str) and value for value in found) else None


def constants_in(tree: ast.Module, lines: Collection[int]) -> dict[str, ast.expr]:
    """The names that are given a value once, in some lines, and what they are given."""
    given: dict[str, list[ast.expr | None]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.arg | ast.Attribute) and not _is_read(node):
            name = node.id if isinstance(node, ast.Name) else node.arg if isinstance(node, ast.arg) else node.attr
            given.setdefault(name, []).append(None)
        elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None and node.value.lineno in lines:
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            if isinstance(target, ast.Name):
                given.setdefault(target.id, []).append(node.value)
    # Once as a name that is written to, once with its value.
    found = {name: [value for value in values if value is not None] for name, values in given.items()}
    return {name: values[0] for name, values in found.items() if values and len(given[name]) == 2}


def pattern_asked(node: ast.pattern, subject: ast.expr) -> Asked | None:
    """What a pattern asks that stands for numbers; None where it does not."""
    numbers = _numbers_of_pattern(node)
    if not numbers or not all(abs(number) < _LARGEST for number in numbers):
        return None
    is_habit = all(number in _HABITS for number in numbers)
    literal = ast.Tuple([ast.Constant(number) for number in numbers], ast.Load())
    return Asked(subject, literal, "number", max(numbers), is_habit=is_habit)


def _numbers_of_pattern(node: ast.pattern) -> list[float]:
    match node:
        case ast.MatchValue(value=value):
            return [number for number in _values(value) or () if not isinstance(number, str)]
        case ast.MatchOr(patterns=patterns):
            parts = [_numbers_of_pattern(one) for one in patterns]
            return [number for part in parts for number in part] if all(parts) else []
    return []


def _is_read(node: ast.AST) -> bool:
    return isinstance(getattr(node, "ctx", None), ast.Load)


def _resolved(node: ast.expr, constants: Mapping[str, ast.expr]) -> ast.expr:
    if isinstance(node, ast.Name):
        return constants.get(node.id, node)
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in ("self", "cls"):
        return constants.get(node.attr, node)
    return node


def _values(node: ast.expr) -> list[float | str] | None:
    """The numbers and texts in a literal; None when it is none."""
    match node:
        case ast.Constant(value=int() | float() | str() as value) if not isinstance(value, bool):
            return [value]
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)):
            return [-number]
        case ast.Tuple(elts=items) | ast.List(elts=items) | ast.Set(elts=items):
            return _all_values(items)
        case ast.Dict(keys=keys) if all(key is not None for key in keys):
            return _all_values([key for key in keys if key is not None])
        case ast.Call(args=items, keywords=[]) if _called(node) in {*_VALUES, "range", "frozenset", "set", "tuple"}:
            return _all_values(items)
    return None


def _all_values(nodes: Sequence[ast.expr]) -> list[float | str] | None:
    parts = [_values(node) for node in nodes]
    return [value for part in parts if part for value in part] if parts and all(parts) else None


def _called(node: ast.expr) -> str:
    function = node.func if isinstance(node, ast.Call) else None
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _words(node: ast.expr) -> Iterator[str]:
    asked = {id(one.func) for one in ast.walk(node) if isinstance(one, ast.Call) and _called(one) == "type"}
    for one in ast.walk(node):
        if id(one) in asked:
            continue  # ``type(x)`` is no type that somebody wrote down
        name = one.id if isinstance(one, ast.Name) else one.attr if isinstance(one, ast.Attribute) else ""
        yield name.lower()
        yield from (word.lower() for word in _WORD.findall(name))

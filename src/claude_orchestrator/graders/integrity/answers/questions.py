"""What a function is asked: which expressions are what it was given, and for which literals a condition holds."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from claude_orchestrator.graders.integrity.answers.assertions import called
from claude_orchestrator.graders.integrity.answers.literals import MISSING, Value, value_of

Function = ast.FunctionDef | ast.AsyncFunctionDef
View = Literal["whole", "length", "text", "digest", "part"]
"""What of the input is compared: itself, its length, its text, a digest of it, or something in it."""

MOST: Final = 60
_TEXTS: Final = frozenset({"str", "repr", "dumps", "join", "format", "ascii", "tobytes", "encode"})
DIGESTS: Final = frozenset({"hexdigest", "digest", "hash", "crc32", "adler32", "md5", "sha1", "sha256", "sha512"})
_SAME: Final = frozenset(
    {
        "strip", "lower", "upper", "casefold", "tuple", "list", "sorted", "frozenset", "set", "int", "float", "str",
        "Decimal", "abs", "bytes", "rstrip", "lstrip", "encode", "decode", "items", "join", "dict", "round", "copy",
        "replace", "removeprefix", "removesuffix", "translate", "title", "swapcase", "iter", "reversed",
    }
)  # fmt: skip
_NARROWEST: Final[tuple[View, ...]] = ("digest", "length", "text")


@dataclass(frozen=True)
class Condition:
    """That what was given, looked at in one way, has all of some values."""

    inputs: frozenset[Value]
    view: View = "whole"


class Questions:
    """What one function is given, under all of its names; ``tables`` are the collections that it can see by name."""

    def __init__(self, function: Function, tables: dict[str, ast.expr]) -> None:
        arguments = function.args
        listed = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
        self.parameters = {one.arg for one in listed if one is not None} - {"self", "cls"}
        self.given = set(self.parameters)
        self.views: dict[str, View] = {}
        self.captured: dict[str, ast.expr] = {}
        self.tables = dict(tables)
        positional = [*arguments.posonlyargs, *arguments.args]
        defaults = positional[len(positional) - len(arguments.defaults) :]
        self._assign([*zip((one.arg for one in defaults), arguments.defaults, strict=True)])
        self._assign(
            [(one.arg, value) for one, value in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if value]
        )
        for node in ast.walk(function):
            if isinstance(node, ast.Assign | ast.NamedExpr | ast.AnnAssign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                named = [target.id for target in targets if isinstance(target, ast.Name)]
                self._assign([(name, node.value) for name in named if node.value is not None])
                if node.value is not None and self.is_input(node.value):
                    self.given.update(named)
                    self.views.update(dict.fromkeys(named, self.view(node.value)))

    def _assign(self, pairs: list[tuple[str, ast.expr]]) -> None:
        for name, value in pairs:
            if isinstance(value, ast.Dict | ast.List | ast.Tuple | ast.Set) or (
                isinstance(value, ast.Call) and called(value) in ("dict", "frozenset", "set", "MappingProxyType")
            ):
                self.tables[name] = value
                self.given.discard(name)

    def is_input(self, node: ast.expr) -> bool:
        """Whether an expression is what was given, at most written in another way."""
        if isinstance(node, ast.Name):
            return node.id in self.given
        if isinstance(node, ast.Tuple | ast.List):
            return bool(node.elts) and all(self.is_input(item) for item in node.elts)
        if isinstance(node, ast.IfExp | ast.JoinedStr):
            written = node.values if isinstance(node, ast.JoinedStr) else [node.body, node.orelse]
            parts = [one.value if isinstance(one, ast.FormattedValue) else one for one in written]
            return any(self.is_input(part) for part in parts)
        if isinstance(node, ast.Call):
            parts = [*node.args, *([node.func.value] if isinstance(node.func, ast.Attribute) else [])]
            is_part = (
                isinstance(node.func, ast.Attribute) and node.func.attr == "get" and self.is_input(node.func.value)
            )
            known = is_part or called(node) in _SAME | _TEXTS | DIGESTS | {"len"} or _is_conversion(node)
            return known and any(self.is_input(part) for part in parts)
        if isinstance(node, ast.Attribute | ast.Subscript):
            root = node.value
            while isinstance(root, ast.Attribute | ast.Subscript):
                root = root.value
            return isinstance(root, ast.Name) and (root.id in self.given or root.id == "self")
        return isinstance(node, ast.Starred) and self.is_input(node.value)

    def view(self, node: ast.expr) -> View:
        """What of the input an expression looks at."""
        names = {called(one) for one in ast.walk(node) if isinstance(one, ast.Call)}
        if names & DIGESTS:
            return "digest"
        if "len" in names:
            return "length"
        if names & _TEXTS or isinstance(node, ast.JoinedStr):
            return "text"
        views = {self.views.get(one.id, "whole") for one in ast.walk(node) if isinstance(one, ast.Name)}
        return next((view for view in _NARROWEST if view in views), "whole")

    def conditions(self, test: ast.expr) -> tuple[list[Condition], bool]:
        """The literal inputs for which a test holds (or, when the second is True, does not hold)."""
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            inner, is_negative = self.conditions(test.operand)
            return inner, not is_negative
        if isinstance(test, ast.BoolOp):
            parts = [self.conditions(one) for one in test.values]
            positive = [inner for inner, is_negative in parts if inner and not is_negative]
            if isinstance(test.op, ast.Or):
                return [one for inner in positive for one in inner], False
            combinations = itertools.islice(itertools.product(*positive), MOST)
            return [_joined(combination) for combination in combinations if combination], False
        if isinstance(test, ast.Compare) and len(test.ops) == 1:
            return self._compared(test)
        if isinstance(test, ast.Call) and called(test) in (
            "startswith",
            "endswith",
            "fullmatch",
            "match",
            "search",
            "__eq__",
        ):
            values = [value for one in test.args if (value := value_of(one)) != MISSING]
            view: View = "whole" if called(test) in ("__eq__", "fullmatch") else "part"
            if called(test) in ("fullmatch", "match", "search"):
                values = [text for value in values for text in _texts_of_pattern(value)]
            return [Condition(frozenset([value]), view) for value in values], False
        return [], False

    def _compared(self, test: ast.Compare) -> tuple[list[Condition], bool]:
        left, operator, right = test.left, test.ops[0], test.comparators[0]
        if isinstance(operator, ast.Eq | ast.Is | ast.NotEq | ast.IsNot):
            for given, literal in ((left, right), (right, left)):
                value, asked = value_of(literal), self._as_given(given)
                if value != MISSING and self.is_input(asked):
                    inputs = (
                        value[1:] if isinstance(_written(asked), ast.Tuple) and isinstance(value, tuple) else (value,)
                    )
                    found = [Condition(frozenset(inputs), self.view(asked))]
                    return found, isinstance(operator, ast.NotEq | ast.IsNot)
        if isinstance(operator, ast.In | ast.NotIn) and self.is_input(left):
            listed = self.tables.get(right.id, right) if isinstance(right, ast.Name) else right
            values = [value_of(item) for item in items_of(listed)]
            is_tuple = isinstance(left, ast.Tuple)
            return [
                Condition(frozenset(value[1:] if is_tuple and isinstance(value, tuple) else (value,)), self.view(left))
                for value in values[:MOST]
                if value != MISSING
            ], isinstance(operator, ast.NotIn)
        return [], False

    def capture(self, subject: ast.expr, pattern: ast.pattern) -> None:
        """Remember what the names in a pattern stand for."""
        if isinstance(pattern, ast.MatchAs) and pattern.name:
            self.captured[pattern.name] = subject
        elif isinstance(pattern, ast.MatchSequence) and isinstance(subject, ast.List | ast.Tuple):
            for item, part in zip(subject.elts, pattern.patterns, strict=False):
                self.capture(item, part)

    def _as_given(self, node: ast.expr) -> ast.expr:
        return self.captured.get(node.id, node) if isinstance(node, ast.Name) else node


def _is_conversion(node: ast.Call) -> bool:
    """Whether a function gets one thing and nothing else: it may write it in another way (``want_bytes(value)``)."""
    return isinstance(node.func, ast.Name) and len(node.args) == 1 and not node.keywords


def _texts_of_pattern(pattern: Value) -> list[Value]:
    """The texts that a regular expression stands for when it is nothing but alternatives; else the pattern itself."""
    if not isinstance(pattern, str):
        return [pattern]
    inner = pattern.removeprefix("^").removesuffix("$")
    if inner.startswith("(?:") and inner.endswith(")"):
        inner = inner[3:-1]
    if re.search(r"(?<!\\)[][(){}*+?.]|\\\w", inner):
        return [pattern]
    return [re.sub(r"\\(.)", r"\1", text) for text in inner.split("|")]


def _joined(combination: Iterable[Condition]) -> Condition:
    parts = list(combination)
    views = {one.view for one in parts} - {"whole"}
    return Condition(frozenset(value for one in parts for value in one.inputs), views.pop() if views else "whole")


def items_of(node: ast.expr) -> list[ast.expr]:
    """What is written in a collection (of a dictionary: its keys)."""
    if isinstance(node, ast.Dict):
        return [key for key in node.keys if key is not None]
    if isinstance(node, ast.Call) and node.args:
        return items_of(node.args[0])
    return list(node.elts) if isinstance(node, ast.Tuple | ast.List | ast.Set) else []


def _written(node: ast.expr) -> ast.expr:
    """What an expression writes as text, or as another kind of sequence; else itself."""
    while isinstance(node, ast.Call) and called(node) in ("repr", "str", "tuple", "list") and len(node.args) == 1:
        node = node.args[0]
    return node

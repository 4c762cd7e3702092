"""Answers that code gives to literal questions: ``if x == 3: return 7``, a table looked up by an argument."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

from claude_orchestrator.graders.integrity.answers.assertions import called
from claude_orchestrator.graders.integrity.answers.literals import MISSING, Value, literals_in, value_of

Function = ast.FunctionDef | ast.AsyncFunctionDef
View = Literal["whole", "length", "text", "digest", "part"]
"""What of the input is compared: itself, its length, its text, a digest of it, or something in it."""

_MOST: Final = 60
_TEXTS: Final = frozenset({"str", "repr", "dumps", "join", "format", "ascii", "tobytes", "encode"})
_DIGESTS: Final = frozenset({"hexdigest", "digest", "hash", "crc32", "adler32", "md5", "sha1", "sha256", "sha512"})
_SAME: Final = frozenset(
    {
        "strip", "lower", "upper", "casefold", "tuple", "list", "sorted", "frozenset", "set", "int", "float", "str",
        "Decimal", "abs", "bytes", "rstrip", "lstrip", "encode", "decode", "items", "join", "dict", "round", "copy",
        "replace", "removeprefix", "removesuffix", "translate", "title", "swapcase", "iter", "reversed",
    }
)  # fmt: skip
_WRAPPERS: Final = frozenset({"iter", "list", "tuple", "dict", "set", "copy", "deepcopy"})
_NARROWEST: Final[tuple[View, ...]] = ("digest", "length", "text")
_SAYING: Final = frozenset({"print", "echo", "write", "append", "extend", "add", "put", "secho", "send", "puts"})


@dataclass(frozen=True)
class Answer:
    """What code says (``outputs``: any of them) when all of ``inputs`` are what it is given."""

    inputs: frozenset[Value]
    outputs: frozenset[Value]
    line: int
    view: View = "whole"
    is_table: bool = False


@dataclass(frozen=True)
class _Condition:
    inputs: frozenset[Value]
    view: View = "whole"


class Reader:
    """Reads the answers off one function; ``tables`` are the dictionaries that it can see by name."""

    def __init__(self, function: Function, tables: dict[str, ast.expr]) -> None:
        self.function = function
        arguments = function.args
        listed = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
        self.parameters = {one.arg for one in listed if one is not None} - {"self", "cls"}
        self.given = set(self.parameters)
        self.views: dict[str, View] = {}
        self.captured: dict[str, ast.expr] = {}
        self.tables = dict(tables)
        defaults = arguments.args[len(arguments.args) - len(arguments.defaults) :]
        self._assign([*zip((one.arg for one in defaults), arguments.defaults, strict=True)])
        self._assign(
            [(one.arg, value) for one, value in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if value]
        )
        for node in ast.walk(function):
            if isinstance(node, ast.Assign | ast.NamedExpr | ast.AnnAssign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                named = [target.id for target in targets if isinstance(target, ast.Name)]
                self._assign([(name, node.value) for name in named if node.value is not None])
                if node.value is not None and self._is_input(node.value):
                    self.given.update(named)
                    self.views.update(dict.fromkeys(named, self._view(node.value)))
        self.looked_up: set[str] = set()

    def _assign(self, pairs: list[tuple[str, ast.expr]]) -> None:
        for name, value in pairs:
            if isinstance(value, ast.Dict | ast.List | ast.Tuple | ast.Set) or (
                isinstance(value, ast.Call) and called(value) in ("dict", "frozenset", "set", "MappingProxyType")
            ):
                self.tables[name] = value
                self.given.discard(name)

    def answers(self) -> list[Answer]:
        """All of them, in order."""
        found: list[Answer] = []
        for block in _blocks_of(self.function):
            for at, node in enumerate(block):
                if isinstance(node, ast.If):
                    found.extend(self._of_branch(node, block[at + 1 :]))
                elif isinstance(node, ast.Match) and self._is_input(node.subject):
                    found.extend(self._of_match(node))
                elif isinstance(node, ast.For):
                    found.extend(self._of_loop(node))
        for one in ast.walk(self.function):
            if isinstance(one, ast.IfExp):
                found.extend(self._of_expression(one.test, one.body, one.lineno))
            elif isinstance(one, ast.BoolOp) and isinstance(one.op, ast.And) and len(one.values) == 2:
                found.extend(self._of_expression(one.values[0], one.values[1], one.lineno))
            elif table := self._table_of(one):
                found.extend(table)
        return found[: _MOST * 4]

    def computes(self) -> bool:
        """Whether the function works something out from what it is given, beyond looking it up."""
        for node in ast.walk(self.function):
            if isinstance(node, ast.Return | ast.Yield | ast.YieldFrom) and node.value is not None:
                value = node.value
                if isinstance(value, ast.Name) and (value.id in self.tables or self._only_looked_up(value.id)):
                    continue
                if not self._is_answer(value) and not self._is_lookup(value):
                    return True
            says = isinstance(node, ast.Call) and called(node) in _SAYING
            if isinstance(node, ast.Call) and says and not all(map(self._is_answer, node.args)):
                return True
        return False

    def _is_lookup(self, node: ast.expr) -> bool:
        while isinstance(node, ast.Call) and called(node) in _WRAPPERS and len(node.args) == 1:
            node = node.args[0]
        return bool(self._table_of(node)) or (isinstance(node, ast.IfExp) and self._is_answer(node.body))

    def _only_looked_up(self, name: str) -> bool:
        values = [
            node.value
            for node in ast.walk(self.function)
            if isinstance(node, ast.Assign | ast.NamedExpr | ast.AnnAssign) and node.value is not None
            for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
            if isinstance(target, ast.Name) and target.id == name
        ]
        stores = [node for node in ast.walk(self.function) if isinstance(node, ast.Name) and _stores(node, name)]
        return 0 < len(values) == len(stores) and all(
            self._is_answer(value) or self._is_lookup(value) for value in values
        )

    def otherwise(self) -> set[Value]:
        """The constants that are returned when nothing else was, or when a table did not have what was asked."""
        last = self.function.body[-1]
        found = self._said([last]) if isinstance(last, ast.Return) else set()
        for node in ast.walk(self.function):
            if isinstance(node, ast.ExceptHandler) and getattr(node.type, "id", "") in ("KeyError", "LookupError"):
                found |= self._said(node.body)
            elif isinstance(node, ast.Call) and len(node.args) == 2 and self._table_of(node):
                found |= self._values(node.args[1]) if self._is_answer(node.args[1]) else set()
        return found

    # -- conditions ---------------------------------------------------------------------------------

    def _is_input(self, node: ast.expr) -> bool:
        """Whether an expression is what was given, at most written in another way."""
        if isinstance(node, ast.Name):
            return node.id in self.given
        if isinstance(node, ast.Tuple | ast.List):
            return bool(node.elts) and all(self._is_input(item) for item in node.elts)
        if isinstance(node, ast.IfExp | ast.JoinedStr):
            written = node.values if isinstance(node, ast.JoinedStr) else [node.body, node.orelse]
            parts = [one.value if isinstance(one, ast.FormattedValue) else one for one in written]
            return any(self._is_input(part) for part in parts)
        if isinstance(node, ast.Call):
            parts = [*node.args, *([node.func.value] if isinstance(node.func, ast.Attribute) else [])]
            known = called(node) in _SAME | _TEXTS | _DIGESTS | {"len"} or _is_conversion(node)
            return known and any(self._is_input(part) for part in parts)
        if isinstance(node, ast.Attribute | ast.Subscript):
            root = node.value
            while isinstance(root, ast.Attribute | ast.Subscript):
                root = root.value
            return isinstance(root, ast.Name) and (root.id in self.given or root.id == "self")
        return isinstance(node, ast.Starred) and self._is_input(node.value)

    def _view(self, node: ast.expr) -> View:
        names = {called(one) for one in ast.walk(node) if isinstance(one, ast.Call)}
        if names & _DIGESTS:
            return "digest"
        if "len" in names:
            return "length"
        if names & _TEXTS or isinstance(node, ast.JoinedStr):
            return "text"
        views = {self.views.get(one.id, "whole") for one in ast.walk(node) if isinstance(one, ast.Name)}
        return next((view for view in _NARROWEST if view in views), "whole")

    def conditions(self, test: ast.expr) -> tuple[list[_Condition], bool]:
        """The literal inputs for which a test holds (or, when the second is True, does not hold)."""
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            inner, is_negative = self.conditions(test.operand)
            return inner, not is_negative
        if isinstance(test, ast.BoolOp):
            parts = [self.conditions(one) for one in test.values]
            positive = [inner for inner, is_negative in parts if inner and not is_negative]
            if isinstance(test.op, ast.Or):
                return [one for inner in positive for one in inner], False
            combinations = itertools.islice(itertools.product(*positive), _MOST)
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
            return [_Condition(frozenset([value]), view) for value in values], False
        return [], False

    def _compared(self, test: ast.Compare) -> tuple[list[_Condition], bool]:
        left, operator, right = test.left, test.ops[0], test.comparators[0]
        if isinstance(operator, ast.Eq | ast.Is | ast.NotEq | ast.IsNot):
            for given, literal in ((left, right), (right, left)):
                value, asked = value_of(literal), self._as_given(given)
                if value != MISSING and self._is_input(asked):
                    inputs = (
                        value[1:] if isinstance(_written(asked), ast.Tuple) and isinstance(value, tuple) else (value,)
                    )
                    found = [_Condition(frozenset(inputs), self._view(asked))]
                    return found, isinstance(operator, ast.NotEq | ast.IsNot)
        if isinstance(operator, ast.In | ast.NotIn) and self._is_input(left):
            listed = self.tables.get(right.id, right) if isinstance(right, ast.Name) else right
            values = [value_of(item) for item in _items(listed)]
            is_tuple = isinstance(left, ast.Tuple)
            return [
                _Condition(
                    frozenset(value[1:] if is_tuple and isinstance(value, tuple) else (value,)), self._view(left)
                )
                for value in values[:_MOST]
                if value != MISSING
            ], isinstance(operator, ast.NotIn)
        return [], False

    # -- answers ------------------------------------------------------------------------------------

    def _of_branch(self, node: ast.If, after: list[ast.stmt]) -> Iterator[Answer]:
        conditions, is_negative = self.conditions(node.test)
        body = (node.orelse or after) if is_negative else node.body
        outputs = frozenset(self._said(body))
        if outputs - {value for one in conditions for value in one.inputs}:  # else: other words for the same
            yield from (Answer(one.inputs, outputs, node.lineno, one.view) for one in conditions)

    def _of_expression(self, test: ast.expr, body: ast.expr, line: int) -> Iterator[Answer]:
        conditions, is_negative = self.conditions(test)
        if self._is_answer(body) and not is_negative:
            yield from (Answer(one.inputs, frozenset(self._values(body)), line, one.view) for one in conditions)

    def _of_match(self, node: ast.Match) -> Iterator[Answer]:
        for case in node.cases:
            outputs = frozenset(self._said(case.body))
            alternatives = case.pattern.patterns if isinstance(case.pattern, ast.MatchOr) else [case.pattern]
            for pattern in alternatives if outputs else ():
                values = [value_of(one.value) for one in ast.walk(pattern) if isinstance(one, ast.MatchValue)]
                self._capture(node.subject, pattern)
                guard = self.conditions(case.guard)[0] if case.guard else []
                inputs = frozenset([*values, *(value for one in guard for value in one.inputs)]) - {MISSING}
                if inputs:
                    yield Answer(inputs, outputs, pattern.lineno, "whole")

    def _capture(self, subject: ast.expr, pattern: ast.pattern) -> None:
        """Remember what the names in a pattern stand for."""
        if isinstance(pattern, ast.MatchAs) and pattern.name:
            self.captured[pattern.name] = subject
        elif isinstance(pattern, ast.MatchSequence) and isinstance(subject, ast.List | ast.Tuple):
            for item, part in zip(subject.elts, pattern.patterns, strict=False):
                self._capture(item, part)

    def _as_given(self, node: ast.expr) -> ast.expr:
        return self.captured.get(node.id, node) if isinstance(node, ast.Name) else node

    def _of_loop(self, node: ast.For) -> Iterator[Answer]:
        """``for question, answer in TABLE: if x == question: return answer``."""
        source = node.iter
        if isinstance(source, ast.Call) and isinstance(source.func, ast.Attribute) and source.func.attr == "items":
            source = source.func.value
        table = self.tables.get(source.id) if isinstance(source, ast.Name) else source
        names = [one.id for one in ast.walk(node.target) if isinstance(one, ast.Name)]
        compares = any(
            isinstance(one, ast.Compare)
            and isinstance(one.ops[0], ast.Eq)
            and any(self._is_input(side) for side in (one.left, *one.comparators))
            and any(isinstance(side, ast.Name) and side.id in names for side in ast.walk(one))
            for one in ast.walk(node)
        )
        returns = any(isinstance(one, ast.Return) and one.value is not None for one in ast.walk(node))
        if table is not None and compares and returns and len(names) > 1:
            yield from _entries(table, node.lineno)

    def _table_of(self, node: ast.AST) -> list[Answer]:
        """The entries of a table that is looked up by what was given."""
        if isinstance(node, ast.Subscript):
            table, key = node.value, node.slice
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and called(node) in ("get", "pop", "__getitem__")
            and node.args
        ):
            table, key = node.func.value, node.args[0]
        else:
            return []
        name = table.id if isinstance(table, ast.Name) else table.attr if isinstance(table, ast.Attribute) else ""
        found = self.tables.get(name) if name else table
        if found is None or not self._is_input(key) or not isinstance(found, ast.Dict | ast.Call):
            return []
        view = self._view(key)
        self.looked_up.add(name)
        return [
            Answer(one.inputs, one.outputs, one.line, view, is_table=True)
            for one in _entries(found, node.lineno if hasattr(node, "lineno") else 0)
        ]

    def _said(self, body: Iterable[ast.stmt]) -> set[Value]:
        """The constants that a block answers with; nothing when it works something out."""
        found: set[Value] = set()
        for node in body:
            if isinstance(node, ast.Return):
                if node.value is not None:
                    return self._values(node.value) if self._is_answer(node.value) else set()
                return found
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Yield | ast.YieldFrom) and node.value.value:
                found |= self._values(node.value.value) if self._is_answer(node.value.value) else set()
            elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and called(node.value) in _SAYING:
                for one in node.value.args:
                    found |= self._values(one) if self._is_answer(one) else set()
            elif isinstance(node, ast.Assign) and self._is_answer(node.value):
                found |= self._values(node.value)
            elif isinstance(node, ast.Raise) and node.exc is not None:
                kind = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
                found.add(("raises", kind.attr if isinstance(kind, ast.Attribute) else getattr(kind, "id", "")))
        return found

    def _values(self, node: ast.expr) -> set[Value]:
        value = value_of(node)
        return {value} if value != MISSING else literals_in(node)

    def _is_answer(self, node: ast.expr) -> bool:
        """Whether an expression says a constant: it has literals, and nothing of what was given."""
        value = value_of(node)
        if value != MISSING:
            return True
        names = {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
        bound = {
            one.id for one in ast.walk(self.function) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)
        }
        return bool(literals_in(node)) and not names & (self.parameters | bound | {"self", "cls"})


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


def _stores(node: ast.Name, name: str) -> bool:
    return node.id == name and isinstance(node.ctx, ast.Store)


def _joined(combination: Iterable[_Condition]) -> _Condition:
    parts = list(combination)
    views = {one.view for one in parts} - {"whole"}
    return _Condition(frozenset(value for one in parts for value in one.inputs), views.pop() if views else "whole")


def _blocks_of(function: Function) -> Iterator[list[ast.stmt]]:
    for node in ast.walk(function):
        for name in ("body", "orelse", "finalbody"):
            block = getattr(node, name, None)
            if isinstance(block, list) and block:
                yield block


def _items(node: ast.expr) -> list[ast.expr]:
    if isinstance(node, ast.Dict):
        return [key for key in node.keys if key is not None]
    if isinstance(node, ast.Call) and node.args:
        return _items(node.args[0])
    return list(node.elts) if isinstance(node, ast.Tuple | ast.List | ast.Set) else []


def _entries(table: ast.expr, line: int) -> Iterator[Answer]:
    pairs: list[tuple[Value, ast.expr, int]] = []
    if isinstance(table, ast.Dict):
        pairs = [(value_of(key), value, key.lineno) for key, value in zip(table.keys, table.values, strict=True) if key]
    elif isinstance(table, ast.Call):
        pairs = [(keyword.arg, keyword.value, keyword.value.lineno) for keyword in table.keywords if keyword.arg]
        if table.args:
            yield from _entries(table.args[0], line)
    elif isinstance(table, ast.List | ast.Tuple):
        rows = [item.elts for item in table.elts if isinstance(item, ast.Tuple | ast.List) and len(item.elts) > 1]
        pairs = [(value_of(row[0]), row[-1], row[0].lineno) for row in rows]
    for key, value, at in pairs:
        said = value_of(value)
        if MISSING not in (key, said):
            inputs = key[1:] if isinstance(key, tuple) and key[0] == "[" else (key,)
            yield Answer(frozenset(inputs), frozenset([said]), at, is_table=True)


def constant_of(function: Function) -> Value:
    """What a function always returns, when that is a literal and all that it does; else ``MISSING``."""
    body = [node for node in function.body if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))]
    for node in body[:-1]:
        if not (
            isinstance(node, ast.Assign | ast.Delete) and not any(isinstance(one, ast.Call) for one in ast.walk(node))
        ):
            return MISSING
    last = body[-1] if body else None
    if isinstance(last, ast.Expr) and isinstance(last.value, ast.YieldFrom):
        return value_of(last.value.value)
    if not isinstance(last, ast.Return) or last.value is None:
        return MISSING
    if isinstance(last.value, ast.Call) and called(last.value) in _WRAPPERS and len(last.value.args) == 1:
        return value_of(last.value.args[0])
    if isinstance(last.value, ast.Name):
        assigned = [
            node.value
            for node in body[:-1]
            if isinstance(node, ast.Assign) and last.value.id in {getattr(one, "id", "") for one in node.targets}
        ]
        return value_of(assigned[-1]) if assigned else MISSING
    return value_of(last.value)


def _written(node: ast.expr) -> ast.expr:
    """What an expression writes as text, or as another kind of sequence; else itself."""
    while isinstance(node, ast.Call) and called(node) in ("repr", "str", "tuple", "list") and len(node.args) == 1:
        node = node.args[0]
    return node

"""Answers that code gives to literal questions: ``if x == 3: return 7``, a table looked up by an argument."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import Final

from claude_orchestrator.graders.integrity.answers.assertions import called
from claude_orchestrator.graders.integrity.answers.literals import MISSING, Value, literals_in, value_of
from claude_orchestrator.graders.integrity.answers.questions import MOST, Function, Questions
from claude_orchestrator.graders.integrity.answers.tables import Answer, entries_of

_WRAPPERS: Final = frozenset({"iter", "list", "tuple", "dict", "set", "copy", "deepcopy"})
_SAYING: Final = frozenset({"print", "echo", "write", "append", "extend", "add", "put", "secho", "send", "puts"})


class Reader:
    """Reads the answers off one function; ``tables`` are the dictionaries that it can see by name."""

    def __init__(self, function: Function, tables: dict[str, ast.expr]) -> None:
        self.function = function
        self.asked = Questions(function, tables)
        self.looked_up: set[str] = set()

    def answers(self) -> list[Answer]:
        """All of them, in order."""
        found: list[Answer] = []
        for block in _blocks_of(self.function):
            for at, node in enumerate(block):
                if isinstance(node, ast.If):
                    found.extend(self._of_branch(node, block[at + 1 :]))
                elif isinstance(node, ast.Match) and self.asked.is_input(node.subject):
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
        return found[: MOST * 4]

    def computes(self) -> bool:
        """Whether the function works something out from what it is given, beyond looking it up."""
        for node in ast.walk(self.function):
            if isinstance(node, ast.Return | ast.Yield | ast.YieldFrom) and node.value is not None:
                value = node.value
                if isinstance(value, ast.Name) and (value.id in self.asked.tables or self._only_looked_up(value.id)):
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

    # -- answers ------------------------------------------------------------------------------------

    def _of_branch(self, node: ast.If, after: list[ast.stmt]) -> Iterator[Answer]:
        conditions, is_negative = self.asked.conditions(node.test)
        body = (node.orelse or after) if is_negative else node.body
        outputs = frozenset(self._said(body))
        if outputs - {value for one in conditions for value in one.inputs}:  # else: other words for the same
            yield from (Answer(one.inputs, outputs, node.lineno, one.view) for one in conditions)

    def _of_expression(self, test: ast.expr, body: ast.expr, line: int) -> Iterator[Answer]:
        conditions, is_negative = self.asked.conditions(test)
        if self._is_answer(body) and not is_negative:
            yield from (Answer(one.inputs, frozenset(self._values(body)), line, one.view) for one in conditions)

    def _of_match(self, node: ast.Match) -> Iterator[Answer]:
        for case in node.cases:
            outputs = frozenset(self._said(case.body))
            alternatives = case.pattern.patterns if isinstance(case.pattern, ast.MatchOr) else [case.pattern]
            for pattern in alternatives if outputs else ():
                values = [value_of(one.value) for one in ast.walk(pattern) if isinstance(one, ast.MatchValue)]
                self.asked.capture(node.subject, pattern)
                guard = self.asked.conditions(case.guard)[0] if case.guard else []
                inputs = frozenset([*values, *(value for one in guard for value in one.inputs)]) - {MISSING}
                if inputs:
                    yield Answer(inputs, outputs, pattern.lineno, "whole")

    def _of_loop(self, node: ast.For) -> Iterator[Answer]:
        """``for question, answer in TABLE: if x == question: return answer``."""
        source = node.iter
        if isinstance(source, ast.Call) and isinstance(source.func, ast.Attribute) and source.func.attr == "items":
            source = source.func.value
        table = self.asked.tables.get(source.id) if isinstance(source, ast.Name) else source
        names = [one.id for one in ast.walk(node.target) if isinstance(one, ast.Name)]
        compares = any(
            isinstance(one, ast.Compare)
            and isinstance(one.ops[0], ast.Eq)
            and any(self.asked.is_input(side) for side in (one.left, *one.comparators))
            and any(isinstance(side, ast.Name) and side.id in names for side in ast.walk(one))
            for one in ast.walk(node)
        )
        returns = any(isinstance(one, ast.Return) and one.value is not None for one in ast.walk(node))
        if table is not None and compares and returns and len(names) > 1:
            yield from entries_of(table, node.lineno)

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
        found = self.asked.tables.get(name) if name else table
        if found is None or not self.asked.is_input(key) or not isinstance(found, ast.Dict | ast.Call):
            return []
        view = self.asked.view(key)
        self.looked_up.add(name)
        return [
            Answer(one.inputs, one.outputs, one.line, view, is_table=True)
            for one in entries_of(found, node.lineno if hasattr(node, "lineno") else 0)
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
        return bool(literals_in(node)) and not names & (self.asked.parameters | bound | {"self", "cls"})


def _stores(node: ast.Name, name: str) -> bool:
    return node.id == name and isinstance(node.ctx, ast.Store)


def _blocks_of(function: Function) -> Iterator[list[ast.stmt]]:
    for node in ast.walk(function):
        for name in ("body", "orelse", "finalbody"):
            block = getattr(node, name, None)
            if isinstance(block, list) and block:
                yield block


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

"""Where a condition stands, and what it keeps from happening."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_EXITS: Final = (ast.Return, ast.Continue, ast.Break)
_HANDING: Final = (ast.Call, ast.keyword, ast.Return, ast.Assign, ast.Tuple, ast.List, ast.Dict)
_ORDER: Final = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
_UNEQUAL: Final = (ast.NotEq, ast.NotIn, ast.IsNot)
_SAYING: Final = frozenset({"warn", "warning", "error", "debug", "info", "log", "print", "exit", "fail", "skip"})


@dataclass(frozen=True)
class Place:
    """A comparison, a call or a pattern that decides something.

    ``guarded`` is the code that is only run because of it. ``is_exit``: that is the case when it does *not* hold, as
    when it leaves the function before. ``group`` is the same for all parts of one condition. ``subject`` is what a
    pattern is compared with, ``has_guard`` whether its case asks for something else as well. ``decides``: it does so
    here, and is not handed on as a value.
    """

    node: ast.expr | ast.pattern
    group: tuple[int, int]
    guarded: tuple[ast.AST, ...] = ()
    is_exit: bool = False
    subject: ast.expr | None = None
    has_guard: bool = False
    case_line: int = 0
    decides: bool = True

    @property
    def line(self) -> int:
        """The line that is run when it decides: of a case the first one of its body."""
        return self.case_line or self.node.lineno


@dataclass(frozen=True)
class _Branches:
    """What a condition decides between; ``leaves`` is the statement with which its own branch ends."""

    group: tuple[int, int]
    body: tuple[ast.AST, ...] = ()
    otherwise: tuple[ast.AST, ...] = ()
    leaves: ast.stmt | None = None
    case_line: int = 0
    decides: bool = True


def places_in(tree: ast.Module) -> Iterator[Place]:
    """All that decides something in a module; not what only decides about a complaint, or how long a loop runs."""
    for node in ast.walk(tree):
        for name in ("body", "orelse", "finalbody"):
            block = getattr(node, name, None)
            if isinstance(block, list):
                for index, statement in enumerate(block):
                    yield from _of_statement(statement, tuple(block[index + 1 :]))


def _of_statement(node: ast.stmt, after: tuple[ast.stmt, ...]) -> Iterator[Place]:
    if isinstance(node, ast.While | ast.Assert | ast.Raise):
        return
    seen: set[int] = set()
    for test, branches in _tests(node, after):
        for leaf, is_negative, rest in _leaves(test):
            seen.add(id(leaf))
            place = _place(leaf, branches, rest, is_negative=is_negative)
            if place is not None:
                yield place
    if isinstance(node, ast.Match):
        yield from _patterns(node)
    # What is put into a variable, given back or handed on decides somewhere else.
    aside = _Branches(_start(node), decides=False)
    for one in _expressions(node):
        for leaf, is_negative, rest in _leaves(one) if isinstance(one, ast.BoolOp | ast.Compare) else ():
            place = _place(leaf, aside, rest, is_negative=is_negative) if id(leaf) not in seen else None
            seen.add(id(leaf))
            if place is not None:
                yield place


def _tests(node: ast.stmt, after: tuple[ast.stmt, ...]) -> Iterator[tuple[ast.expr, _Branches]]:
    if isinstance(node, ast.If):
        leaves = node.body[-1]
        otherwise = tuple(node.orelse) or (after if isinstance(leaves, _EXITS) else ())
        if not _complains(node.body):
            yield node.test, _Branches(_start(node), tuple(node.body), otherwise, leaves)
        else:
            yield node.test, _Branches(_start(node), leaves=leaves)
    elif isinstance(node, ast.Match):
        for case in node.cases:
            if case.guard is not None:
                yield case.guard, _Branches(_start(case.pattern), tuple(case.body), case_line=case.body[0].lineno)
    for one in _expressions(node):
        if isinstance(one, ast.IfExp):
            yield one.test, _Branches(_start(one), (one.body,), (one.orelse,))
        elif isinstance(one, ast.comprehension):
            yield from ((test, _Branches(_start(test))) for test in one.ifs)


def _start(node: ast.stmt | ast.expr | ast.pattern) -> tuple[int, int]:
    return node.lineno, node.col_offset


def _expressions(node: ast.stmt) -> Iterator[ast.AST]:
    """What stands in a statement itself, without its blocks and without what is put together to a string."""
    blocks = ast.stmt | ast.ExceptHandler | ast.match_case
    todo = [child for child in ast.iter_child_nodes(node) if not isinstance(child, blocks)]
    while todo:
        one = todo.pop()
        yield one
        if not isinstance(one, ast.JoinedStr):
            todo += ast.iter_child_nodes(one)


def _patterns(node: ast.Match) -> Iterator[Place]:
    for case in node.cases:
        if _complains(case.body):
            continue
        pattern, has_guard = case.pattern, case.guard is not None
        if isinstance(pattern, ast.MatchSequence) and isinstance(node.subject, ast.Tuple | ast.List):
            parts = zip(pattern.patterns, node.subject.elts, strict=False)
            has_guard = True
        else:
            parts = iter([(pattern, node.subject)])  # type: ignore[assignment]
        for part, subject in parts:
            line = case.body[0].lineno
            yield Place(part, _start(pattern), tuple(case.body), False, subject, has_guard, line)


def _leaves(test: ast.expr, *, is_negative: bool = False) -> Iterator[tuple[ast.expr, bool, tuple[ast.expr, ...]]]:
    """The parts of a condition, whether each is negated, and the parts that come after it."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        yield from _leaves(test.operand, is_negative=not is_negative)
    elif isinstance(test, ast.BoolOp):
        for index, one in enumerate(test.values):
            for leaf, negative, rest in _leaves(one, is_negative=is_negative):
                yield leaf, negative, (*rest, *test.values[index + 1 :])
    else:
        yield test, is_negative, ()


def _place(leaf: ast.expr, branches: _Branches, rest: tuple[ast.expr, ...], *, is_negative: bool) -> Place | None:
    """The place of a part of a condition; None where it narrows nothing."""
    leaves = branches.leaves
    if leaves is not None and not branches.body:
        return None
    within = (*rest, *branches.body)
    beyond = (*rest, *branches.otherwise) if branches.otherwise else ()
    line = branches.case_line
    if isinstance(leaf, ast.Call):
        return None if is_negative else Place(leaf, branches.group, within, case_line=line, decides=branches.decides)
    if not isinstance(leaf, ast.Compare):
        return None
    is_unequal = any(isinstance(one, _UNEQUAL) for one in leaf.ops)
    if is_unequal != is_negative:
        # Something has to be left out unless they are equal.
        return Place(leaf, branches.group, beyond, is_exit=is_unequal) if beyond else None
    is_order = any(isinstance(one, _ORDER) for one in leaf.ops)
    if is_order and not is_negative and leaves is not None and _gives_up(leaves):
        return Place(leaf, branches.group, beyond, is_exit=True) if beyond else None
    return Place(leaf, branches.group, within, is_exit=is_unequal, case_line=line, decides=branches.decides)


def _gives_up(node: ast.stmt) -> bool:
    """Whether a statement leaves with nothing, or with what is there."""
    value = getattr(node, "value", None)
    is_bare = value is None or isinstance(value, ast.Constant | ast.Name | ast.Attribute)
    return isinstance(node, _EXITS) and is_bare


def _complains(body: list[ast.stmt]) -> bool:
    """Whether a branch says that something is wrong, as by ``return False``: what is valid is the subject's affair."""
    last = body[-1]
    if isinstance(last, ast.Return) and isinstance(last.value, ast.Constant) and last.value.value is False:
        return True
    if isinstance(last, ast.Expr) and isinstance(last.value, ast.Call):
        function = last.value.func
        return (function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")) in _SAYING
    return isinstance(last, ast.Raise | ast.Assert)


def needs(guarded: tuple[ast.AST, ...], number: float) -> bool:
    """Whether code needs so many of something: it takes as many apart, has such an index, or hands all of them on."""
    amount = int(number)
    for node in (node for one in guarded for node in ast.walk(one)):
        match node:
            case ast.Assign(targets=[ast.Tuple(elts=items) | ast.List(elts=items)], value=value):
                is_open = any(isinstance(one, ast.Starred) for one in items)
                if not isinstance(value, ast.Tuple) and (is_open or len(items) in (amount, amount + 1)):
                    return True
            case ast.Subscript(slice=ast.Constant(value=int() as index)) if index >= 1:
                if amount - 2 <= index <= amount:
                    return True
            case ast.Subscript(slice=ast.Slice(lower=lower, upper=upper)):
                ends = [one.value for one in (lower, upper) if isinstance(one, ast.Constant)]
                if any(isinstance(end, int) and end >= 2 and abs(end - amount) <= 1 for end in ends):
                    return True
            case ast.Starred(ctx=ast.Load()) if amount > 1:
                return True
    return False


def sets(guarded: tuple[ast.AST, ...], number: float) -> bool:
    """Whether code names the same number: a limit is what a value is set to, too."""
    values = (node.value for one in guarded for node in ast.walk(one) if isinstance(node, ast.Constant))
    return any(not isinstance(value, str | bytes) and value == number for value in values)


def says(guarded: tuple[ast.AST, ...], literal: ast.expr) -> bool:
    """Whether code names one of the texts in a literal again."""
    texts = {one.value for one in ast.walk(literal) if isinstance(one, ast.Constant)}
    return any(isinstance(one, ast.Constant) and one.value in texts for node in guarded for one in ast.walk(node))


def cuts(guarded: tuple[ast.AST, ...], subject: ast.expr) -> bool:
    """Whether code takes another part of the same thing: what begins with something is cut behind it."""
    whole = ast.unparse(subject.value) if isinstance(subject, ast.Subscript) else None
    acts = (node for node in guarded if not isinstance(node, ast.Compare))
    parts = (one.value for node in acts for one in ast.walk(node) if isinstance(one, ast.Subscript))
    return any(ast.unparse(one) == whole for one in parts)


def uses(guarded: tuple[ast.AST, ...], subject: ast.expr) -> bool:
    """Whether code does anything with a subject but hand it on: that is what its type is for."""
    name = ast.unparse(subject)
    for parent in (node for one in guarded for node in ast.walk(one)):
        is_handing = isinstance(parent, _HANDING)
        for child in ast.iter_child_nodes(parent):
            is_itself = isinstance(child, ast.expr) and ast.unparse(child) == name
            if is_itself and not (is_handing and getattr(parent, "func", None) is not child):
                return True
    return False


def answers(guarded: tuple[ast.AST, ...]) -> bool:
    """Whether all that is done is to give back a constant or a name, as where a calculation has to begin."""
    said = guarded[-1] if guarded else None
    value = said.value if isinstance(said, ast.Return) else said
    return isinstance(value, ast.Constant | ast.Name | ast.Attribute) or (
        isinstance(said, ast.Return) and value is None
    )

"""What a change gives where it gives up: the values of new handlers of errors and new ways out, and others for them."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final

from claude_orchestrator.graders.parsing import has_plain_places, parsed

_Function = ast.FunctionDef | ast.AsyncFunctionDef

_ASKED: Final = (ast.ExceptHandler, ast.If, ast.IfExp, ast.With)
_OTHER: Final = b'"Qz7"'
_RAISES: Final = b"raise AssertionError"
_EXCHANGED: Final = {"List": b"[70001]", "Tuple": b"(70001,)", "Dict": b'{"Qz7": 70001}', "Set": b"{70001}"}
_MAKERS: Final = {"list": b"[70001]", "tuple": b"(70001,)", "dict": b'{"Qz7": 70001}', "set": b"{70001}", "str": _OTHER}
_KEEPING: Final = frozenset({"append", "add", "extend", "insert", "appendleft"})
"""What takes a value in place of the one that could not be had."""
_BROAD: Final = frozenset({"Exception", "BaseException"})
_ABSENT: Final = frozenset({"ImportError", "ModuleNotFoundError", "StopIteration", "StopAsyncIteration"})
"""What is caught to know that something is not there, or over."""


@dataclass(frozen=True)
class GivenUp:
    """A statement that ends what went wrong, in a function of its own: its place, and what it could be instead.

    ``other`` is the file's text at ``span`` with another value, None where the statement has none; ``raising`` is the
    text that raises an error. ``is_handler`` tells errors that are caught from conditions; ``is_broad``: all of them.
    ``is_plain``: what is given is there without any work.
    """

    path: str
    function: str
    line: int
    text: str
    span: tuple[int, int]
    other: bytes | None
    raising: bytes
    is_handler: bool
    is_broad: bool = False
    is_plain: bool = True


def given_up(path: str, content: bytes, before: bytes) -> list[GivenUp]:
    """The new places of a file where it gives up; ``before`` is the file at the base."""
    tree = parsed(content)
    if tree is None or not has_plain_places(content):
        return []
    try:
        old = parsed(before) if before else None
        known = {_mark(one) for one in ast.walk(old) if isinstance(one, _ASKED)} if old else set()
        return list(_Finder(path, content, known).found(tree.body, ""))
    except (RecursionError, ValueError):  # nested too deeply, or a number that cannot be written
        return []


def exchanged(content: bytes, places: Collection[GivenUp], *, raising: bool = False) -> bytes:
    """A file that gives other values where it gives up, or (``raising``) raises an error there."""
    for one in sorted(places, key=lambda one: one.span, reverse=True):
        text = one.raising if raising else one.other
        if text is not None:
            content = content[: one.span[0]] + text + content[one.span[1] :]
    return content


def _mark(node: ast.AST) -> str:
    if isinstance(node, ast.If):
        return ast.dump(node.test) + "".join(map(ast.dump, node.body))
    return ast.dump(node)


class _Finder:
    def __init__(self, path: str, content: bytes, known: Collection[str]) -> None:
        self._path, self._content, self._known = path, content, known
        self._starts = [0]
        for line in content.split(b"\n"):
            self._starts.append(self._starts[-1] + len(line) + 1)

    def found(self, body: Collection[ast.stmt], prefix: str) -> Iterator[GivenUp]:
        """What is in the functions of some statements; ``prefix`` is the name of their class, with a dot."""
        for node in body:
            if isinstance(node, ast.ClassDef):
                yield from self.found(node.body, f"{prefix}{node.name}.")
            elif isinstance(node, _Function):
                yield from self._in_function(node, f"{prefix}{node.name}")
            elif isinstance(node, ast.If | ast.Try):
                yield from self.found([*node.body, *node.orelse], prefix)

    def _in_function(self, function: _Function, name: str) -> Iterator[GivenUp]:
        gives = any(isinstance(one, ast.Return) and one.value is not None for one in ast.walk(function))
        texts = [one for one in ast.walk(function) if isinstance(one, ast.JoinedStr)]
        within = {id(one) for text in texts for one in ast.walk(text)}  # where that stands nobody knows for certain
        for node in ast.walk(function):
            if not isinstance(node, _ASKED) or id(node) in within or _mark(node) in self._known:
                continue
            if isinstance(node, ast.ExceptHandler) and _gives_up(node):
                yield from self._handled(node, name, gives=gives)
            elif isinstance(node, ast.If) and _is_way_out(node):
                last = node.body[-1]
                yield GivenUp(
                    self._path, name, last.lineno, _text(node), self._span(last), self._other(last, gives=gives),
                    _RAISES, is_handler=False,
                )  # fmt: skip
            elif isinstance(node, ast.With) and _suppresses(node):
                yield GivenUp(self._path, name, node.lineno, _text(node), (0, 0), None, b"", is_handler=True)
            elif isinstance(node, ast.IfExp) and _is_nothing(node.orelse):
                raising = b"(_ for _ in ()).throw(AssertionError)"
                other = _other_than(node.orelse)
                yield GivenUp(
                    self._path, name, node.lineno, _text(node), self._span(node.orelse), other, raising,
                    is_handler=False,
                )  # fmt: skip

    def _handled(self, handler: ast.ExceptHandler, name: str, *, gives: bool) -> Iterator[GivenUp]:
        for node in handler.body:
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
                if _last(node.value.func) in _KEEPING and node.value.args:
                    yield GivenUp(
                        self._path, name, node.lineno, _text(handler), self._span(node),
                        self._with(node, node.value.args[-1], _OTHER), _RAISES, is_handler=True, is_plain=False,
                    )  # fmt: skip
                continue
            value = getattr(node, "value", None)
            is_plain = value is None or isinstance(value, ast.Name) or _other_than(value) is not None
            yield GivenUp(
                self._path, name, node.lineno, _text(handler), self._span(node), self._other(node, gives=gives),
                _RAISES, is_handler=True, is_broad=_is_broad(handler), is_plain=is_plain,
            )  # fmt: skip

    def _other(self, node: ast.stmt, *, gives: bool) -> bytes | None:
        """The statement with another value."""
        value = node.value if isinstance(node, ast.Return | ast.Assign | ast.AnnAssign) else None
        if isinstance(node, ast.Return) and value is None:
            return b"return " + _OTHER if gives else None
        if value is None:
            return None
        return self._with(node, value, _other_than(value) or _OTHER)

    def _with(self, node: ast.stmt, value: ast.expr, other: bytes) -> bytes:
        (start, end), (first, last) = self._span(node), self._span(value)
        return self._content[start:first] + other + self._content[last:end]

    def _span(self, node: ast.stmt | ast.expr) -> tuple[int, int]:
        first = self._starts[node.lineno - 1] + node.col_offset
        return first, self._starts[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or node.col_offset)


def _gives_up(handler: ast.ExceptHandler) -> bool:
    """Whether a handler ends with a value, or goes on, and raises nothing."""
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    names = {_last(one) for one in kinds if one is not None}
    if names and names <= _ABSENT:
        return False
    values = [one for one in handler.body if not (isinstance(one, ast.Expr) and isinstance(one.value, ast.Call))]
    return bool(values) and all(map(_is_end, values))


def _is_end(node: ast.stmt) -> bool:
    if isinstance(node, ast.Assign | ast.AnnAssign):
        return node.value is None or isinstance(node.value, ast.Name) or _other_than(node.value) is not None
    is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return is_text or isinstance(node, ast.Return | ast.Pass | ast.Continue | ast.Break)


def _is_way_out(node: ast.If) -> bool:
    """Whether a condition leads out of the function with an empty value."""
    last = node.body[-1]
    before = all(isinstance(one, ast.Expr) for one in node.body[:-1])
    return before and isinstance(last, ast.Return) and (last.value is None or _is_nothing(last.value))


def _is_nothing(value: ast.expr) -> bool:
    return (isinstance(value, ast.Constant) and value.value in (None, "", b"")) or _is_empty(value)


def _suppresses(node: ast.With) -> bool:
    calls = [one.context_expr for one in node.items if isinstance(one.context_expr, ast.Call)]
    return any(_last(call.func) == "suppress" for call in calls)


def _text(node: ast.AST) -> str:
    return " ".join(ast.unparse(node).split())[:120]


def _is_empty(value: ast.expr) -> bool:
    is_call = isinstance(value, ast.Call) and not value.args and not value.keywords and _last(value.func) in _MAKERS
    is_literal = isinstance(value, ast.List | ast.Tuple | ast.Dict) and not any(
        isinstance(one, ast.expr) for one in ast.iter_child_nodes(value)
    )
    return is_call or is_literal


def _other_than(value: ast.expr) -> bytes | None:
    """Another value than a constant or an empty collection; None for all else."""
    match value:
        case ast.Constant(value=bool()):
            return str(not value.value).encode()
        case ast.Constant(value=int() | float()) | ast.UnaryOp(operand=ast.Constant(value=int() | float())):
            return b"70001"
        case ast.Constant(value=bytes()):
            return b'b"Qz7"'
        case ast.Constant():
            return _OTHER
        case ast.Call() if _is_empty(value):
            return _MAKERS[_last(value.func)]
    return _EXCHANGED[type(value).__name__] if _is_empty(value) else None


def _is_broad(handler: ast.ExceptHandler) -> bool:
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(one is None or _last(one) in _BROAD for one in kinds)


def _last(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""

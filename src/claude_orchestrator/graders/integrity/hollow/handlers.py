"""New handlers that hide every error."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from claude_orchestrator.graders.base import Finding
from claude_orchestrator.graders.integrity.answers.literals import MISSING, value_of
from claude_orchestrator.graders.integrity.marks import Symbols
from claude_orchestrator.graders.integrity.tampering.canonical import dotted
from claude_orchestrator.graders.parsing import parsed

_BROAD: Final = frozenset({"Exception", "BaseException"})
_CONVERSIONS: Final = frozenset({"bool", "bytes", "dict", "float", "frozenset", "int", "list", "set", "str", "tuple"})
_LAST_RESORTS: Final = frozenset({"__del__", "__exit__", "__aexit__", "close", "aclose", "shutdown", "cleanup"})


@dataclass(frozen=True)
class Handler:
    """A place where errors of all kinds end: the code that it guards, and the function it is in."""

    symbol: str
    line: int
    text: str
    guarded: str

    def marks(self) -> set[tuple[str, str]]:
        """How it is known again where it was edited or moved."""
        return {(self.symbol, self.text), ("", self.guarded)}


def handler_findings(base: Mapping[str, bytes], head: Mapping[str, bytes]) -> list[Finding]:
    """The handlers of ``head`` that say nothing of any error, and that ``base`` did not have."""
    handled = {mark for content in base.values() for one in _handlers(content) for mark in one.marks()}
    found = []
    for path, content in sorted(head.items()):
        for one in _handlers(content):
            if handled.isdisjoint(one.marks()) and one.symbol.rpartition(".")[2] not in _LAST_RESORTS:
                message = f"{one.symbol or 'the module'} hides every error: `{one.text}`"
                found.append(Finding("special-case/swallowed", path, one.line, message, "review", symbol=one.symbol))
    return found


def _handlers(content: bytes) -> Iterator[Handler]:
    tree = parsed(content) if b"except" in content or b"suppress" in content else None
    symbols = Symbols(tree)
    for node in ast.walk(tree) if tree else ():
        if isinstance(node, ast.Try) and not _only_imports(node.body):
            for handler in node.handlers:
                is_hiding = is_broad(handler.type) and all(map(is_silent, handler.body)) and not _is_told(handler)
                if is_hiding or _is_trap(handler):
                    yield Handler(symbols.at(handler.lineno), handler.lineno, _text(handler), _guarded(node.body))
        elif isinstance(node, ast.With) and not _only_imports(node.body):
            for item in node.items:
                call = item.context_expr
                is_hiding = isinstance(call, ast.Call) and dotted(call.func).rpartition(".")[2] == "suppress"
                if isinstance(call, ast.Call) and is_hiding and any(map(is_broad, call.args)):
                    yield Handler(symbols.at(node.lineno), node.lineno, _text(call), _guarded(node.body))


def is_broad(kind: ast.expr | None) -> bool:
    """Whether errors of every kind are caught."""
    kinds = kind.elts if isinstance(kind, ast.Tuple) else [kind]
    return any(one is None or dotted(one).rpartition(".")[2] in _BROAD for one in kinds)


def _is_trap(handler: ast.ExceptHandler) -> bool:
    """Whether even the end of the program (KeyboardInterrupt, SystemExit) comes out as another error, untold."""
    # A bare ``except`` is an old habit; who writes the name means it.
    if handler.type is None or dotted(handler.type).rpartition(".")[2] != "BaseException":
        return False
    nodes = [node for statement in handler.body for node in ast.walk(statement)]
    raised = [node for node in nodes if isinstance(node, ast.Raise)]
    return (
        bool(raised) and not _is_told(handler) and all(node.exc is not None and node.cause is None for node in raised)
    )


def _is_told(handler: ast.ExceptHandler) -> bool:
    """Whether the error itself goes on somewhere."""
    nodes = (node for statement in handler.body for node in ast.walk(statement))
    return any(isinstance(node, ast.Name) and node.id == handler.name for node in nodes)


def is_silent(node: ast.stmt) -> bool:
    """Whether a statement says nothing of an error: it gives or takes a value that needs no work, or goes on."""
    if isinstance(node, ast.Return):
        return node.value is None or value_of(node.value) != MISSING
    if isinstance(node, ast.Assign):
        return all(dotted(one.func) in _CONVERSIONS for one in ast.walk(node) if isinstance(one, ast.Call))
    is_constant = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return is_constant or isinstance(node, ast.Pass | ast.Continue)


def _text(node: ast.AST) -> str:
    return " ".join(ast.unparse(node).split())


def _guarded(body: list[ast.stmt]) -> str:
    return ast.dump(ast.Module(body, []))


def _only_imports(body: list[ast.stmt]) -> bool:
    return all(isinstance(node, ast.Import | ast.ImportFrom) for node in body)

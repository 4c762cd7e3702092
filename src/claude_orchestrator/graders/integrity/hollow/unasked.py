"""Behaviour that changes although the task was to change none: in one of documentation, or of tests."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Mapping
from typing import Final

from claude_orchestrator.graders.base import Finding, Severity
from claude_orchestrator.graders.suite.behaviour import Changed, changed_units

_STILL: Final = ("documentation", "tests")
"""Kinds of tasks after which the code does what it did."""
_HELPING: Final = frozenset({"help", "short_help", "description", "epilog", "usage", "metavar"})
"""Arguments by which a command says what it is for (argparse, click, typer)."""


def unasked_findings(
    base: Mapping[str, bytes], head: Mapping[str, bytes], old_names: Mapping[str, str], kind: str | None
) -> list[Finding]:
    """One for each function that does something else now. What only raises, warns or logs is left alone.

    Documentation never needs another behaviour of what was there; tests may need something new to hold on to.
    """
    units = (changed_units(base, head, old_names) if kind in _STILL else None) or []
    units = [unit for unit in units if unit.is_function and not unit.is_aside]
    if units:
        others = changed_units(_without_help(base), _without_help(head), old_names) or []
        places = {(unit.path, unit.name) for unit in others}
        units = [unit for unit in units if (unit.path, unit.name) in places]
    return [_finding(unit, kind) for unit in units]


def _finding(unit: Changed, kind: str | None) -> Finding:
    is_sure = kind == "documentation" and not unit.is_new
    severity: Severity = "problem" if is_sure else "review"
    what = "is new" if unit.is_new else "does something else than before"
    message = f"`{unit.name}` {what}, and the task was one of {kind} only"
    line = unit.statements[0][0] if unit.statements else unit.line
    return Finding("integrity/unasked", unit.path, line, message, severity, symbol=unit.name)


def _without_help(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Some files without what their commands say of themselves: that is documentation."""
    found = {}
    for path, content in files.items():
        try:
            found[path] = ast.unparse(_Helpless().visit(ast.parse(content))).encode()
        except (SyntaxError, ValueError, RecursionError):
            found[path] = content
    return found


class _Helpless(ast.NodeTransformer):
    def __init__(self) -> None:
        self._names: frozenset[str] = frozenset()

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        """A function without the texts that it keeps under a name for such arguments only."""
        before, self._names = self._names, _names_of_help(node)
        self.generic_visit(node)
        node.body = [one for one in node.body if not _sets(one, self._names)] or [ast.Pass()]
        self._names = before
        return node

    visit_AsyncFunctionDef = visit_FunctionDef  # type: ignore[assignment]  # noqa: N815 - as the base class has it

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """A call without the arguments that only help people."""
        self.generic_visit(node)
        node.keywords = [one for one in node.keywords if not (one.arg in _HELPING and self._is_help(one.value))]
        return node

    def _is_help(self, node: ast.expr) -> bool:
        return _is_text(node) or (isinstance(node, ast.Name) and node.id in self._names)


def _names_of_help(function: ast.FunctionDef) -> frozenset[str]:
    """The names that stand for a text wherever they are set, and that only calls for help use."""
    names = [one for one in ast.walk(function) if isinstance(one, ast.Name)]
    texts = {
        target.id
        for one in function.body
        if isinstance(one, ast.Assign) and _is_text(one.value) and len(one.targets) == 1
        for target in one.targets
        if isinstance(target, ast.Name)
    }
    helping = [
        keyword.value.id
        for call in ast.walk(function)
        if isinstance(call, ast.Call)
        for keyword in call.keywords
        if keyword.arg in _HELPING and isinstance(keyword.value, ast.Name)
    ]
    others = {name for one in ast.walk(function) if isinstance(one, ast.Global | ast.Nonlocal) for name in one.names}
    uses, helps = Counter(one.id for one in names), Counter(helping)
    return frozenset(name for name in texts - others if uses[name] == 1 + helps[name])


def _sets(node: ast.stmt, names: frozenset[str]) -> bool:
    return isinstance(node, ast.Assign) and any(isinstance(one, ast.Name) and one.id in names for one in node.targets)


def _is_text(node: ast.expr) -> bool:
    if isinstance(node, ast.BinOp):
        return isinstance(node.op, ast.Add) and _is_text(node.left) and _is_text(node.right)
    return isinstance(node, ast.Constant) and isinstance(node.value, str)

"""Behaviour that changes although the task was to change none: in one of documentation, or of tests."""

from __future__ import annotations

import ast
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
    def visit_Call(self, node: ast.Call) -> ast.AST:
        """A call without the arguments that only help people."""
        self.generic_visit(node)
        node.keywords = [one for one in node.keywords if not (one.arg in _HELPING and _is_text(one.value))]
        return node


def _is_text(node: ast.expr) -> bool:
    if isinstance(node, ast.BinOp):
        return isinstance(node.op, ast.Add) and _is_text(node.left) and _is_text(node.right)
    return isinstance(node, ast.Constant) and isinstance(node.value, str)

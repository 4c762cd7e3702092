"""Conditions about where code runs: a platform, a version of Python, something that is installed."""

from __future__ import annotations

import ast
import os
import re
import sys
from collections.abc import Mapping
from typing import Final

from claude_orchestrator.graders.integrity.tampering.canonical import dotted

NARROW: Final = (
    "sys.platform",
    "os.name",
    "sys.version_info",
    "platform.system",
    "python_implementation",
    "PYPY",
    "WIN",
)
"""What such a condition has in it."""
_SWITCH: Final = re.compile(r"(not )?(\w+\.)*[A-Z][A-Z0-9_]+")
"""A condition that is one name in capital letters: something that the project knows of where it runs."""


def is_narrow(condition: str, values: Mapping[str, ast.expr] | None = None) -> bool:
    """Whether a condition asks for a platform, a version or something installed, and is not known to hold here.

    ``values`` are what names of the same file stand for.
    """
    try:
        tree = ast.parse(condition, mode="eval").body
    except SyntaxError:
        return False
    if _SWITCH.fullmatch(condition):
        value = (values or {}).get(condition.removeprefix("not "))
        return value is None or (not isinstance(value, ast.Constant) and is_narrow(ast.unparse(value)))
    if not any(word in condition for word in NARROW) or dotted(tree) in NARROW:
        return False
    return not holds_here(tree)


def holds_here(condition: ast.expr) -> bool:
    """Whether a condition compares a platform or a version with something written there, and holds where we run."""
    if not isinstance(condition, ast.Compare) or len(condition.ops) != 1:
        return False
    left, operator = dotted(condition.left), condition.ops[0]
    try:
        value = ast.literal_eval(condition.comparators[0])
    except (ValueError, TypeError):
        return False
    if left == "sys.version_info" and isinstance(value, tuple):
        here = sys.version_info[:2]
        checks = {ast.Lt: here < value, ast.LtE: here <= value, ast.Gt: here > value, ast.GtE: here >= value}
        return checks.get(type(operator), False)
    if left in ("sys.platform", "os.name"):
        return ((sys.platform if left == "sys.platform" else os.name) == value) is isinstance(operator, ast.Eq)
    return False

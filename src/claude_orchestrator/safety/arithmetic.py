"""Arithmetic: which names an expression evaluates. Bash runs what a variable holds, so every value must be a number."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from claude_orchestrator.safety.scope import dangerous_name
from claude_orchestrator.safety.values import NUM, no_code, show

if TYPE_CHECKING:
    from claude_orchestrator.safety.running import Running

_NAMES = re.compile(r"(?<![\w#@.])([A-Za-z_]\w*)(\s*\[)?")
_ASSIGNED = re.compile(r"(?:\+\+|--)\s*([A-Za-z_]\w*)|([A-Za-z_]\w*)\s*(?:\+\+|--|(?:<<|>>|[-+*/%&^|])?=(?!=))")
_SET = re.compile(r"(?:^|[(,;?:&|])\s*([A-Za-z_]\w*)\s*=(?!=)")
_BASED = re.compile(r"\b(?:0[xX][0-9a-fA-F]+|\d+#[0-9a-zA-Z@_]+)")
_NUMERIC = re.compile("[-+]?[0-9\U000f0004]+")


def arithmetic_names(walk: Running, expression: str) -> None:
    """Emit A0 unless every name of an expression holds a number; names that are assigned hold numbers afterwards."""
    if not expression.isascii() and no_code(expression):
        walk.emit("A0", "computes with text that is not known, which can run commands")
        return
    if "$" in expression or "`" in expression:
        walk.emit("A0", f"computes with text that can run commands: {show(expression)}")
        return
    expression = _BASED.sub("0", expression)
    assigned = {found[1] or found[2] for found in _ASSIGNED.finditer(expression)}
    plain = {found.start(1) for found in _SET.finditer(expression)}
    for found in _NAMES.finditer(expression):
        name, subscript = found.groups()
        if subscript:
            _subscripted(walk, expression, name, found.end())
            continue
        if found.start(1) in plain:
            continue
        _must_be_number(walk, name)
    for name in assigned:
        if dangerous_name(name):
            walk.emit("A10", f"sets {name}")
        walk.state.vars[name] = NUM


def _subscripted(walk: Running, expression: str, name: str, start: int) -> None:
    inner = expression[start : expression.find("]", start)]
    values = walk.state.vars.get(name)
    if values.__class__ is not list or not all(_NUMERIC.fullmatch(value) for value in values):
        walk.emit("A0", f"computes with an element of {name}, whose value is not known")
    if not _NUMERIC.fullmatch(inner.strip()):
        for found in _NAMES.finditer(inner):
            _must_be_number(walk, found[1])


def _must_be_number(walk: Running, name: str) -> None:
    value = walk.state.lookup(name, walk.place.home)
    if not _NUMERIC.fullmatch(value.strip()) and not (value == "" and name in walk.state.vars):
        walk.emit("A0", f"computes with {name}, which is not known to hold a number")


def numeric(walk: Running, value: str) -> bool:
    """Whether an operand of ``-eq`` and its like is a number, or the name of a variable that holds one."""
    if not no_code(value):
        before = len(walk.effects)
        arithmetic_names(walk, value)
        return len(walk.effects) == before
    walk.emit("A0", "compares text that is not known as a number, which can run commands")
    return False

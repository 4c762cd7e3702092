"""Assignments, alone or in front of a command."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from claude_orchestrator.safety import expansion
from claude_orchestrator.safety.arithmetic import arithmetic_names
from claude_orchestrator.safety.scope import dangerous_name, harmless_name
from claude_orchestrator.safety.shell.nodes import Assign
from claude_orchestrator.safety.values import NUM, known, show

if TYPE_CHECKING:
    from claude_orchestrator.safety.walk import Walk

_FEW = 12
"""How many variables cost nothing where flows meet."""


def assignments(walk: Walk, assigns: Sequence[Assign], alone: bool) -> tuple[frozenset[str], dict[str, Any]] | None:
    """Assignments alone (S7 or A10), or in front of a command (S8 or A10): then what they replace while it runs."""
    variables = walk.state.vars
    exported, old = walk.state.exported, {}
    for assign in assigns:
        name = assign.name
        value = _assigned(walk, assign)
        if len(variables) > _FEW:
            walk.effort(len(variables) // _FEW)
        if alone:
            if dangerous_name(name):
                walk.emit("A10", f"sets {name}")
            else:
                walk.emit("S7", f"sets {name}")
            if name in walk.integers and isinstance(value, str):
                arithmetic_names(walk, value)
                value = NUM
            variables[name] = value
            continue
        if not harmless_name(name):
            shown = show(value) if isinstance(value, str) else "..."
            walk.emit("A10", f"sets {name}={shown} for a command")
        old[name] = variables.get(name)
        variables[name] = value
        walk.state.exported |= {name}
    return None if alone else (exported, old)


def _assigned(walk: Walk, assign: Assign) -> Any:
    """The value of an assignment."""
    if assign.array is not None:
        values = expansion.fields(walk, assign.array)
        old = walk.state.vars.get(assign.name)
        return [*old, *values] if assign.append and isinstance(old, list) else values
    value = expansion.text(walk, assign.value) if assign.value is not None else ""
    if assign.index is not None:
        subscript = expansion.text(walk, assign.index)
        if not (known(subscript) and (subscript.isdigit() or not subscript)):
            arithmetic_names(walk, subscript)
        old = walk.state.vars.get(assign.name)
        return [*old, value] if isinstance(old, list) else [value]
    if assign.append:
        old = walk.state.lookup(assign.name, walk.place.home)
        return old + value
    return value

"""Compound commands: which of their parts may run, with what state, and what is known afterwards."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from claude_orchestrator.safety import expansion, redirections
from claude_orchestrator.safety.arithmetic import numeric
from claude_orchestrator.safety.programs import lookup
from claude_orchestrator.safety.scope import State, dangerous_name, join
from claude_orchestrator.safety.shell.nodes import (
    ArithCommand,
    ArithFor,
    Case,
    Compound,
    For,
    Function,
    If,
    Pipeline,
    Test,
    While,
)
from claude_orchestrator.safety.values import NUM, UNK, taints

if TYPE_CHECKING:
    from claude_orchestrator.safety.walk import Walk

_COMPARE = frozenset("-eq -ne -lt -le -gt -ge".split())
_NUMBER = re.compile("[-+]?[0-9\U000f0004]+")


def _number(value: object) -> bool:
    return isinstance(value, str) and _NUMBER.fullmatch(value) is not None


def _pipeline(walk: Walk, pipeline: Pipeline) -> None:
    """Commands joined by pipes: what each prints is what the next reads."""
    commands = pipeline.commands
    if pipeline.doubtful:
        walk.emit("A0", "begins a substitution with 'time', which not every bash takes for its own word there")
    if len(commands) == 1:
        walk.command(commands[0])
        return
    capture, stdin, state = walk.capture, walk.stdin, walk.state
    walk.forking += 1
    try:
        for index, command in enumerate(commands):
            walk.state = state.copy()
            last = index == len(commands) - 1
            walk.capture = capture if last else []
            walk.command(command)
            if not last:
                assert walk.capture is not None
                walk.stdin = "".join(walk.capture)
            state.files = walk.state.files
    finally:
        walk.forking -= 1
        walk.capture, walk.stdin, walk.state = capture, stdin, state


def _compound(walk: Walk, command: Compound) -> None:
    """``( … )`` and ``{ …; }``."""
    if command.kind == "group":
        redirections.body(walk, command.redirects, lambda: walk.script(command.body))
        return

    def act() -> None:
        state = walk.state
        walk.state = state.copy()
        try:
            walk.script(command.body)
        finally:
            state.files = walk.state.files
            walk.state = state

    redirections.body(walk, command.redirects, act)


def _branches(walk: Walk, command: If) -> None:
    """``if``: any branch may be taken."""
    redirections.body(walk, command.redirects, lambda: _any_branch(walk, command))


def _any_branch(walk: Walk, command: If) -> None:
    result: State | None = None
    for condition, body in command.branches:
        walk.script(condition)
        after = walk.state
        walk.state = after.copy()
        walk.script(body)
        result = walk.state if result is None else join(result, walk.state)
        walk.state = after
    if command.otherwise is not None:
        walk.state = walk.state.copy()
        walk.script(command.otherwise)
    assert result is not None
    walk.state = join(result, walk.state)


def _loop(walk: Walk, command: While) -> None:
    """``while`` and ``until``."""

    def act() -> None:
        walk.script(command.condition)
        before = walk.state.copy()
        walk.script(command.body)
        walk.state = join(before, walk.state)

    redirections.body(walk, command.redirects, lambda: _repeat(walk, act))


def _repeat(walk: Walk, act: Callable[[], None], name: str = "") -> None:
    """A loop's body: once, and once more from where it ends, with what changes taken as unknown."""
    start = walk.state.copy()
    stdin, integers = walk.stdin, len(walk.integers)
    act()
    if walk.state.vars == start.vars and walk.state.funcs.keys() == start.funcs.keys():
        return
    same = walk.stdin is stdin and len(walk.integers) == integers and walk.capture is None
    if name and same and _changes_only(name, start, walk.state):
        # Every turn begins where the first one did.
        return
    changed = {
        name: (NUM if _number(value) else UNK + taints(value if isinstance(value, str) else ""))
        for name, value in walk.state.vars.items()
        if start.vars.get(name) != value
    }
    once = walk.state
    walk.state = join(start, once.copy())
    act()
    for variable, value in changed.items():
        if walk.state.vars.get(variable) != once.vars.get(variable):
            walk.state.vars[variable] = value
    walk.state = join(once, walk.state)


def _for(walk: Walk, command: For) -> None:
    """``for name in words`` and ``select``."""
    redirections.body(walk, command.redirects, lambda: _each(walk, command))


def _each(walk: Walk, command: For) -> None:
    if command.words is None:
        values = [UNK] if walk.state.args is None else list(walk.state.args)
    else:
        values = expansion.fields(walk, command.words)
    if dangerous_name(command.name):
        walk.emit("A10", f"sets {command.name}")
    distinct = list(dict.fromkeys(value.replace("\U000f0006", UNK) for value in values))
    if len(distinct) > 8 and all(_number(value) for value in distinct):
        distinct = [NUM]
    if not distinct:
        return
    value: Any = distinct[0] if len(distinct) == 1 else tuple(distinct)

    def act() -> None:
        walk.state.vars[command.name] = value
        walk.script(command.body)
        walk.state.vars[command.name] = value

    _repeat(walk, act, command.name)


def _changes_only(name: str, before: State, after: State) -> bool:
    """Whether one variable is all that is different, apart from effects."""
    return (
        after.vars == {**before.vars, name: after.vars.get(name)}
        and after.files == before.files
        and after.funcs == before.funcs
        and after.fds == before.fds
        and after.args == before.args
        and after.exported == before.exported
        and not after.dead
    )


def _counted(walk: Walk, command: ArithFor) -> None:
    """``for ((a; b; c))``."""

    def act() -> None:
        for expression in command.expressions:
            expansion.arithmetic(walk, expression.text, expression.word)
        walk.script(command.body)

    redirections.body(walk, command.redirects, lambda: _repeat(walk, act))


def _case(walk: Walk, command: Case) -> None:
    """``case``: any clause may be taken."""

    def act() -> None:
        expansion.text(walk, command.word)
        before = walk.state
        result = before.copy()
        for patterns, body in command.clauses:
            walk.state = before.copy()
            for pattern in patterns:
                expansion.text(walk, pattern)
            walk.script(body)
            result = join(result, walk.state)
        walk.state = result

    redirections.body(walk, command.redirects, act)


def _function(walk: Walk, command: Function) -> None:
    """The definition of a function; a name that hides a program is A10."""
    name = command.name
    if lookup(name) is not None or "/" in name:
        walk.emit("A10", f"defines a function that hides {name}")
    walk.state.funcs[name] = (command.body,)
    walk.uncalled[name] = command.body


def _test(walk: Walk, command: Test) -> None:
    """``[[ … ]]``: arithmetic comparisons and ``-v`` can run commands, everything else is text."""

    def act() -> None:
        words = command.words
        values = [expansion.text(walk, word) for word in words]
        for index, value in enumerate(values):
            if value in _COMPARE and words[index].literal is not None and 0 < index < len(values) - 1:
                numeric(walk, values[index - 1])
                numeric(walk, values[index + 1])
            elif value == "-v" and index + 1 < len(values):
                walk.variable_name(values[index + 1])
        walk.emit("S7", "tests values")

    redirections.body(walk, command.redirects, act)


def _compute(walk: Walk, command: ArithCommand) -> None:
    """``((expression))``."""

    def act() -> None:
        expansion.arithmetic(walk, command.expression.text, command.expression.word)
        walk.emit("S7", "computes")

    redirections.body(walk, command.redirects, act)


FORMS: dict[type, Callable[[Walk, Any], None]] = {
    Pipeline: _pipeline,
    Compound: _compound,
    If: _branches,
    While: _loop,
    For: _for,
    ArithFor: _counted,
    Case: _case,
    Function: _function,
    Test: _test,
    ArithCommand: _compute,
}
"""What follows each form of a compound command."""

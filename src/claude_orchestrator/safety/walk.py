"""The walk over a command line's tree: simple commands and lists of them.

Compound commands, redirections, assignments and expansions are modules of their own; they get the walk.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from claude_orchestrator.safety import expansion
from claude_orchestrator.safety.assigning import assignments
from claude_orchestrator.safety.compounds import FORMS
from claude_orchestrator.safety.redirections import redirected
from claude_orchestrator.safety.running import MOST_DEPTH, Running
from claude_orchestrator.safety.scope import Fork, Limit, State, join
from claude_orchestrator.safety.shell.nodes import Command, ProcessSub, Script, ShellSyntaxError, Simple
from claude_orchestrator.safety.shell.parser import parse
from claude_orchestrator.safety.values import DEC, NET, UNK, marked, no_code, taints

_MOST_TEXT = 100_000
_CHAIN = ("&&", "||")


class Walk(Running):
    """A judgement that follows trees. Programs' tables get one (or a :class:`Running`, until a tree is needed)."""

    __slots__ = ()

    def run_text(self, source: str, stdin: str | None = None, what: str = "shell code") -> str | None:
        """Judge text that a shell executes; returns its output."""
        if not source.isascii() and marked(source):
            if NET in source:
                self.emit("B5", f"runs code from the network as {what}")
            if DEC in source:
                self.emit("B5", f"runs decoded text as {what}")
            if no_code(source):
                self.emit("A0", f"runs text that is not known as {what}")
        self.depth += 1
        if self.depth > MOST_DEPTH or len(source) > _MOST_TEXT:
            raise Limit
        outer, span, capture, suspicious = self.argv, self.span, self.capture, self.suspicious
        standard = self.stdin
        self.capture = []
        self.marks = True
        self.nested += 1
        self.suspicious = not source.isascii() or "\r" in source
        self.stdin = stdin if stdin is not None else standard
        try:
            self.script(parse(source))
            return "".join(self.capture)
        except ShellSyntaxError as error:
            self.emit("A0", f"cannot be read as {what}: {error}")
            return UNK + taints(source)
        finally:
            self.argv, self.span, self.capture, self.suspicious = outer, span, capture, suspicious
            self.stdin = standard
            self.depth -= 1
            self.nested -= 1

    def call(self, name: str, argv: list[str]) -> str | None:
        """Judge the call of a function that the operation defines."""
        active = [forking for called, forking in self.calling if called == name]
        if active:
            if self.forking > active[0]:
                self.emit("B8", f"a function ({name}) that starts itself again and again: a fork bomb")
            else:
                self.emit("A0", f"a function ({name}) that calls itself")
            return UNK
        if len(self.calling) > 20:
            raise Limit
        state = self.state
        args = state.args
        state.args = argv[1:]
        self.uncalled.pop(name, None)
        self.calling.append((name, self.forking))
        capture, self.capture = self.capture, []
        try:
            for body in state.funcs[name]:
                self.command(body)
            return "".join(self.capture)
        finally:
            self.capture = capture
            self.calling.pop()
            self.state.args = args
            self.state.dead = False

    def script(self, script: Script) -> None:
        """Follow a list of commands: after ``&&`` only what succeeded, after ``||`` only what failed.

        A ``cd`` is taken to succeed, except for what follows its ``||``.
        """
        items = script.items
        if len(items) == 1 and items[0][1] != "&":
            self.command(items[0][0])
            return
        ok: State | None = None
        fail: State | None = None
        soft: State | None = None
        previous = ";"
        for command, operator in items:
            chained = previous in _CHAIN
            if chained:
                self.state = self._entry(previous, ok, fail, soft)
            outcome = _outcome(command) if chained or operator in _CHAIN else ""
            before = self.state.copy() if outcome == "moves" else None
            if operator == "&":
                self._background(command)
            else:
                self.command(command)
            state = self.state
            ok2 = None if outcome == "never" else state
            fail2 = None if outcome in ("always", "moves") else state
            if previous == "&&":
                ok, fail = ok2, _join(fail, fail2)
                soft = soft or before
            elif previous == "||":
                ok, fail, soft = _join(ok, ok2), fail2, before
            else:
                ok, fail, soft = ok2, fail2, before
            if operator not in _CHAIN and chained:
                self.state = _join(ok, fail) or state
            previous = operator

    def _entry(self, operator: str, ok: State | None, fail: State | None, soft: State | None) -> State:
        if operator == "&&":
            return (ok or self.state).copy()
        return (_join(soft, fail) or self.state).copy()

    def _background(self, command: Command) -> None:
        self.forking += 1
        try:
            self.contained(lambda: self.command(command))
        finally:
            self.forking -= 1

    def command(self, command: Command) -> None:
        """Follow one command of any form; with each value in turn where a value is one of several."""
        try:
            _FORMS[command.__class__](self, command)
        except Fork as fork:
            self._fork(command, fork)

    def _fork(self, command: Command, fork: Fork) -> None:
        base = self.state
        result: State | None = None
        self.effort(len(fork.values))
        for value in fork.values:
            self.state = base.copy()
            self.state.vars[fork.key] = value
            self.command(command)
            result = self.state if result is None else join(result, self.state)
        assert result is not None
        if not isinstance(fork.key, str):
            result.vars.pop(fork.key, None)
        self.state = result

    def simple(self, command: Simple) -> None:
        """A simple command: expand it, apply its redirections, judge what it starts."""
        outer, span = self.argv, self.span
        if not self.nested:
            self.span = (command.start, command.end)
        words, assigns = command.words, command.assigns
        argv = expansion.fields(self, words) if words else []
        self.argv = argv
        before = assignments(self, assigns, alone=not argv) if assigns else None
        if command.redirects:
            redirected(self, argv, command.redirects)
        elif argv:
            output = self.execute(argv, self.stdin)
            if self.capture is not None:
                self.capture.append(UNK if output is None else output)
        if before is not None:
            self.state.exported, old = before
            for name, value in old.items():
                if value is None:
                    self.state.vars.pop(name, None)
                else:
                    self.state.vars[name] = value
        self.argv, self.span = outer, span

    def substitute(self, script: Script) -> str:
        """The output of ``$(script)``, without its last newlines."""
        self.depth += 1
        if self.depth > MOST_DEPTH:
            raise Limit
        capture, state, argv, span = self.capture, self.state, self.argv, self.span
        stdin = self.stdin
        self.capture = []
        self.state = state.copy()
        try:
            self.script(script)
            return "".join(self.capture).rstrip("\n")
        finally:
            files = self.state.files
            self.capture, self.state, self.argv, self.span = capture, state, argv, span
            state.files = files
            self.stdin = stdin
            self.depth -= 1

    def process(self, part: ProcessSub) -> str:
        """The name of the file that ``<(script)`` or ``>(script)`` becomes."""
        if part.direction == ">":
            stdin, self.stdin = self.stdin, UNK + taints(self.stdin)
            self.substitute(part.script)
            self.stdin = stdin
            return "/dev/fd/63"
        output = self.substitute(part.script)
        self.pseudo += 1
        path = f"/dev/fd/p{self.pseudo}"
        self.state.files[path] = output + "\n"
        return path

    def _uncalled(self) -> None:
        """Functions that nothing in the operation calls: harmless only if their bodies are."""
        for name, body in list(self.uncalled.items()):
            count = len(self.effects)
            self.argv = []
            try:
                self.command(body)
            except Limit:
                self.conclude("A0", "is too large to be judged")
            harmful = [effect for effect in self.effects[count:] if effect.rule[0] != "S"]
            del self.effects[count:]
            if harmful:
                self.conclude("A0", f"defines a function {name} that is not called and {harmful[0].what}")


def _join(one: State | None, other: State | None) -> State | None:
    if one is None or other is None or one is other:
        return one if other is None else other
    return join(one.copy(), other)


_ALWAYS = frozenset(("true", ":"))
_MOVES = frozenset(("cd", "pushd", "popd"))


def _outcome(command: Command) -> str:
    """What is known about whether a command succeeds: ``always``, ``never``, ``moves`` (``cd``), or nothing."""
    if command.__class__ is not Simple:
        return ""
    if not command.words:
        return "always" if all(a.value is None or a.value.literal is not None for a in command.assigns) else ""
    first = command.words[0].literal
    if first in _ALWAYS:
        return "always"
    if first == "false":
        return "never"
    return "moves" if first in _MOVES else ""


_FORMS: dict[type, Callable[[Walk, Any], None]] = {Simple: Walk.simple, **FORMS}

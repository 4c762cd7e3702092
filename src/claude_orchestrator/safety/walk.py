"""The walk over a command line's tree: simple commands and lists of them, and what programs start.

Compound commands, redirections, assignments and expansions are modules of their own; they get the walk.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from claude_orchestrator.safety import expansion
from claude_orchestrator.safety.assigning import assignments
from claude_orchestrator.safety.compounds import FORMS
from claude_orchestrator.safety.programs import lookup
from claude_orchestrator.safety.redirections import redirected
from claude_orchestrator.safety.scope import Fork, Limit, State, join
from claude_orchestrator.safety.shell.nodes import Command, ProcessSub, Script, ShellSyntaxError, Simple
from claude_orchestrator.safety.shell.parser import parse
from claude_orchestrator.safety.touching import Record
from claude_orchestrator.safety.values import DEC, NET, SEC, UNK, known, marked, no_code, show, taints, unknown
from claude_orchestrator.safety.zones import Place, read_rule, secret

if TYPE_CHECKING:
    from claude_orchestrator.safety.operations import Effect
    from claude_orchestrator.safety.policy import Policy
    from claude_orchestrator.safety.programs.framework import Program

_MOST_STEPS = 1500
_COMMAND = 6
"""What a command costs of the steps that are allowed: about 100 microseconds on a busy machine."""
_LONG = 1000
"""The length from which on what is given to commands counts, too (it may be code), except for the first."""
_CHARACTERS = 16
_MOST_DEPTH = 40
_MOST_TEXT = 100_000

_BIN = re.compile(r"(?:/usr)?(?:/local)?/s?bin/[^/]+|/opt/homebrew/bin/[^/]+")
_HOMOGLYPH = re.compile(r"[^\x00-\x7f]")
_PLAIN_NAME = re.compile(r"[A-Za-z_]\w*(?:\[(?:\d+|[@*])\])?")
_SENDING = frozenset(("A2", "A3", "A11", "A13"))
_CHAIN = ("&&", "||")


class Walk(Record):
    """One judgement in progress: the effects found so far and the state at the point that has been reached.

    Programs' tables call :meth:`emit`, :meth:`read`, :meth:`write`, :meth:`delete`, :meth:`send`, :meth:`run_argv`,
    :meth:`run_text` and :meth:`run_file`.
    """

    __slots__ = (
        "calling",
        "capture",
        "depth",
        "forking",
        "integers",
        "marks",
        "nested",
        "pseudo",
        "seen",
        "source",
        "stdin",
        "steps",
        "suspicious",
        "uncalled",
    )

    def __init__(self, place: Place, policy: Policy) -> None:
        super().__init__(place, policy)
        self.stdin: str | None = None
        self.capture: list[str] | None = None
        self.depth = 0
        self.nested = 0
        self.steps = 0
        self.forking = 0
        self.calling: list[tuple[str, int]] = []
        self.seen: set[str] = set()
        self.source = ""
        self.integers: set[str] = set()
        self.uncalled: dict[str, Command] = {}
        self.pseudo = 0
        self.suspicious = False
        self.marks = False

    # --- what programs call -------------------------------------------------------------------------------------

    def run_argv(self, argv: list[str], stdin: str | None = None) -> str | None:
        """Judge a command that another one starts; returns its output."""
        self.depth += 1
        if self.depth > _MOST_DEPTH:
            raise Limit
        outer = self.argv
        self.marks = True
        try:
            return self.execute(argv, stdin)
        finally:
            self.argv = outer
            self.depth -= 1

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
        if self.depth > _MOST_DEPTH or len(source) > _MOST_TEXT:
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

    def contained(self, action: Callable[[], str | None]) -> str | None:
        """Do something in a copy of the state, as a subshell or another process does."""
        state = self.state
        self.state = state.copy()
        try:
            return action()
        finally:
            files = self.state.files
            self.state = state
            state.files = files

    def run_file(self, path: str, args: list[str], stdin: str | None, by_shell: bool) -> str | None:
        """Judge running a script: by what this operation itself put into it, and as A8."""
        full = self.absolute(path)
        content = self.content(full)
        if content is not None:
            if NET in content:
                self.emit("B5", f"runs {show(full)}, which this operation downloads", (full,))
            elif DEC in content:
                self.emit("B5", f"runs {show(full)}, which this operation decodes", (full,))
            elif by_shell or content.startswith("#!") or (content and known(content)):
                self.shell_code(content, stdin, args, path)
        rule = read_rule(full, self.place, self.policy)
        if rule == "A5" and secret(full, self.policy):
            self.emit(rule, f"reads {show(full)}", (full,))
        self.emit("A0" if unknown(full) else "A8", f"runs {show(full)}", (full,))
        return UNK + taints(content)

    def shell_code(
        self,
        source: str,
        stdin: str | None = None,
        args: Sequence[str] = (),
        zero: str = "bash",
        what: str = "shell code",
    ) -> str | None:
        """Judge text that another shell process executes."""
        return self.script_with(list(args), lambda: self.run_text(source, stdin, what), zero)

    def script_with(self, args: list[str], action: Callable[[], str | None], zero: str = "bash") -> str | None:
        """Judge code of another shell process: its own state, its parameters."""
        state = self.state
        self.state = state.child(args, zero)
        try:
            return action()
        finally:
            state.files = self.state.files
            self.state = state

    def effort(self, steps: int) -> None:
        """Count work against the bound of an operation; raises Limit beyond it."""
        self.steps += steps
        if self.steps > _MOST_STEPS:
            raise Limit

    # --- commands -----------------------------------------------------------------------------------------------

    def execute(self, argv: list[str], stdin: str | None) -> str | None:
        """Judge one argument vector; returns what it prints (None: nothing is known)."""
        self.argv = argv
        self.steps += _COMMAND
        if self.steps > _COMMAND:
            size = sum(map(len, argv)) + (len(stdin) if stdin else 0)
            self.effort(size // _CHARACTERS if size > _LONG else 0)
        if not argv:
            self.emit("A0", "runs nothing that is known")
            return None
        name = argv[0]
        if self.state.funcs and name in self.state.funcs:
            return self.call(name, argv)
        program = lookup(name)
        if program is not None:
            if self.marks and SEC in "".join(argv):
                return self._with_secret(program, argv, stdin)
            return program.run(self, argv, stdin)
        return self._unlisted(name, argv, stdin)

    def _with_secret(self, program: Program, argv: list[str], stdin: str | None) -> str | None:
        """A program that has a secret among its arguments: if it uses the network itself, it may send it."""
        before = len(self.effects)
        output = program.run(self, argv, stdin)
        mine = tuple(argv)
        if any(effect.rule in _SENDING and effect.argv == mine for effect in self.effects[before:]):
            self.emit("B6", f"gives a secret to {argv[0]}, which uses the network")
        return output

    def _unlisted(self, name: str, argv: list[str], stdin: str | None) -> str | None:
        """A command that is no name of a table: a path, something unknown, or nothing."""
        taint = taints("".join(argv)) + taints(stdin)
        if not name:
            self.emit("A0", "runs an empty name")
            return None
        if not name.isascii() and marked(name):
            if NET in name or DEC in name:
                self.emit("B5", "runs a command that was downloaded or decoded")
            self.emit("A0", f"runs a command that is not known: {show(name)}")
            return UNK + taint
        if "/" in name:
            if _BIN.fullmatch(name):
                base = name[name.rfind("/") + 1 :]
                program = lookup(base)
                if program is not None:
                    return program.run(self, [base, *argv[1:]], stdin)
            return self.run_file(name, argv[1:], stdin, by_shell=False)
        if _HOMOGLYPH.search(name):
            self.emit("A12", f"runs {name!r}, a name with characters that look like others")
        else:
            self.emit("A0", f"runs {name}, a program that is not known")
        return UNK + taint

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

    # --- expansions that run commands ---------------------------------------------------------------------------

    def substitute(self, script: Script) -> str:
        """The output of ``$(script)``, without its last newlines."""
        self.depth += 1
        if self.depth > _MOST_DEPTH:
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

    def variable_name(self, name: str) -> bool:
        """Judge a variable's name that a builtin gets as text: a subscript in it is evaluated."""
        if unknown(name) or not _PLAIN_NAME.fullmatch(name):
            self.emit("A0", f"uses {show(name)} as a variable's name, which can run commands")
            return False
        return True

    # --- the end ------------------------------------------------------------------------------------------------

    def finish(self) -> list[Effect]:
        """All effects, decoded for people; flows that only the whole shows are added."""
        seen = self.seen
        if "netcat" in seen and ("shell" in seen or {"fifo", "piped shell"} <= seen):
            self.argv = []
            self.conclude("B7", "connects a shell to the network")
        effects = self.effects
        if self.uncalled:
            self._uncalled()
        if len(effects) > 1:
            effects.sort(key=_weight)
        if not self.marks:
            return effects
        argv: tuple[str, ...] = ()
        shown: tuple[str, ...] = ()
        for index, effect in enumerate(effects):
            if effect.argv is not argv:
                argv = shown = effect.argv
                if not "".join(argv).isascii():
                    shown = tuple(show(argument) for argument in argv)
            if shown is not argv:
                effects[index] = effect._replace(argv=shown)
            if effect.paths and not "".join(effect.paths).isascii():
                effects[index] = effects[index]._replace(paths=tuple(show(path) for path in effect.paths))
        return effects

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


# What a safe operation is called after: what it does, before what it only says.
_WEIGHTS = {rule: weight for weight, rule in enumerate("S3 S6 S4 S9 S5 S11 S1 S12 S2 S8 S7".split(), 1)}


def _weight(effect: Effect) -> int:
    return _WEIGHTS.get(effect.rule, 0)


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

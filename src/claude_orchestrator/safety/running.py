"""Running programs: what one argument vector does, without a tree of shell code around it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from claude_orchestrator.safety.programs import lookup
from claude_orchestrator.safety.scope import Limit, Whole
from claude_orchestrator.safety.touching import Record
from claude_orchestrator.safety.values import DEC, NET, SEC, UNK, known, marked, show, taints, unknown
from claude_orchestrator.safety.zones import Place, read_rule, secret

if TYPE_CHECKING:
    from claude_orchestrator.safety.operations import Effect
    from claude_orchestrator.safety.policy import Policy
    from claude_orchestrator.safety.programs.framework import Program
    from claude_orchestrator.safety.shell.nodes import Command

_MOST_STEPS = 1500
_COMMAND = 6
"""What a command costs of the steps that are allowed: about 100 microseconds on a busy machine."""
_LONG = 1000
"""The length from which on what is given to commands counts, too (it may be code), except for the first."""
_CHARACTERS = 16
MOST_DEPTH = 40

_BIN = re.compile(r"(?:/usr)?(?:/local)?/s?bin/[^/]+|/opt/homebrew/bin/[^/]+")
_PLAIN_NAME = re.compile(r"[A-Za-z_]\w*(?:\[(?:\d+|[@*])\])?")
_SENDING = frozenset(("A2", "A3", "A11", "A13"))


class Running(Record):
    """One judgement in progress: the effects found so far and the state at the point that has been reached.

    What needs a tree (code that a shell reads, functions) raises Whole here; it can be done by
    :class:`~claude_orchestrator.safety.walk.Walk`.

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

    def run_argv(self, argv: list[str], stdin: str | None = None) -> str | None:
        """Judge a command that another one starts; returns its output."""
        self.depth += 1
        if self.depth > MOST_DEPTH:
            raise Limit
        outer = self.argv
        self.marks = True
        try:
            return self.execute(argv, stdin)
        finally:
            self.argv = outer
            self.depth -= 1

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
        if not name.isascii():
            self.emit("A12", f"runs {name!r}, a name with characters that look like others")
        else:
            self.emit("A0", f"runs {name}, a program that is not known")
        return UNK + taint

    def variable_name(self, name: str) -> bool:
        """Judge a variable's name that a builtin gets as text: a subscript in it is evaluated."""
        if unknown(name) or not _PLAIN_NAME.fullmatch(name):
            self.emit("A0", f"uses {show(name)} as a variable's name, which can run commands")
            return False
        return True

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

    # --- what needs a tree --------------------------------------------------------------------------------------

    def run_text(self, source: str, stdin: str | None = None, what: str = "shell code") -> str | None:
        """Judge text that a shell executes; returns its output."""
        raise Whole

    def call(self, name: str, argv: list[str]) -> str | None:
        """Judge the call of a function that the operation defines."""
        raise Whole

    def _uncalled(self) -> None:
        raise Whole


# What a safe operation is called after: what it does, before what it only says.
_WEIGHTS = {rule: weight for weight, rule in enumerate("S3 S6 S4 S9 S5 S11 S1 S12 S2 S8 S7".split(), 1)}


def _weight(effect: Effect) -> int:
    return _WEIGHTS.get(effect.rule, 0)

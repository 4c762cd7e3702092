"""What a command line can do: a walk over its tree that follows what the shell would do, without doing it.

:func:`command_effects` judges the text of a bash command, :func:`argv_effects` a vector that no shell reads. Both
return every effect found; the policy decides about each, the strictest wins. What cannot be resolved is an effect of
rule A0. Flows are followed as bash follows them: literal variables (with all possible values where branches meet), the
folder, functions, files written in the same operation, what goes through pipes, and three taints: text from the
network, decoded text, secrets.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from claude_orchestrator.safety import expansion
from claude_orchestrator.safety.operations import Effect
from claude_orchestrator.safety.policy import Policy
from claude_orchestrator.safety.programs import lookup
from claude_orchestrator.safety.scope import Fork, Limit, State, dangerous_name, harmless_name, join
from claude_orchestrator.safety.shell.nodes import (
    ArithCommand,
    ArithFor,
    Assign,
    Case,
    Command,
    Compound,
    For,
    Function,
    If,
    Pipeline,
    ProcessSub,
    Redirect,
    Script,
    ShellSyntaxError,
    Simple,
    Test,
    While,
)
from claude_orchestrator.safety.shell.parser import parse
from claude_orchestrator.safety.touching import Record
from claude_orchestrator.safety.values import DEC, NET, NUM, SEC, UNK, known, marked, no_code, show, taints, unknown
from claude_orchestrator.safety.zones import Place, read_rule, secret

if TYPE_CHECKING:
    from claude_orchestrator.safety.programs.framework import Program

_MOST_STEPS = 1500
_MOST_DEPTH = 40
_MOST_TEXT = 100_000

_NETWORK_PATH = re.compile(r"/dev/(?:tcp|udp)/")
_BIN = re.compile(r"(?:/usr)?(?:/local)?/s?bin/[^/]+|/opt/homebrew/bin/[^/]+")
_PRIVATE = re.compile("[\U000f0000-\U000fffff]")
_HOMOGLYPH = re.compile(r"[^\x00-\x7f]")

SHELLS = frozenset("sh bash dash zsh ksh mksh ash fish rbash csh tcsh".split())


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
            elif by_shell or content.startswith("#!"):
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
        self.effort(1)
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
        before = self._assignments(assigns, alone=not argv) if assigns else None
        if command.redirects:
            self._redirected(argv, command.redirects)
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

    def _redirected(self, argv: list[str], redirects: Sequence[Redirect]) -> None:
        """A simple command with redirections."""
        flow = _Flow(self.stdin)
        for redirect in redirects:
            self._redirect(redirect, flow)
        if flow.network and any(argument.rpartition("/")[2] in SHELLS for argument in argv):
            self.emit("B7", "connects a shell to the network")
        lasting = argv and argv[0] == "exec" and len(argv) == 1
        output: str | None = ""
        if not argv and not flow.targets and flow.stdin is not self.stdin:
            output = flow.stdin
        if lasting:
            self.state.fds.update(flow.fds)
            self.emit("S7", "opens files for what follows")
            for path, append in flow.targets:
                self.write(path, empties=not append)
            if flow.stdin is not self.stdin:
                self.stdin = flow.stdin
        elif argv:
            standard, self.stdin = self.stdin, flow.stdin
            output = self.execute(argv, flow.stdin)
            self.stdin = standard
        self.argv = argv
        self._written(flow, output)

    def _written(self, flow: _Flow, output: str | None) -> None:
        """What a command printed goes where its redirections say."""
        if flow.network:
            self.send(output)
        if flow.targets:
            for path, append in flow.targets:
                self._store(path, append, output)
        elif flow.script is not None:
            standard, self.stdin = self.stdin, UNK if output is None else output
            self.substitute(flow.script)
            self.stdin = standard
        elif not flow.discarded and self.capture is not None:
            self.capture.append(UNK if output is None else output)

    def _store(self, path: str, append: bool, output: str | None) -> None:
        if append:
            full = self.absolute(path)
            old = self.state.files.get(full)
            new = UNK if output is None else output
            self.write(path, new if old is None else old + new)
            return
        self.write(path, output, empties=output == "")

    def _redirect(self, redirect: Redirect, flow: _Flow) -> None:  # noqa: C901, PLR0911, PLR0912  (one branch an operator)
        op, fd, word = redirect.op, redirect.fd, redirect.target
        if op in ("<<", "<<-"):
            if fd in ("", "0"):
                flow.stdin = expansion.text(self, word)
            return
        if op == "<<<":
            value = expansion.text(self, word) + "\n"
            if fd in ("", "0"):
                flow.stdin = value
            return
        first = word.parts[0] if word.parts else None
        if first.__class__ is ProcessSub and first.direction == ">" and ">" in op:
            flow.script = first.script
            return
        targets = expansion.fields(self, (word,))
        target = targets[0] if len(targets) == 1 else UNK
        if op in ("<&", ">&") and (target.isdigit() or target == "-" or target[:-1].isdigit()):
            self._duplicate(op, fd, target, flow)
            return
        if _NETWORK_PATH.match(target):
            flow.network = True
            self.emit("A2", f"connects to {show(target)}")
            flow.fds[fd.strip("{}")] = NET
            if "<" in op and fd in ("", "0"):
                flow.stdin = UNK + NET
            return
        if op == "<":
            content = self.read(target)
            if fd in ("", "0"):
                flow.stdin = UNK if content is None else content
            else:
                flow.fds[fd.strip("{}")] = UNK if content is None else content
            return
        if op == "<>":
            self.read(target)
            self.write(target)
            return
        if not self._is_null(target):
            if op in ("&>", "&>>", ">&") or fd in ("", "1"):
                flow.targets.append((target, op in (">>", "&>>")))
            else:
                self.write(target)
        elif fd in ("", "1"):
            flow.discarded = True

    def _is_null(self, target: str) -> bool:
        return target in ("/dev/null", "/dev/stderr", "/dev/tty")

    def _duplicate(self, op: str, fd: str, target: str, flow: _Flow) -> None:
        other = flow.fds.get(target) or self.state.fds.get(target)
        if other == NET:
            flow.network = True
        if op == "<&" and fd in ("", "0"):
            flow.stdin = UNK + NET if other == NET else other or UNK
        elif op == "<&" and other:
            flow.fds[fd] = other
        if op == ">&" and fd in ("", "1") and target != "1":
            flow.discarded = True

    def _assignments(self, assigns: Sequence[Assign], alone: bool) -> tuple[frozenset[str], dict[str, Any]] | None:
        """Assignments alone (S7 or A10), or in front of a command (S8 or A10): then what they replace while it runs."""
        variables = self.state.vars
        exported, old = self.state.exported, {}
        for assign in assigns:
            name = assign.name
            value = self._assigned(assign)
            if alone:
                if dangerous_name(name):
                    self.emit("A10", f"sets {name}")
                else:
                    self.emit("S7", f"sets {name}")
                if name in self.integers and isinstance(value, str):
                    expansion.arithmetic_names(self, value)
                    value = NUM
                variables[name] = value
                continue
            if not harmless_name(name):
                shown = show(value) if isinstance(value, str) else "..."
                self.emit("A10", f"sets {name}={shown} for a command")
            old[name] = variables.get(name)
            variables[name] = value
            self.state.exported |= {name}
        return None if alone else (exported, old)

    def _assigned(self, assign: Assign) -> Any:
        """The value of an assignment."""
        if assign.array is not None:
            values = expansion.fields(self, assign.array)
            old = self.state.vars.get(assign.name)
            return [*old, *values] if assign.append and isinstance(old, list) else values
        value = expansion.text(self, assign.value) if assign.value is not None else ""
        if assign.index is not None:
            subscript = expansion.text(self, assign.index)
            if not (known(subscript) and (subscript.isdigit() or not subscript)):
                expansion.arithmetic_names(self, subscript)
            old = self.state.vars.get(assign.name)
            return [*old, value] if isinstance(old, list) else [value]
        if assign.append:
            old = self.state.lookup(assign.name, self.place.home)
            return old + value
        return value

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

    # --- compound commands --------------------------------------------------------------------------------------

    def pipeline(self, pipeline: Pipeline) -> None:
        """Commands joined by pipes: what each prints is what the next reads."""
        commands = pipeline.commands
        if len(commands) == 1:
            self.command(commands[0])
            return
        capture, stdin, state = self.capture, self.stdin, self.state
        self.forking += 1
        try:
            for index, command in enumerate(commands):
                self.state = state.copy()
                last = index == len(commands) - 1
                self.capture = capture if last else []
                self.command(command)
                if not last:
                    assert self.capture is not None
                    self.stdin = "".join(self.capture)
                state.files = self.state.files
        finally:
            self.forking -= 1
            self.capture, self.stdin, self.state = capture, stdin, state

    def _body(self, redirects: Sequence[Redirect], action: Callable[[], None]) -> None:
        """The body of a compound command, with the redirections of the whole."""
        if not redirects:
            action()
            return
        flow = _Flow(self.stdin)
        for redirect in redirects:
            self._redirect(redirect, flow)
        stdin, capture = self.stdin, self.capture
        self.stdin, self.capture = flow.stdin, []
        if flow.network:
            self.seen.add("network")
        try:
            action()
            output = "".join(self.capture)
        finally:
            self.stdin, self.capture = stdin, capture
        self._written(flow, output)

    def compound(self, command: Compound) -> None:
        """``( … )`` and ``{ …; }``."""
        if command.kind == "group":
            self._body(command.redirects, lambda: self.script(command.body))
            return

        def act() -> None:
            state = self.state
            self.state = state.copy()
            try:
                self.script(command.body)
            finally:
                state.files = self.state.files
                self.state = state

        self._body(command.redirects, act)

    def branches(self, command: If) -> None:
        """``if``: any branch may be taken."""
        self._body(command.redirects, lambda: self._branches(command))

    def _branches(self, command: If) -> None:
        result: State | None = None
        for condition, body in command.branches:
            self.quiet(condition)
            after = self.state
            self.state = after.copy()
            self.script(body)
            result = self.state if result is None else join(result, self.state)
            self.state = after
        if command.otherwise is not None:
            self.state = self.state.copy()
            self.script(command.otherwise)
        assert result is not None
        self.state = join(result, self.state)

    def quiet(self, condition: Script) -> None:
        """A condition: what it prints is printed, too."""
        self.script(condition)

    def loop(self, command: While) -> None:
        """``while`` and ``until``."""

        def act() -> None:
            self.script(command.condition)
            before = self.state.copy()
            self.script(command.body)
            self.state = join(before, self.state)

        self._body(command.redirects, lambda: self._repeat(act))

    def _repeat(self, act: Callable[[], None]) -> None:
        """A loop's body: once, and once more from where it ends, with what changes taken as unknown."""
        start = self.state.copy()
        act()
        if self.state.vars == start.vars and self.state.funcs.keys() == start.funcs.keys():
            return
        changed = {
            name: (NUM if _number(value) else UNK + taints(value if isinstance(value, str) else ""))
            for name, value in self.state.vars.items()
            if start.vars.get(name) != value
        }
        once = self.state
        self.state = join(start, once.copy())
        act()
        for name, value in changed.items():
            if self.state.vars.get(name) != once.vars.get(name):
                self.state.vars[name] = value
        self.state = join(once, self.state)

    def each(self, command: For) -> None:
        """``for name in words`` and ``select``."""
        self._body(command.redirects, lambda: self._each(command))

    def _each(self, command: For) -> None:
        if command.words is None:
            values = [UNK] if self.state.args is None else list(self.state.args)
        else:
            values = expansion.fields(self, command.words)
        if dangerous_name(command.name):
            self.emit("A10", f"sets {command.name}")
        distinct = list(dict.fromkeys(value.replace("\U000f0006", UNK) for value in values))
        if len(distinct) > 8 and all(_number(value) for value in distinct):
            distinct = [NUM]
        if not distinct:
            return
        value: Any = distinct[0] if len(distinct) == 1 else tuple(distinct)

        def act() -> None:
            self.state.vars[command.name] = value
            self.script(command.body)
            self.state.vars[command.name] = value

        self._repeat(act)

    def counted(self, command: ArithFor) -> None:
        """``for ((a; b; c))``."""

        def act() -> None:
            for expression in command.expressions:
                expansion.arithmetic(self, expression.text, expression.word)
            self.script(command.body)

        self._body(command.redirects, lambda: self._repeat(act))

    def cases(self, command: Case) -> None:
        """``case``: any clause may be taken."""

        def act() -> None:
            expansion.text(self, command.word)
            before = self.state
            result = before.copy()
            for patterns, body in command.clauses:
                self.state = before.copy()
                for pattern in patterns:
                    expansion.text(self, pattern)
                self.script(body)
                result = join(result, self.state)
            self.state = result

        self._body(command.redirects, act)

    def function(self, command: Function) -> None:
        """The definition of a function; a name that hides a program is A10."""
        name = command.name
        if lookup(name) is not None or "/" in name:
            self.emit("A10", f"defines a function that hides {name}")
        self.state.funcs[name] = (command.body,)
        self.uncalled[name] = command.body

    def test(self, command: Test) -> None:
        """``[[ … ]]``: arithmetic comparisons and ``-v`` can run commands, everything else is text."""

        def act() -> None:
            words = command.words
            values = [expansion.text(self, word) for word in words]
            for index, value in enumerate(values):
                if value in _COMPARE and words[index].literal is not None and 0 < index < len(values) - 1:
                    expansion.numeric(self, values[index - 1])
                    expansion.numeric(self, values[index + 1])
                elif value == "-v" and index + 1 < len(values):
                    self.variable_name(values[index + 1])
            self.emit("S7", "tests values")

        self._body(command.redirects, act)

    def variable_name(self, name: str) -> bool:
        """Judge a variable's name that a builtin gets as text: a subscript in it is evaluated."""
        if unknown(name) or not _PLAIN_NAME.fullmatch(name):
            self.emit("A0", f"uses {show(name)} as a variable's name, which can run commands")
            return False
        return True

    def compute(self, command: ArithCommand) -> None:
        """``((expression))``."""

        def act() -> None:
            expansion.arithmetic(self, command.expression.text, command.expression.word)
            self.emit("S7", "computes")

        self._body(command.redirects, act)

    # --- the end ------------------------------------------------------------------------------------------------

    def finish(self) -> list[Effect]:
        """All effects, decoded for people; flows that only the whole shows are added."""
        seen = self.seen
        if "netcat" in seen and ("shell" in seen or {"fifo", "piped shell"} <= seen):
            self.argv = []
            self.emit("B7", "connects a shell to the network")
        effects = self.effects
        if self.uncalled:
            self._uncalled()
        if len(effects) > 1:
            effects.sort(key=_weight)
        if not self.marks:
            return effects
        for index, effect in enumerate(effects):
            if effect.argv and not "".join(effect.argv).isascii():
                effects[index] = effect._replace(argv=tuple(show(argument) for argument in effect.argv))
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
                self.emit("A0", "is too large to be judged")
            harmful = [effect for effect in self.effects[count:] if effect.rule[0] != "S"]
            del self.effects[count:]
            if harmful:
                self.emit("A0", f"defines a function {name} that is not called and {harmful[0].what}")


class _Flow:
    """Where a command's descriptors lead."""

    __slots__ = ("discarded", "fds", "network", "script", "stdin", "targets")

    def __init__(self, stdin: str | None) -> None:
        self.stdin = stdin
        self.targets: list[tuple[str, bool]] = []
        self.fds: dict[str, str] = {}
        self.network = False
        self.discarded = False
        self.script: Script | None = None


# What a safe operation is called after: what it does, before what it only says.
_WEIGHTS = {rule: weight for weight, rule in enumerate("S3 S6 S4 S9 S5 S11 S1 S12 S2 S8 S7".split(), 1)}


def _weight(effect: Effect) -> int:
    return _WEIGHTS.get(effect.rule, 0)


_SENDING = frozenset(("A2", "A3", "A11", "A13"))
_UNREADABLE = "cannot be read"
_COPROC = re.compile(r"(^|[;&|({\n]\s*)coproc\s+(?:\w+\s+(?=[{(]))?")
_CHAIN = ("&&", "||")
_COMPARE = frozenset("-eq -ne -lt -le -gt -ge".split())
_PLAIN_NAME = re.compile(r"[A-Za-z_]\w*(?:\[(?:\d+|[@*])\])?")
_NUMBER = re.compile("[-+]?[0-9\U000f0004]+")


def _number(value: object) -> bool:
    return isinstance(value, str) and _NUMBER.fullmatch(value) is not None


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


_FORMS: dict[type, Callable[[Walk, Any], None]] = {
    Simple: Walk.simple,
    Pipeline: Walk.pipeline,
    Compound: Walk.compound,
    If: Walk.branches,
    While: Walk.loop,
    For: Walk.each,
    ArithFor: Walk.counted,
    Case: Walk.cases,
    Function: Walk.function,
    Test: Walk.test,
    ArithCommand: Walk.compute,
}


def _judge(walk: Walk, action: Callable[[], object]) -> list[Effect]:
    try:
        action()
    except Limit:
        walk.emit("A0", "is too large or too deep to be judged")
    except ShellSyntaxError as error:
        walk.emit("A0", f"{_UNREADABLE}: {error}")
    except RecursionError:
        walk.emit("A0", "is nested too deeply to be judged")
    except Exception as error:  # noqa: BLE001  (fail closed, and keep what was found: it may be blocked)
        walk.emit("A0", f"could not be judged to its end ({type(error).__name__})")
    return walk.finish()


def command_effects(source: str, place: Place, policy: Policy) -> list[Effect]:
    """Every effect that a bash command line can have. Raises nothing for any text; what cannot be judged is A0."""
    walk = Walk(place, policy)
    walk.source = source
    if not source.isascii() or "\r" in source:
        if _PRIVATE.search(source):
            return [Effect("A12", "contains characters of a private Unicode plane")]
        walk.suspicious = True
    effects = _judge(walk, lambda: walk.script(parse(source)))
    if len(effects) == 1 and "coproc" in source and effects[0].what.startswith(_UNREADABLE):
        # Not supported, but what it runs is certain all the same.
        effects += command_effects(_COPROC.sub(r"\1", source), place, policy)
    return effects


def argv_effects(argv: Sequence[str], place: Place, policy: Policy) -> list[Effect]:
    """Every effect that starting a program with these arguments can have; no shell reads them."""
    walk = Walk(place, policy)
    arguments = list(argv)
    if not arguments:
        return [Effect("A0", "starts nothing")]
    if any(_PRIVATE.search(argument) for argument in arguments):
        return [Effect("A12", "contains characters of a private Unicode plane")]
    return _judge(walk, lambda: walk.execute(arguments, None))

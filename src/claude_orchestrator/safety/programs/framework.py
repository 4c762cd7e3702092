"""How a program's command line is described: a row of options and operands, and what each of them means.

A program is a :class:`Program`, made by :func:`row`::

    ROWS = {
        "sort": row("S1", "-bdfghiMnRrVcCmsuz -k,--key=text -o,--output=write --compress-program!A8", "read*"),
        "tee": row("S4", "-aip -a,--append -i,--ignore-interrupts -p --output-error?text", "write*"),
    }

* The first argument is the rule of its plain use: ``S1`` reads, ``S2`` informs, ``S3`` tests …, ``A2`` network.
* Options stand in one string. ``-abc`` are three flags; ``-o,--output`` are two names of one option; ``=role`` says
  that a value must follow (glued, after ``=``, or as the next argument), ``?role`` that one may be glued to it;
  ``!RULE`` that the option has an effect of that rule; ``=role!RULE`` both. ``-#`` allows ``-5``.
  An option that is not listed is unknown: A0. Long options may be abbreviated as GNU programs allow (so list the
  dangerous ones, too), short ones clustered, and after ``--`` everything is an operand.
* Operands are roles in order; one with a star takes all that are left over (``"text read*"``, ``"read* write"``).
  Surplus operands are A0.
* Roles: ``text`` (no effect), ``read``, ``write``, ``load`` (a configuration or code that must lie in the workspace),
  ``dir`` (a folder that is worked in, like ``load``), ``exec`` (a command line for a shell), ``delete``,
  ``name`` (must be known, no effect).
* ``hook`` is a function ``(walk, argv, options, operands, stdin) -> output`` that is called in place of the operand
  roles, for what rows cannot say; the options' roles have been applied, ``options`` are ``(name, value)`` pairs with the
  last of an option's names, without dashes. ``run`` is a function ``(walk, argv, stdin) -> output`` that does everything.
* ``subcommands`` is a table of rows under the first operand; the options before it are the row's own.
* ``style``: ``"posix"`` ends the options at the first operand, ``"go"`` writes long options with one dash.

What a program prints is a value (:mod:`~claude_orchestrator.safety.values`), None when nothing is known about it. By
default it carries the taints of what was read. A family module is imported when one of its programs is first looked up;
its programs' names are listed in ``programs/__init__.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from claude_orchestrator.safety.values import UNK, known, show, taints, unknown

if TYPE_CHECKING:
    from claude_orchestrator.safety.effects import Walk

Options = list[tuple[str, str]]
Hook = Callable[["Walk", list[str], Options, list[str], "str | None"], "str | None"]
Run = Callable[["Walk", list[str], "str | None"], "str | None"]
Role = Callable[["Walk", str], "str | None"]


def _text(walk: Walk, value: str) -> None:
    return None


def _name(walk: Walk, value: str) -> None:
    if not value.isascii() and unknown(value):
        walk.emit("A0", f"takes what is not known: {show(value)}")


def _load(walk: Walk, value: str) -> str | None:
    if not walk.in_workspace(value):
        walk.emit("A8", f"loads {show(value)}, which is outside the workspace", (walk.absolute(value),))
    return walk.state.files.get(walk.absolute(value)) if walk.state.files else None


def _exec(walk: Walk, value: str) -> str | None:
    return walk.run_text(value)


def _delete(walk: Walk, value: str) -> None:
    walk.delete(value, recursive=False)


ROLES: dict[str, Role] = {
    "text": _text,
    "name": _name,
    "read": lambda walk, value: walk.read(value),
    "write": lambda walk, value: walk.write(value),
    "load": _load,
    "dir": _load,
    "exec": _exec,
    "delete": _delete,
}
"""What is done with a value of each role; the function returns what was read, where that matters."""

_FLAG, _VALUE, _MAYBE = 0, 1, 2


class Option:
    """One option: whether it takes a value, what the value is, and the rule that its presence has by itself."""

    __slots__ = ("arity", "name", "role", "rule")

    def __init__(self, name: str, arity: int, role: Role, rule: str) -> None:
        self.name = name
        self.arity = arity
        self.role = role
        self.rule = rule


class Program:
    """One program (or sub-command) with its options and operands; made by :func:`row`."""

    __slots__ = (
        "after",
        "hook",
        "longs",
        "many",
        "name",
        "number",
        "operands",
        "rule",
        "run",
        "shorts",
        "source",
        "style",
        "subcommands",
        "textual",
        "what",
    )

    def __init__(
        self,
        rule: str,
        options: str,
        operands: str,
        hook: Hook | None,
        style: str,
        subcommands: Mapping[str, Program] | None,
        what: str,
        textual: bool,
    ) -> None:
        self.rule = rule
        self.source: tuple[str, str] | None = (options, operands)
        self.hook = hook
        self.style = style
        self.subcommands = subcommands
        self.what = what
        self.name = ""
        self.textual = textual
        self.run: Run = self._first

    def _first(self, walk: Walk, argv: list[str], stdin: str | None) -> str | None:
        """Compile the row when it is first used, then do what it says."""
        self.compile(argv[0])
        return self.run(walk, argv, stdin)

    def compile(self, name: str) -> None:
        """Read the row's strings into tables."""
        if self.source is None:
            return
        options, operands = self.source
        self.source = None
        self.name = name.rpartition("/")[2]
        self.what = self.what or _WHAT.get(self.rule, "runs {}").format(self.name)
        self.shorts: dict[str, Option] = {}
        self.longs: dict[str, Option] = {}
        self.number = False
        for item in options.split():
            self._option(item)
        self.operands: list[Role] = []
        self.after: list[Role] = []
        self.many: Role | None = None
        for role in operands.split():
            if role[-1] == "*":
                self.many = ROLES[role[:-1]]
            elif self.many is None:
                self.operands.append(ROLES[role])
            else:
                self.after.append(ROLES[role])
        self.run = self._run

    def _option(self, item: str) -> None:
        if item == "-#":
            self.number = True
            return
        rest, _, rule = item.partition("!")
        arity, role = _FLAG, "text"
        for sign, kind in (("=", _VALUE), ("?", _MAYBE)):
            if sign in rest:
                rest, _, role = rest.partition(sign)
                arity = kind
                role = role or "text"
                break
        names = rest.split(",")
        if len(names) == 1 and names[0][:2] != "--" and self.style != "go":
            for letter in names[0][1:]:
                self.shorts[letter] = Option(letter, arity, ROLES[role], rule)
            return
        option = Option(names[-1].lstrip("-"), arity, ROLES[role], rule)
        for name in names:
            if name[:2] == "--" or self.style == "go":
                self.longs[name.lstrip("-")] = option
            else:
                self.shorts[name[1:]] = option

    def long(self, name: str) -> Option | None:
        """The option that a long name or its unambiguous abbreviation means."""
        option = self.longs.get(name)
        if option is None and name:
            found = {id(o): o for key, o in self.longs.items() if key.startswith(name)}
            if len(found) == 1:
                return next(iter(found.values()))
        return option

    def parse(self, walk: Walk, argv: list[str]) -> tuple[Options, list[str], str]:
        """The options and operands of a command line, and the taints of what the options read; options take effect."""
        options: Options = []
        operands: list[str] = []
        taint = ""
        index, end = 1, len(argv)
        while index < end:
            argument = argv[index]
            index += 1
            if argument[:1] != "-" or argument == "-":
                if not argument.isascii() and not self.textual:
                    self._uncertain(walk, argument)
                operands.append(argument)
                if self.style == "posix":
                    operands.extend(argv[index:])
                    break
                continue
            if argument == "--":
                operands.extend(argv[index:])
                break
            if argument[1] == "-" or self.style == "go":
                name, equals, value = argument.lstrip("-").partition("=")
                option = self.long(name) if self.style != "go" else self.longs.get(name)
                if option is None:
                    self._unknown(walk, argument)
                    continue
                if option.arity == _VALUE and not equals:
                    if index >= end:
                        self._unknown(walk, argument)
                        continue
                    value = argv[index]
                    index += 1
                elif equals and option.arity == _FLAG and self.style != "go":
                    self._unknown(walk, argument)
                taint += self._apply(walk, option, value, bool(equals) or option.arity == _VALUE)
                options.append((option.name, value))
                continue
            position, length = 1, len(argument)
            if self.number and argument[1:].isdigit():
                options.append(("#", argument[1:]))
                continue
            while position < length:
                option = self.shorts.get(argument[position])
                position += 1
                if option is None:
                    self._unknown(walk, argument)
                    break
                value = ""
                if option.arity != _FLAG:
                    value = argument[position:]
                    position = length
                    if not value and option.arity == _VALUE:
                        if index >= end:
                            self._unknown(walk, argument)
                            break
                        value = argv[index]
                        index += 1
                taint += self._apply(walk, option, value, option.arity == _VALUE or value != "")
                options.append((option.name, value))
        return options, operands, taint

    def _uncertain(self, walk: Walk, argument: str) -> None:
        if unknown(argument[0]) or splits(argument):
            walk.emit("A0", f"an argument of {self.name} is not known: {show(argument)}")

    def _unknown(self, walk: Walk, argument: str) -> None:
        walk.effort(20)
        walk.emit("A0", f"{self.name} has an option that is not known: {show(argument)}")

    def _apply(self, walk: Walk, option: Option, value: str, given: bool) -> str:
        if option.rule:
            walk.emit(option.rule, f"{self.name} with {option.name}" + (f" {show(value)}" if value else ""))
        if given and option.role is not _text:
            if not value.isascii() and splits(value):
                walk.emit("A0", f"an argument of {self.name} is not known: {show(value)}")
            return taints(option.role(walk, value))
        if given and not value.isascii() and (splits(value)):
            walk.emit("A0", f"an argument of {self.name} is not known: {show(value)}")
        return ""

    def _run(self, walk: Walk, argv: list[str], stdin: str | None) -> str | None:
        if self.subcommands is not None:
            return self._subcommand(walk, argv, stdin)
        options, operands, taint = self.parse(walk, argv)
        if self.hook is not None:
            before = len(walk.effects)
            output = self.hook(walk, argv, options, operands, stdin)
            if len(walk.effects) == before:
                walk.emit(self.rule, self.what)
        else:
            output = self.judge(walk, operands, stdin)
            walk.emit(self.rule, self.what)
        if taint:
            return (output if output is not None else UNK) + taint
        return output

    def judge(self, walk: Walk, operands: list[str], stdin: str | None) -> str | None:
        """Apply the operands' roles; returns the taints of what was read, as the program's output."""
        taint = ""
        first, after, many = self.operands, self.after, self.many
        count = len(operands)
        if many is None and count > len(first):
            walk.emit("A0", f"{self.name} takes no such argument: {show(operands[len(first)])}")
        last = count - len(after)
        consumed = False
        for index, value in enumerate(operands):
            if index < len(first):
                role = first[index]
            elif index >= last and after:
                role = after[index - last]
            elif many is not None:
                role = many
            else:
                break
            if value == "-" and role is not _text:
                consumed = True
                continue
            if role is not _text:
                content = role(walk, value)
                if content is not None:
                    taint += taints(content)
        if stdin is not None and (consumed or count <= len(first)):
            taint += taints(stdin)
        return UNK + taint if taint else None

    def _subcommand(self, walk: Walk, argv: list[str], stdin: str | None) -> str | None:
        index, end = 1, len(argv)
        while index < end:
            argument = argv[index]
            if argument[:1] != "-" or argument == "-":
                break
            index += 1
            name, equals, _ = argument.lstrip("-").partition("=")
            option = self.longs.get(name) if argument[1:2] == "-" or self.style == "go" else None
            if option is None and argument[1:2] != "-":
                option = self.shorts.get(argument[1:2])
                equals = "=" if len(argument) > 2 else ""
            if option is not None and option.arity == _VALUE and not equals:
                index += 1
        options, operands, taint = self.parse(walk, [*argv[:index]])
        assert self.subcommands is not None
        rest = [*operands, *argv[index:]]
        if not rest:
            if self.hook is not None:
                return self.hook(walk, argv, options, [], stdin)
            walk.emit("S2" if options or self.rule[0] == "S" else self.rule, self.what)
            return None
        row = self.subcommands.get(rest[0]) if known(rest[0]) else None
        if row is None:
            fallback = self.subcommands.get("*")
            if fallback is None:
                walk.emit("A0", f"{self.name} has a sub-command that is not known: {show(rest[0])}")
                return UNK + taints("".join(argv)) + taint
            row = fallback
        if row.source is not None:
            row.compile(f"{self.name} {rest[0]}")
        output = row.run(walk, rest, stdin)
        return output if not taint else (output if output is not None else UNK) + taint


def splits(text: str) -> bool:
    """Whether a value may turn into no argument or several."""
    return "\U000f0006" in text


_WHAT = {
    "S1": "{} reads",
    "S2": "{} informs",
    "S3": "{} checks or builds",
    "S4": "{} writes",
    "S5": "{} reads the repository",
    "S6": "{} records locally",
    "S7": "{} handles text",
    "S12": "{} waits",
    "A2": "{} uses the network",
    "A3": "{} installs or downloads packages",
    "A6": "{} changes the repository",
    "A7": "{} acts with privileges or on services and processes",
    "A8": "{} runs a program",
    "A11": "{} changes something outside",
    "A13": "{} changes infrastructure",
}


def row(
    rule: str,
    options: str = "",
    operands: str = "",
    hook: Hook | None = None,
    style: str = "",
    subcommands: Mapping[str, Program] | None = None,
    what: str = "",
    textual: bool = False,
) -> Program:
    """Describe a program (see the module's text); ``textual``: unknown operands are only text (``echo``)."""
    return Program(rule, options, operands, hook, style, subcommands, what, textual)


def custom(run: Run, name: str = "") -> Program:
    """A program that a function judges entirely."""
    program = Program("A0", "", "", None, "", None, "", False)
    program.source = None
    program.name = name
    program.run = run
    return program

"""Shells that are given code: ``-c``, standard input, a script."""

from __future__ import annotations

from typing import TYPE_CHECKING

from claude_orchestrator.safety.programs.framework import Program, custom
from claude_orchestrator.safety.values import DEC, NET, UNK, known, show, unknown

if TYPE_CHECKING:
    from claude_orchestrator.safety.effects import Walk

_FLAGS = frozenset("aefhkmnptuvxlBCEHPTrDsci")
_LONG = frozenset("--norc --noprofile --login --posix --restricted --verbose --noediting --debugger".split())
_VALUES = frozenset(("--rcfile", "--init-file"))
_OTHER_LANGUAGES = frozenset("zsh fish csh tcsh".split())


def _shell(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    index, end = 1, len(argv)
    flags: set[str] = set()
    while index < end:
        argument = argv[index]
        if argument[:2] == "--" and len(argument) > 2:
            index += 1
            if argument in ("--version", "--help"):
                walk.emit("S2", f"{argv[0]} informs")
                return None
            if argument in _VALUES:
                walk.emit("A10", f"{argv[0]} reads {show(argv[index]) if index < end else 'a file'} first")
                index += 1
            elif argument not in _LONG:
                walk.emit("A0", f"{argv[0]} has an option that is not known: {show(argument)}")
            continue
        if argument in ("--", "-"):
            index += 1
            break
        if len(argument) < 2 or argument[0] not in "-+":
            break
        index += 1
        letters = argument[1:]
        if unknown(argument):
            walk.emit("A0", f"{argv[0]} has an option that is not known: {show(argument)}")
        if letters[-1:] in ("o", "O"):
            if letters[-1] == "O":
                walk.emit("A10", "sets an option of the shell")
            letters = letters[:-1]
            index += 1
        if set(letters) - _FLAGS:
            walk.emit("A0", f"{argv[0]} has an option that is not known: {show(argument)}")
        if argument[0] == "-":
            flags |= set(letters)
    if argv[0] in _OTHER_LANGUAGES:
        walk.emit("A0", f"{argv[0]} reads its code in another way than bash")
    if "i" in flags:
        walk.emit("A0", "starts an interactive shell")
        walk.seen.add("shell")
    rest = argv[index:]
    if "c" in flags:
        if not rest:
            walk.emit("A0", "a shell with no code")
            return None
        return walk.shell_code(rest[0], stdin, rest[2:], rest[1] if len(rest) > 1 else argv[0])
    if "n" in flags and "s" not in flags and rest:
        walk.read(rest[0])
        walk.emit("S1", "checks a script's syntax")
        return None
    if rest and "s" not in flags and rest[0] not in ("-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"):
        return walk.run_file(rest[0], rest[1:], stdin, by_shell=True)
    return _from_input(walk, argv[0], rest, stdin)


def _from_input(walk: Walk, name: str, args: list[str], stdin: str | None) -> str | None:
    """A shell that reads its commands from standard input."""
    if stdin is None:
        walk.emit("A8", f"starts {name}")
        walk.seen.add("shell")
        return UNK
    if not known(stdin):
        walk.seen.add("piped shell")
        if NET in stdin:
            walk.emit("B5", f"runs code from the network with {name}")
        if DEC in stdin:
            walk.emit("B5", f"runs decoded text with {name}")
        walk.emit("A8", f"{name} runs commands that are not known")
    return walk.shell_code(stdin, "", args)


ROWS: dict[str, Program] = {
    name: custom(_shell) for name in "sh bash dash zsh ksh mksh ash fish rbash csh tcsh".split()
}

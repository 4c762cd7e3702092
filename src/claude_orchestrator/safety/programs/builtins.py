"""The shell's own commands: text, tests, the folder, variables, and those that run or change how things are run."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from claude_orchestrator.safety.arithmetic import arithmetic_names
from claude_orchestrator.safety.programs.framework import Options, Program, custom, row
from claude_orchestrator.safety.scope import dangerous_name, harmless_name, secret_variable
from claude_orchestrator.safety.values import DEC, NUM, SEC, UNK, known, show, taints, unknown

if TYPE_CHECKING:
    from claude_orchestrator.safety.effects import Walk

_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{1,2}|0?[0-7]{1,3}|u[0-9a-fA-F]{1,4}|U[0-9a-fA-F]{1,8}|[abefnrtv\\\"'?c])")
_SIMPLE_ESCAPES = {"a": "\a", "b": "\b", "e": "\x1b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "c": ""}


def _unescape(found: re.Match[str]) -> str:
    code = found[1]
    if code in _SIMPLE_ESCAPES:
        return _SIMPLE_ESCAPES[code]
    if code[0] in "xuU":
        number = int(code[1:], 16)
    elif code[0] in "01234567":
        number = int(code, 8)
    else:
        return code
    return chr(number) if number < 0x110000 and not 0xD800 <= number < 0xE000 else "?"


def decoded(text: str) -> str:
    """Backslash escapes resolved; a text that hid characters as numbers is marked as decoded."""
    if "\\" not in text:
        return text
    hidden = re.search(r"\\(?:x[0-9a-fA-F]|0?[0-7]|[uU][0-9a-fA-F])", text)
    return _ESCAPE.sub(_unescape, text) + (DEC if hidden else "")


def _echo(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    index, newline, escapes = 1, True, False
    while index < len(argv) and re.fullmatch("-[neE]+", argv[index]):
        newline = newline and "n" not in argv[index]
        escapes = "e" in argv[index] or (escapes and "E" not in argv[index])
        index += 1
    walk.emit("S7", "prints text")
    text = " ".join(argv[index:])
    if escapes:
        text = decoded(text)
    return text + ("\n" if newline else "")


_CONVERSION = re.compile(r"%([-+ #0]*)(\d+|\*)?(?:\.(\d+|\*))?([a-zA-Z%]|\([^)]*\)T)")


def _printf(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    arguments = argv[1:]
    if arguments and arguments[0] == "--":
        arguments = arguments[1:]
    elif arguments and arguments[0][:2] == "-v":
        name = arguments[0][2:] or (arguments[1] if len(arguments) > 1 else "")
        arguments = arguments[1:] if arguments[0][2:] else arguments[2:]
        walk.emit("A10" if known(name) and dangerous_name(name) else "A0", f"printf sets the variable {show(name)}")
        if walk.variable_name(name) and arguments:
            walk.state.vars[name] = _formatted(walk, arguments)
        return ""
    if not arguments:
        walk.emit("S7", "prints nothing")
        return ""
    if (arguments[0][:1] == "-" and len(arguments[0]) > 1) or unknown(arguments[0][:1]):
        walk.emit("A0", f"printf has an option or format that is not known: {show(arguments[0])}")
        return UNK + taints("".join(arguments))
    walk.emit("S7", "prints text")
    return _formatted(walk, arguments)


def _formatted(walk: Walk, arguments: list[str]) -> str:
    """What printf prints, where every conversion is simple."""
    template, values = arguments[0], arguments[1:]
    kinds = [found[4] for found in _CONVERSION.finditer(template) if found[4] != "%"]
    if any(kind not in ("s", "d", "i", "b", "q", "u", "c") for kind in kinds):
        if any(kind in "xXo" for kind in kinds):
            return UNK + taints("".join(arguments))
        return UNK + taints("".join(arguments)) + taints(decoded(template))
    text = decoded(template)
    out, rest = "", list(values)
    for _ in range(200):

        def conversion(found: re.Match[str]) -> str:
            if found[4] == "%":
                return "%"
            value = rest.pop(0) if rest else ""
            if found[4] == "b":
                return decoded(value)
            return value[:1] if found[4] == "c" else value

        out += _CONVERSION.sub(conversion, text)
        if not rest or not kinds:
            break
    return out


def _nothing(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    walk.emit("S7", "does nothing")
    return ""


def _test(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    # Unlike `[[`, the old test computes nothing: text that is no number is an error.
    for index, argument in enumerate(argv):
        if argument in ("-v", "-R") and index + 1 < len(argv):
            walk.variable_name(argv[index + 1])
    walk.emit("S7", "tests values")
    return ""


def _cd(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    state = walk.state
    operands = [a for a in argv[1:] if not re.fullmatch("-[LPe@n]+|--", a)]
    old = walk.cwd()
    if not operands:
        target = state.lookup("HOME", walk.place.home) if argv[0] != "popd" else UNK
    elif operands[0] == "-":
        target = state.lookup("OLDPWD", walk.place.home)
    elif argv[0] != "cd" and operands[0][:1] in "+-":
        target = UNK
    else:
        target = operands[0]
    stack = state.vars.get("DIRSTACK")
    if argv[0] == "popd":
        target = UNK
        if isinstance(stack, list) and stack and not operands:
            target = stack[-1]
            state.vars["DIRSTACK"] = stack[:-1]
    elif argv[0] == "pushd":
        state.vars["DIRSTACK"] = [*(stack if isinstance(stack, list) else []), old]
    if unknown(target) or len(operands) > 1:
        state.vars["PWD"] = UNK
        walk.emit("S7", "changes the folder to one that is not known")
    else:
        state.vars["PWD"] = walk.absolute(target)
        walk.emit("S7", f"changes the folder to {show(target)}")
    state.vars["OLDPWD"] = old
    return "" if argv[0] == "cd" and operands[:1] != ["-"] else None


def _pwd(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    walk.emit("S2", "prints the folder")
    return walk.cwd() + "\n"


_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)(\[[^\]]*\])?(\+?=)(.*)", re.DOTALL)


def _declare(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    """``export``, ``declare``, ``local``, ``readonly`` and their kin."""
    command = argv[0]
    flags = ""
    names: list[str] = []
    for argument in argv[1:]:
        if argument[:1] in "-+" and len(argument) > 1 and not names:
            flags += argument[1:]
        else:
            names.append(argument)
    if "p" in flags or not names:
        secret = not names or any(secret_variable(name) for name in names)
        if "f" in flags or "F" in flags:
            walk.emit("S2", "prints functions")
            return None
        walk.emit("A5" if secret else "S2", "prints variables" + (", secrets among them" if secret else ""))
        return UNK + SEC if secret else None
    if "n" in flags and command != "export":
        walk.emit("A0", f"{command} -n makes a name stand for another variable")
    exported = command == "export" or "x" in flags
    for argument in names:
        _declared(walk, command, argument, exported, "i" in flags, "f" in flags)
    return ""


def _declared(walk: Walk, command: str, argument: str, exported: bool, number: bool, function: bool) -> None:
    match = _ASSIGNMENT.fullmatch(argument)
    if match is None:
        if unknown(argument) or not argument.isidentifier():
            walk.emit("A0", f"{command} with a name that is not known: {show(argument)}")
        elif exported and (function or not harmless_name(argument)):
            walk.state.exported |= {argument}
            walk.emit("A10", f"exports {argument}")
        else:
            if number:
                walk.integers.add(argument)
            walk.emit("S7", f"declares {argument}")
        return
    name, subscript, sign, value = match.groups()
    if subscript and not subscript[1:-1].isdigit():
        walk.emit("A0", f"{command} with a subscript that can run commands: {show(argument)}")
    if number:
        arithmetic_names(walk, value)
        value = NUM
        walk.integers.add(name)
    if dangerous_name(name) or (exported and not harmless_name(name)):
        walk.emit("A10", f"{'exports' if exported else 'sets'} {show(argument)}")
    else:
        walk.emit("S7", f"sets {name}")
    if sign == "+=":
        value = walk.state.lookup(name, walk.place.home) + value
    if exported:
        walk.state.exported |= {name}
    if not subscript:
        walk.state.vars[name] = value


def _unset(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    for name in argv[1:]:
        if name in ("-v", "-f", "-n"):
            continue
        if not walk.variable_name(name):
            continue
        if dangerous_name(name):
            walk.emit("A10", f"unsets {name}")
        walk.state.vars[name] = ""
        walk.state.funcs.pop(name, None)
    walk.emit("S7", "unsets variables")
    return ""


_SET_FLAGS = re.compile(r"[-+][euxvfnCbhHBEmuT]*o?")
_SET_OPTIONS = frozenset("errexit nounset pipefail xtrace verbose noglob noclobber errtrace functrace noexec".split())


def _set(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    if len(argv) == 1:
        walk.emit("A5", "prints every variable")
        return UNK + SEC
    index = 1
    while index < len(argv):
        argument = argv[index]
        index += 1
        if argument == "--":
            walk.state.args = argv[index:]
            break
        if not argument or argument[0] not in "-+" or len(argument) == 1:
            walk.state.args = argv[index - 1 :]
            break
        if not _SET_FLAGS.fullmatch(argument):
            walk.emit("A0", f"set with an option that is not known: {show(argument)}")
        elif argument[-1] == "o" and index < len(argv):
            if argv[index] not in _SET_OPTIONS:
                walk.emit("A0", f"set -o {show(argv[index])}")
            index += 1
    walk.emit("S7", "sets options of the shell")
    return ""


def _shift(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    args = walk.state.args
    count = argv[1] if len(argv) > 1 else "1"
    if args is not None:
        walk.state.args = args[int(count) :] if count.isdigit() else None
    if not count.isdigit():
        walk.emit("A0", "shifts by a count that is not known")
    walk.emit("S7", "shifts its arguments")
    return ""


def _read(walk: Walk, argv: list[str], options: Options, operands: list[str], stdin: str | None) -> str | None:
    names = operands or ["REPLY"]
    given = dict(options)
    if "a" in given:
        names = [given["a"], *operands]
    lines = [line for line in dict.fromkeys((stdin or "").split("\n")) if line]
    for name in names:
        if not walk.variable_name(name):
            continue
        if dangerous_name(name):
            walk.emit("A10", f"reads a value into {name}")
        value: object = UNK + taints(stdin)
        if stdin is not None and len(names) == 1 and len(lines) <= 16 and lines:
            value = lines[0].strip() if len(lines) == 1 else tuple(line.strip() for line in lines)
        walk.state.vars[name] = [value] if "a" in given and isinstance(value, str) else value
    walk.emit("S7", "reads a line into a variable")
    return ""


def _mapfile(walk: Walk, argv: list[str], options: Options, operands: list[str], stdin: str | None) -> str | None:
    name = operands[0] if operands else "MAPFILE"
    if walk.variable_name(name):
        if dangerous_name(name):
            walk.emit("A10", f"reads lines into {name}")
        lines = [line for line in dict.fromkeys((stdin or "").split("\n")) if line]
        walk.state.vars[name] = lines if stdin is not None and lines else [UNK + taints(stdin)]
    walk.emit("S7", "reads lines into a variable")
    return ""


def _eval(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    arguments = argv[2:] if argv[1:2] == ["--"] else argv[1:]
    text = " ".join(arguments)
    if not text.strip():
        walk.emit("S7", "evaluates nothing")
        return ""
    return walk.run_text(text, stdin, "evaluated code")


def _source(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    operands = [a for a in argv[1:] if a != "--"]
    walk.emit("A10", f"reads commands from {show(operands[0]) if operands else 'a file'} into this shell")
    if not operands:
        return None
    content = walk.content(walk.absolute(operands[0]))
    if operands[0] in ("/dev/stdin", "/dev/fd/0"):
        content = stdin
    if content is not None:
        return walk.run_text(content, stdin, "a sourced file")
    walk.read(operands[0])
    return UNK


def _exec(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    index = 1
    while index < len(argv) and argv[index][:1] == "-":
        if argv[index] == "--":
            index += 1
            break
        index += 2 if argv[index].endswith("a") else 1
    if index >= len(argv):
        walk.emit("S7", "replaces nothing")
        return ""
    output = walk.run_argv(argv[index:], stdin)
    walk.state.dead = True
    return output


def _command(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    """``command`` and ``builtin``: the program itself, not a function of its name."""
    index = 1
    while index < len(argv) and argv[index][:1] == "-":
        flag = argv[index]
        index += 1
        if flag == "--":
            break
        if "v" in flag or "V" in flag:
            walk.emit("S2", "looks a command up")
            return None
        if flag != "-p":
            walk.emit("A0", f"{argv[0]} with an option that is not known: {show(flag)}")
    if index >= len(argv):
        walk.emit("S7", "runs nothing")
        return ""
    funcs, walk.state.funcs = walk.state.funcs, {}
    try:
        return walk.run_argv(argv[index:], stdin)
    finally:
        walk.state.funcs = funcs


def _trap(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    operands = [a for a in argv[1:] if a != "--"]
    if not operands or operands[0] in ("-l", "-p"):
        walk.emit("S2", "lists traps")
        return None
    walk.emit("A10", "sets a trap")
    if operands[0] not in ("-", "") and len(operands) > 1:
        walk.contained(lambda: walk.run_text(operands[0], None, "a trap"))
    return ""


def _alias(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    if len(argv) == 1 or argv[1:] == ["-p"]:
        walk.emit("S2", "lists aliases")
        return None
    walk.emit("A10", f"{argv[0]} changes what a name runs")
    for argument in argv[1:]:
        name, _, text = argument.partition("=")
        if text and known(name):
            walk.shell_code(text, what="an alias")
    return ""


def _changes_shell(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    """``shopt``, ``enable``, ``hash``: listing is information, everything else changes how names are run."""
    if len(argv) == 1 or all(a in ("-p", "-q", "-a", "-t", "-l", "-r") for a in argv[1:]):
        walk.emit("S2", f"{argv[0]} lists")
        return None
    walk.emit("A10", f"{argv[0]} changes how the shell runs commands")
    return ""


def _type(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    walk.emit("S2", "looks commands up")
    return None


def _ends(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    walk.emit("S7", f"{argv[0]}s the script")
    walk.state.dead = True
    return ""


def _let(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    for expression in argv[1:]:
        arithmetic_names(walk, expression)
    walk.emit("S7", "computes")
    return ""


def _getopts(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    if len(argv) > 2 and walk.variable_name(argv[2]):
        if dangerous_name(argv[2]):
            walk.emit("A10", f"getopts sets {argv[2]}")
        walk.state.vars[argv[2]] = UNK
    walk.emit("S7", "reads its options")
    return ""


def _sleep(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    """S12: at most 600 seconds."""
    total = 0.0
    for argument in argv[1:]:
        match = re.fullmatch(r"(\d*\.?\d+)([smhd]?)", argument)
        if match is None:
            walk.emit("A0", f"sleeps for a time that is not known: {show(argument)}")
            return ""
        total += float(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}[match[2]]
    walk.emit("S12" if total <= 600 else "A0", f"waits {total:g} s")
    return ""


def _jobs(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    for index, argument in enumerate(argv[1:], 1):
        if argument[:2] == "-p" and argv[0] == "wait":
            name = argument[2:] or "".join(argv[index + 1 : index + 2])
            if walk.variable_name(name) and dangerous_name(name):
                walk.emit("A10", f"wait sets {name}")
    walk.emit("S12", f"{argv[0]}: the shell's own jobs")
    return None


def _umask(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    operands = [a for a in argv[1:] if a not in ("-S", "-p")]
    walk.emit("A0" if operands and argv[0] == "umask" else "S2", f"{argv[0]} shows or sets limits")
    return None


def _ulimit(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    sets = any(a[:1] != "-" for a in argv[1:])
    walk.emit("A0" if sets else "S2", "shows or sets limits")
    return None


def _history(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    walk.emit("A5", "reads or changes the shell's history")
    return UNK + SEC


ROWS: dict[str, Program] = {
    "echo": custom(_echo),
    "printf": custom(_printf),
    "true": custom(_nothing),
    "false": custom(_nothing),
    ":": custom(_nothing),
    "break": custom(_nothing),
    "continue": custom(_nothing),
    "test": custom(_test),
    "[": custom(_test),
    "cd": custom(_cd),
    "pushd": custom(_cd),
    "popd": custom(_cd),
    "pwd": custom(_pwd),
    "dirs": custom(_type),
    "export": custom(_declare),
    "declare": custom(_declare),
    "typeset": custom(_declare),
    "local": custom(_declare),
    "readonly": custom(_declare),
    "unset": custom(_unset),
    "set": custom(_set),
    "shift": custom(_shift),
    "read": row("S7", "-ersE -a= -d= -i= -n= -N= -p= -t= -u=", "text*", hook=_read),
    "mapfile": row("S7", "-t -d= -n= -O= -s= -u= -C=exec!A10 -c=", "text*", hook=_mapfile),
    "readarray": row("S7", "-t -d= -n= -O= -s= -u= -C=exec!A10 -c=", "text*", hook=_mapfile),
    "eval": custom(_eval),
    "source": custom(_source),
    ".": custom(_source),
    "exec": custom(_exec),
    "command": custom(_command),
    "builtin": custom(_command),
    "trap": custom(_trap),
    "alias": custom(_alias),
    "unalias": custom(_alias),
    "shopt": custom(_changes_shell),
    "enable": custom(_changes_shell),
    "hash": custom(_changes_shell),
    "type": custom(_type),
    "help": custom(_type),
    "times": custom(_type),
    "caller": custom(_type),
    "wait": custom(_jobs),
    "jobs": custom(_jobs),
    "fg": custom(_jobs),
    "bg": custom(_jobs),
    "disown": custom(_jobs),
    "sleep": custom(_sleep),
    "exit": custom(_ends),
    "return": custom(_ends),
    "logout": custom(_ends),
    "let": custom(_let),
    "getopts": custom(_getopts),
    "umask": custom(_umask),
    "ulimit": custom(_ulimit),
    "history": custom(_history),
}

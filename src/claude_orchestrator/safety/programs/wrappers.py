"""Programs that run another command: what they run is judged as if it stood alone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from claude_orchestrator.safety.programs.framework import Hook, Options, Program, custom, row
from claude_orchestrator.safety.scope import dangerous_name, harmless_name, secret_variable
from claude_orchestrator.safety.values import SEC, UNK, marked, show, unknown

if TYPE_CHECKING:
    from claude_orchestrator.safety.effects import Walk

_INFO = " --help --version"
_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)=", re.DOTALL)


def run_operands(skip: int = 0, alone: str = "A0") -> Hook:
    """A hook that runs the operands as a command, after ``skip`` of them; ``alone`` is the rule when none is left."""

    def hook(walk: Walk, argv: list[str], options: Options, operands: list[str], stdin: str | None) -> str | None:
        command = operands[skip:]
        if not command:
            walk.emit(alone, f"{argv[0]} runs nothing")
            return None
        return walk.run_argv(command, stdin)

    return hook


def _split_words(text: str) -> list[str] | None:
    import shlex

    try:
        return shlex.split(text)
    except ValueError:
        return None


def _env(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    """``env``: options, assignments, then a command; alone it prints the whole environment."""
    state = walk.state
    walk.state = state.copy()
    try:
        return _env_run(walk, list(argv), stdin)
    finally:
        state.files = walk.state.files
        walk.state = state


def _env_run(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    folder: str | None = None
    index = 1
    while index < len(argv):
        argument = argv[index]
        name, equals, value = argument.partition("=")
        if argument in ("-i", "-", "--ignore-environment"):
            walk.emit("A10", "runs with an empty environment")
        elif argument in ("--help", "--version"):
            walk.emit("S2", "informs")
            return None
        elif argument in ("-0", "-v", "--null", "--debug", "--list-signal-handling") or name in (
            "--block-signal", "--default-signal", "--ignore-signal"
        ):  # fmt: skip
            pass
        elif argument[:2] in ("-u", "-C", "-S") or name in ("--unset", "--chdir", "--split-string"):
            kind = {"--unset": "-u", "--chdir": "-C", "--split-string": "-S"}.get(name, argument[:2])
            if argument[:2] != "--":
                value = argument[2:]
            if not value and not equals:
                index += 1
                value = argv[index] if index < len(argv) else ""
            if kind == "-u" and not harmless_name(value):
                walk.emit("A10", f"unsets {show(value)} for a command")
            elif kind == "-C":
                folder = value
            elif kind == "-S":
                words = _split_words(value)
                if words is None or marked(value):
                    walk.emit("A0", f"env runs text that is not known: {show(value)}")
                argv[index + 1 : index + 1] = words or []
        elif argument == "--":
            index += 1
            break
        elif argument[:1] == "-":
            walk.emit("A0", f"env has an option that is not known: {show(argument)}")
        elif equals:
            _assigned(walk, name, value)
        else:
            break
        index += 1
    while index < len(argv) and _ASSIGNMENT.match(argv[index]):
        name, _, value = argv[index].partition("=")
        _assigned(walk, name, value)
        index += 1
    if index >= len(argv):
        walk.emit("A5", "prints the whole environment")
        return UNK + SEC
    if folder is not None:
        walk.state.vars["PWD"] = UNK if unknown(folder) else walk.absolute(folder)
    return walk.run_argv(argv[index:], stdin)


def _printenv(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    names = [a for a in argv[1:] if a not in ("-0", "--null")]
    if names and names[0] in ("--help", "--version"):
        walk.emit("S2", "informs")
        return None
    if not names or any(secret_variable(name) or unknown(name) for name in names):
        walk.emit("A5", "prints secrets of the environment")
        return UNK + SEC
    walk.emit("S2", "prints variables")
    return walk.state.lookup(names[0], walk.place.home) + "\n" if len(names) == 1 else None


def _assigned(walk: Walk, name: str, value: str) -> None:
    walk.state.vars[name] = value
    walk.state.exported |= {name}
    if not harmless_name(name):
        walk.emit("A10", f"sets {show(name)}={show(value)} for a command")


_SUDO = row(
    "A7",
    "-nEHSkKbsilveAPNB -u,--user= -g,--group= -p,--prompt= -C,--close-from= -h,--host= -r,--role= -t,--type= -T,--command-timeout="
    " -U,--other-user= -D,--chdir= -R,--chroot= --non-interactive --preserve-env? --set-home --stdin --login --shell --list"
    " --validate --edit --background --askpass --reset-timestamp --remove-timestamp -a= -c=" + _INFO,
    "text*",
    style="posix",
)
_SUDO.compile("sudo")


def _sudo(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    """``sudo`` and ``doas``: A7, and everything that the command does."""
    options, operands, _ = _SUDO.parse(walk, argv)
    names = {name for name, _ in options}
    if names and names <= {"help", "version", "V"}:
        walk.emit("S2", "informs")
        return None
    walk.emit("A7", f"{argv[0]} runs with privileges: {show(' '.join(operands))}")
    while operands and _ASSIGNMENT.match(operands[0]):
        name = operands[0].partition("=")[0]
        if dangerous_name(name):
            walk.emit("A10", f"sets {show(operands[0])} for a command")
        operands = operands[1:]
    if names & {"edit", "e"}:
        for path in operands:
            walk.write(path)
        return None
    if not operands:
        return None
    if names & {"s", "i", "shell", "login"}:
        return walk.shell_code(" ".join(operands), stdin)
    return walk.run_argv(operands, stdin)


def _su(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    walk.emit("A7", f"{argv[0]} becomes another user")
    for index, argument in enumerate(argv):
        if argument in ("-c", "--command", "--session-command") and index + 1 < len(argv):
            text = argv[index + 1]
            return walk.shell_code(text, stdin)
        if argument.startswith("--command="):
            return walk.shell_code(argument.partition("=")[2], stdin)
    return None


def _watch(walk: Walk, argv: list[str], options: Options, operands: list[str], stdin: str | None) -> str | None:
    names = {name for name, _ in options}
    if names & {"exec", "x"}:
        return walk.run_argv(operands)
    return walk.shell_code(" ".join(operands))


def _script(walk: Walk, argv: list[str], options: Options, operands: list[str], stdin: str | None) -> str | None:
    for name, value in options:
        if name == "command":
            walk.shell_code(value, stdin)
    if not any(name == "command" for name, _ in options) and len(operands) < 2:
        walk.emit("A8", "starts a shell")
        walk.seen.add("shell")
    walk.write(operands[0] if operands else "typescript")
    if len(operands) > 1:
        walk.run_argv(operands[1:], stdin)
    return None


def _busybox(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    if len(argv) < 2 or argv[1] in ("--help", "--list", "--list-full"):
        walk.emit("S2", "informs")
        return None
    return walk.run_argv(argv[1:], stdin)


def _flock(walk: Walk, argv: list[str], options: Options, operands: list[str], stdin: str | None) -> str | None:
    for name, value in options:
        if name == "command":
            return walk.shell_code(value, stdin)
    if operands and not operands[0].isdigit():
        walk.write(operands[0])
    if len(operands) >= 3 and operands[1] == "-c":
        return walk.shell_code(operands[2], stdin)
    return walk.run_argv(operands[1:], stdin) if len(operands) > 1 else None


def _time(walk: Walk, argv: list[str], options: Options, operands: list[str], stdin: str | None) -> str | None:
    if not operands:
        walk.emit("S2", "measures nothing")
        return None
    return walk.run_argv(operands, stdin)


def _also(rule: str, options: str = "", skip: int = 0) -> Program:
    """A wrapper that is not harmless by itself."""
    inner = run_operands(skip)

    def hook(walk: Walk, argv: list[str], given: Options, operands: list[str], stdin: str | None) -> str | None:
        walk.emit(rule, f"{argv[0]} runs another program")
        return inner(walk, argv, given, operands, stdin) if operands[skip:] else None

    return row(rule, options + _INFO, "text*", hook=hook, style="posix")


_TIMEOUT = "-k,--kill-after= -s,--signal= --foreground --preserve-status -v,--verbose -p -f" + _INFO

ROWS: dict[str, Program] = {
    "env": custom(_env),
    "printenv": custom(_printenv),
    "sudo": custom(_sudo),
    "doas": custom(_sudo),
    "su": custom(_su),
    "runuser": custom(_su),
    "time": row(
        "S2",
        "-apqvV -f,--format= -o,--output=write --append --portability --verbose --quiet" + _INFO,
        "text*",
        hook=_time,
        style="posix",
    ),
    "timeout": row("S12", _TIMEOUT, "text*", hook=run_operands(1), style="posix"),
    "gtimeout": row("S12", _TIMEOUT, "text*", hook=run_operands(1), style="posix"),
    "nice": row("S2", "-# -n,--adjustment=" + _INFO, "text*", hook=run_operands(alone="S2"), style="posix"),
    "ionice": row(
        "S2",
        "-t -c,--class= -n,--classdata= -p,--pid=!A7 -P=!A7 -u=!A7 --ignore" + _INFO,
        "text*",
        hook=run_operands(alone="S2"),
        style="posix",
    ),
    "nohup": row("S12", _INFO, "text*", hook=run_operands(), style="posix"),
    "setsid": row("S12", "-cfw --ctty --fork --wait -V" + _INFO, "text*", hook=run_operands(), style="posix"),
    "stdbuf": row("S12", "-i,--input= -o,--output= -e,--error=" + _INFO, "text*", hook=run_operands(), style="posix"),
    "unbuffer": row("S12", "-p", "text*", hook=run_operands(), style="posix"),
    "chronic": row("S12", "-ve", "text*", hook=run_operands(), style="posix"),
    "caffeinate": row("S12", "-dimsu -t= -w=", "text*", hook=run_operands(alone="S12"), style="posix"),
    "watch": row(
        "S12",
        "-bcdegprtwxC -n,--interval= -d,--differences? -q,--equexit= --beep --color --no-color --errexit --chgexit --precise --no-title --no-wrap"
        " -x,--exec" + _INFO,
        "text*",
        hook=_watch,
        style="posix",
    ),
    "script": row(
        "S4",
        "-aefq -c,--command= -I,--log-in=write -O,--log-out=write -B,--log-io=write -T,--log-timing=write -t?write -m,--logging-format= -o,--output-limit="
        " -E,--echo= --append --return --flush --force --quiet" + _INFO,
        "text*",
        hook=_script,
        style="posix",
    ),
    "busybox": custom(_busybox),
    "toybox": custom(_busybox),
    "flock": row(
        "S4",
        "-exsnuoFv -E,--conflict-exit-code= -w,--wait,--timeout= -c,--command= --exclusive --shared --nonblock --unlock --close --no-fork --verbose"
        + _INFO,
        "text*",
        hook=_flock,
        style="posix",
    ),
    "arch": custom(
        lambda walk, argv, stdin: (
            walk.run_argv([a for a in argv[1:] if a[:1] != "-"], stdin) if len(argv) > 1 else walk.emit("S2", "informs")
        )
    ),
    "linux64": row("S12", "-vRZF", "text*", hook=run_operands(), style="posix"),
    "linux32": row("S12", "-vRZF", "text*", hook=run_operands(), style="posix"),
    "setarch": row("S12", "-vRZF", "text*", hook=run_operands(1), style="posix"),
    "taskset": row("S12", "-ac -p!A7", "text*", hook=run_operands(1), style="posix"),
    "chrt": _also("A7", "-bdfior -p= -m -a", 1),
    "chroot": _also("A7", "--groups= --userspec= --skip-chdir", 1),
    "unshare": _also(
        "A7",
        "-mupinUCTrfc --mount? --uts? --ipc? --net? --pid? --user? --cgroup? --fork --mount-proc? --map-root-user --map-user= -R= -w= -S= -G=",
    ),
    "pkexec": _also("A7", "--user= --disable-internal-agent"),
    "systemd-run": _also(
        "A7",
        "-tPqGd --user --scope --pty --pipe --wait --quiet --collect --unit= -p,--property= --uid= --gid= --on-calendar= --on-active= -u= -E=",
    ),
    "strace": _also("A8", "-cCdfFhiqrtTvVxyzk -e= -o=write -p= -s= -a= -O= -S= -u= -E= -P="),
    "ltrace": _also("A8", "-cCfhiLrSttTV -e= -o=write -p= -s= -n= -a= -l= -u= -x="),
    "gdb": _also("A8", "-q -batch --batch --args -ex= -p= -x= --quiet"),
    "firejail": _also("A0", "--quiet --noprofile --net= --private? --private-tmp"),
    "bwrap": _also("A0", ""),
    "proxychains": _also("A2", "-q -f="),
    "proxychains4": _also("A2", "-q -f="),
    "torsocks": _also("A2", "-q -i"),
    "torify": _also("A2", "-q"),
    "entr": _also("A8", "-acdnprsxz"),
    "coproc": _also("A0", ""),
    "ts": row("S1", "-irsm", "text"),
}

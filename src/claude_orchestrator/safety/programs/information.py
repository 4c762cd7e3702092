"""Programs that tell something about the machine, its users, processes and the time (S2)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from claude_orchestrator.safety.programs.framework import Options, Program, custom, row
from claude_orchestrator.safety.programs.runners import informs
from claude_orchestrator.safety.values import SEC, UNK, show, unknown

if TYPE_CHECKING:
    from claude_orchestrator.safety.effects import Walk

_HELP = " --help --version"


def _date(walk: Walk, argv: list[str], options: Options, operands: list[str], stdin: str | None) -> str | None:
    for value in operands:
        if value[:1] != "+" or unknown(value[:1]):
            walk.emit("A7", f"sets the clock: {show(value)}")
    walk.emit("S2", "tells the time")
    return None


def _named(walk: Walk, argv: list[str], options: Options, operands: list[str], stdin: str | None) -> str | None:
    """``hostname`` and ``domainname``: with a name they set it."""
    walk.emit("A7" if operands else "S2", f"{argv[0]} {'sets' if operands else 'tells'} a name")
    return None


_PS_BSD = frozenset("aAcdfghjlmnrsTuvwxXZ")
_PS_FLAGS = frozenset("AaCdefFHjlLMNTVwyZcO")
_PS_VALUES = frozenset("p q C g G o O s t u U".split())
_PS_LONG = re.compile(
    r"--(?:headers?|no-headers?|forest|lines=\d+|rows=\d+|cols=\d+|columns=\d+|width=\d+|deselect|info|help|version|context|cumulative)"
)
_PS_LONG_VALUE = re.compile(r"--(?:pid|ppid|quick-pid|user|User|group|Group|tty|format|sort|sid)(?:=(.*))?")


def _ps(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    """``ps``: the letters without a dash are others than with one, and ``e`` among them shows environments."""
    index = 1
    while index < len(argv):
        argument = argv[index]
        index += 1
        value: str | None = None
        if unknown(argument):
            walk.emit("A0", f"an argument of ps is not known: {show(argument)}")
            continue
        found = _PS_LONG_VALUE.fullmatch(argument)
        if found:
            value = found[1]
            if value is None:
                value = argv[index] if index < len(argv) else ""
                index += 1
        elif argument[:2] == "--":
            if not _PS_LONG.fullmatch(argument):
                walk.emit("A0", f"ps has an option that is not known: {show(argument)}")
        elif argument[:1] == "-":
            letters = argument[1:]
            for position, letter in enumerate(letters):
                if letter in _PS_VALUES:
                    value = letters[position + 1 :]
                    if not value and index < len(argv):
                        value = argv[index]
                        index += 1
                    break
                if letter not in _PS_FLAGS and not letter.isdigit():
                    if letter in _PS_BSD and "e" in letters:
                        return _environments(walk)
                    if letter not in _PS_BSD:
                        walk.emit("A0", f"ps has an option that is not known: {show(argument)}")
                        break
        elif not re.fullmatch(r"[\d,]+", argument):
            for position, letter in enumerate(argument):
                if letter == "e":
                    return _environments(walk)
                if letter in "oOpqtUkN":
                    value = argument[position + 1 :]
                    if not value and index < len(argv):
                        value = argv[index]
                        index += 1
                    break
                if letter not in _PS_BSD:
                    walk.emit("A0", f"ps has an option that is not known: {show(argument)}")
                    break
        if value and re.search(r"\benviron", value):
            return _environments(walk)
    walk.emit("S2", "lists processes")
    return None


def _environments(walk: Walk) -> str:
    walk.emit("A5", "shows the environments of processes")
    return UNK + SEC


ROWS: dict[str, Program] = {
    "whoami": informs(_HELP),
    "logname": informs(_HELP),
    "id": informs("-agGnruzZ --context --group --groups --name --real --user --zero" + _HELP, "text*"),
    "groups": informs(_HELP, "text*"),
    "users": informs(_HELP, "read"),
    "who": informs("-abdHlmpqrstTuw --all --boot --count --heading --users --message" + _HELP, "read*"),
    "tty": informs("-s --silent --quiet" + _HELP),
    "uname": informs(
        "-asnrvmpio --all --kernel-name --nodename --kernel-release --kernel-version --machine --processor --hardware-platform"
        " --operating-system" + _HELP
    ),
    "hostname": row(
        "S2",
        "-aAdfiIsy --alias --all-fqdns --domain --fqdn --long --ip-address --all-ip-addresses --short -F=!A7 --file=!A7 -b!A7"
        + _HELP,
        "text*",
        hook=_named,
    ),
    "domainname": row("S2", "-afs", "text*", hook=_named),
    "date": row(
        "S2",
        "-uR -d,--date= -f,--file=read -I? --iso-8601? -r,--reference=read -s,--set=!A7 --rfc-3339= --rfc-email --rfc-2822 --utc --universal --debug"
        " --resolution" + _HELP,
        "text*",
        hook=_date,
    ),
    "free": informs(
        "-bkmghltwvLV -s,--seconds= -c,--count= --bytes --kibi --mebi --gibi --tebi --kilo --mega --giga --human --lohi --line --total --wide --si"
        + _HELP
    ),
    "uptime": informs("-psrV --pretty --since --raw" + _HELP),
    "vmstat": informs("-anmstwdDVfy -# -S= -p= --active --slabs --stats --disk --wide --timestamp" + _HELP, "text*"),
    "ps": custom(_ps),
    "pgrep": informs(
        "-acfilnovwxLV -d,--delimiter= -F,--pidfile=read -g,--pgroup= -G,--group= -P,--parent= -r,--runstates= -s,--session= -t,--terminal=!A0"
        " -u,--euid= -U,--uid= -O,--older= --count --full --ignore-case --list-name --list-full --newest --oldest --inverse --lightweight --exact"
        " --ns= --nslist= --logpidfile" + _HELP,
        "text*",
    ),
    "pidof": informs("-scnqxzh -o= -S=" + _HELP, "text*"),
    "pstree": informs(
        "-aAcChglnNpsStTuUVZ -H= --arguments --show-pids --ascii --unicode --long --show-parents --numeric-sort"
        + _HELP,
        "text*",
    ),
    "locale": informs("-akcm --all-locales --charmaps --category-name --keyword-name" + _HELP, "text*"),
    "getconf": informs("-a -v=" + _HELP, "text*"),
    "lscpu": informs(
        "-abcJBPpxyCe --all --json --extended? --parse? --online --offline --caches? --bytes --hex" + _HELP
    ),
    "lsb_release": informs("-virdcash --version --id --description --release --codename --all --short --help"),
    "clear": informs("-Vx -T="),
    "reset": informs("-IQqrsVw"),
}

"""Containers: what is run in them (A8), what they are given of the host (B10), images that are fetched or sent (A2)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from claude_orchestrator.safety.programs.framework import Option, Program, custom
from claude_orchestrator.safety.programs.network import sends
from claude_orchestrator.safety.programs.runners import informs, is_question, tool
from claude_orchestrator.safety.values import NET, UNK, known, show, taints, unknown

if TYPE_CHECKING:
    from claude_orchestrator.safety.effects import Walk

_GLOBAL = " -D --debug -l= --log-level= -H=!A2 --host=!A2 -c=!A2 --context=!A2 --config=!A0 --tls!A2 --tlscacert=!A2 --tlscert=!A2 --tlskey=!A2 --tlsverify!A2 -v --version --help"
_LIST = "-a -q --all --quiet --no-trunc -f= --filter= --format= --help"
_SAFE: dict[str, Program] = {
    "ps": informs("-n= -l -s --last= --latest --size --sort= --ns --noheading " + _LIST),
    "images": informs("--digests --tree --sort= --noheading " + _LIST, "text*"),
    "version": informs("-f= --format= --help"),
    "info": informs("-f= --format= --help"),
    "help": informs("", "text*"),
}

_BINDS = frozenset(("-v", "--volume", "--mount", "--device", "--volumes-from"))
_RUN_FLAGS = frozenset(
    "-d -i -t -P --detach --interactive --tty --rm --init --privileged --publish-all --read-only --no-healthcheck --oom-kill-disable --sig-proxy --quiet -q"
    " --disable-content-trust --use-api-socket --rmi --replace --tls-verify --help -T --service-ports --no-deps --build --remove-orphans --no-TTY --force-recreate".split()
)
_RUN_SHORT_FLAGS = frozenset("ditPqT")


def _mounts(walk: Walk, option: str, value: str) -> None:
    """One ``-v`` or ``--mount``: the host's root in a container is B10."""
    if option in ("-v", "--volume"):
        source = value.partition(":")[0] if ":" in value else ""
    else:
        found = re.search(r"(?:^|,)(?:source|src)=([^,]*)", value)
        source = found[1] if found else ""
    if not source:
        return
    if source[:1] in ("/", ".", "~"):
        full = walk.absolute(source)
        if full == "/":
            walk.emit("B10", "mounts the host's root in a container", (full,))
            return
        walk.read(source)
    elif unknown(source):
        walk.emit("A0", f"mounts what is not known: {show(source)}")


def _arguments(walk: Walk, argv: list[str], index: int) -> int:
    """Judge the options of ``run``, ``create`` or ``exec`` from ``index`` on; returns where the image or name stands."""
    while index < len(argv) and argv[index][:1] == "-" and argv[index] != "-":
        argument = argv[index]
        index += 1
        if argument == "--":
            break
        name, equals, value = argument.partition("=")
        if argument[1] != "-":
            position = 1
            while position < len(argument) and argument[position] in _RUN_SHORT_FLAGS:
                position += 1
            if position >= len(argument):
                continue
            name, value = "-" + argument[position], argument[position + 1 :].removeprefix("=")
            equals = value
        if name in _RUN_FLAGS:
            continue
        if not equals:
            value = argv[index] if index < len(argv) else ""
            index += 1
        if name in _BINDS:
            _mounts(walk, name, value)
        elif name in ("--env-file", "--secret", "--cidfile", "--label-file"):
            walk.read(value)
    return index


_CARRIED = frozenset("B3 B5 B6 B7 B9".split())


def inside(walk: Walk, command: list[str], stdin: str | None) -> None:
    """Judge a command that runs on another machine or in a container: only what is as bad there counts."""
    if not command:
        return
    before = len(walk.effects)
    files = walk.state.files
    walk.state.files = files.copy()
    walk.contained(lambda: walk.run_argv(command, stdin))
    walk.state.files = files
    walk.effects[before:] = [effect for effect in walk.effects[before:] if effect.rule in _CARRIED]


_GROUPS = frozenset(
    "container image volume network system builder buildx context plugin secret config stack service swarm node manifest trust scout model".split()
)
_NETWORK = frozenset("pull push login logout search".split())


def _docker(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    name = argv[0]
    if is_question(argv, frozenset("--version -v --help -h".split()), frozenset(("help",))):
        walk.emit("S2", f"{name} informs")
        return None
    _OPTIONS.compile(name)
    index = 1
    while index < len(argv) and argv[index][:1] == "-":
        option: Option | None = (
            _OPTIONS.longs.get(argv[index][2:]) if argv[index][:2] == "--" else _OPTIONS.shorts.get(argv[index][1:2])
        )
        index += (
            2
            if option is not None
            and option.arity == 1
            and "=" not in argv[index]
            and (argv[index][:2] == "--" or len(argv[index]) == 2)
            else 1
        )
    if index > 1:
        _OPTIONS.run(walk, argv[:index], None)
    verb = argv[index] if index < len(argv) else "help"
    rest = argv[index + 1 :]
    program = _SAFE.get(verb) if known(verb) else None
    if program is not None:
        program.compile(f"{name} {verb}")
        program.run(walk, [verb, *rest], stdin)
        return None
    line = show(" ".join(argv[:8]))
    if verb in _GROUPS and rest:
        verb, rest = rest[0], rest[1:]
    if verb == "compose":
        return _compose(walk, ["docker compose", *rest], stdin)
    if verb in _NETWORK:
        walk.emit("A2", f"{name} {verb} uses the network: {line}")
        walk.send(stdin)
        return UNK + NET
    walk.emit("A0" if unknown(verb) else "A8", f"acts on containers: {line}")
    if verb in ("run", "create", "exec"):
        at = _arguments(walk, [verb, *rest], 1) - 1
        inside(walk, rest[at + 1 :], stdin)
    elif verb in ("cp", "build", "import", "load"):
        _reads(walk, verb, rest)
    return UNK + taints(stdin)


def _reads(walk: Walk, verb: str, rest: list[str]) -> None:
    """Files of the host that go into an image or a container, or come out of one."""
    operands = [a for a in rest if a[:1] != "-"]
    for position, value in enumerate(operands):
        if ":" in value or "://" in value:
            continue
        if verb == "cp" and position == len(operands) - 1:
            walk.write(value)
        else:
            walk.read(value)


_COMPOSE_VALUES = frozenset(
    "-f --file -p --project-name --profile --env-file --project-directory --parallel --progress --ansi".split()
)


def _compose(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    if is_question(argv, frozenset("--version -v --help -h version help".split())):
        walk.emit("S2", "compose informs")
        return None
    index = 1
    while index < len(argv) and argv[index][:1] == "-":
        index += 2 if argv[index] in _COMPOSE_VALUES else 1
    verb = argv[index] if index < len(argv) else ""
    walk.emit("A2" if verb in ("pull", "push") else "A8", f"acts on containers: {show(' '.join(argv[:8]))}")
    if verb in ("run", "exec"):
        at = _arguments(walk, argv, index + 1)
        inside(walk, argv[at + 1 :], stdin)
    return UNK


_OPTIONS = tool(_GLOBAL, rule="S2")


def _remote(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    """``skopeo``, ``buildah`` and the like."""
    if is_question(argv):
        walk.emit("S2", f"{argv[0]} informs")
        return None
    walk.emit("A8", f"acts on containers or images: {show(' '.join(argv[:8]))}")
    sends(walk, argv, stdin)
    return UNK


ROWS: dict[str, Program] = {
    "docker": custom(_docker),
    "podman": custom(_docker),
    "nerdctl": custom(_docker),
    "docker-compose": custom(_compose),
    "podman-compose": custom(_compose),
    **{
        name: custom(_remote)
        for name in "buildah skopeo crane ctr crictl lxc lxd incus vagrant minikube kind k3d colima limactl multipass virsh qemu-system-x86_64 VBoxManage".split()
    },
}

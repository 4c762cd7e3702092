"""Redirections: where a command's descriptors lead, what it reads from there and what is written."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from claude_orchestrator.safety import expansion
from claude_orchestrator.safety.shell.nodes import ProcessSub, Redirect, Script
from claude_orchestrator.safety.values import NET, UNK, show

if TYPE_CHECKING:
    from claude_orchestrator.safety.walk import Walk

_NETWORK_PATH = re.compile(r"/dev/(?:tcp|udp)/")
_SHELLS = frozenset("sh bash dash zsh ksh mksh ash fish rbash csh tcsh".split())
_SINKS = frozenset(("/dev/null", "/dev/stderr", "/dev/tty"))


class Flow:
    """Where a command's descriptors lead."""

    __slots__ = ("discarded", "fds", "network", "script", "stdin", "targets")

    def __init__(self, stdin: str | None) -> None:
        self.stdin = stdin
        self.targets: list[tuple[str, bool]] = []
        self.fds: dict[str, str] = {}
        self.network = False
        self.discarded = False
        self.script: Script | None = None


def redirected(walk: Walk, argv: list[str], redirects: Sequence[Redirect]) -> None:
    """A simple command with redirections."""
    flow = Flow(walk.stdin)
    for redirect in redirects:
        _redirect(walk, redirect, flow)
    if flow.network and any(argument.rpartition("/")[2] in _SHELLS for argument in argv):
        walk.emit("B7", "connects a shell to the network")
    lasting = argv and argv[0] == "exec" and len(argv) == 1
    output: str | None = ""
    if not argv and not flow.targets and flow.stdin is not walk.stdin:
        output = flow.stdin
    if lasting:
        walk.state.fds.update(flow.fds)
        walk.emit("S7", "opens files for what follows")
        for path, append in flow.targets:
            walk.write(path, empties=not append)
        if flow.stdin is not walk.stdin:
            walk.stdin = flow.stdin
    elif argv:
        standard, walk.stdin = walk.stdin, flow.stdin
        output = walk.execute(argv, flow.stdin)
        walk.stdin = standard
    walk.argv = argv
    _written(walk, flow, output)


def body(walk: Walk, redirects: Sequence[Redirect], action: Callable[[], None]) -> None:
    """The body of a compound command, with the redirections of the whole."""
    if not redirects:
        action()
        return
    flow = Flow(walk.stdin)
    for redirect in redirects:
        _redirect(walk, redirect, flow)
    stdin, capture = walk.stdin, walk.capture
    walk.stdin, walk.capture = flow.stdin, []
    if flow.network:
        walk.seen.add("network")
    try:
        action()
        output = "".join(walk.capture)
    finally:
        walk.stdin, walk.capture = stdin, capture
    _written(walk, flow, output)


def _written(walk: Walk, flow: Flow, output: str | None) -> None:
    """What a command printed goes where its redirections say."""
    if flow.network:
        walk.send(output)
    if flow.targets:
        for path, append in flow.targets:
            _store(walk, path, append, output)
    elif flow.script is not None:
        standard, walk.stdin = walk.stdin, UNK if output is None else output
        walk.substitute(flow.script)
        walk.stdin = standard
    elif not flow.discarded and walk.capture is not None:
        walk.capture.append(UNK if output is None else output)


def _store(walk: Walk, path: str, append: bool, output: str | None) -> None:
    if append:
        full = walk.absolute(path)
        old = walk.state.files.get(full)
        new = UNK if output is None else output
        walk.write(path, new if old is None else old + new)
        return
    walk.write(path, output, empties=output == "")


def _redirect(walk: Walk, redirect: Redirect, flow: Flow) -> None:  # noqa: C901, PLR0911, PLR0912  (one branch an operator)
    op, fd, word = redirect.op, redirect.fd, redirect.target
    if op in ("<<", "<<-"):
        if fd in ("", "0"):
            flow.stdin = expansion.text(walk, word)
        return
    if op == "<<<":
        value = expansion.text(walk, word) + "\n"
        if fd in ("", "0"):
            flow.stdin = value
        return
    first = word.parts[0] if word.parts else None
    if first.__class__ is ProcessSub and first.direction == ">" and ">" in op:
        flow.script = first.script
        return
    targets = expansion.fields(walk, (word,))
    target = targets[0] if len(targets) == 1 else UNK
    if op in ("<&", ">&") and (target.isdigit() or target == "-" or target[:-1].isdigit()):
        _duplicate(walk, op, fd, target, flow)
        return
    if _NETWORK_PATH.match(target):
        flow.network = True
        walk.emit("A2", f"connects to {show(target)}")
        flow.fds[fd.strip("{}")] = NET
        if "<" in op and fd in ("", "0"):
            flow.stdin = UNK + NET
        return
    if op == "<":
        content = walk.read(target)
        if fd in ("", "0"):
            flow.stdin = UNK if content is None else content
        else:
            flow.fds[fd.strip("{}")] = UNK if content is None else content
        return
    if op == "<>":
        walk.read(target)
        walk.write(target)
        return
    if target not in _SINKS:
        if op in ("&>", "&>>", ">&") or fd in ("", "1"):
            flow.targets.append((target, op in (">>", "&>>")))
        else:
            walk.write(target)
    elif fd in ("", "1"):
        flow.discarded = True


def _duplicate(walk: Walk, op: str, fd: str, target: str, flow: Flow) -> None:
    other = flow.fds.get(target) or walk.state.fds.get(target)
    if other == NET:
        flow.network = True
    if op == "<&" and fd in ("", "0"):
        flow.stdin = UNK + NET if other == NET else other or UNK
    elif op == "<&" and other:
        flow.fds[fd] = other
    if op == ">&" and fd in ("", "1") and target != "1":
        flow.discarded = True

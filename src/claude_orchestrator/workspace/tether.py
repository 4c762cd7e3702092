"""A stand-in for a program that a library starts: whoever runs it gets the program under a keeper that dies with us.

A library that starts its program itself passes nothing on to it but the standard streams. So the lifeline that the
keeper watches (``keeper.py``) is a local socket here: the stand-in connects to it and becomes the keeper. We hold the
other end; when we close it, or die by whatever signal, the program's whole process tree is killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import shlex
import socket
import sys
import tempfile
import uuid
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

from claude_orchestrator.workspace import sandbox
from claude_orchestrator.workspace.process import kill_marked
from claude_orchestrator.workspace.process_table import MARKER, nested

_FASTENING: Final = Path(__file__).with_name("fastening.py")
_LIFELINE: Final = 10
"""The lifeline's number in the stand-in: one that no descriptor of a program that has just started has."""


class Tether:
    """The stand-in for ``program``, good for one start: the file :attr:`path`, made in ``folder``.

    ``handed_over`` are variables whose value must be in no environment: the program gets each through a pipe, and the
    pipe's number in the variable of the other name. ``dropped`` are variables that it does not get at all.
    """

    def __init__(
        self, program: Path, folder: Path, *, handed_over: Mapping[str, str], dropped: Collection[str]
    ) -> None:
        self._place = Path(tempfile.mkdtemp(prefix="tether-"))  # short: the address of a socket may not be long
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._lifeline: socket.socket | None = None
        self._own = uuid.uuid4().hex
        self.path = folder / "program"
        try:
            self._listener.bind(str(self._place / "lifeline"))
            self._listener.listen(1)
            self._listener.setblocking(False)
            self._write(program, handed_over, dropped)
        except OSError:
            self.cut()
            raise

    @property
    def environment(self) -> dict[str, str]:
        """Variables that the program has to be started with, so that its tree can be found."""
        return {MARKER: nested(self._own)}

    def _write(self, program: Path, handed_over: Mapping[str, str], dropped: Collection[str]) -> None:
        orders = [f"hand={name}={number}" for name, number in handed_over.items()]
        orders += [f"drop={name}" for name in sorted(dropped)]
        kept = sandbox.wrap([str(program)], network=True, lifeline=_LIFELINE)
        fastened = [sys.executable, "-I", "-S", _FASTENING, self._place / "lifeline", _LIFELINE, *orders, "--", *kept]
        self.path.write_text(f'#!/bin/sh\nexec {shlex.join(map(str, fastened))} "$@"\n', encoding="utf-8")
        self.path.chmod(0o700)

    async def ended(self) -> int | None:
        """Wait for the end of the program: its exit code, or None when it was killed or did not start."""
        loop = asyncio.get_running_loop()
        self._lifeline, _ = await loop.sock_accept(self._listener)
        self._lifeline.setblocking(False)
        try:
            return _exit_code(await loop.sock_recv(self._lifeline, 4096))
        except OSError:
            return None

    def cut(self) -> None:
        """Have everything killed that is left."""
        with contextlib.suppress(OSError):
            self._lifeline = self._lifeline or self._listener.accept()[0]
        if self._lifeline is not None:
            with contextlib.suppress(OSError):
                self._lifeline.shutdown(socket.SHUT_RDWR)
            self._lifeline.close()
        self._listener.close()
        with contextlib.suppress(OSError):
            (self._place / "lifeline").unlink()
        with contextlib.suppress(OSError):
            self._place.rmdir()

    async def sweep(self) -> None:
        """Kill what a keeper without a PID namespace of its own may have lost sight of."""
        if sandbox.level() != "namespaces":
            await kill_marked(self._own)


def _exit_code(said: bytes) -> int | None:
    """The exit code in what the keeper has said; None where it has said nothing of the kind."""
    try:
        return int(said.split(b"\n")[0])
    except ValueError:
        return None

"""A terminal, and a person in front of it."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
import time
from pathlib import Path

from cli_world import PATIENCE_S, World


class Terminal:
    """The command on a terminal of its own, and the person in front of it."""

    def __init__(self, world: World, *arguments: str | Path) -> None:
        self.master, slave = pty.openpty()
        self.said = ""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "claude_orchestrator", *map(str, arguments)],
            cwd=world.project,
            env=world.environment(TERM="xterm", COLUMNS="120", LINES="40"),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)

    def until(self, text: str) -> str:
        """Read until ``text`` has been said; what was said up to there, without the terminal's own commands."""
        deadline = time.monotonic() + PATIENCE_S
        while text not in self.said:
            ready, _, _ = select.select([self.master], [], [], max(0.0, deadline - time.monotonic()))
            assert ready, f"never said {text!r}:\n{self.said}"
            self._read()
        before, _, self.said = self.said.partition(text)
        return before + text

    def until_any(self, *texts: str) -> str:
        """Like :meth:`until`, for whichever of the texts comes first."""
        deadline = time.monotonic() + PATIENCE_S
        while not any(text in self.said for text in texts):
            ready, _, _ = select.select([self.master], [], [], max(0.0, deadline - time.monotonic()))
            assert ready, f"never said any of {texts}:\n{self.said}"
            self._read()
        return self.until(min((text for text in texts if text in self.said), key=self.said.index))

    def types(self, text: str) -> None:
        os.write(self.master, text.encode())

    def end(self) -> tuple[int, str]:
        """The exit code, and what was said since."""
        while self._read():
            pass
        return self.process.wait(PATIENCE_S), self.said

    def _read(self) -> bool:
        try:
            read = os.read(self.master, 65536)
        except OSError:  # what a terminal says when nobody is left at its other side
            return False
        self.said += re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", read.decode(errors="replace"))
        return bool(read)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.master)

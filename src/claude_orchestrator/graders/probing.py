"""Interpreters are asked about themselves here: each once a verification, behind walls."""

from __future__ import annotations

import asyncio
import itertools
import site
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from claude_orchestrator.errors import VerificationError
from claude_orchestrator.graders.interpreter import Interpreter, probe
from claude_orchestrator.workspace import process
from claude_orchestrator.workspace.walls import Rung, Walls

_LONGEST_S: Final = 60.0


@dataclass
class Interpreters:
    """The Pythons that a verification of ``project`` may need.

    ``work`` is a private folder, ``marker`` is carried by every process. ``rung`` finds out what stands around
    commands.
    """

    project: Path
    work: Path
    rung: Callable[[], Awaitable[Rung]]
    marker: str
    timeout_s: float
    _asked: dict[str, asyncio.Task[Interpreter]] = field(default_factory=dict)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    async def at(self, executable: str) -> Interpreter:
        """What the Python at that path says of itself. Raises VerificationError when it does not answer."""
        if executable not in self._asked:
            self._asked[executable] = asyncio.create_task(self._ask(executable))
        return await asyncio.shield(self._asked[executable])

    async def _ask(self, executable: str) -> Interpreter:
        # It may look at everything: which folders it imports from is what is asked for.
        folder = self.work / f"p{next(self._numbers)}"
        walls = Walls(await self.rung(), writable=(folder,), own_temporary=False)
        folder.mkdir()

        async def ask(argv: Sequence[str]) -> str:
            done = await process.run(
                argv, cwd=folder, env=clean_environment(folder, {"PYTHONUSERBASE": site.getuserbase()}),
                timeout_s=min(_LONGEST_S, self.timeout_s), stdout=folder / "out", stderr=folder / "err",
                marker=self.marker, network=False, walls=walls if walls.kill_all else None,
            )  # fmt: skip
            if done.exit_code != 0:
                said = done.broken_limit or (folder / "err").read_text(errors="replace")[-200:].strip()
                raise VerificationError(f"{executable} cannot be used ({said})")
            return (folder / "out").read_text()

        return await probe(executable, self.project, ask)


HIDDEN: Final = ("VIRTUAL_ENV", "TEMP", "TMP", "TERM", "NO_COLOR")
"""Variables that a command does not see, although they are no secret: they are part of what a result depends on."""


def clean_environment(place: Path, extra: Mapping[str, str]) -> dict[str, str]:
    """What a command sees of our environment: no secret, new folders in ``place`` for its home and temporary files.

    Nor does it see a terminal, not even a poor one: tests ask what kind it is, and a verdict must not depend on that.
    """
    home, temporary = place / "home", place / "tmp"
    home.mkdir()
    temporary.mkdir()
    kept = {
        name: value
        for name, value in process.scrubbed_environment().items()
        if not name.startswith(("XDG_", "CONDA_")) and name not in HIDDEN
    }
    ours = {
        "HOME": str(home),
        "TMPDIR": str(temporary),
        "PYTHONDONTWRITEBYTECODE": "1",
        "COLUMNS": "120",
    }
    return {**kept, **ours, **extra}

"""A process that moves one run, and may kill itself at a fault point; run by the chaos tests only.

    python mover.py PROJECT RUN [POINT]

POINT is ``commit:N`` (die right after the N-th committed transaction), ``begin:N`` (right before it begins),
``git:N`` / ``mid-git:N`` / ``after-git:N`` (right before, in, and after the N-th git command, which goes on alone),
``merge:N`` / ``after-merge:N`` (right before / after the N-th move of the run's branch) or ``spawn:N`` (right after the
N-th runner was started). Dying is SIGKILL to itself: no handler, no ``finally``. Two do not die: ``twice`` starts
every runner twice, and ``runner-MOMENT`` starts runners that die at that moment (see ``gate_runner.py``).
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from claude_orchestrator.agents import folder
from claude_orchestrator.agents.folder import LaunchFolder
from claude_orchestrator.orchestrator.session import Orchestrator
from claude_orchestrator.state.database import Database, Transaction
from claude_orchestrator.workspace.git import Repository


class Fuse:
    """Counts passes through the chosen fault point and kills this process at the N-th."""

    def __init__(self, point: str) -> None:
        self.name, _, count = point.partition(":")
        self._left = int(count or 0)

    def passing(self, name: str) -> None:
        if name == self.name:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


def arm(fuse: Fuse) -> None:
    transaction, attempt_git, spawn = Database.transaction, Repository.attempt_git, LaunchFolder.spawn
    move_ref, start = Repository.move_ref, asyncio.create_subprocess_exec

    @asynccontextmanager
    async def fused_transaction(self: Database) -> AsyncIterator[Transaction]:
        fuse.passing("begin")
        async with transaction(self) as tx:
            yield tx
        fuse.passing("commit")

    async def fused_git(self: Repository, *arguments: str, **options: Any) -> tuple[int, bytes, bytes]:
        fuse.passing("git")
        answer = await attempt_git(self, *arguments, **options)
        fuse.passing("after-git")
        return answer

    async def fused_start(program: str, *arguments: Any, **options: Any) -> asyncio.subprocess.Process:
        process = await start(program, *arguments, **options)
        if program == "git":
            fuse.passing("mid-git")
        return process

    async def fused_move(self: Repository, ref: str, new: str, old: str) -> bool:
        fuse.passing("merge")
        moved = await move_ref(self, ref, new, old)
        fuse.passing("after-merge")
        return moved

    def fused_spawn(self: LaunchFolder, accounts: Mapping[str, str] | None = None) -> int:
        pid = spawn(self, accounts)
        if fuse.name == "twice":
            pid = spawn(self, accounts)
        fuse.passing("spawn")
        return pid

    Database.transaction = fused_transaction  # type: ignore[method-assign]
    Repository.attempt_git = fused_git  # type: ignore[method-assign]
    asyncio.create_subprocess_exec = fused_start  # type: ignore[assignment]
    Repository.move_ref = fused_move  # type: ignore[method-assign]
    LaunchFolder.spawn = fused_spawn  # type: ignore[method-assign]


def start_mortal_runners(moment: str) -> None:
    program = Path(__file__).with_name("gate_runner.py")

    def mortal(command: list[str], **options: Any) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, str(program), moment, command[-1]], **options)

    folder.subprocess = SimpleNamespace(Popen=mortal, DEVNULL=subprocess.DEVNULL)  # type: ignore[assignment]


def main() -> int:
    project, run_id, *point = sys.argv[1:]
    name = point[0] if point else ""
    if name.startswith("runner-"):
        start_mortal_runners(name.removeprefix("runner-"))
    else:
        arm(Fuse(name))
    status = asyncio.run(Orchestrator(Path(project)).move(run_id))
    return 0 if status == "completed" else 1


if __name__ == "__main__":
    sys.exit(main())

"""One session of the real Claude Code client, with a scripted model, through our runner and through the SDK alone.

Needs the extra ``claude``. Both do the same turn (a file is written, a command is run) in processes of their own, one
after the other, so that what else the machine does falls on both.
"""

from __future__ import annotations

import importlib.util
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from scripted.messages_api import MessagesApi, Request, tool

from claude_orchestrator.agents.base import Assignment
from claude_orchestrator.agents.folder import LaunchFolder

ROUNDS = 7
AT_ONCE = (1, 2, 4, 8)
BARE = """
import asyncio, sys
from claude_agent_sdk import ClaudeAgentOptions, query
async def main():
    tools = ["Bash", "Read", "Edit", "Write"]
    options = ClaudeAgentOptions(cwd=sys.argv[1], tools=tools, allowed_tools=tools, setting_sources=[], max_turns=200)
    async for message in query(prompt="do it", options=options):
        pass
asyncio.run(main())
"""


def measure(folder: Path) -> Iterator[tuple[str, str]]:
    """Wall clock and CPU of a session, with everything that it starts; then several of ours at once."""
    if importlib.util.find_spec("claude_agent_sdk") is None:
        yield "a session of Claude Code", "needs the extra: pip install 'claude-orchestrator[claude]'"
        return
    with MessagesApi(_play) as api:
        world = _World(folder, api.url)
        world.bare()  # the client's program is read from the disk once
        figures: dict[str, list[tuple[float, float]]] = {"the SDK alone": [], "our runner": []}
        for _ in range(ROUNDS):
            figures["the SDK alone"].append(_timed(world.bare))
            figures["our runner"].append(_timed(world.ours))
        medians = {
            name: [statistics.median(column) for column in zip(*rows, strict=True)] for name, rows in figures.items()
        }
        for name, (wall, cpu) in medians.items():
            yield f"{name}: s wall / s CPU of a session (median of {ROUNDS})", f"{wall:.2f} / {cpu:.2f}"
        ratios = [ours / bare for ours, bare in zip(medians["our runner"], medians["the SDK alone"], strict=True)]
        yield "our runner beside the SDK alone: ratio wall / CPU", f"{ratios[0]:.2f} / {ratios[1]:.2f}"
        for number in AT_ONCE:
            wall, cpu = _timed(lambda number=number: world.at_once(number))  # type: ignore[misc]
            yield (
                f"{number} sessions of ours at once: s wall of all / s CPU of each",
                f"{wall:.2f} / {cpu / number:.2f}",
            )


def _play(request: Request) -> list[dict[str, Any]] | str:
    if request.turn == 0:
        return [tool("Write", "w", file_path="new.txt", content="one\n")]
    return [tool("Bash", "b", command="cat new.txt", description="look")] if request.turn == 1 else "Done."


def _timed(work: Callable[[], None]) -> tuple[float, float]:
    """Seconds of wall clock, and of CPU of all processes that were started and have ended."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    work()
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


class _World:
    """Worktrees of one repository, each for one session."""

    def __init__(self, root: Path, url: str) -> None:
        self._root = root
        self._count = 0
        self._project = root / "project"
        (root / "user").mkdir()
        self._project.mkdir()
        (self._project / "a.txt").write_text("one\n")
        for words in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "--message=base"]):
            self._git(*words)
        plain = ("PATH", "LANG", "TMPDIR")
        self._environment = {
            **{name: os.environ[name] for name in plain if name in os.environ},
            "HOME": str(root / "user"),
            "ANTHROPIC_BASE_URL": url,
            "ANTHROPIC_API_KEY": "sk-ant-api03-scripted-key-of-nobody",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        }

    def _git(self, *words: str) -> None:
        identity = ["-c", "user.name=b", "-c", "user.email=b@localhost"]
        subprocess.run(["git", *identity, *words], cwd=self._project, check=True, capture_output=True)

    def _worktree(self) -> Path:
        self._count += 1
        worktree = self._root / f"worktree-{self._count}"
        self._git("worktree", "add", "--quiet", "--detach", str(worktree))
        return worktree

    def bare(self) -> None:
        """One session by the SDK alone."""
        worktree = self._worktree()
        self._run([sys.executable, "-c", BARE, str(worktree)]).wait()
        _check(worktree)

    def ours(self) -> None:
        """One session by our runner."""
        self.at_once(1)

    def at_once(self, number: int) -> None:
        """Sessions by our runner, all started together."""
        launches = [self._launch() for _ in range(number)]
        runners = [
            self._run([sys.executable, "-P", "-m", "claude_orchestrator.agents.runner", str(launch.path)])
            for launch, _ in launches
        ]
        for runner in runners:
            runner.wait()
        for launch, worktree in launches:
            outcome = launch.read_exit()
            if outcome is None or outcome.status != "finished":
                raise SystemExit(f"the session ended otherwise: {outcome}")
            _check(worktree)

    def _launch(self) -> tuple[LaunchFolder, Path]:
        worktree = self._worktree()
        launch = LaunchFolder(self._root / f"attempt-{self._count}" / "launch-1")
        launch.write_assignment(
            Assignment(
                attempt_id=f"r1.t{self._count}.1",
                run_id="r1",
                task_id=f"t{self._count}",
                number=1,
                agent="claude",
                prompt="do it",
                worktree=worktree,
                folder=launch.path,
                database=self._root / "state.db",
                options={},
                timeout_s=300.0,
            )
        )
        return launch, worktree

    def _run(self, command: list[str]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(command, env=self._environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def _check(worktree: Path) -> None:
    if (worktree / "new.txt").read_text() != "one\n":
        raise SystemExit("the session has not done its work")

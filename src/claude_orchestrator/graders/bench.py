"""The bench that graders work on: checkouts of trees, commands with limits, results by content."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import json
import os
import secrets
import shutil
import site
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from claude_orchestrator.errors import VerificationError
from claude_orchestrator.graders.base import Command
from claude_orchestrator.graders.cache import ResultCache, key_of
from claude_orchestrator.graders.change import JudgedChange
from claude_orchestrator.graders.configuration import declared_python
from claude_orchestrator.graders.interpreter import Interpreter, Tool, locate, probe
from claude_orchestrator.graders.seed import SeedCache
from claude_orchestrator.workspace import process, sandbox
from claude_orchestrator.workspace.git import Repository

_MAX_OUTPUT_BYTES = 20_000_000


@dataclass(frozen=True)
class Ran:
    """A command that ended: what is recorded of it, its output files, and whether the output is whole.

    ``digest`` is the SHA-256 of the standard output as it came through the pipe.
    """

    command: Command
    stdout: Path
    stderr: Path
    output_truncated: bool
    digest: str

    def output(self) -> bytes:
        """The standard output. Raises VerificationError when the file is not what the command wrote."""
        content = self.stdout.read_bytes()
        if hashlib.sha256(content).hexdigest() != self.digest:
            raise VerificationError("has an output file that somebody else wrote to, or that is cut")
        return content

    def said(self) -> str:
        """The last lines of what it wrote, for a message."""
        for file in (self.stderr, self.stdout):
            lines = file.read_text(errors="replace").strip().splitlines()
            if lines:
                return " | ".join(line.strip() for line in lines[-3:])[:500]
        return "no output"


@dataclass
class Bench:
    """Everything that a grader needs for one verification.

    ``repository`` has the trees, ``project`` is the top folder of the user's checkout. ``work`` is a private folder
    that is deleted afterwards, ``evidence`` the folder that stays. ``marker`` is carried by every process that is
    started here. ``timeout_s`` limits each command.
    """

    repository: Repository
    project: Path
    change: JudgedChange
    work: Path
    evidence: Path
    cache: ResultCache
    seeds: SeedCache
    timeout_s: float
    marker: str
    python: str | None = None
    progress: Callable[[str], None] = lambda _: None
    _checkouts: dict[str, asyncio.Task[Path]] = field(default_factory=dict)
    _interpreters: dict[str, asyncio.Task[Interpreter]] = field(default_factory=dict)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    _slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(max(2, os.cpu_count() or 1)))

    # -- trees ------------------------------------------------------------------------------------

    async def shared_checkout(self, tree: str) -> Path:
        """A checkout of ``tree`` for tools that only read; never one in which code of the change runs."""
        if tree not in self._checkouts:
            self._checkouts[tree] = asyncio.create_task(self._stamped_checkout(tree))
        return await self._checkouts[tree]

    async def _stamped_checkout(self, tree: str) -> Path:
        folder = await self.fresh_checkout(tree)
        # mypy takes a file of the same size and second for the one that it knows; here no two trees share a second.
        second = secrets.randbelow(1_000_000_000)
        for place, _, files in os.walk(folder):
            for name in files:
                os.utime(Path(place, name), (second, second), follow_symlinks=False)
        return folder

    def new_folder(self, letter: str) -> Path:
        """A new private folder; paths stay short."""
        folder = self.work / f"{letter}{next(self._numbers)}"
        folder.mkdir()
        return folder

    async def fresh_checkout(self, tree: str) -> Path:
        """A checkout of ``tree`` that nobody else uses."""
        folder = self.new_folder("c") / "tree"
        # ruff looks for settings in every parent folder: its search ends here.
        (folder.parent / "ruff.toml").touch()
        await self.repository.materialise(tree, folder)
        # Compiled files that lie in a tree may say something else than their sources.
        for place in self.change.compiled_folders():
            if (folder / place).is_symlink():
                (folder / place).unlink()
            await asyncio.to_thread(shutil.rmtree, folder / place, ignore_errors=True)
        return folder

    # -- interpreters and tools ---------------------------------------------------------------------

    async def interpreter(self) -> Interpreter:
        """The project's Python. Raises VerificationError when the one that is named cannot be used."""
        executable = locate(self.project, declared_python(self.change.base_files), self.python)
        if self.change.brings(Path(executable), self.project):
            raise VerificationError(
                f"{executable} lies in files that the change brings: a change cannot choose the Python that judges it"
            )
        return await self._probed(executable)

    async def tool(self, name: str) -> Tool:
        """A tool as the project has it, else as we have it. Raises VerificationError when nobody has."""
        return (await self.interpreter()).tool(name) or await self.our_tool(name)

    async def our_tool(self, name: str) -> Tool:
        """A tool as we have it. Raises VerificationError when we do not."""
        found = (await self._probed(sys.executable)).tool(name)
        if found is None:
            target = await self.interpreter()
            raise VerificationError(
                f"{name} is not installed: install it with '{target.executable} -m pip install {name}'"
            )
        return found

    async def _probed(self, executable: str) -> Interpreter:
        if executable not in self._interpreters:
            self._interpreters[executable] = asyncio.create_task(self._probe(executable))
        return await self._interpreters[executable]

    async def _probe(self, executable: str) -> Interpreter:
        folder = self.new_folder("p")

        async def ask(argv: Sequence[str]) -> str:
            done = await process.run(
                argv, cwd=folder, env=self._environment({"PYTHONUSERBASE": site.getuserbase()}),
                timeout_s=min(60.0, self.timeout_s), stdout=folder / "out", stderr=folder / "err",
                marker=self.marker, network=False,
            )  # fmt: skip
            if done.exit_code != 0:
                raise VerificationError(
                    f"{executable} cannot be used ({(folder / 'err').read_text(errors='replace')[-200:].strip()})"
                )
            return (folder / "out").read_text()

        return await probe(executable, self.project, ask)

    # -- commands -----------------------------------------------------------------------------------

    def _environment(self, extra: Mapping[str, str]) -> dict[str, str]:
        """What a command sees of our environment: no secret, a home and a temporary folder of its own."""
        place = self.new_folder("h")
        home, temporary = place / "home", place / "tmp"
        home.mkdir()
        temporary.mkdir()
        kept = {
            name: value
            for name, value in process.scrubbed_environment().items()
            if not name.startswith(("XDG_", "CONDA_")) and name not in ("VIRTUAL_ENV", "TEMP", "TMP")
        }
        ours = {
            "HOME": str(home),
            "TMPDIR": str(temporary),
            "PYTHONDONTWRITEBYTECODE": "1",
            "TERM": "dumb",
            "COLUMNS": "120",
        }
        return {**kept, **ours, **extra}

    async def run(self, label: str, argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], by_hand: str) -> Ran:
        """Run one command of a check, without network where the system allows; its output goes to the evidence.

        ``by_hand`` is the shell command with which a stranger repeats it in a checkout of the same tree. A
        command that ran out of time is returned like any other: see ``Ran.command.timed_out``.
        """
        stdout, stderr = self.evidence / f"{label}.out", self.evidence / f"{label}.err"
        async with self._slots:
            self.progress(f"{label}: running")
            done = await process.run(
                argv, cwd=cwd, env=self._environment(env), timeout_s=self.timeout_s, stdout=stdout, stderr=stderr,
                marker=self.marker, network=False, max_output_bytes=_MAX_OUTPUT_BYTES,
            )  # fmt: skip
        command = Command(
            label, tuple(argv), done.exit_code, round(done.duration_s, 3), by_hand, timed_out=done.timed_out
        )
        self.progress(f"{label}: done in {done.duration_s:.1f} s")
        return Ran(command, stdout, stderr, done.output_truncated, done.digest)

    # -- results by content -------------------------------------------------------------------------

    async def remembered(
        self,
        label: str,
        inputs: Mapping[str, object],
        work: Callable[[], Awaitable[tuple[dict[str, Any], Command, bool]]],
    ) -> tuple[dict[str, Any], Command]:
        """The result for ``inputs`` (tree, tool, arguments), from the cache or else by doing ``work``.

        ``work`` returns its result, its command, and whether the result is whole and trustworthy: only
        then is it kept. The result is written to the evidence either way.
        """
        target = await self.interpreter()
        key = key_of(**inputs, environment=target.fingerprint, sandbox=sandbox.level(), cut=sandbox.can_cut_network())
        entry = self.cache.read(key) if target.is_stable else None
        if entry is not None and entry.keys() >= {"result", "command"}:
            stored = entry["command"]
            command = replace(Command(**{**stored, "argv": tuple(stored["argv"])}), label=label, cached=True)
            result: dict[str, Any] = entry["result"]
            self.progress(f"{label}: known from an earlier run")
        else:
            result, command, is_whole = await work()
            if is_whole and target.is_stable:
                self.cache.write(key, {"result": result, "command": asdict(command)})
        await asyncio.to_thread(_write_json, self.evidence / f"{label}.json", result)
        return result, command


def _write_json(file: Path, value: dict[str, Any]) -> None:
    file.write_text(json.dumps(value, indent=1))

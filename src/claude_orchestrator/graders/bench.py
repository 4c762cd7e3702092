"""The bench that graders work on: checkouts of trees, commands with limits, results by content."""

from __future__ import annotations

import asyncio
import functools
import hashlib
import itertools
import json
import os
import secrets
import shutil
import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from claude_orchestrator.errors import VerificationError
from claude_orchestrator.graders.base import Command
from claude_orchestrator.graders.cache import ResultCache, key_of
from claude_orchestrator.graders.change import JudgedChange
from claude_orchestrator.graders.configuration import declared_python
from claude_orchestrator.graders.generated import missing_in
from claude_orchestrator.graders.interpreter import Interpreter, Tool, locate
from claude_orchestrator.graders.probing import HIDDEN, Interpreters, clean_environment
from claude_orchestrator.graders.seed import SeedCache
from claude_orchestrator.workspace import process
from claude_orchestrator.workspace.git import Repository
from claude_orchestrator.workspace.walls import Limits, Rung, Walls, needed_by, reached

if TYPE_CHECKING:
    from claude_orchestrator.graders.integrity.tampering.fates import Comparison
    from claude_orchestrator.graders.suite.run_log import SuiteRun

NICEST = 10
"""How far a command steps back at most."""
Side = Literal["base", "head"]
"""The base, or the change as it would be merged (with its own configuration)."""

_PLAIN = ("100644", "100755")
_FEW_FILES = 1_000
_MAX_OUTPUT_BYTES = 20_000_000
_FEWEST_SLOTS = 4
"""A change is judged by up to four test runs: with fewer at once a processor would stand idle while the last one runs,
and all of them while tests wait for something."""
_HIDDEN = ("/run",)
"""Sockets of the machine's services lie there, some of which run commands for whoever asks."""


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


@dataclass(frozen=True)
class Claims:
    """What somebody says of the change; it is compared with the facts and can only make a verdict worse.

    ``kind`` is what it was asked to be (None: nobody said), ``report`` what its author says of it, ``operations`` what
    the journal has of the work: the data of its ``operation.done`` events, in order. ``message`` is that of the commit.
    """

    kind: str | None = None
    report: str = ""
    operations: tuple[Mapping[str, Any], ...] = ()
    message: str = ""


@dataclass
class Bench:
    """Everything that a grader needs for one verification.

    ``repository`` has the trees, ``project`` is the top folder of the user's checkout. ``work`` is a private folder
    that is deleted afterwards, ``evidence`` the folder that stays. ``marker`` is carried by every process that is
    started here. ``timeout_s`` and ``limits`` are for each command, ``sandbox`` is what the user wants around it.
    ``private`` are folders that no command may look into. ``asked`` are interpreters that were asked before,
    ``checks`` the names of all checks that are made. ``generated`` are modules that the commits lack, path → text.
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
    claims: Claims = field(default_factory=Claims)
    sandbox: str = "auto"
    limits: Limits = field(default_factory=Limits)
    private: tuple[Path, ...] = ()
    asked: Interpreters | None = None
    checks: tuple[str, ...] = ()
    generated: Mapping[str, str] = field(default_factory=dict)
    _checkouts: dict[str, asyncio.Task[Path]] = field(default_factory=dict)
    _blobs: dict[str, asyncio.Future[dict[str, bytes]]] = field(default_factory=dict)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    _slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_at_once()))
    _background: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_at_once()))
    _remembered: dict[str, str] = field(default_factory=dict)
    _unsure: set[str] = field(default_factory=set)

    @functools.cached_property
    def suite(self) -> asyncio.Future[Mapping[str, SuiteRun]]:
        """The test runs by name, once they are there; no runs when the tests are not among the checks."""
        return asyncio.get_running_loop().create_future()

    @functools.cached_property
    def compared_tests(self) -> asyncio.Task[Comparison]:
        """Both sides of the tests that the change touches, read and compared once."""
        from claude_orchestrator.graders.integrity.tampering.reading import (
            read_sides,  # not at the top: it needs this module
        )

        return asyncio.ensure_future(read_sides(self))

    @functools.cached_property
    def interpreters(self) -> Interpreters:
        """All Pythons that somebody here asks for."""
        return self.asked or Interpreters(self.project, self.work, self._reached, self.marker, self.timeout_s)

    async def _reached(self) -> Rung:
        return await asyncio.to_thread(lambda: self.rung)

    @functools.cached_property
    def rung(self) -> Rung:
        """What stands around commands here. Raises SandboxError when that does not work."""
        return reached(self.sandbox)

    @functools.cached_property
    def _request_written(self) -> int:
        """When the file was written that nobody has to write to again."""
        return _changed_at(self.evidence / "request.json")

    # -- trees ------------------------------------------------------------------------------------

    async def files(self, side: Side, paths: Iterable[str]) -> dict[str, bytes]:
        """The contents of those ``paths`` that are plain files on that side."""
        entries = self.change.base_entries if side == "base" else self.change.head_entries
        wanted = {path: entries[path].blob for path in paths if path in entries and entries[path].mode in _PLAIN}
        if wanted and not self._blobs:
            self._read(self._likely())
        self._read(blob for blob in wanted.values() if blob not in self._blobs)
        return {path: (await asyncio.shield(self._blobs[blob]))[blob] for path, blob in wanted.items()}

    def _read(self, blobs: Iterable[str]) -> None:
        """Start to read some blobs with one command; each is read once."""
        names = sorted(set(blobs))
        if names:
            reading = asyncio.ensure_future(self.repository.read_blobs(names))
            self._blobs.update(dict.fromkeys(names, reading))

    def _likely(self) -> set[str]:
        """What the checks of a small project are going to ask for, one after the other."""
        change = self.change
        python = {
            entry.blob
            for entries in (change.base_entries, change.head_entries)
            for path, entry in entries.items()
            if entry.mode in _PLAIN and (path.endswith(".py") or path in change.touched)
        }
        return python if len(python) <= _FEW_FILES else set()

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
        for path, text in missing_in(folder, self.generated).items():
            (folder / path).write_bytes(text.encode())
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
        return await self.interpreters.at(executable)

    async def tool(self, name: str) -> Tool:
        """A tool as the project has it, else as we have it. Raises VerificationError when nobody has."""
        return (await self.interpreter()).tool(name) or await self.our_tool(name)

    async def our_tool(self, name: str) -> Tool:
        """A tool as we have it. Raises VerificationError when we do not."""
        found = (await self.interpreters.at(sys.executable)).tool(name)
        if found is None:
            target = await self.interpreter()
            raise VerificationError(
                f"{name} is not installed: install it with '{target.executable} -m pip install {name}'"
            )
        return found

    # -- commands -----------------------------------------------------------------------------------

    async def run(
        self,
        label: str,
        argv: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        by_hand: str,
        channel: Path | None = None,
        writable: Sequence[Path] = (),
        in_background: bool = False,
        nice: int = 0,
        timeout_s: float | None = None,
    ) -> Ran:
        """Run one command of a check behind the best walls there are; its output goes to the evidence.

        As many run at once as there are processors (four at least), and as many more ``in_background``, which get what
        is left of them. ``nice`` is how far one steps back for the others.
        It may write to the folder of its checkout (not of a shared one), to ``writable`` and to a home of its own.

        ``by_hand`` is the shell command with which a stranger repeats it in a checkout of the same tree. A
        command that was stopped is returned like any other: see ``Command.timed_out`` and ``stopped``. ``channel`` is
        the file for what the command writes to its channel: see :func:`process.run`. ``timeout_s`` can only shorten
        the limit of all commands.
        """
        stdout, stderr = self.evidence / f"{label}.out", self.evidence / f"{label}.err"
        written = self._request_written
        place = self.new_folder("h")
        environment = clean_environment(place, env)
        limit_s = self.timeout_s if timeout_s is None else min(timeout_s, self.timeout_s)
        walls = replace(await self._walls(cwd, place, environment, writable), nice=NICEST if in_background else nice)
        async with self._background if in_background else self._slots:
            self.progress(f"{label}: running")
            done = await process.run(
                argv, cwd=cwd, env=environment, timeout_s=limit_s, stdout=stdout, stderr=stderr,
                marker=self.marker, max_output_bytes=_MAX_OUTPUT_BYTES, channel=channel, walls=walls,
            )  # fmt: skip
        stopped = done.broken_limit
        if not stopped and done.output_truncated:
            stopped = f"it wrote more than {_MAX_OUTPUT_BYTES // 1_000_000} MB of output"
        if not stopped and channel and not _holds(channel, done.channel_digest):
            stopped = "its log is cut, or somebody else wrote to it"
        if not stopped and _changed_at(self.evidence / "request.json") != written:
            stopped = "somebody wrote to the evidence"
        command = Command(
            label, tuple(argv), done.exit_code, round(done.duration_s, 3), by_hand,
            timed_out=done.timed_out, stopped=stopped,
        )  # fmt: skip
        self.progress(f"{label}: done in {done.duration_s:.1f} s")
        return Ran(command, stdout, stderr, done.output_truncated, done.digest)

    async def _walls(self, cwd: Path, place: Path, environment: Mapping[str, str], writable: Sequence[Path]) -> Walls:
        target = await self.interpreter()
        programs = [Path(folder) for folder in environment["PATH"].split(os.pathsep) if Path(folder).is_absolute()]
        installed = [*needed_by(Path(target.executable)), Path(target.prefix), *map(Path, target.path)]
        shared = {task.result() for task in self._checkouts.values() if task.done()}
        own = [] if cwd in shared else [cwd.parent if cwd.is_relative_to(self.work) else cwd]
        return Walls(
            self.rung,
            writable=(*own, place, *writable),
            hidden=(Path.home(), *map(Path, _HIDDEN), self.work, self.evidence, *self.private),
            shown=(cwd, *programs, *installed),
            limits=self.limits,
        )

    # -- results by content -------------------------------------------------------------------------

    def results_kept(self) -> dict[str, str] | None:
        """The labels of all results and their keys in the cache, or None when one was not fit to be kept."""
        return None if self._unsure else dict(self._remembered)

    async def knows(self, inputs: Mapping[str, object]) -> bool:
        """Whether the result for ``inputs`` is in the cache."""
        target = await self.interpreter()
        return target.is_stable and self.cache.read(self._key(inputs, target)) is not None

    def _key(self, inputs: Mapping[str, object], target: Interpreter) -> str:
        return key_of(
            **inputs, environment=target.fingerprint, generated=self.generated, sandbox=self.rung, hidden=HIDDEN
        )

    async def remembered(
        self,
        label: str,
        inputs: Mapping[str, object],
        work: Callable[[], Awaitable[tuple[dict[str, Any], Command, bool]]],
        also: Mapping[str, object] | None = None,
    ) -> tuple[dict[str, Any], Command]:
        """The result for ``inputs`` (tree, tool, arguments), from the cache or else by doing ``work``.

        ``work`` returns its result, its command, and whether the result is whole and trustworthy: only
        then is it kept, and also for the inputs ``also``, which ask for no more. The result is written to the
        evidence either way.
        """
        target = await self.interpreter()
        key, *others = (self._key(asked, target) for asked in (inputs, also) if asked is not None)
        self._remembered[label] = key
        entry = self.cache.read(key) if target.is_stable else None
        if entry is not None and entry.keys() >= {"result", "command"}:
            stored = entry["command"]
            command = replace(Command(**{**stored, "argv": tuple(stored["argv"])}), label=label, cached=True)
            result: dict[str, Any] = entry["result"]
            self.progress(f"{label}: known from an earlier run")
        else:
            result, command, is_whole = await work()
            if is_whole and target.is_stable:
                for name in (key, *others):
                    self.cache.write(name, {"result": result, "command": asdict(command)})
            else:
                self._unsure.add(label)
        await asyncio.to_thread(_write_json, self.evidence / f"{label}.json", result)
        return result, command


def _at_once() -> int:
    return max(_FEWEST_SLOTS, os.cpu_count() or 1)


def _changed_at(file: Path) -> int:
    """When a file was changed, by the clock of the disk, which nobody can set back; 0 when there is none."""
    return file.stat().st_ctime_ns if file.is_file() else 0


def _holds(file: Path, digest: str) -> bool:
    """Whether a file is what came through a pipe."""
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest() == digest
    except OSError:
        return False


def _write_json(file: Path, value: dict[str, Any]) -> None:
    file.write_text(json.dumps(value, indent=1))

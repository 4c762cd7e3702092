"""Run a command so that nothing of it outlives its end, its time limit, or us.

Every command gets a keeper process (``keeper.py``) that holds the other end of a socket. We close our
end to have the whole process tree killed; when we die, by whatever signal, the kernel closes it for
us. Output goes through a pipe that is always read, so a flood is cut in the file and never blocks the
command. POSIX only: Windows is not supported.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import signal
import socket
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from claude_orchestrator.config.keys import SIGNED_WITH
from claude_orchestrator.errors import OrchestratorError
from claude_orchestrator.workspace import sandbox
from claude_orchestrator.workspace.process_table import MARKER, kill_marked, nested
from claude_orchestrator.workspace.variables import variables

if TYPE_CHECKING:
    from claude_orchestrator.workspace.walls import Walls

__all__ = ["Completed", "Conversation", "ProgramError", "kill_marked", "run", "scrubbed_environment"]

AGENT_ENV: Final = "CLAUDE_ORCHESTRATOR_AGENT_ENV"
MAX_OUTPUT_BYTES: Final = 50_000_000
CHANNEL: Final = "CLAUDE_ORCHESTRATOR_CHANNEL"
"""Environment variable of a command with a channel: the number of the descriptor to write to."""

MAX_CHANNEL_BYTES: Final = 200_000_000
TAIL_BYTES: Final = 2_000
GONE_TIMEOUT_S: Final = 5.0
"""How long a killed tree may take to vanish before its keeper is killed as well."""

_KILLED: Final = -int(signal.SIGKILL)
_PASSED_ON: Final = frozenset({
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TERM", "TZ", "TMPDIR", "TEMP", "TMP",
    "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS",
    "VIRTUAL_ENV", "CONDA_PREFIX", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR",
    "COLUMNS", "NO_COLOR", "CI", "SOURCE_DATE_EPOCH",
    # What the user has set for the verifier, which runs in a process of its own.
    "CLAUDE_ORCHESTRATOR_SANDBOX", "CLAUDE_ORCHESTRATOR_CHECK_MEMORY_MB", "CLAUDE_ORCHESTRATOR_CHECK_DISK_MB",
    "CLAUDE_ORCHESTRATOR_CHECK_PROCESSES",
})  # fmt: skip


class ProgramError(OrchestratorError):
    """The program of a command cannot be started."""


@dataclass(frozen=True)
class Completed:
    """How a command ended."""

    argv: tuple[str, ...]
    exit_code: int
    """Negative: the signal that killed it; -9 as well when we killed it at its time limit."""

    timed_out: bool
    duration_s: float
    output_truncated: bool
    """Whether the command wrote more than the files were allowed (or able) to take."""

    digest: str
    """SHA-256, in hex, of all its standard output, also of what the file lacks."""

    tail: str
    """The last 2 KB of its standard output (which has standard error in it, unless that has its own file)."""

    broken_limit: str = ""
    """Why it was killed when it took more than its walls allow: ``it had more than 500 processes at once``."""

    channel_digest: str = ""
    """SHA-256, in hex, of all that it wrote to its channel."""

    channel_truncated: bool = False
    """Whether the command wrote more to its channel than the file was allowed (or able) to take."""


def scrubbed_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The few variables of our environment that a command needs, plus ``extra``; no key, no token."""
    kept = {name: value for name, value in variables().items() if name in _PASSED_ON or name.startswith("LC_")}
    return {**kept, **(extra or {})}


def agent_environment() -> dict[str, str]:
    """The scrubbed environment plus what the user lets agents see: the names in ``CLAUDE_ORCHESTRATOR_AGENT_ENV``.

    Never what tokens are signed with: an agent could make one that answers for a human.
    """
    allowed = os.environ.get(AGENT_ENV, "")
    names = [AGENT_ENV, *(name.strip() for name in allowed.split(","))]
    return scrubbed_environment(
        {name: os.environ[name] for name in names if name in os.environ and name != SIGNED_WITH}
    )


async def run(
    argv: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    timeout_s: float | None,
    stdout: Path,
    stderr: Path | None = None,
    marker: str | None = None,
    network: bool = True,
    max_output_bytes: int = MAX_OUTPUT_BYTES,
    max_memory_bytes: int | None = None,
    channel: Path | None = None,
    walls: Walls | None = None,
) -> Completed:
    """Run ``argv`` in ``cwd`` to its end, its time limit, or our cancellation; then nothing of it is left.

    ``stdout`` and ``stderr`` are files to write (None: standard error goes where standard output goes),
    each cut at ``max_output_bytes``. ``marker`` names a tree for :func:`kill_marked`, of this command and others.
    ``network=False`` leaves only loopback where :func:`sandbox.can_cut_network` says so. ``max_memory_bytes`` limits
    the address space of each process. ``channel`` is a file that gets what the command writes to the descriptor that
    its variable :data:`CHANNEL` names: through a pipe, so that nothing that was written can be taken back.
    ``walls`` hold the command in place of ``network`` and ``max_memory_bytes``.
    Raises ProgramError when the program cannot be started.
    """
    own = uuid.uuid4().hex
    markers = f"{nested(marker)}/{own}" if marker else nested(own)
    program = _find_program(argv[0], cwd, env)
    started = time.monotonic()
    expired = False
    process: asyncio.subprocess.Process | None = None
    out = _Output(stdout, max_output_bytes)
    err = out if stderr is None else _Output(stderr, max_output_bytes)
    told = None if channel is None else _Output(channel, MAX_CHANNEL_BYTES)
    outputs = {output for output in (out, err, told) if output is not None}
    numbers = {CHANNEL: str(told.write_end)} if told else {}
    ours, theirs = socket.socketpair()
    try:
        process = await asyncio.create_subprocess_exec(
            *(
                walls.wrap([program, *argv[1:]], cwd=cwd, lifeline=theirs.fileno())
                if walls
                else sandbox.wrap(
                    [program, *argv[1:]], network=network, lifeline=theirs.fileno(), max_memory_bytes=max_memory_bytes
                )
            ),
            cwd=cwd,
            env={**env, **numbers, MARKER: markers},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=out.write_end,
            stderr=err.write_end,
            pass_fds=[theirs.fileno(), *([told.write_end] if told else [])],
            start_new_session=True,
        )
        theirs.close()
        for output in outputs:
            output.close_write_end()
        async with asyncio.timeout(timeout_s):
            await process.wait()
    except TimeoutError:
        expired = True
    except OSError as error:
        raise ProgramError(
            f"cannot start {argv[0]}: {error.strerror}: check the command and that {cwd} exists"
        ) from error
    finally:
        theirs.close()
        # Shielded: a second cancellation must not stop the cleaning up; nor can it, the keeper has been told.
        ours.shutdown(socket.SHUT_WR)
        is_gone = walls.kill_all if walls else sandbox.level() == "namespaces"
        ending = asyncio.ensure_future(_end(process, None if is_gone else own, outputs))
        await asyncio.shield(ending)
        said = _read_all(ours)
    status, broken_limit = _interpreted(said, argv[0])
    return Completed(
        argv=tuple(argv),
        exit_code=_KILLED if status is None else status,
        timed_out=expired and status is None and not broken_limit,
        duration_s=time.monotonic() - started,
        output_truncated=out.truncated or err.truncated,
        digest=out.hash.hexdigest(),
        tail=bytes(out.tail).decode(errors="replace"),
        broken_limit=broken_limit,
        channel_digest="" if told is None else told.hash.hexdigest(),
        channel_truncated=told is not None and told.truncated,
    )


class Conversation:
    """A program that we talk with through its standard input and output; nothing of it outlives us or :meth:`end`."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writers: tuple[asyncio.StreamWriter, asyncio.StreamWriter],
        process: asyncio.subprocess.Process,
        lifeline: socket.socket,
        said: _Output,
        marker: str,
    ) -> None:
        self.reader = reader
        """What the program writes to its standard output."""
        self.writer = writers[0]
        """What it gets as its standard input."""
        self._writers = writers
        self._process = process
        self._lifeline = lifeline
        self._said = said
        self._marker = marker
        self._ended: asyncio.Future[int | None] | None = None

    @classmethod
    async def start(
        cls, argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], stderr: Path, marker: str, longest_line: int
    ) -> Conversation:
        """Start ``argv`` in ``cwd``; its standard error goes to a file.

        ``longest_line`` is how many bytes the reader takes without a line's end. Raises ProgramError when the program
        is missing; whether it could be started shows at the end.
        """
        program = _find_program(argv[0], cwd, env)
        own = uuid.uuid4().hex
        said = _Output(stderr, MAX_OUTPUT_BYTES)
        ours, theirs = socket.socketpair()
        # Two: a program may take what comes in by its standard output for its end.
        inward, stdin = socket.socketpair()
        outward, stdout = socket.socketpair()
        try:
            process = await asyncio.create_subprocess_exec(
                *sandbox.wrap([program, *argv[1:]], network=True, lifeline=theirs.fileno()),
                cwd=cwd,
                env={**env, MARKER: f"{nested(marker)}/{own}"},
                stdin=stdin.fileno(),
                stdout=stdout.fileno(),
                stderr=said.write_end,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
            _, writer = await asyncio.open_connection(sock=inward)
            reader, other = await asyncio.open_connection(sock=outward, limit=longest_line)
        except OSError as error:
            ours.close()
            inward.close()
            outward.close()
            await said.finish()
            raise ProgramError(f"cannot start {argv[0]}: {error.strerror}: check that {cwd} exists") from error
        finally:
            theirs.close()
            stdin.close()
            stdout.close()
        said.close_write_end()
        return cls(reader, (writer, other), process, ours, said, own)

    @property
    def tail(self) -> str:
        """The last 2 KB of its standard error."""
        return bytes(self._said.tail).decode(errors="replace")

    async def end(self, grace_s: float = 0.0) -> int | None:
        """Close its standard input, let it end by itself for ``grace_s`` seconds, and kill what is left.

        Return its exit code, None when it was killed. Raises ProgramError when it had never started. May be called
        again.
        """
        if self._ended is None:
            self._ended = asyncio.ensure_future(self._end_within(grace_s))
        return await asyncio.shield(self._ended)

    async def _end_within(self, grace_s: float) -> int | None:
        try:
            self.writer.write_eof()
            async with asyncio.timeout(grace_s):
                await self._process.wait()
        except (OSError, TimeoutError):
            pass  # it will be made to end
        finally:
            code = await self._kill()
        return code

    async def _kill(self) -> int | None:
        self._lifeline.shutdown(socket.SHUT_WR)
        marker = None if sandbox.level() == "namespaces" else self._marker
        await _end(self._process, marker, {self._said})
        for writer in self._writers:
            writer.close()
        return _interpreted(_read_all(self._lifeline), "the program")[0]


def _find_program(name: str, cwd: Path, env: Mapping[str, str]) -> str:
    """The absolute path of a program, looked up as the command itself would. Raises ProgramError."""
    if os.sep in name:
        path = cwd / name
        found = str(path) if path.is_file() and os.access(path, os.X_OK) else None
    else:
        found = shutil.which(name, path=env.get("PATH", os.defpath))
    if found is None:
        raise ProgramError(f"there is no program '{name}' to run: install it, or correct the command")
    return found


async def _end(process: asyncio.subprocess.Process | None, marker: str | None, outputs: set[_Output]) -> None:
    """After the lifeline was closed: wait until the tree is gone, then for the rest of its output.

    ``marker`` names the tree where its members have to be looked for.
    """
    if process is not None and process.returncode is None:
        try:
            async with asyncio.timeout(GONE_TIMEOUT_S):
                await process.wait()
        except TimeoutError:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    if marker is not None:
        await kill_marked(marker)
    for output in outputs:
        await output.finish()


def _read_all(lifeline: socket.socket) -> bytes:
    """What the keeper has said; it is gone by now, so nothing more will come."""
    with lifeline:
        lifeline.setblocking(False)
        try:
            return lifeline.recv(4096)
        except BlockingIOError:
            return b""


def _interpreted(said: bytes, program: str) -> tuple[int | None, str]:
    """The exit code in the keeper's line (None when the command was killed), and the limit that it broke.

    Raises ProgramError when the command did not start.
    """
    for line in said.decode().splitlines():
        word, _, rest = line.partition(" ")
        if word == "cannot":
            reason = os.strerror(int(rest))
            raise ProgramError(f"cannot start {program}: {reason}: correct the command or the file's permissions")
        if word == "limit":
            return None, rest
        if line:
            return int(line), ""
    return None, ""


class _Output:
    """A pipe for a command's output: read to its end always, written to a file up to a limit."""

    def __init__(self, path: Path, limit: int) -> None:
        self.truncated = False
        self.tail = bytearray()
        self.hash = hashlib.sha256()
        self._room = limit
        self._file = path.open("wb", buffering=0)
        self._read_end, self.write_end = os.pipe()
        os.set_blocking(self._read_end, False)
        self._loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[None] = self._loop.create_future()
        self._loop.add_reader(self._read_end, self._read)

    def close_write_end(self) -> None:
        if self.write_end >= 0:
            os.close(self.write_end)
            self.write_end = -1

    async def finish(self) -> None:
        """Wait for the end of the output; not for ever, a process that nobody could kill may hold the pipe."""
        self.close_write_end()
        try:
            async with asyncio.timeout(GONE_TIMEOUT_S):
                await asyncio.shield(self._ended)
        except TimeoutError:
            self.truncated = True
        finally:
            self._loop.remove_reader(self._read_end)
            os.close(self._read_end)
            self._file.close()

    def _read(self) -> None:
        try:
            chunk = os.read(self._read_end, 1 << 16)
        except BlockingIOError:
            return
        if not chunk:
            self._loop.remove_reader(self._read_end)
            if not self._ended.done():
                self._ended.set_result(None)
            return
        self.hash.update(chunk)
        self.tail += chunk
        del self.tail[:-TAIL_BYTES]
        self._keep(chunk)

    def _keep(self, chunk: bytes) -> None:
        kept = chunk[: self._room]
        self.truncated |= len(kept) < len(chunk)
        self._room -= len(kept)
        try:
            while kept:
                kept = kept[self._file.write(kept) or 0 :]
        except OSError:  # a full disk: the command goes on, its output is marked as cut
            self._room = 0
            self.truncated = True

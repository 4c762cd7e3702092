"""Programs that are talked with: both directions, how they end, and that nothing of them is left."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from process_world import FAMILY, run_python, sleepers, use_level, wait_for

from claude_orchestrator.workspace import process
from claude_orchestrator.workspace.process import Conversation, ProgramError

T = TypeVar("T")

OWNER = """
import asyncio, sys
from pathlib import Path
from claude_orchestrator.workspace import process
async def main():
    argv = [sys.executable, "-c", sys.argv[1], sys.argv[2]]
    folder = Path(sys.argv[3])
    talk = await process.Conversation.start(
        argv, cwd=folder, env=process.scrubbed_environment(), stderr=folder / "err", marker="m", longest_line=100)
    print((await talk.reader.readline()).decode(), end="", flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""


@pytest.fixture(params=["namespaces", "process-group"])
def level(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    yield from use_level(request.param, tmp_path, monkeypatch)


def talk(folder: Path, argv: list[str], use: Callable[[Conversation], Awaitable[T]], cwd: Path | None = None) -> T:
    """Start a program, use it, and end it at once when that has not happened."""

    async def bounded() -> T:
        async with asyncio.timeout(20):
            conversation = await Conversation.start(
                argv,
                cwd=cwd or folder,
                env=process.scrubbed_environment(),
                stderr=folder / "err",
                marker="m",
                longest_line=1000,
            )
            try:
                return await use(conversation)
            finally:
                await conversation.end()

    return asyncio.run(bounded())


def test_both_directions_and_the_end(tmp_path: Path, level: str) -> None:
    async def use(one: Conversation) -> tuple[bytes, int | None, int | None, str]:
        one.writer.write(b"hello\n")
        line = await one.reader.readline()
        return line, await one.end(10), await one.end(), one.tail

    code = (
        "import sys; print(input().upper(), flush=True); sys.stdin.read(); print('bye', file=sys.stderr); sys.exit(3)"
    )
    assert talk(tmp_path, [sys.executable, "-c", code], use) == (b"HELLO\n", 3, 3, "bye\n")
    assert (tmp_path / "err").read_text() == "bye\n"


def test_what_comes_in_does_not_close_the_output(tmp_path: Path, level: str) -> None:
    """Programs that wait on both with asyncio take what can be read from their output for its end."""

    async def use(one: Conversation) -> bytes:
        one.writer.write(b"1\n")
        first = await one.reader.readline()
        one.writer.write(b"2\n")
        return first + await one.reader.readline()

    code = """
import asyncio, sys
async def main():
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    transport, _ = await loop.connect_write_pipe(asyncio.BaseProtocol, sys.stdout)
    while line := await reader.readline():
        transport.write(line)
asyncio.run(main())
"""
    assert talk(tmp_path, [sys.executable, "-c", code], use) == b"1\n2\n"


def test_a_line_that_is_too_long(tmp_path: Path) -> None:
    async def use(one: Conversation) -> int:
        with pytest.raises(asyncio.LimitOverrunError):
            await one.reader.readuntil(b"\n")
        return 1

    assert talk(tmp_path, [sys.executable, "-c", "print('x' * 10_000_000)"], use) == 1


@pytest.mark.parametrize("grace_s", [0.0, 0.2])
def test_nothing_is_left_of_one_that_does_not_end(tmp_path: Path, level: str, grace_s: float) -> None:
    seconds = f"86411.{int(grace_s * 10) + 1}"

    async def use(one: Conversation) -> int | None:
        assert await one.reader.readline() == b"ready\n"
        return await one.end(grace_s)

    assert talk(tmp_path, [sys.executable, "-c", FAMILY, seconds], use) is None
    assert sleepers(seconds) == []


def test_nothing_is_left_when_the_end_is_cancelled(tmp_path: Path, level: str) -> None:
    seconds = "86412.5"

    async def use(one: Conversation) -> None:
        await one.reader.readline()
        ending = asyncio.create_task(one.end(0.1))
        await asyncio.sleep(0)
        ending.cancel()
        await asyncio.wait({ending})

    talk(tmp_path, [sys.executable, "-c", FAMILY, seconds], use)
    assert sleepers(seconds) == []


def test_the_family_dies_with_its_owner(tmp_path: Path, level: str) -> None:
    seconds = "86413.5"
    owner = run_python(OWNER, FAMILY, seconds, str(tmp_path))
    try:
        assert owner.stdout
        assert owner.stdout.readline() == b"ready\n"
        wait_for(lambda: len(sleepers(seconds)) == 4)
    finally:
        os.kill(owner.pid, signal.SIGKILL)
        owner.wait(20)
    wait_for(lambda: sleepers(seconds) == [])


def test_a_program_that_is_missing_or_is_none(tmp_path: Path) -> None:
    async def use(one: Conversation) -> int | None:
        assert await one.reader.read() == b""
        return await one.end(10)

    with pytest.raises(ProgramError, match="there is no program 'no-such-program'"):
        talk(tmp_path, ["no-such-program"], use)
    with pytest.raises(ProgramError, match="cannot start ls"):
        talk(tmp_path, ["ls"], use, tmp_path / "missing")
    text = tmp_path / "text"
    text.write_bytes(b"\x00")
    text.chmod(0o755)
    with pytest.raises(ProgramError, match="cannot start"):
        talk(tmp_path, [str(text)], use)

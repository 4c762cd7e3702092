"""What a model can do in the worktree: each tool makes a wish, an operation that is judged before it is performed."""

from __future__ import annotations

import io
import shlex
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from claude_orchestrator.agents.base import Assignment, Result
from claude_orchestrator.agents.model.conversation import Told
from claude_orchestrator.agents.performing import perform
from claude_orchestrator.agents.script import command
from claude_orchestrator.safety.operations import Operation
from claude_orchestrator.safety.redaction import redact

SHOWN: Final = 30_000
"""Characters of one result that a model is shown."""

_HEAD: Final = 10_000
_READ_LIMIT: Final = 10_000_000
_ENTRIES: Final = 1_000
_LINE: Final = 500
"""Characters of a line that a search shows."""
_TIME_LIMIT_S: Final = 600.0
_KILLED: Final = -9


@dataclass(frozen=True)
class Wish:
    """What a call of a tool wants."""

    operation: Operation
    perform: Callable[[Operation, int], Awaitable[tuple[Result, Told]]]
    """Performs the operation that has leave; the number is its position."""
    has_effects: bool = True
    """Whether doing it twice may differ from doing it once."""


class Tools:
    """The tools, for one assignment. The methods' docstrings are what the model reads of them."""

    def __init__(self, assignment: Assignment) -> None:
        self._assignment = assignment
        self._worktree = assignment.worktree
        self.all: Final[tuple[Callable[..., Wish], ...]] = (
            self.read,
            self.list,
            self.search,
            self.write,
            self.replace,
            self.run,
        )

    def read(self, path: str, first_line: int = 1, lines: int = 2000) -> Wish:
        """Read a text file.

        Args:
            path: The file, relative to the project's folder.
            first_line: The number of the first line to read, from 1.
            lines: How many lines to read at most.
        """

        async def look(operation: Operation, _: int) -> tuple[Result, Told]:
            return _looked(operation, lambda place: _lines_of(place, max(1, first_line), max(1, lines)))

        return Wish(Operation("read", self._worktree, path), look, has_effects=False)

    def list(self, path: str = ".") -> Wish:
        """List what is in a folder; the names of folders end with "/".

        Args:
            path: The folder, relative to the project's folder.
        """

        async def look(operation: Operation, _: int) -> tuple[Result, Told]:
            return _looked(operation, _entries_of)

        return Wish(Operation("read", self._worktree, path), look, has_effects=False)

    def search(self, pattern: str, path: str = ".") -> Wish:
        """Search the project's files, but not those that git ignores, for a regular expression, line by line.

        Args:
            pattern: A POSIX extended regular expression.
            path: A file or folder to search, relative to the project's folder.
        """
        search = ("git", "--no-pager", "grep", "-n", "-I", "-E", "--untracked", "-e", pattern, "--", path)

        async def find(operation: Operation, number: int) -> tuple[Result, Told]:
            result = await perform(operation, self._assignment, number, timeout_s=_TIME_LIMIT_S)
            found = "\n".join(line[:_LINE] for line in _output_of(result).splitlines())
            if result.exit_code > 1 or result.exit_code < 0:
                return result, Told(f"the search failed:\n{found}", failed=True)
            return result, Told(found or "nothing found")

        return Wish(Operation("run", self._worktree, shlex.join(search), argv=search), find, has_effects=False)

    def write(self, path: str, content: str) -> Wish:
        """Make a file, or replace all that is in it.

        Args:
            path: The file, relative to the project's folder.
            content: The whole new content.
        """
        return Wish(Operation("write", self._worktree, path, content=content), self._change)

    def replace(self, path: str, old: str, new: str, count: int = 1) -> Wish:
        """Replace a text in a file by another one.

        Args:
            path: The file, relative to the project's folder.
            old: The text that is there now, exactly; with enough around it to be unmistakable.
            new: The text that takes its place.
            count: How often the old text has to be there; all of them are replaced.
        """
        return Wish(Operation("replace", self._worktree, path, content=new, old=old, count=count), self._change)

    def run(self, line: str, timeout_s: float = _TIME_LIMIT_S) -> Wish:
        """Run a command line in the project's folder, with the shell.

        Args:
            line: The command line.
            timeout_s: Seconds after which the command is killed with all that it has started.
        """

        async def execute(operation: Operation, number: int) -> tuple[Result, Told]:
            result = await perform(operation, self._assignment, number, timeout_s=max(1.0, timeout_s))
            is_late = result.exit_code == _KILLED and result.duration_s >= timeout_s
            ended = f"killed after {timeout_s:g} s" if is_late else f"exit code {result.exit_code}"
            return result, Told(f"{ended}\n{_output_of(result)}")

        return Wish(command(line, self._worktree), execute)

    async def _change(self, operation: Operation, number: int) -> tuple[Result, Told]:
        result = await perform(operation, self._assignment, number)
        return result, Told(result.tail or "done", failed=result.exit_code != 0)


def _looked(operation: Operation, look: Callable[[Path], str]) -> tuple[Result, Told]:
    """What a look at a file or folder shows; it waits for nothing."""
    started = time.monotonic()
    try:
        seen = look(operation.place())
    except (OSError, RuntimeError, ValueError) as error:
        why = f"{operation.target}: {error.strerror or error if isinstance(error, OSError) else error}"
        return Result(1, why, time.monotonic() - started), Told(why, failed=True)
    return Result(0, "", time.monotonic() - started), Told(_cut(seen))


def _lines_of(place: Path, first: int, count: int) -> str:
    if place.is_dir():
        raise ValueError("this is a folder: list it")
    if place.exists() and not place.is_file():
        raise ValueError("this is no file")
    with place.open("rb") as file:
        data = file.read(_READ_LIMIT)
        is_whole = not file.read(1)
    if b"\0" in data[:8_000]:
        raise ValueError(f"this is no text ({place.stat().st_size} bytes)")
    lines = list(io.StringIO(data.decode(errors="replace"), newline="\n"))
    shown = lines[first - 1 : first - 1 + count]
    if len(shown) == len(lines) and is_whole:
        return "".join(shown) or "(the file is empty)"
    of_all = len(lines) if is_whole else f"more than {len(lines)}"
    return f"(lines {first} to {first - 1 + len(shown)} of {of_all})\n{''.join(shown)}"


def _entries_of(place: Path) -> str:
    names = sorted(entry.name + ("/" if entry.is_dir() else "") for entry in place.iterdir() if entry.name != ".git")
    more = [f"… and {len(names) - _ENTRIES} more"] if len(names) > _ENTRIES else []
    return "\n".join([*names[:_ENTRIES], *more]) or "(the folder is empty)"


def _output_of(result: Result) -> str:
    """The beginning and the end of a command's output; nothing that looks like a key goes to a provider."""
    if result.output is None:
        return redact(result.tail)
    with result.output.open("rb") as file:
        head = file.read(SHOWN)
        size = file.seek(0, 2)
        if size > SHOWN:
            file.seek(size - (SHOWN - _HEAD))
            head = head[:_HEAD] + f"\n[… {size - SHOWN} bytes left out …]\n".encode() + file.read()
    return redact(head.decode(errors="replace"))


def _cut(text: str) -> str:
    if len(text) <= SHOWN:
        return text
    return f"{text[:SHOWN]}\n[… {len(text) - SHOWN} more characters: read a part of it]"

"""A tool call of an ACP agent as the operations that it stands for.

What a call says of itself (kind, title, locations, raw input, diffs) is the agent's own word. So whatever looks like a
command is judged as a command whatever kind the call claims to be, and a call that says too little needs approval.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from claude_orchestrator.safety.operations import Operation

if TYPE_CHECKING:
    from acp.schema import ToolCall, ToolCallUpdate

_COMMANDS: Final = ("command", "cmd", "commandLine", "command_line", "shell_command")
_FOLDERS: Final = ("cwd", "workdir", "working_directory", "directory", "dir_path")
_PATHS: Final = ("file_path", "filePath", "absolute_path", "path", "notebook_path", "target_file", "filename", "file")
_LISTS: Final = ("paths", "files", "file_paths", "filePaths")
_EDITORS_VERBS: Final = frozenset({"view", "create", "str_replace", "insert", "undo_edit"})
"""What stands as the command of an editor's tool."""
_URLS: Final = ("url", "uri", "href")
_TEXTS: Final = ("stdout", "output", "aggregated_output", "formatted_output", "stderr", "error")
_EXIT_CODES: Final = ("exit_code", "exitCode", "code")
_TAIL: Final = 2_000


@dataclass
class Call:
    """What is known of one tool call so far; every message about it may add something."""

    title: str = ""
    kind: str = ""
    status: str = "pending"
    raw: Any = None
    raw_output: Any = None
    paths: list[str] = field(default_factory=list)
    diffs: list[tuple[str, str | None, str]] = field(default_factory=list)
    """Path, old text (None: a new file), new text."""
    terminals: list[str] = field(default_factory=list)
    """Those of our terminals that it shows."""
    said: str = ""
    """What it has shown of its output."""

    def learn(self, update: ToolCall | ToolCallUpdate) -> None:
        """Take over what a message says; what it does not mention stays."""
        self.title = update.title or self.title
        self.kind = update.kind or self.kind
        self.status = update.status or self.status
        self.raw = self.raw if update.raw_input is None else update.raw_input
        self.raw_output = self.raw_output if update.raw_output is None else update.raw_output
        if update.locations is not None:
            self.paths = [location.path for location in update.locations]
        if update.content is not None:
            self.diffs = [(part.path, part.old_text, part.new_text) for part in update.content if part.type == "diff"]
            self.terminals = [part.terminal_id for part in update.content if part.type == "terminal"]
            texts = [getattr(part.content, "text", "") for part in update.content if part.type == "content"]
            self.said = "\n".join(texts)

    @property
    def is_over(self) -> bool:
        """Whether it says that it has ended."""
        return self.status in ("completed", "failed")

    def operations(self, worktree: Path) -> list[Operation]:
        """All that the call stands for, in the worktree; one at least."""
        return list(self._operations(worktree))

    def outcome(self) -> tuple[int, str]:
        """The exit code and the last of the output, as the agent tells them."""
        told = self.raw_output if isinstance(self.raw_output, Mapping) else {}
        codes = [told[name] for name in _EXIT_CODES if isinstance(told.get(name), int)]
        texts = [told[name] for name in _TEXTS if isinstance(told.get(name), str)]
        plain = self.raw_output if isinstance(self.raw_output, str) else ""
        text = "\n".join(texts) or self.said or plain
        return (codes[0] if codes else int(self.status == "failed")), text[-_TAIL:]

    def _operations(self, worktree: Path) -> Iterator[Operation]:
        raw = self.raw if isinstance(self.raw, Mapping) else {}
        is_verb = self.kind == "edit" and raw.get("command") in _EDITORS_VERBS
        command = None if is_verb else _command(raw, worktree)
        if command is not None:
            yield command
        if self.kind == "execute":
            if command is None:
                yield _line(_unquoted(self.title), worktree, worktree)
            return
        found = list(self._by_kind(raw, worktree))
        yield from found
        if not found and command is None:
            # Not by its title alone: an agent could call anything by the name of a harmless tool.
            yield Operation("tool", worktree, f"acp.{self.title or self.kind or 'unnamed'}", arguments=dict(raw))

    def _by_kind(self, raw: Mapping[str, Any], worktree: Path) -> Iterator[Operation]:
        names = (*_PATHS, *_FOLDERS) if self.kind in ("read", "search") else _PATHS
        listed = [path for name in _LISTS for path in _texts_in(raw.get(name))]
        paths = [inside(path, worktree) for path in dict.fromkeys([*self.paths, *_given(raw, names), *listed])]
        match self.kind:
            case "edit":
                yield from self._edits(paths, worktree)
            case "delete":
                yield from (Operation("delete", worktree, path) for path in paths)
            case "move" if len(paths) == 2:
                yield Operation("move", worktree, paths[0], content=paths[1])
            case "read":
                yield from (Operation("read", worktree, path) for path in paths)
            case "search":
                yield from (Operation("read", worktree, path) for path in paths or ["."])
            case "fetch":
                yield from (Operation("http", worktree, f"GET {url}") for url in _given(raw, _URLS))
            case "think":
                yield Operation("tool", worktree, "think")

    def _edits(self, paths: list[str], worktree: Path) -> Iterator[Operation]:
        for path, old, new in self.diffs:
            place = inside(path, worktree)
            if not old:  # a new file, or one that was empty
                yield Operation("write", worktree, place, content=new)
            else:
                yield Operation("replace", worktree, place, content=new, old=old)
        shown = {inside(path, worktree) for path, _, _ in self.diffs}
        for path in paths:
            if path not in shown:  # what becomes of it is not shown
                yield Operation("tool", worktree, "Edit", arguments={"file_path": path})


def is_same(call: Operation, ours: Operation) -> bool:
    """Whether what a tool call was for is what we are to do."""
    if (call.folder, call.target) != (ours.folder, ours.target):
        return False
    if ours.kind == "write":
        return call.kind in ("write", "replace") and call.content == ours.content
    return call.kind == ours.kind


def command_line(words: str | list[str], folder: Path, worktree: Path) -> Operation:
    """A command in a folder: a list of arguments, or one line for the shell."""
    if isinstance(words, str):
        return _line(words, folder, worktree)
    return Operation("run", folder, shlex.join(words), argv=tuple(words), workspace=worktree)


def _line(line: str, folder: Path, worktree: Path) -> Operation:
    return Operation("run", folder, line, argv=("bash", "-c", line), workspace=worktree)


def _command(raw: Mapping[str, Any], worktree: Path) -> Operation | None:
    given = next((raw[name] for name in _COMMANDS if raw.get(name)), None)
    rest = raw.get("args")
    folder = worktree / next(iter(_given(raw, _FOLDERS)), ".")
    if isinstance(given, str) and isinstance(rest, list) and rest and _all_text(rest):
        return command_line([given, *rest], folder, worktree)
    if isinstance(given, str):
        return command_line(given, folder, worktree)
    if isinstance(given, list) and _all_text(given):
        return command_line(given, folder, worktree)
    return None


def _all_text(values: list[Any]) -> bool:
    return all(isinstance(value, str) for value in values)


def _given(raw: Mapping[str, Any], names: tuple[str, ...]) -> list[str]:
    return [raw[name] for name in names if isinstance(raw.get(name), str) and raw[name]]


def _texts_in(values: Any) -> list[str]:
    return [value for value in values if isinstance(value, str)] if isinstance(values, list) else []


def inside(path: str, worktree: Path) -> str:
    """The path relative to the worktree where it lies there as it is written; else as it is."""
    start = f"{worktree}{os.sep}"
    return path.removeprefix(start) if path.startswith(start) and ".." not in path.split("/") else path


def _unquoted(title: str) -> str:
    """A title that shows a command in backticks, without them."""
    inner = title.strip().strip("`")
    return inner if "`" not in inner else title

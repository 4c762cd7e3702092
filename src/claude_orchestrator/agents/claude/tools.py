"""Claude Code's tools as operations: what a call would do, what an edited operation is as a call, what became of it."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from claude_orchestrator.agents.base import Result
from claude_orchestrator.safety.operations import Operation
from claude_orchestrator.workspace.process import TAIL_BYTES

TOOLS: Final = (
    "Bash", "Read", "Edit", "MultiEdit", "Write", "NotebookEdit", "Glob", "Grep",
    # To-do lists; which of them there are depends on the version.
    "TodoWrite", "TaskCreate", "TaskUpdate", "TaskList", "TaskGet",
)  # fmt: skip
"""What an agent is given: no network, no agents of its own, nothing that runs on when it has ended."""

_PLAIN: Final[Mapping[str, frozenset[str]]] = {
    "Bash": frozenset({"command", "description", "timeout"}),
    "Write": frozenset({"file_path", "content"}),
    "Edit": frozenset({"file_path", "old_string", "new_string", "replace_all"}),
    "Read": frozenset({"file_path", "offset", "limit"}),
}
"""The arguments with which a call is the same as an operation of another kind, which people read more easily."""
_PATHS: Final = frozenset({"file_path", "notebook_path", "path"})
"""Arguments that the client takes for paths: without the blanks around them, and composed (NFC)."""
_EXIT_CODE: Final = re.compile(r"Exit code (\d+)\n?")


def operation_of(tool: str, arguments: Mapping[str, Any], cwd: Path, worktree: Path) -> Operation:
    """What a call would do: a command, a change of a file, or whatever the tool's name and arguments say."""
    arguments = {name: _as_read(name, value) for name, value in arguments.items()}
    texts = {name: value for name, value in arguments.items() if isinstance(value, str)}
    if arguments.keys() <= _PLAIN.get(tool, frozenset()):
        if tool == "Bash" and "command" in texts:
            return Operation("run", cwd, texts["command"], workspace=worktree)
        if "file_path" in texts:
            path = _named(texts["file_path"], cwd)
            if tool == "Write" and "content" in texts:
                return Operation("write", cwd, path, content=texts["content"], workspace=worktree)
            if tool == "Edit" and {"old_string", "new_string"} <= texts.keys():
                old, new = texts["old_string"], texts["new_string"]
                return Operation("replace", cwd, path, content=new, old=old, workspace=worktree)
            if tool == "Read":
                return Operation("read", cwd, path, workspace=worktree)
    return Operation("tool", cwd, tool, workspace=worktree, arguments=arguments)


def _as_read(name: str, value: Any) -> Any:
    """The value as the client reads it: not every tool's arguments come as it will."""
    is_path = name in _PATHS and isinstance(value, str)
    return unicodedata.normalize("NFC", value.strip().strip("\ufeff").strip()) if is_path else value


def _named(path: str, cwd: Path) -> str:
    """A path as people name it: relative, where it is below the folder."""
    return path.removeprefix(f"{cwd}/")


def arguments_of(operation: Operation, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments with which the call does what the operation has become."""
    changed = {
        "run": {"command": operation.target},
        "write": {"content": operation.content},
        "replace": {"new_string": operation.content},
    }
    return {**arguments, **changed.get(operation.kind, {})}


def position_of(call: str) -> int:
    """Where a call stands in its attempt: a number made of its id, the same in every launch that comes by it."""
    return int.from_bytes(hashlib.sha256(call.encode()).digest()[:6], "big")


def result_of(response: object, seconds: float, output: Path) -> Result:
    """What a call that succeeded led to; a command's output, as far as it is told, goes into the file ``output``."""
    if isinstance(response, dict) and isinstance(response.get("stdout"), str):
        text = "\n".join(filter(None, (response["stdout"], str(response.get("stderr") or ""))))
        # Some programs say something with another exit code than 0: grep, that it has found nothing.
        code = 1 if response.get("returnCodeInterpretation") else 0
        return _of_command(code, text, seconds, output, truncated=bool(response.get("persistedOutputPath")))
    whole = json.dumps(response, sort_keys=True, default=str).encode()
    return Result(0, "", seconds, hashlib.sha256(whole).hexdigest())


def failure_of(error: str, seconds: float, output: Path, *, is_command: bool) -> Result:
    """What a call that failed led to."""
    if is_command and (match := _EXIT_CODE.match(error)):
        return _of_command(int(match[1]), error[match.end() :], seconds, output)
    return Result(1, _tail(error), seconds)


def _of_command(code: int, text: str, seconds: float, output: Path, *, truncated: bool = False) -> Result:
    whole = text.encode(errors="replace")
    output.write_bytes(whole)
    return Result(code, _tail(text), seconds, hashlib.sha256(whole).hexdigest(), output, truncated)


def _tail(text: str) -> str:
    return text.encode(errors="replace")[-TAIL_BYTES:].decode(errors="replace")

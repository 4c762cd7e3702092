"""From an operation of any kind to its effects: commands, files, requests, and calls of tools.

A file edit is an effect like a command's. A tool that takes a shell command is judged as that command, one that takes
SQL as a database client; a tool that nobody has said anything about needs approval, whatever its name promises.
"""

from __future__ import annotations

import os.path
import re
from functools import cache
from typing import TYPE_CHECKING, Final

from claude_orchestrator.safety import zones
from claude_orchestrator.safety.operations import Effect
from claude_orchestrator.safety.policy import operation_home
from claude_orchestrator.safety.values import STAR
from claude_orchestrator.safety.zones import Place

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from claude_orchestrator.safety.operations import Operation
    from claude_orchestrator.safety.policy import Policy

_MAY_BE_EMPTY: Final = frozenset({"__init__.py", "py.typed", ".gitkeep", ".keep", ".nojekyll", ".npmignore"})
"""Files that are usually empty: creating one empties nothing."""

_FREQUENT: Final = {
    "Bash": frozenset({"command", "description", "timeout", "run_in_background"}),
    "Read": frozenset({"file_path", "offset", "limit"}),
    "Edit": frozenset({"file_path", "old_string", "new_string", "replace_all"}),
    "Write": frozenset({"file_path", "content"}),
}
"""The calls that come most often, with their arguments: the hook answers them without loading the tables of tools."""


def effects_of(operation: Operation, policy: Policy) -> list[Effect]:
    """All effects that the operation can have. May raise anything on hostile input: the classifier catches it."""
    place = Place(operation.folder, operation.root, operation_home(operation, policy), policy.root, policy.live)
    if operation.kind == "run":
        argv_effects, command_effects = _readers()
        if operation.argv:
            return argv_effects(operation.argv, place, policy)
        return command_effects(operation.target, place, policy)
    return _KINDS[operation.kind](operation, place, policy)


@cache
def _readers() -> tuple[
    Callable[[Sequence[str], Place, Policy], list[Effect]], Callable[[str, Place, Policy], list[Effect]]
]:
    """What reads commands. Not imported above: the hook answers about files without it."""
    from claude_orchestrator.safety.effects import argv_effects, command_effects

    return argv_effects, command_effects


def tool_name(operation: Operation) -> str:
    """The name that rules know a tool by: ``server.tool`` for that of an MCP server, else as the agent calls it."""
    from claude_orchestrator.safety.tools import split_name

    server, tool = split_name(operation.target)
    return f"{server}.{tool}" if server else tool


def write_effects(path: str, place: Place, policy: Policy, content: str | None = None) -> list[Effect]:
    """Writing a file; ``content`` is the whole of it where it is known. Making a file empty loses what was there."""
    absolute, strange = absolute_path(path, place)
    found = [*strange, zones.write_effect(absolute, place, policy)]
    if content == "" and os.path.basename(absolute) not in _MAY_BE_EMPTY:  # noqa: PTH119  (light)
        found.append(Effect("A1", f"empties {absolute}", paths=(absolute,)))
    return found


def read_effects(path: str, place: Place, policy: Policy) -> list[Effect]:
    """Reading a file or listing a folder."""
    absolute, strange = absolute_path(path, place)
    return [*strange, zones.read_effect(absolute, place, policy)]


def delete_effects(path: str, place: Place, policy: Policy) -> list[Effect]:
    """Deleting a file, or a folder with everything in it."""
    absolute, strange = absolute_path(path, place)
    # Whether `*` is expanded by whoever deletes is not known: the stricter reading.
    return [*strange, zones.delete_effect(absolute.replace("*", STAR), place, policy, recursive=True)]


def move_effects(path: str, new: str, place: Place, policy: Policy) -> list[Effect]:
    """Moving a file or folder: gone from one place, written to another."""
    absolute, strange = absolute_path(path, place)
    gone = zones.delete_effect(absolute, place, policy, recursive=True)
    if gone.rule[0] != "B":
        gone = zones.write_effect(absolute, place, policy)
    return [*strange, gone, *write_effects(new, place, policy)]


def absolute_path(path: str, place: Place) -> tuple[str, list[Effect]]:
    """The path that is meant, and what is strange about how it is written.

    No tool's ``~`` is known to be expanded or not, so it is judged as the home folder: the stricter reading.
    """
    strange = []
    if path[:5].casefold() == "file:":
        # Who is given an address may take it for the path that it stands for.
        path = _path_of_address(path[5:])
    if not path or "\0" in path:
        raise ValueError("this is no path")
    if not path.isprintable():
        strange.append(Effect("A12", f"hidden characters in the path {path!r}"))
    for home in ("~", "$HOME", "${HOME}"):
        if path == home or path.startswith(home + "/"):
            path = place.home + path[len(home) :]
    if not place.cwd.startswith("/"):
        raise ValueError(f"the folder '{place.cwd}' is not absolute")
    absolute = zones.absolute(path, place.cwd)
    folded = absolute.casefold()
    if folded != absolute and zones.protected(folded) and not zones.protected(absolute):
        strange.append(Effect("A4", f"{absolute} is a protected path where case does not count"))
    return absolute, strange


def _path_of_address(rest: str) -> str:
    if rest.startswith("//"):
        rest = "/" + rest[2:].partition("/")[2]
    return re.sub("%([0-9A-Fa-f]{2})", lambda found: chr(int(found[1], 16)), rest)


def _write(operation: Operation, place: Place, policy: Policy) -> list[Effect]:
    return write_effects(operation.target, place, policy, operation.content)


def _replace(operation: Operation, place: Place, policy: Policy) -> list[Effect]:
    return write_effects(operation.target, place, policy)


def _delete(operation: Operation, place: Place, policy: Policy) -> list[Effect]:
    return delete_effects(operation.target, place, policy)


def _move(operation: Operation, place: Place, policy: Policy) -> list[Effect]:
    return move_effects(operation.target, operation.content, place, policy)


def _read(operation: Operation, place: Place, policy: Policy) -> list[Effect]:
    return read_effects(operation.target, place, policy)


def _report(_operation: Operation, _place: Place, _policy: Policy) -> list[Effect]:
    return [Effect("S7", "reports a text")]


def _http(operation: Operation, place: Place, policy: Policy) -> list[Effect]:
    from claude_orchestrator.safety.requests import request_effects

    method, _, url = operation.target.partition(" ")
    return request_effects(method, url, operation.content, place, policy)


def _mcp(operation: Operation, place: Place, policy: Policy) -> list[Effect]:
    from claude_orchestrator.safety.tools import mcp_effects

    return mcp_effects(operation.target, operation.arguments, place, policy, operation.read_only)


def _tool(operation: Operation, place: Place, policy: Policy) -> list[Effect]:
    if (found := _frequent(operation.target, operation.arguments, place, policy)) is not None:
        return found
    from claude_orchestrator.safety.tools import tool_effects

    return tool_effects(operation.target, operation.arguments, place, policy, operation.read_only)


def _frequent(tool: str, arguments: Mapping[str, Any], place: Place, policy: Policy) -> list[Effect] | None:
    """The effects of a frequent call in its usual form; None for any other."""
    subject = arguments.get("command" if tool == "Bash" else "file_path")
    if tool not in _FREQUENT or not arguments.keys() <= _FREQUENT[tool] or not isinstance(subject, str):
        return None
    if tool == "Bash":
        from claude_orchestrator.safety.effects import command_effects

        return command_effects(subject, place, policy)
    if tool == "Read":
        return read_effects(subject, place, policy)
    content = arguments.get("content")
    if tool == "Write" and not isinstance(content, str):
        return None
    return write_effects(subject, place, policy, content if tool == "Write" else None)


_KINDS: Final[dict[str, Callable[[Operation, Place, Policy], list[Effect]]]] = {
    "write": _write,
    "replace": _replace,
    "delete": _delete,
    "move": _move,
    "read": _read,
    "report": _report,
    "http": _http,
    "mcp": _mcp,
    "tool": _tool,
}

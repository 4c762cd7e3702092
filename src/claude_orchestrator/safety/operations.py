"""What an agent wants to do, and what may be said to it.

Light on purpose: the hook of an interactive session starts a Python process for every call that it judges, so no
``dataclasses`` and no ``pathlib`` here until somebody asks for a path.
"""

from __future__ import annotations

import os
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Kind = Literal["write", "replace", "delete", "move", "read", "run", "report", "http", "mcp", "tool"]
"""``run`` is a command, ``mcp`` a call of an MCP server's tool, ``tool`` one of a coding agent's own tools."""


class Decision(StrEnum):
    """The three answers; everything that is not SAFE does not happen now."""

    SAFE = "SAFE"
    REQUIRES_APPROVAL = "REQUIRES_APPROVAL"
    BLOCKED = "BLOCKED"


class Effect(NamedTuple):
    """One thing that an operation can do, and the rule of the policy that judges it."""

    rule: str
    """``B1``…``B10``, ``S1``…``S12`` or ``A0``…``A13`` of the policy; the letter says how it is judged by default."""
    what: str
    """In words, decoded: what an approver has to see (``deletes /work/a``), never the trick that hid it."""
    argv: tuple[str, ...] = ()
    """The resolved argument vector of the command that has the effect; empty for what is no command."""
    span: tuple[int, int] | None = None
    """Where it stands in the text of the operation, as offsets; None where there is no text."""
    paths: tuple[str, ...] = ()
    """The absolute paths that are touched, where they are known."""


class Verdict(NamedTuple):
    """An answer with its reason, one line for people, the id of the rule that gave it, and all effects found."""

    decision: Decision
    reason: str
    rule: str
    effects: tuple[Effect, ...] = ()

    @property
    def allowed(self) -> bool:
        """Whether the operation may happen now, without asking a human."""
        return self.decision is Decision.SAFE


class Operation:
    """One operation, as it would be performed. Never changes.

    ``kind`` is one of:

    - ``run``: a command. ``target`` is the line as a person would type it. With ``argv``, that vector is executed and
      no shell reads it; without, ``target`` is what ``bash -c`` gets.
    - ``write``, ``replace``, ``delete``, ``move``, ``read``: ``target`` is a path as the agent named it (relative to
      ``cwd``), ``content`` the new content, the new text or the new path, ``old`` the text to be replaced.
    - ``http``: ``target`` is ``METHOD URL``, ``content`` the body.
    - ``mcp``: a call of an MCP server's tool, ``target`` is ``server.tool``; ``tool``: one of a coding agent's own
      tools, ``target`` is its name. ``arguments`` are those of the call.
    - ``report``: ``target`` is a text for people.
    """

    __slots__ = ("arguments", "argv", "content", "count", "folder", "key", "kind", "old", "read_only", "root", "target")

    kind: Kind
    target: str
    argv: tuple[str, ...]
    content: str
    """The new content (``write``), text (``replace``) or path (``move``), or the body (``http``)."""
    old: str
    """The text to be replaced."""
    count: int
    """How often ``old`` must be there."""
    arguments: Mapping[str, Any]
    read_only: bool
    """Whether the server says that the tool only reads (``readOnlyHint``); it counts if the user trusts the server."""
    folder: str
    """``cwd`` as text."""
    root: str
    """The folder that the work is about, as text: the workspace, or ``cwd`` where nothing is said."""
    key: tuple[object, ...] | None
    """What the verdict depends on, to look it up; None for calls of tools, whose arguments may be anything."""

    def __init__(
        self,
        kind: Kind,
        cwd: Path | str,
        target: str,
        argv: tuple[str, ...] = (),
        content: str = "",
        old: str = "",
        count: int = 1,
        workspace: Path | str | None = None,
        arguments: Mapping[str, Any] | None = None,
        read_only: bool = False,
    ) -> None:
        put = object.__setattr__
        folder = os.fspath(cwd)
        root = folder if workspace is None else os.fspath(workspace)
        put(self, "kind", kind)
        put(self, "folder", folder)
        put(self, "root", root)
        put(self, "target", target)
        put(self, "argv", argv)
        put(self, "content", content)
        put(self, "old", old)
        put(self, "count", count)
        put(self, "arguments", {} if arguments is None else arguments)
        put(self, "read_only", read_only)
        put(self, "key", None if arguments else (target, kind, folder, root, argv, content, old, count, read_only))

    @property
    def cwd(self) -> Path:
        """The folder in which the operation would be performed."""
        from pathlib import Path

        return Path(self.folder)

    @property
    def workspace(self) -> Path:
        """The folder that the work is about."""
        from pathlib import Path

        return Path(self.root)

    def place(self) -> Path:
        """The absolute path that the operation would really touch, symbolic links resolved.

        A deletion removes a link, not what it points to. For a command: the folder it runs in. Raises
        OSError, RuntimeError or ValueError for what is no usable path (a loop of links, a NUL in it).
        """
        if self.kind == "run":
            return self.cwd.resolve()
        path = self.cwd / self.target
        return path.parent.resolve() / path.name if self.kind == "delete" and path.name != ".." else path.resolve()

    def replaced(self, **changes: Any) -> Operation:
        """The same operation with some of the constructor's arguments changed."""
        values = {
            "kind": self.kind,
            "cwd": self.folder,
            "target": self.target,
            "argv": self.argv,
            "content": self.content,
            "old": self.old,
            "count": self.count,
            "workspace": self.root,
            "arguments": self.arguments,
            "read_only": self.read_only,
        }
        return Operation(**{**values, **changes})

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"an operation does not change: use replaced({name}=…)")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Operation):
            return NotImplemented
        return _all_of(self) == _all_of(other)

    def __hash__(self) -> int:
        return hash((self.kind, self.folder, self.root, self.target, self.argv, self.content, self.old, self.count))

    def __repr__(self) -> str:
        return f"Operation({self.kind!r}, {self.folder!r}, {self.target!r})"


def _all_of(operation: Operation) -> tuple[object, ...]:
    return (
        operation.kind,
        operation.folder,
        operation.root,
        operation.target,
        operation.argv,
        operation.content,
        operation.old,
        operation.count,
        dict(operation.arguments),
        operation.read_only,
    )

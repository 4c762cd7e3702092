"""What an agent wants to do, and what may be said to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal, NamedTuple

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


@dataclass(frozen=True)
class Verdict:
    """An answer with its reason, one line for people, the id of the rule that gave it, and all effects found."""

    decision: Decision
    reason: str
    rule: str
    effects: tuple[Effect, ...] = ()

    @property
    def allowed(self) -> bool:
        """Whether the operation may happen now, without asking a human."""
        return self.decision is Decision.SAFE


@dataclass(frozen=True)
class Operation:
    """One operation, as it would be performed.

    ``target`` is the path as the agent named it (relative to ``cwd``), the command as a person would type
    it, or the text of a report. A command's ``argv`` is what is executed.
    """

    kind: Kind
    cwd: Path
    target: str
    argv: tuple[str, ...] = ()
    content: str = ""
    """The new content (``write``), or the new text (``replace``)."""
    old: str = ""
    """The text to be replaced."""
    count: int = 1
    """How often ``old`` must be there."""
    workspace: Path | None = None
    """The folder that the work is about; ``cwd`` where nothing is said."""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """The arguments of a tool's call (``mcp`` and ``tool``; ``target`` is ``server.tool`` or the tool's name)."""

    def place(self) -> Path:
        """The absolute path that the operation would really touch, symbolic links resolved.

        A deletion removes a link, not what it points to. For a command: the folder it runs in. Raises
        OSError, RuntimeError or ValueError for what is no usable path (a loop of links, a NUL in it).
        """
        if self.kind == "run":
            return self.cwd.resolve()
        path = self.cwd / self.target
        return path.parent.resolve() / path.name if self.kind == "delete" and path.name != ".." else path.resolve()

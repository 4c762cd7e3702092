"""What an agent wants to do, and what may be said to it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Literal

Kind = Literal["write", "replace", "delete", "run", "report"]


class Decision(StrEnum):
    """The three answers; everything that is not SAFE does not happen now."""

    SAFE = "SAFE"
    REQUIRES_APPROVAL = "REQUIRES_APPROVAL"
    BLOCKED = "BLOCKED"


@dataclass(frozen=True)
class Verdict:
    """An answer with its reason, one line for people, and the id of the rule that gave it."""

    decision: Decision
    reason: str
    rule: str

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

    def place(self) -> Path:
        """The absolute path that the operation would really touch, symbolic links resolved.

        A deletion removes a link, not what it points to. For a command: the folder it runs in. Raises
        OSError, RuntimeError or ValueError for what is no usable path (a loop of links, a NUL in it).
        """
        if self.kind == "run":
            return self.cwd.resolve()
        path = self.cwd / self.target
        return path.parent.resolve() / path.name if self.kind == "delete" and path.name != ".." else path.resolve()

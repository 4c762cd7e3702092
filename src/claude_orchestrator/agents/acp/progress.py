"""Where a session of an ACP agent is: what a later launch has to know."""

from __future__ import annotations

from dataclasses import dataclass, field


class StoppedError(Exception):
    """The launch ends: no operation is judged any more."""


@dataclass
class Progress:
    """What has to be known to go on with a session; as JSON, the resume token."""

    session: str = ""
    decided: dict[str, int] = field(default_factory=dict)
    """Operation → how often it was decided: the same operation again is another question."""
    untold: list[str] = field(default_factory=list)
    """What the agent has to hear with the next prompt: the protocol has no room for reasons."""
    cost: float = 0.0
    """What the session has cost so far, as the agent counts."""
    turns: int = 0
    """Prompts that were answered."""
    question: str = ""
    """What a human has been asked when the launch ended."""

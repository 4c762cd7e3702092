"""What a claim is told of who pays for the attempt: a grant, or a wait."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from claude_orchestrator.state.database import Row, Transaction


@dataclass(frozen=True)
class Grant:
    """Leave to work: who pays and with which model. The empty one is for agents that call no model."""

    provider: str = ""
    model: str = ""
    allowance: int | None = None
    """What is reserved for the attempt, in millionths of a US dollar; None: no limit."""


@dataclass(frozen=True)
class Wait:
    """Not now; the task stays ready and is looked at again."""

    reason: str
    """Completes "waits for …". The same as long as the cause is: every new text is written down."""
    until: float | None = None
    """When it may be over (seconds since the epoch), where that is known."""


Funded = Grant | Wait

Fund = Callable[[Transaction, Row, str, dict[str, Any], float], Awaitable[Funded]]
"""``fund(tx, task, attempt_id, definition, now)``: who pays for an attempt that is about to be claimed. ``task`` is the
task's row with ``parked_id``, ``parked_status``, ``parked_provider`` and ``parked_model`` of the attempt that goes on
(None: it is a new one)."""

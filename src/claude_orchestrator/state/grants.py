"""What a claim is told of who pays for the attempt: a grant, a wait, or that the money is used up."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal

from claude_orchestrator.state.database import Row, Transaction

Kind = Literal["attempt", "task", "run", "day", "month"]
"""Whose spending a limit holds down: one attempt's, one task's over all its attempts, one run's, or one provider's on
a day or in a month (UTC)."""


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
    shared: bool = False
    """Whether it holds up every new attempt of the run with that provider, and not this task alone."""


@dataclass(frozen=True)
class Exhausted:
    """A limit leaves nothing: a human has to raise it, or give the task up."""

    kind: Kind
    subject: str
    """The id of the attempt, ``run/task``, the id of the run, or the provider."""
    period: str
    """The day (2026-11-26) or month (2026-11); empty for the others."""
    limit: int
    """All amounts in millionths of a US dollar."""
    spent: int
    reserved: int
    """What others may still spend of it."""
    unknown: int
    """How many calls have a price that nobody knows."""
    needed: int
    """Less than this is of no use to the task."""
    raised: int
    """The limit after an approval."""
    until: float | None = None
    """When the limit counts from nothing again (seconds since the epoch)."""


Funded = Grant | Wait | Exhausted

Fund = Callable[[Transaction, Row, str, dict[str, Any], float], Awaitable[Funded]]
"""``fund(tx, task, attempt_id, definition, now)``: who pays for an attempt that is about to be claimed.

``task`` is what the claim knows of the task: ``run_id``, ``id``, ``failures``, and ``parked_id``, ``parked_status``,
``parked_provider`` and ``parked_model`` of the attempt that goes on (None: it is a new one)."""

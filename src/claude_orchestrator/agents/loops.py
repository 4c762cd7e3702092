"""Notices that an agent does the same again and again. Pure: it is told of operations, and says what it makes of them.

Two things count. *The same failing call*: one operation that fails (or is refused) in the same way, with nothing else
between. *Going in circles*: one operation with one result, over and over, while nothing in the worktree changes,
whatever is done between. Only quick operations count, so an agent that waits for a build in one command that sleeps, or
runs the build itself, is never taken for one that is stuck; a slow loop ends by its limits of time, turns and money.
What is counted is of this launch alone: a runner that died and goes on begins anew.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

from claude_orchestrator.agents.base import Answer, Result
from claude_orchestrator.safety.operations import Operation

SCRIPTED: Final = frozenset({"script", "command"})
"""Agents that do what was written down beforehand: they end by themselves, and can be told nothing."""

FAILS_NUDGE: Final = 3
FAILS_STOP: Final = 6
CIRCLES_NUDGE: Final = 10
CIRCLES_STOP: Final = 20

SLOW_S: Final = 5.0
"""An operation that takes this long is at work, or waits for something that is."""

_NUMBERS: Final = re.compile(r"\d+")


@dataclass(frozen=True)
class Finding:
    """What is to be done about an agent, and why."""

    action: Literal["nudge", "stop"]
    cause: Literal["silence", "failing", "circles"]
    text: str
    """For ``nudge`` what the agent is told, for ``stop`` why it was stopped."""


class Loops:
    """Told of everything that one launch does, in order; the tree is the worktree's after it."""

    def __init__(self) -> None:
        self._failing: tuple[object, ...] | None = None
        self._fails = 0
        self._tree = ""
        self._seen: dict[tuple[object, ...], int] = {}

    def refused(self, operation: Operation, answer: Answer) -> Finding | None:
        """An operation that may not happen."""
        return self._fail(operation, (answer.verdict.rule,), answer.refusal)

    def done(self, operation: Operation, result: Result, tree: str) -> Finding | None:
        """An operation that happened."""
        if tree != self._tree:
            self._tree = tree
            self._seen.clear()
        if result.duration_s >= SLOW_S:
            return None
        if result.exit_code != 0:
            # A message with a time or an address in it is still the same message.
            return self._fail(operation, (result.exit_code, _NUMBERS.sub("0", result.tail)), result.tail)
        self._failing, self._fails = None, 0
        return self._round(operation, result)

    def _fail(self, operation: Operation, how: tuple[object, ...], said: str) -> Finding | None:
        failing = (operation, *how)
        self._fails = self._fails + 1 if failing == self._failing else 1
        self._failing = failing
        call, last = _named(operation), " ".join(said.split())[-300:]
        if self._fails == FAILS_NUDGE:
            return Finding(
                "nudge",
                "failing",
                f"You have tried `{call}` {self._fails} times and it failed in the same way each time: {last}\n"
                "Do not repeat it. Find out why it fails, or get to the goal in another way. If you wait for something,"
                " wait in one command that sleeps.",
            )
        if self._fails >= FAILS_STOP:
            return Finding("stop", "failing", f"the same call failed {self._fails} times: {call}: {last}")
        return None

    def _round(self, operation: Operation, result: Result) -> Finding | None:
        if not result.digest and not result.tail:
            return None  # nobody knows what came of it: two parts of one file look the same
        seen = (operation, result.digest or result.tail)
        times = self._seen[seen] = self._seen.get(seen, 0) + 1
        call = _named(operation)
        if times == CIRCLES_NUDGE:
            return Finding(
                "nudge",
                "circles",
                f"You have done `{call}` {times} times with the same result, and no file has changed meanwhile. You"
                " seem to go in circles. If you wait for something, wait in one command that sleeps; else do the next"
                " step, or end and say what is missing.",
            )
        if times >= CIRCLES_STOP:
            return Finding("stop", "circles", f"went in circles: {call} {times} times with one result, nothing changed")
        return None


def _named(operation: Operation) -> str:
    name = " ".join(f"{operation.kind} {operation.target}".split())
    return name if len(name) <= 120 else name[:119] + "…"

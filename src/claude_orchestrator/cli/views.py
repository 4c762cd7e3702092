"""The ways to show a run that moves: plain lines, JSON lines, and (in ``live.py``) a live picture."""

from __future__ import annotations

import time
from typing import Any, Protocol

from claude_orchestrator.cli import output
from claude_orchestrator.telling import words
from claude_orchestrator.telling.words import Row, Story

Progress = dict[str, Any]


class View(Protocol):
    """Shows runs as they move; used by ``run``, ``resume``, ``watch`` and ``demo`` alike."""

    tick_s: float | None
    """How often :meth:`show` wants to be called when nothing happens; None: it does not want to be called."""

    def open(self) -> None:
        """Get ready to show."""

    def tell(self, event: Row, line: str | None, *, is_news: bool) -> None:
        """An event happened, ``line`` in plain words; ``is_news`` is False for what was before this view."""

    def show(self, progress: list[Progress], stories: dict[str, Story]) -> None:
        """This is how the runs stand now."""

    def hold(self) -> None:
        """Stand still, because the terminal is needed for something else, until :meth:`open` is called again."""

    def note(self, line: str) -> None:
        """Say something that is no event."""

    def close(self) -> None:
        """Leave the terminal as it was; may be called more than once."""


class PlainView:
    """One line for each event, in plain words."""

    tick_s: float | None = None

    def __init__(self, *, several: bool) -> None:
        self._several = several

    def open(self) -> None:
        """Nothing to prepare."""

    def tell(self, event: Row, line: str | None, *, is_news: bool) -> None:
        """Print the event's line, after the time and, where several runs move, the run."""
        if line is not None and is_news:
            run = f"{event['run_id']} " if self._several else ""
            output.say(f"{words.clock(event['at'])} {run}{' '.join(line.split())}")

    def show(self, progress: list[Progress], stories: dict[str, Story]) -> None:
        """The lines say it all."""

    def hold(self) -> None:
        """Lines do not get in the way of others."""

    def note(self, line: str) -> None:
        """Print a line with the time."""
        output.say(f"{words.clock(time.time())} {line}")

    def close(self) -> None:
        """Nothing to put back."""


class JsonView:
    """One JSON document a line for each event, from the first event of the run."""

    tick_s: float | None = None

    def open(self) -> None:
        """Nothing to prepare."""

    def tell(self, event: Row, line: str | None, *, is_news: bool) -> None:
        """Print the event as the database has it, and in plain words where there are any."""
        output.say_json({"type": "event", **event, "text": line}, lines=True)

    def show(self, progress: list[Progress], stories: dict[str, Story]) -> None:
        """The events say it all."""

    def hold(self) -> None:
        """Lines do not get in the way of others."""

    def note(self, line: str) -> None:
        """A program is told the rest on standard error."""
        output.warn(line)

    def close(self) -> None:
        """Nothing to put back."""


def choose_view(*, several: bool, as_json: bool) -> View:
    """The view that fits: JSON where asked for, live on a terminal, plain lines anywhere else."""
    if as_json:
        return JsonView()
    if output.is_terminal():
        from claude_orchestrator.cli.live import LiveView

        return LiveView()
    return PlainView(several=several)

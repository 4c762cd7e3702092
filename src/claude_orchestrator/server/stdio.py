"""The server on standard input and output: what Claude Code starts, and kills without a word."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import anyio

if TYPE_CHECKING:
    from claude_orchestrator.server.app import App


def run_stdio(app: App) -> None:
    """Serve the client at the other end until it goes.

    SIGINT and SIGTERM end the process at once: all state is in the database, runs are moved by processes of their own,
    and a reader that waits for standard input could not be told to stop.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: os._exit(128 + number))
    anyio.run(app.run_stdio_async)

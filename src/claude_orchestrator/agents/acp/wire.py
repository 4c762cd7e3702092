"""The line to an ACP agent: one JSON document a line, each kept in a transcript."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any, Final

from claude_orchestrator.safety.redaction import redact
from claude_orchestrator.workspace.process import Conversation

LONGEST_LINE: Final = 32 * 1024 * 1024
"""Bytes of one message: a file and an image fit in, a flood does not fill the memory."""

_KEPT: Final = 4_000
"""Characters of a message that the transcript keeps."""
_TRANSCRIPT: Final = 20_000_000


class Wire:
    """The message transport of the ``acp`` package over a program's standard input and output."""

    def __init__(self, conversation: Conversation, transcript: Path) -> None:
        self._conversation = conversation
        self._transcript = transcript
        self._written = 0
        self._sending = asyncio.Lock()
        self.broken = ""
        """Why no more messages come, where the agent is to blame for it."""
        self.noise = ""
        """The last line that was no message: what a program that speaks no ACP has said."""

    async def send(self, message: dict[str, Any]) -> None:
        """Send one message. Raises ConnectionError when the agent does not listen any more."""
        line = json.dumps(message)
        async with self._sending:
            self._keep(">", line)
            self._conversation.writer.write(line.encode() + b"\n")
            await self._conversation.writer.drain()

    async def receive(self) -> dict[str, Any] | None:
        """The next message, None when there will be no more. What is no message is left out."""
        while True:
            try:
                data = await self._conversation.reader.readuntil(b"\n")
            except asyncio.LimitOverrunError:
                self.broken = f"sent a line of more than {LONGEST_LINE // 1024 // 1024} MB"
                return None
            except (asyncio.IncompleteReadError, ConnectionError):
                return None
            line = data.decode(errors="replace").strip()
            if not line:
                continue
            self._keep("<", line)
            try:
                message = json.loads(line)
            except (ValueError, RecursionError):
                message = None
            if isinstance(message, dict):
                return message
            self.noise = line[:500]

    async def close(self) -> None:
        """Nothing: whoever has started the conversation ends it."""

    def _keep(self, direction: str, line: str) -> None:
        """Add a line to the transcript, without what looks like a key; a message of many megabytes only in part."""
        text = f"{direction} {redact(line[:_KEPT])}\n"
        if self._written <= _TRANSCRIPT:
            self._written += len(text)
            with self._transcript.open("a", encoding="utf-8", errors="replace") as file:
                file.write(text)

"""The MCP server in a process of its own, spoken to line by line, so that a test sees all that is on the wire."""

from __future__ import annotations

import json
import queue
import signal
import subprocess
import sys
import threading
from typing import Any

from cli_world import World

PATIENCE_S = 60.0
MODERN = "2026-07-28"
LEGACY = "2025-11-25"


class Wire:
    """A client of one era on the standard input and output of ``serve``."""

    def __init__(self, world: World, *arguments: str, era: str = MODERN, **environment: str) -> None:
        self.era = era
        self.lines: list[str] = []
        """All that the server has written to standard output."""
        self.asked: list[dict[str, Any]] = []
        """The forms that it has shown."""
        self._count = 0
        self._log = (world.folder / f"serve-{id(self)}.err").open("w+")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "claude_orchestrator", "serve", *arguments],
            cwd=world.project,
            env=world.environment(**environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            start_new_session=True,
        )
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if era == LEGACY:
            hello = {"protocolVersion": LEGACY, "capabilities": {"elicitation": {}}}
            self.ask("initialize", {**hello, "clientInfo": {"name": "tests", "version": "1"}})
            self.say({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)
        self._lines.put(None)

    def say(self, document: Any) -> None:
        """Write one line."""
        assert self.process.stdin is not None
        self.process.stdin.write((document if isinstance(document, str) else json.dumps(document)) + "\n")
        self.process.stdin.flush()

    def send(self, method: str, params: dict[str, Any] | None = None) -> int:
        """Write a request; its id."""
        self._count += 1
        said = dict(params or {})
        if self.era == MODERN:
            said["_meta"] = {
                "io.modelcontextprotocol/protocolVersion": MODERN,
                "io.modelcontextprotocol/clientCapabilities": {"elicitation": {"form": {}}},
            }
        self.say({"jsonrpc": "2.0", "id": self._count, "method": method, "params": said})
        return self._count

    def ask(self, method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        """Make a request and wait for its answer, as ``result`` or ``error``; forms are answered with a yes."""
        return self.answer_to(self.send(method, params))

    def answer_to(self, number: int) -> dict[str, Any]:
        """Wait for the answer to a request."""
        while (line := self._lines.get(timeout=PATIENCE_S)) is not None:
            self.lines.append(line)
            message = json.loads(line)
            if message.get("method") == "elicitation/create":
                self.asked.append(message)
                yes = {"action": "accept", "content": {"decision": "approve"}}
                self.say({"jsonrpc": "2.0", "id": message["id"], "result": yes})
            elif message.get("id") == number:
                return dict(message)
        raise AssertionError(f"the server has gone:\n{self.complaints()}")

    def call(self, tool: str, **arguments: Any) -> str:
        """Call a tool; the text of its result."""
        return text_of(self.ask("tools/call", {"name": tool, "arguments": arguments}))

    def complaints(self) -> str:
        """What it has written to standard error."""
        self._log.seek(0)
        return self._log.read()

    def leave(self) -> int:
        """Close its input, as a client that goes does; how it ended."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self.end()

    def interrupt(self) -> int:
        """Do what Claude Code does at its end: SIGINT, and SIGTERM a tenth of a second later; how it ended."""
        self.process.send_signal(signal.SIGINT)
        try:
            return self.process.wait(0.1)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGTERM)
        return self.end()

    def end(self) -> int:
        """Wait for the end and for the rest of what was said."""
        code = self.process.wait(PATIENCE_S)
        while (line := self._lines.get(timeout=PATIENCE_S)) is not None:
            self.lines.append(line)
        return code

    def close(self) -> None:
        """End what is left."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(PATIENCE_S)
        self._log.close()


def text_of(answer: dict[str, Any]) -> str:
    """The text of a tool's result."""
    return "\n".join(part["text"] for part in answer["result"]["content"])

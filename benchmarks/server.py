"""The MCP server: what its list and a loop of calls cost a model's context, its cold start, and calls a second.

A server of the same SDK with a single tool stands beside it in the same run.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from claude_orchestrator.config import Settings
from claude_orchestrator.models import tokens

ROUNDS = 9
CALLS_S = 2.0
"""Seconds for which calls are counted."""

MODERN = "2026-07-28"
META = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientCapabilities": {},
}
BARE = """
from mcp.server import MCPServer
app = MCPServer("bare", log_level="WARNING")
@app.tool()
def hello(name: str) -> str:
    \"\"\"Say hello.\"\"\"
    return "hello " + name
app.run("stdio")
"""
TASKS = [
    {"id": f"t{number}", "title": f"Step {number}", "operations": [{"write": f"{number}.txt", "content": "x"}]}
    for number in range(1, 7)
]
PLAN = {"goal": "Give prices a currency", "phases": [{"id": "work", "tasks": TASKS}]}


def measure(folder: Path) -> Iterator[tuple[str, str]]:
    """Tokens, then times."""
    settings = Settings(home=folder / "home")
    project = _project(folder / "project")
    yield from _list_tokens(settings, project)
    yield from _loop_tokens(settings, project)
    yield from _cold_start(settings, project)
    yield from _calls(settings, project)


def _project(folder: Path) -> Path:
    folder.mkdir()
    (folder / "a.txt").write_text("one\n")
    for words in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "--message=base"]):
        identity = ["-c", "user.name=b", "-c", "user.email=b@localhost"]
        subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True)
    return folder


# -- tokens -----------------------------------------------------------------------------------------


def _counter() -> tuple[Callable[[str], int], str]:
    """OpenAI's count where its table is at hand, else the server's own estimate; and which it is."""
    count = tokens.counter("openai")
    if count is not tokens.at_most:
        return count, tokens.ENCODING
    from claude_orchestrator.server.context import estimated_tokens

    return estimated_tokens, "estimated"


def _list_tokens(settings: Settings, project: Path) -> Iterator[tuple[str, str]]:
    from claude_orchestrator.server.app import make_app
    from claude_orchestrator.server.declaring import TIERS

    count, how = _counter()
    for tier in TIERS:
        listed = asyncio.run(make_app(settings, project=project, tools=tier).list_tools())
        seen = [{"name": t.name, "description": t.description, "inputSchema": t.input_schema} for t in listed]
        size = sum(count(json.dumps(tool, ensure_ascii=False, separators=(",", ":"))) for tool in seen)
        yield f"list of tools '{tier}': tools / tokens ({how})", f"{len(seen)} / {size:,}"


def _loop_tokens(settings: Settings, project: Path) -> Iterator[tuple[str, str]]:
    """What a model writes and reads to learn what is next, and that the step before is done."""
    from mcp import Client

    from claude_orchestrator import Orchestrator
    from claude_orchestrator.plans.models import Plan
    from claude_orchestrator.server.app import make_app

    count, how = _counter()
    run = asyncio.run(Orchestrator(project, settings).start(Plan.model_validate(PLAN)))
    asked: list[tuple[str, dict[str, Any]]] = [("status", {}), ("run_get", {"run": run})]

    async def looked() -> int:
        total = 0
        async with Client(make_app(settings, project=project)) as client:
            for name, arguments in asked:
                result = await client.call_tool(name, arguments)
                said = "".join(part.text for part in result.content)  # type: ignore[union-attr]
                total += count(json.dumps({"name": name, "arguments": arguments})) + count(said)
        return total

    yield f"one loop, status and run_get of a run of 6 tasks: tokens ({how})", str(asyncio.run(looked()))


# -- times ------------------------------------------------------------------------------------------


def _environment(settings: Settings) -> dict[str, str]:
    return {**os.environ, "CLAUDE_ORCHESTRATOR_HOME": str(settings.home)}


class _Wire:
    """A server on standard input and output."""

    def __init__(self, command: list[str], settings: Settings, project: Path) -> None:
        self._count = 0
        self._process = subprocess.Popen(
            command,
            cwd=project,
            env=_environment(settings),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """One request and its answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._count += 1
        self._process.stdin.write(_request(self._count, method, params) + b"\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        if "result" not in answer:
            raise SystemExit(f"the server answered: {answer}")
        return answer

    def cpu_at_end(self) -> float:
        """End it; the seconds of CPU that it has taken."""
        self._process.kill()
        _, _, usage = os.wait4(self._process.pid, 0)
        self._process.returncode = -9
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()
        return usage.ru_utime + usage.ru_stime


def _request(number: int, method: str, params: dict[str, Any]) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": {**params, "_meta": META}}).encode()


def _commands() -> dict[str, list[str]]:
    return {
        "a bare server of the SDK": [sys.executable, "-c", BARE],
        "ours": [sys.executable, "-m", "claude_orchestrator", "serve"],
    }


def _cold_start(settings: Settings, project: Path) -> Iterator[tuple[str, str]]:
    figures: dict[str, list[tuple[float, float]]] = {name: [] for name in _commands()}
    for _ in range(ROUNDS):
        for name, command in _commands().items():
            started = time.perf_counter()
            wire = _Wire(command, settings, project)
            wire.ask("tools/list")
            wall = time.perf_counter() - started
            figures[name].append((wall, wire.cpu_at_end()))
    medians = {
        name: [statistics.median(column) for column in zip(*rows, strict=True)] for name, rows in figures.items()
    }
    for name, (wall, cpu) in medians.items():
        yield (
            f"{name}: ms wall / ms CPU to the first list (median of {ROUNDS})",
            f"{wall * 1000:.0f} / {cpu * 1000:.0f}",
        )
    bare, ours = medians.values()
    yield "ours beside the bare one: ratio wall / CPU", f"{ours[0] / bare[0]:.2f} / {ours[1] / bare[1]:.2f}"


def _calls(settings: Settings, project: Path) -> Iterator[tuple[str, str]]:
    bare, ours = _commands().values()
    wire = _Wire(bare, settings, project)
    hello = {"name": "hello", "arguments": {"name": "x"}}
    yield "a bare server of the SDK, stdio: calls a second", _rate(lambda: wire.ask("tools/call", **hello))
    wire.cpu_at_end()
    wire = _Wire(ours, settings, project)
    for name in ("status", "skill_list"):
        call = {"name": name, "arguments": {}}
        yield f"ours, stdio, {name}: calls a second", _rate(lambda call=call: wire.ask("tools/call", **call))  # type: ignore[misc]
    wire.cpu_at_end()
    yield "ours, HTTP with a token, status: calls a second", _over_http(settings, project)


def _over_http(settings: Settings, project: Path) -> str:
    import httpx2
    import uvicorn

    from claude_orchestrator.server import http
    from claude_orchestrator.server.app import make_app
    from claude_orchestrator.server.auth import holder_of_token
    from claude_orchestrator.server.tokens import SharedSecret

    with http.listening(http.address_of("0")) as listening:
        port = listening.getsockname()[1]
        url = f"http://127.0.0.1:{port}/mcp"
        secret = SharedSecret("x" * 32, url)
        app = make_app(settings, project=project, who_calls=holder_of_token)
        config = uvicorn.Config(http.application(app, url, port, secret), log_level="warning", access_log=False)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        headers = {
            "Accept": "application/json, text/event-stream",
            "Content-Type": "application/json",
            "Authorization": f"Bearer {secret.issue('benchmark', frozenset({'read'}), 600)}",
            "MCP-Protocol-Version": MODERN,
            "Mcp-Method": "tools/call",
            "Mcp-Name": "status",
        }
        body = _request(1, "tools/call", {"name": "status", "arguments": {}})
        with httpx2.Client(headers=headers, trust_env=False) as client:
            said = _rate(lambda: client.post(url, content=body).raise_for_status())
        server.should_exit = True
        thread.join()
    return said


def _rate(call: Callable[[], object]) -> str:
    """Calls a second, one after the other, and the median and the 99th percentile of one."""
    for _ in range(5):
        call()
    times: list[float] = []
    until = time.perf_counter() + CALLS_S
    while (started := time.perf_counter()) < until:
        call()
        times.append(time.perf_counter() - started)
    times.sort()
    return (
        f"{len(times) / CALLS_S:.0f} (median {statistics.median(times) * 1000:.2f} ms,"
        f" 99 % {times[int(len(times) * 0.99)] * 1000:.2f} ms)"
    )

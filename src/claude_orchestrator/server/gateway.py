"""The way to tools that are not listed: their signatures, and a call that goes through every check of its target."""

from __future__ import annotations

import json
import logging
from typing import Annotated, Any, Literal

from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import CallToolResult
from pydantic import Field

from claude_orchestrator.server.calling import Call

Wanted = Literal["core", "planning", "runs", "verify", "safety", "cost", "skills", "all"]

_logger = logging.getLogger(__name__)


async def request_tool(call: Call, category: Wanted, reason: Annotated[str, Field(description="what for")] = "") -> str:
    """Name the tools of a category with their arguments; all of them can be called by name."""
    _logger.info("%s asks for the tools of %s: %s", call.principal.name, category, reason)
    offered = [tool for tool in call.app.offered(call.principal) if not tool.gateway]
    found = [tool for tool in offered if category in ("all", tool.category)]
    await call.app.load(call, [tool.name for tool in found])
    document = {
        "success": True,
        "category": category,
        "tools_loaded": [tool.name for tool in found],
        "tools": "\n".join(f"{call.app.signature(tool).line()} {tool.summary}" for tool in found),
    }
    return json.dumps(document, ensure_ascii=False)


async def call_tool(
    call: Call,
    name: str,
    arguments: Annotated[dict[str, Any], Field(description="as request_tool shows them")] = {},  # noqa: B006
) -> CallToolResult:
    """Call a tool that is not listed."""
    tool, given = call.app.found(name, arguments)
    if tool.gateway:
        raise ToolError(f"call {tool.name} by itself, not through call_tool")
    if tool.person:
        # Clients ask their user before each call of such a tool; through the gateway they could not know.
        raise ToolError(f"{tool.name} needs the person, so it is not reachable here: call {tool.name} by itself")
    return await call.app.perform(tool, given, call.ctx, call.forms)

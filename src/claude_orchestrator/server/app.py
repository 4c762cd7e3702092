"""The application: one server object for every transport, whose list and calls go through the declared tools alone."""

from __future__ import annotations

import difflib
import logging
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from functools import partial
from pathlib import Path
from typing import Any, Final

import anyio
from mcp.server import MCPServer
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.lowlevel.helper_types import ReadResourceContents
from mcp.server.lowlevel.server import NotificationOptions
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ResourceNotFoundError, ToolError
from mcp.server.request_state import RequestStateSecurity
from mcp.types import (
    CallToolResult,
    EmptyResult,
    InputRequiredResult,
    Resource,
    ResourceTemplate,
    SubscribeRequestParams,
    TextContent,
    ToolAnnotations,
    UnsubscribeRequestParams,
)
from mcp.types import Tool as ListedTool

from claude_orchestrator import __version__
from claude_orchestrator.config import Settings
from claude_orchestrator.errors import ForbiddenError, OrchestratorError
from claude_orchestrator.server import library
from claude_orchestrator.server.calling import Call, State
from claude_orchestrator.server.context import ContextTracker, list_tokens
from claude_orchestrator.server.declaring import TIERS, Alias, Arguments, Tier, Tool
from claude_orchestrator.server.forms import HANDSHAKES_END, Asking, Forms
from claude_orchestrator.server.keys import request_key
from claude_orchestrator.server.principals import Principal, WhoCalls, anybody_local
from claude_orchestrator.server.schemas import Signature, signature_of
from claude_orchestrator.server.table import TOOLS
from claude_orchestrator.server.updates import Updates

NAME: Final = "claude-orchestrator"

INSTRUCTIONS: Final = """\
Durable runs of coding plans: agents work in parallel git worktrees, an independent verifier checks every change \
before it is merged into a branch of its own, and the person decides what is risky. The user's checkout is not touched.
Way: status; plan_start(goal) asks the person; plan_get(s1, view=map), then plan_edit(s1, plan={...}) submits your \
draft, plan_approve(s1) shows it to them; run_start(plan) runs it in the background; run_get(run, wait_s=50, cursor) \
or run_wait(run) follows it.
Only the person approves plans, answers the inbox and sets budgets: those tools show them a form, and what you pass is \
at most a proposal. Where no form can be shown, the answer says which terminal command does it: tell them.
Ids: s1 planning session, p3 plan, r12 run, r12.build task, g7 question. Results are short: view, limit and cursor \
give more. request_tool(category) names tools that are not listed; they can be called by name."""
"""What a client tells its model about the server; at most 1,200 characters."""

STATE_TTL_S: Final = 86_400.0
"""Seconds in which a form may be answered: a person may come back to it the next morning."""

LONGEST_ERROR: Final = 10_000
"""Characters of an error: what is wrong with a call may name what it was given, whatever that is."""

RELIST_S: Final = 1.0
"""How long ``request_tool`` waits until the client has read the list that has grown."""

_logger = logging.getLogger(__name__)
_connection: ContextVar[str] = ContextVar("connection", default="")


class App(MCPServer[None]):
    """The server. Made by :func:`make_app`."""

    def __init__(
        self,
        settings: Settings,
        *,
        project: Path,
        tier: Tier,
        read_only: bool,
        dynamic: bool,
        who_calls: WhoCalls,
    ) -> None:
        self.state = State(settings)
        self.project = project
        self.tier: Tier = tier
        self.read_only = read_only
        self.dynamic = dynamic
        self._home = settings
        self._who_calls = who_calls
        self._tools = {tool.name: tool for tool in TOOLS}
        self._aliases: dict[str, tuple[Tool, Alias]] = {
            alias.name: (tool, alias) for tool in TOOLS for alias in tool.aliases
        }
        self._loaded: dict[str, set[str]] = {}
        self._relisted: dict[str, anyio.Event] = {}
        self.tracker = ContextTracker(self._sizes)
        self._updates = Updates(self.state)
        super().__init__(
            NAME,
            version=__version__,
            instructions=INSTRUCTIONS,
            lifespan=_lifespan,
            log_level="WARNING",
            request_state_security=RequestStateSecurity(keys=[request_key(settings.home)], ttl=STATE_TTL_S),
            subscriptions=self._updates.bus,
            middleware=[self._observed],
        )
        for prompt in library.prompts():
            self.add_prompt(prompt)
        self._add_handlers()

    def _add_handlers(self) -> None:
        """What MCPServer has no decorator for: completions that need the database, and the older subscriptions."""

        async def completed(ref: Any, argument: Any, _: Any) -> Any:
            if not self._who_calls().may("read"):
                return None
            return await library.completed(await self.state.database(), ref, argument)

        self.completion()(completed)  # type: ignore[no-untyped-call]
        server = self._lowlevel_server
        server.add_request_handler("resources/subscribe", SubscribeRequestParams, self._subscribe)
        server.add_request_handler("resources/unsubscribe", UnsubscribeRequestParams, self._unsubscribe)
        if self.dynamic:
            # Clients of the older protocol ignore a change that the server has not announced it may make.
            server.create_initialization_options = partial(  # type: ignore[method-assign]
                server.create_initialization_options, NotificationOptions(tools_changed=True)
            )

    def _sizes(self) -> dict[Tier, int]:
        """Tokens of the list in each tier."""
        offered = [tool for tool in TOOLS if tool.scope == "read" or not self.read_only]
        return {tier: list_tokens(self._described(tool) for tool in offered if tool.within(tier)) for tier in TIERS}

    # -- what there is --------------------------------------------------------------------------

    def offered(self, principal: Principal) -> list[Tool]:
        """The tools that this principal may call here, listed or not, in their fixed order."""
        return [tool for tool in self._tools.values() if self._allowed(tool, principal)]

    def listed(self, principal: Principal, connection: str = "") -> list[Tool]:
        """The tools that are listed: by how the server was started, and by the principal's scopes.

        With ``dynamic`` also what ``request_tool`` has loaded on this connection of the older protocol.
        """
        loaded = self._loaded.get(connection, ())
        return [tool for tool in self.offered(principal) if tool.within(self.tier) or tool.name in loaded]

    def signature(self, tool: Tool) -> Signature:
        """What a tool takes."""
        return signature_of(tool.name, tool.function)

    def _allowed(self, tool: Tool, principal: Principal) -> bool:
        return principal.may(tool.scope) and (tool.scope == "read" or not self.read_only)

    async def list_tools(self) -> list[ListedTool]:
        """The declared tools that are listed for whoever asks, then those that were added to the object."""
        ours = [self._described(tool) for tool in self.listed(self._who_calls(), _connection.get())]
        return [*ours, *await super().list_tools()]

    def _described(self, tool: Tool) -> ListedTool:
        return ListedTool(
            name=tool.name,
            description=tool.summary,
            input_schema=self.signature(tool).schema,
            annotations=ToolAnnotations(
                read_only_hint=tool.reads,
                destructive_hint=None if tool.reads else tool.destructive,
                idempotent_hint=None if tool.reads else tool.idempotent,
                open_world_hint=tool.open_world,
            ),
            _meta=_hints(tool) or None,
        )

    async def load(self, call: Call, names: Iterable[str]) -> None:
        """List those tools, too, where the protocol allows that, and return when the client has seen them."""
        if not self.dynamic or (call.ctx.protocol_version or HANDSHAKES_END) >= HANDSHAKES_END:
            return
        connection = _connection.get()
        loaded = self._loaded.setdefault(connection, set())
        if new := set(names) - loaded - {tool.name for tool in self.listed(call.principal)}:
            loaded |= new
            seen = self._relisted[connection] = anyio.Event()
            await call.ctx.session.send_tool_list_changed()
            with anyio.move_on_after(RELIST_S):
                await seen.wait()

    # -- calls ------------------------------------------------------------------------------------

    async def call_tool(
        self, name: str, arguments: Arguments, context: Context[Any, Any] | None = None
    ) -> CallToolResult | InputRequiredResult:
        """Check and make one call. What a model can put right comes back as the text of an error."""
        ours = name in self._tools or name in self._aliases
        if not ours and name in {tool.name for tool in await super().list_tools()}:
            return await super().call_tool(name, arguments, context)
        assert context is not None, "a call has a context"
        try:
            tool, given = self.found(name, arguments)
            result = await self.perform(tool, given, context, Forms(context))
        except Asking as asking:
            return asking.result
        except (ToolError, OrchestratorError) as error:
            result = _failed(str(error))
        except OSError as error:
            result = _failed(f"{name}: {error.strerror or error}: {error.filename or 'the system refused'}")
        except Exception as error:
            _logger.exception("%s failed", name)
            result = _failed(f"{name} failed unexpectedly ({type(error).__name__}); the server's log says more")
        self.tracker.count("".join(part.text for part in result.content if isinstance(part, TextContent)))
        return result

    def found(self, name: str, arguments: Arguments) -> tuple[Tool, Arguments]:
        """The tool of that name, or of that other name, with its arguments. Raises ToolError that names the known."""
        if name in self._tools:
            return self._tools[name], arguments
        if name in self._aliases:
            tool, alias = self._aliases[name]
            return tool, alias.translated(arguments)
        known = [tool.name for tool in self.offered(self._who_calls())]
        near = difflib.get_close_matches(name, [*known, *self._aliases], 1)
        meant = f" Did you mean '{near[0]}'?" if near else ""
        raise ToolError(f"there is no tool '{name}'.{meant} There are: {', '.join(known)}")

    async def perform(
        self, tool: Tool, arguments: Arguments, context: Context[Any, Any], forms: Forms
    ) -> CallToolResult:
        """Make a call with every check: scope, whose process it is, arguments. Raises ToolError, OrchestratorError."""
        principal = self._who_calls()
        if not self._allowed(tool, principal):
            why = "this server is read-only" if principal.may(tool.scope) else f"it needs the scope '{tool.scope}'"
            raise ToolError(f"{tool.name} is not for you: {why}")
        values = self.signature(tool).checked(arguments)
        call = Call(self._home, self.project, principal, self, context, forms)
        if tool.scope == "write" and (why := await call.why_not_a_person()):
            raise ForbiddenError(f"{tool.name} is not for agents that we run ({why}): they can only look")
        said = await tool.function(call, **values)
        return said if isinstance(said, CallToolResult) else CallToolResult(content=[_text(str(said))])

    # -- resources --------------------------------------------------------------------------------

    async def list_resources(self) -> list[Resource]:
        """The newest runs and plans, then what was added to the object."""
        ours = await library.listed(await self.state.database()) if self._who_calls().may("read") else []
        return [*ours, *await super().list_resources()]

    async def list_resource_templates(self) -> list[ResourceTemplate]:
        """How resources are called."""
        return [*library.TEMPLATES, *await super().list_resource_templates()]

    async def read_resource(
        self, uri: Any, context: Context[Any, Any] | None = None
    ) -> Iterable[ReadResourceContents] | InputRequiredResult:
        """A run or a plan as it is now. Raises ResourceNotFoundError where there is none."""
        name = str(uri)
        if not name.startswith((library.RUN, library.PLAN)):
            return await super().read_resource(uri, context)
        if not self._who_calls().may("read"):
            raise ResourceNotFoundError(f"{name} needs the scope 'read'")
        try:
            found = await library.read(await self.state.database(), self._home, name)
        except OrchestratorError as error:
            raise ResourceNotFoundError(str(error)) from error
        return [ReadResourceContents(content=found[0], mime_type=found[1])]

    async def _subscribe(self, ctx: ServerRequestContext[Any, Any], params: SubscribeRequestParams) -> EmptyResult:
        self._updates.subscribe(str(params.uri), ctx.session, _connection.get())
        await self._updates.watch()
        return EmptyResult()

    async def _unsubscribe(self, _: ServerRequestContext[Any, Any], params: UnsubscribeRequestParams) -> EmptyResult:
        self._updates.unsubscribe(str(params.uri), _connection.get())
        return EmptyResult()

    async def _observed(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        """Around every message: which connection it is of, who listens, who has read the list."""
        connection = _name_of(ctx)
        token = _connection.set(connection)
        try:
            if ctx.method == "subscriptions/listen":
                wanted = (ctx.params or {}).get("notifications")
                if isinstance(wanted, dict) and wanted.get("resourceSubscriptions"):
                    await self._updates.watch()
            return await call_next(ctx)
        finally:
            _connection.reset(token)
            if ctx.method == "tools/list" and (seen := self._relisted.pop(connection, None)) is not None:
                seen.set()

    @asynccontextmanager
    async def alive(self) -> AsyncIterator[None]:
        """Within the block the server serves."""
        async with self.state.in_use():
            try:
                yield
            finally:
                await self._updates.close()


def make_app(
    settings: Settings,
    *,
    project: Path,
    tools: Tier = "all",
    read_only: bool = False,
    dynamic: bool = False,
    who_calls: WhoCalls = anybody_local,
) -> App:
    """A server for the given home.

    ``project`` is the folder of the repository that calls are about where they name none; ``tools`` how much is
    listed; ``read_only`` leaves out everything that changes something; ``dynamic`` lets ``request_tool`` change the
    list on connections of a protocol that allows it; ``who_calls`` says whose request is being served. Raises
    ConfigError when the home has an unusable key.
    """
    if tools not in TIERS:
        raise ValueError(f"tools={tools!r}: choose from {', '.join(TIERS)}")
    return App(
        settings,
        project=project,
        tier=tools,
        read_only=read_only,
        dynamic=dynamic,
        who_calls=who_calls,
    )


@asynccontextmanager
async def _lifespan(app: MCPServer[None]) -> AsyncIterator[None]:
    assert isinstance(app, App)
    async with app.alive():
        yield


def _name_of(ctx: ServerRequestContext[Any, Any]) -> str:
    """What tells connections apart: the session's id over HTTP; on standard input there is one."""
    headers = getattr(ctx.request, "headers", None)
    return str(headers.get("mcp-session-id", "")) if headers is not None else ""


def _hints(tool: Tool) -> dict[str, Any]:
    """What Claude Code reads about a tool; other clients leave it alone."""
    hints: dict[str, Any] = {}
    if tool.tier == "core":
        hints["anthropic/alwaysLoad"] = True
    if tool.person:
        hints["anthropic/requiresUserInteraction"] = True
    if tool.hint:
        hints["anthropic/searchHint"] = tool.hint
    return hints


def _failed(message: str) -> CallToolResult:
    said = message if len(message) <= LONGEST_ERROR else f"{message[:LONGEST_ERROR]}…"
    return CallToolResult(content=[_text(said)], is_error=True)


def _text(text: str) -> TextContent:
    return TextContent(type="text", text=text)

"""What the official conformance suite expects a server to have, added to ours: tools, resources and prompts of its own.

Only the names and results are the suite's; how they are listed, called, asked and answered is what our server does with
every tool. ``python fixtures.py`` serves on a port of its own, prints the URL, and ends with its standard input.
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import struct
import sys
import tempfile
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

import uvicorn
from mcp.server.context import ServerRequestContext
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.prompts.base import AssistantMessage, UserMessage
from mcp.shared.exceptions import MCPDeprecationWarning, MCPError
from mcp.types import (
    MISSING_REQUIRED_CLIENT_CAPABILITY,
    AudioContent,
    CallToolResult,
    ClientCapabilities,
    CreateMessageRequest,
    CreateMessageRequestParams,
    CreateMessageResult,
    ElicitRequest,
    ElicitRequestFormParams,
    ElicitResult,
    EmbeddedResource,
    EmptyResult,
    ImageContent,
    InputRequiredResult,
    ListRootsRequest,
    ListRootsResult,
    MissingRequiredClientCapabilityErrorData,
    SamplingCapability,
    SamplingMessage,
    SetLevelRequestParams,
    TextContent,
    TextResourceContents,
)
from pydantic import BaseModel, Field

from claude_orchestrator.config import Settings
from claude_orchestrator.server import http
from claude_orchestrator.server.app import App, make_app
from claude_orchestrator.server.auth import anybody

Ctx = Context[Any, Any]
Asked = CallToolResult | InputRequiredResult
DESCRIPTION = "What the suite looks for."
PAUSE_S = 0.05
"""The suite wants to see that what is told on the way does not arrive all at once."""


def _png() -> bytes:
    """One red pixel."""

    def part(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", head) + part(b"IDAT", zlib.compress(b"\0\xff\0\0")) + part(b"IEND", b"")


def _wav() -> bytes:
    """One silent sample."""
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, 8000, 8000, 1, 8)
    return struct.pack("<4sI4s", b"RIFF", 38, b"WAVE") + form + struct.pack("<4sIBB", b"data", 1, 128, 0)


PNG = base64.b64encode(_png()).decode()
IMAGE = ImageContent(type="image", data=PNG, mime_type="image/png")
SOUND = AudioContent(type="audio", data=base64.b64encode(_wav()).decode(), mime_type="audio/wav")


def fixture(app: App) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add a tool to the server."""
    return app.tool(description=DESCRIPTION, structured_output=False)


def text(words: str) -> TextContent:
    return TextContent(type="text", text=words)


def embedded(uri: str, mime_type: str, words: str) -> EmbeddedResource:
    return EmbeddedResource(type="resource", resource=TextResourceContents(uri=uri, mime_type=mime_type, text=words))


def said(words: str) -> CallToolResult:
    return CallToolResult(content=[text(words)])


def question(message: str, **properties: str) -> ElicitRequest:
    """A form with fields that are all needed; of each its type."""
    schema = {
        "type": "object",
        "properties": {name: {"type": kind} for name, kind in properties.items()},
        "required": list(properties),
    }
    return ElicitRequest(params=ElicitRequestFormParams(message=message, requested_schema=schema))


def sampling(prompt: str, tokens: int) -> CreateMessageRequest:
    message = SamplingMessage(role="user", content=text(prompt))
    return CreateMessageRequest(params=CreateMessageRequestParams(messages=[message], max_tokens=tokens))


def answered(ctx: Ctx, key: str, kind: type[Any]) -> Any:
    """The client's answer to one question; None when there is none of that kind."""
    found = (ctx.input_responses or {}).get(key)
    return found if isinstance(found, kind) else None


def content_of(ctx: Ctx, key: str, field: str) -> Any:
    """One field of a form that was accepted; None without it."""
    found = answered(ctx, key, ElicitResult)
    return found.content.get(field) if found and found.action == "accept" and found.content else None


# -- tools ----------------------------------------------------------------------------------------


def add_simple_tools(app: App) -> None:
    @fixture(app)
    def test_simple_text() -> str:
        return "This is a simple text response for testing."

    @fixture(app)
    def test_image_content() -> CallToolResult:
        return CallToolResult(content=[IMAGE])

    @fixture(app)
    def test_audio_content() -> CallToolResult:
        return CallToolResult(content=[SOUND])

    @fixture(app)
    def test_embedded_resource() -> CallToolResult:
        said = "This is an embedded resource content."
        return CallToolResult(content=[embedded("test://embedded-resource", "text/plain", said)])

    @fixture(app)
    def test_multiple_content_types() -> CallToolResult:
        document = embedded("test://mixed-content-resource", "application/json", '{"test":"data","value":123}')
        return CallToolResult(content=[text("Multiple content types test:"), IMAGE, document])

    @fixture(app)
    def test_error_handling() -> CallToolResult:
        words = "This tool intentionally returns an error for testing"
        return CallToolResult(content=[text(words)], is_error=True)


def add_telling_tools(app: App) -> None:
    @fixture(app)
    async def test_tool_with_logging(ctx: Ctx) -> str:
        for words in ("Tool execution started", "Tool processing data", "Tool execution completed"):
            await ctx.info(words)
            await asyncio.sleep(PAUSE_S)
        return "three messages were sent"

    @fixture(app)
    async def test_tool_with_progress(ctx: Ctx) -> str:
        for done in (0, 50, 100):
            await ctx.report_progress(done, 100)
            await asyncio.sleep(PAUSE_S)
        return "progress was told"


class Reply(BaseModel):
    username: str = Field(description="User's response")
    email: str = Field(description="User's email address")


class Defaults(BaseModel):
    name: str = "John Doe"
    age: int = 30
    score: float = 95.5
    status: Literal["active", "inactive", "pending"] = "active"
    verified: bool = True


def _titled(*values: str) -> list[dict[str, str]]:
    return [{"const": value, "title": f"Option {number}"} for number, value in enumerate(values, 1)]


ENUMS: dict[str, Any] = {
    "type": "object",
    "properties": {
        "untitledSingle": {"type": "string", "enum": ["option1", "option2", "option3"]},
        "titledSingle": {"type": "string", "oneOf": _titled("value1", "value2", "value3")},
        "legacyEnum": {"type": "string", "enum": ["opt1", "opt2"], "enumNames": ["Option One", "Option Two"]},
        "untitledMulti": {"type": "array", "items": {"type": "string", "enum": ["option1", "option2"]}},
        "titledMulti": {"type": "array", "items": {"anyOf": _titled("value1", "value2")}},
    },
    "required": [],
}


def add_log_level(app: App) -> None:
    async def set_level(ctx: ServerRequestContext[Any, Any], params: SetLevelRequestParams) -> EmptyResult:
        return EmptyResult()

    app._lowlevel_server.add_request_handler("logging/setLevel", SetLevelRequestParams, set_level)


def add_asking_tools(app: App) -> None:
    """Of the older protocol, in which a server may call its client."""

    @fixture(app)
    async def test_sampling(prompt: str, ctx: Ctx) -> str:
        message = SamplingMessage(role="user", content=text(prompt))
        result = await ctx.session.create_message(messages=[message], max_tokens=100, related_request_id=ctx.request_id)
        return f"LLM response: {result.content.text}"  # type: ignore[union-attr]

    @fixture(app)
    async def test_elicitation(message: str, ctx: Ctx) -> str:
        result = await ctx.elicit(message, Reply)
        return f"User response: action: {result.action}"

    @fixture(app)
    async def test_elicitation_sep1034_defaults(ctx: Ctx) -> str:
        result = await ctx.elicit("Please look at the defaults", Defaults)
        return f"Elicitation completed: action={result.action}"

    @fixture(app)
    async def test_elicitation_sep1330_enums(ctx: Ctx) -> str:
        result = await ctx.session.elicit_form("Please choose", ENUMS, related_request_id=ctx.request_id)
        return f"Elicitation completed: action={result.action}"


def add_rounds(app: App) -> None:
    """Of the newer protocol, in which a client calls again with what was asked."""

    @fixture(app)
    def test_input_required_result_elicitation(ctx: Ctx) -> Asked:
        if name := content_of(ctx, "user_name", "name"):
            return said(f"Hello, {name}!")
        return InputRequiredResult(input_requests={"user_name": question("What is your name?", name="string")})

    @fixture(app)
    def test_input_required_result_sampling(ctx: Ctx) -> Asked:
        if found := answered(ctx, "capital_question", CreateMessageResult):
            return said(found.content.text)
        asked = sampling("What is the capital of France?", 100)
        return InputRequiredResult(input_requests={"capital_question": asked})

    @fixture(app)
    def test_input_required_result_list_roots(ctx: Ctx) -> Asked:
        if found := answered(ctx, "client_roots", ListRootsResult):
            return said(", ".join(str(root.uri) for root in found.roots))
        return InputRequiredResult(input_requests={"client_roots": ListRootsRequest()})

    @fixture(app)
    def test_input_required_result_request_state(ctx: Ctx) -> Asked:
        if content_of(ctx, "confirm", "ok") is not None and ctx.request_state == "confirming":
            return said("state-ok")
        asked = question("Please confirm", ok="boolean")
        return InputRequiredResult(input_requests={"confirm": asked}, request_state="confirming")

    @fixture(app)
    def test_input_required_result_tampered_state(ctx: Ctx) -> Asked:
        if ctx.request_state == "sealed":
            return said("the state came back as it was")
        asked = question("Please confirm", ok="boolean")
        return InputRequiredResult(input_requests={"confirm": asked}, request_state="sealed")


def add_choosing_rounds(app: App) -> None:
    @fixture(app)
    def test_input_required_result_capabilities(ctx: Ctx) -> Asked:
        able = ctx.client_capabilities
        asked: dict[str, Any] = {}
        if able and able.sampling:
            asked["question"] = sampling("What is the capital of France?", 100)
        if able and able.elicitation:
            asked["user_name"] = question("What is your name?", name="string")
        return InputRequiredResult(input_requests=asked) if asked else said("this client can be asked nothing")

    @fixture(app)
    def test_missing_capability(ctx: Ctx) -> str:
        able = ctx.client_capabilities
        if able is None or able.sampling is None:
            needed = MissingRequiredClientCapabilityErrorData(
                required_capabilities=ClientCapabilities(sampling=SamplingCapability())
            )
            raise MCPError(
                MISSING_REQUIRED_CLIENT_CAPABILITY,
                "this needs sampling",
                needed.model_dump(by_alias=True, mode="json", exclude_none=True),
            )
        return "the client can sample"


def add_longer_rounds(app: App) -> None:
    @fixture(app)
    def test_input_required_result_multiple_inputs(ctx: Ctx) -> Asked:
        name = content_of(ctx, "user_name", "name")
        greeting, roots = answered(ctx, "greeting", CreateMessageResult), answered(ctx, "client_roots", ListRootsResult)
        if name and greeting and roots and ctx.request_state == "all three":
            return said(f"{greeting.content.text} {name}: {len(roots.roots)} roots")
        asked: dict[str, Any] = {
            "user_name": question("What is your name?", name="string"),
            "greeting": sampling("Generate a greeting", 50),
            "client_roots": ListRootsRequest(),
        }
        return InputRequiredResult(input_requests=asked, request_state="all three")

    @fixture(app)
    def test_input_required_result_multi_round(ctx: Ctx) -> Asked:
        state = json.loads(ctx.request_state) if ctx.request_state else {}
        if name := content_of(ctx, "step1", "name"):
            second = question("Step 2: What is your favorite color?", color="string")
            return InputRequiredResult(input_requests={"step2": second}, request_state=json.dumps({"name": name}))
        if (color := content_of(ctx, "step2", "color")) and "name" in state:
            return said(f"{state['name']} likes {color}")
        first = question("Step 1: What is your name?", name="string")
        return InputRequiredResult(input_requests={"step1": first}, request_state=json.dumps({"round": 1}))


# -- resources and prompts ------------------------------------------------------------------------


def add_resources(app: App) -> None:
    @app.resource("test://static-text", mime_type="text/plain")
    def static_text() -> str:
        return "This is the content of the static text resource."

    @app.resource("test://static-binary", mime_type="image/png")
    def static_binary() -> bytes:
        return _png()

    @app.resource("test://watched-resource", mime_type="text/plain")
    def watched() -> str:
        return "Watched."

    @app.resource("test://template/{id}/data", mime_type="application/json")
    def templated(id: str) -> str:  # noqa: A002  (the suite's name)
        return json.dumps({"id": id, "templateTest": True, "data": f"Data for ID: {id}"})


def add_prompts(app: App) -> None:
    @app.prompt(description=DESCRIPTION)
    def test_simple_prompt() -> str:
        return "This is a simple prompt for testing."

    @app.prompt(description=DESCRIPTION)
    def test_prompt_with_arguments(
        arg1: Annotated[str, Field(description="First test argument")],
        arg2: Annotated[str, Field(description="Second test argument")],
    ) -> str:
        return f"Prompt with arguments: arg1='{arg1}', arg2='{arg2}'"

    @app.prompt(description=DESCRIPTION)
    def test_prompt_with_embedded_resource(
        resourceUri: Annotated[str, Field(description="URI of the resource to embed")],  # noqa: N803  (the suite's name)
    ) -> list[UserMessage | AssistantMessage]:
        document = embedded(resourceUri, "text/plain", "Embedded resource content for testing.")
        return [UserMessage(document), UserMessage("Please process the embedded resource above.")]

    @app.prompt(description=DESCRIPTION)
    def test_prompt_with_image() -> list[UserMessage | AssistantMessage]:
        return [UserMessage(IMAGE), UserMessage("Please analyze the image above.")]

    @app.prompt(description=DESCRIPTION)
    def test_input_required_result_prompt(ctx: Ctx) -> Any:
        if context := content_of(ctx, "user_context", "context"):
            return f"The context is {context}."
        asked = question("What context should the prompt use?", context="string")
        return InputRequiredResult(input_requests={"user_context": asked})


def application(home: Path) -> App:
    """Our server with everything that the suite looks for."""
    app = make_app(Settings(home=home), project=home, who_calls=anybody)
    for add in (
        add_simple_tools, add_telling_tools, add_log_level, add_asking_tools, add_rounds, add_choosing_rounds,
        add_longer_rounds, add_resources, add_prompts,
    ):  # fmt: skip
        add(app)
    return app


def main() -> None:
    """Serve until standard input ends."""
    # Sampling, roots and messages to the log are deprecated, and the suite still looks for them.
    warnings.simplefilter("ignore", MCPDeprecationWarning)
    logging.getLogger("mcp").setLevel(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as home, http.listening(http.address_of("0")) as listening:
        port = listening.getsockname()[1]
        url = f"http://127.0.0.1:{port}/mcp"
        served = http.application(application(Path(home)), url, port, None)
        server = uvicorn.Server(uvicorn.Config(served, log_level="warning", access_log=False))

        async def serve() -> None:
            serving = asyncio.create_task(server.serve(sockets=[listening]))
            print(url, flush=True)
            await asyncio.to_thread(sys.stdin.read)
            server.should_exit = True
            await serving

        asyncio.run(serve())


if __name__ == "__main__":
    main()

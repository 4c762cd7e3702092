"""Who gets in over HTTP, and what they see there: every way in that must be closed, and the few that are open."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import jwt
import pytest
from http_world import MODERN, PATIENCE_S, SECRET, Served, served
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from server_world import Person, World, accepts

from claude_orchestrator.config import Settings
from claude_orchestrator.server.principals import SCOPES
from claude_orchestrator.server.table import TOOLS

LISTED = [tool for tool in TOOLS if tool.within("all")]
READING = sorted(tool.name for tool in LISTED if tool.scope == "read")
CALL: dict[str, Any] = {"name": "run_control", "arguments": {"run": "r1", "action": "pause"}}


@pytest.fixture
def world(settings: Settings, project: Path) -> World:
    return World(settings, project)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home = tmp_path_factory.mktemp("home")
    with served(Settings(home=home), home) as one:
        yield one


def unsigned(server: Served) -> str:
    """A token that says that it is not signed."""
    claims = server.token("read").split(".")[1]
    header = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=").decode()
    return f"{header}.{claims}."


def claims_of(server: Served, **other: Any) -> dict[str, Any]:
    return {**jwt.decode(server.token("read"), options={"verify_signature": False}), **other}


def test_who_has_no_token_learns_where_one_is_got(server: Served) -> None:
    said = server.ask("tools/list")
    assert said.status_code == 401
    metadata = server.url.replace("/mcp", "/.well-known/oauth-protected-resource/mcp")
    assert said.headers["www-authenticate"] == f'Bearer resource_metadata="{metadata}"'
    found = server.client.get(metadata)
    assert found.status_code == 200
    assert found.json()["resource"] == server.url
    assert found.json()["scopes_supported"] == list(SCOPES)


@pytest.mark.parametrize(
    ("header", "why"),
    [
        ("garbage", "a bearer token is needed"),
        ("Basic YTpi", "a bearer token is needed"),
        ("Bearer", "a bearer token is needed"),
        ("Bearer garbage", "not signed"),
        ("Bearer a.b.c", "not signed"),
        ("Bearer e30.e30.", "not signed"),
    ],
)
def test_what_is_no_token_is_refused(server: Served, header: str, why: str) -> None:
    said = server.ask("tools/list", Authorization=header)
    assert said.status_code == 401
    assert why in said.text or header == "Bearer"


def test_of_two_tokens_none_counts(server: Served) -> None:
    token = server.token("read")
    headers = [("authorization", f"Bearer {token}"), ("authorization", f"Bearer {token}")]
    said = server.client.post(server.url, content="{}", headers=[*headers, ("content-type", "application/json")])
    assert said.status_code == 401


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"exp": int(time.time()) - 60}, "expired"),
        ({"iat": int(time.time()) + 10**8}, "does not count yet"),
        ({"nbf": int(time.time()) + 10**8}, "does not count yet"),
        ({"aud": "http://127.0.0.1:1/mcp"}, "is not for http://127.0.0.1"),
        ({"aud": []}, "does not say 'aud'"),
        ({"aud": ["https://elsewhere.example/mcp"]}, "is not for"),
        ({"iss": "https://evil.example"}, "is not from"),
        ({"sub": ""}, "subject"),
        ({"sub": "a\nb"}, "subject"),
        ({"sub": 7}, "signed"),
        *(({name: None}, f"does not say '{name}'") for name in ("exp", "iat", "sub", "aud", "iss")),
    ],
    ids=lambda value: str(sorted(value)) if isinstance(value, dict) else "",
)
def test_a_token_that_says_something_else_is_refused(server: Served, claims: dict[str, Any], why: str) -> None:
    said = server.ask("tools/list", token=server.token("read", **claims))
    assert said.status_code == 401
    assert 'error="invalid_token"' in said.headers["www-authenticate"]
    assert why in said.json()["error_description"]


def test_two_clocks_may_differ_a_little(server: Served) -> None:
    assert server.ask("tools/list", token=server.token("read", exp=int(time.time()) - 10)).status_code == 200


def test_a_token_may_be_for_other_servers_as_well(server: Served) -> None:
    token = server.token("read", aud=["https://elsewhere.example/mcp", server.url])
    assert server.ask("tools/list", token=token).status_code == 200


def test_a_token_with_another_signature_is_refused(server: Served) -> None:
    for token in (
        unsigned(server),
        jwt.encode(claims_of(server), "another secret that has 32 bytes or more", "HS256"),
        jwt.encode(claims_of(server), SECRET * 2, "HS512"),
        jwt.encode(claims_of(server), SECRET * 2, "HS384"),
        server.token("read")[:-2] + "AA",
    ):
        said = server.ask("tools/list", token=token)
        assert said.status_code == 401, token
        assert "not signed" in said.text


def test_a_changed_claim_breaks_the_signature(server: Served) -> None:
    header, _, signature = server.token("read").split(".")
    richer = base64.urlsafe_b64encode(json.dumps(claims_of(server, scope="admin")).encode()).rstrip(b"=").decode()
    assert server.ask("tools/list", token=f"{header}.{richer}.{signature}").status_code == 401


# -- addresses and pages ---------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "localhost:", ""])
def test_another_address_is_not_ours(server: Served, host: str) -> None:
    port = httpx2.URL(server.url).port
    said = server.ask("tools/list", token=server.token("read"), Host=host.format(port=port))
    assert said.status_code == 421


def test_our_address_has_several_names(server: Served) -> None:
    port = httpx2.URL(server.url).port
    for host in (f"localhost:{port}", f"LocalHost:{port}", f"[::1]:{port}", f"127.0.0.1:{port}"):
        assert server.ask("tools/list", token=server.token("read"), Host=host).status_code == 200


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://localhost:3000", "http://127.0.0.1", "file://"]
)
def test_pages_of_others_are_not_served(server: Served, origin: str) -> None:
    said = server.ask("tools/list", token=server.token("read"), Origin=origin)
    assert said.status_code == 403
    assert "origins" in said.text


def test_our_own_origin_is_served(server: Served) -> None:
    assert (
        server.ask("tools/list", token=server.token("read"), Origin=server.url.removesuffix("/mcp")).status_code == 200
    )


def test_address_and_page_are_looked_at_before_anything_is_said(server: Served) -> None:
    metadata = server.url.replace("/mcp", "/.well-known/oauth-protected-resource/mcp")
    assert server.client.get(metadata, headers={"Host": "evil.example"}).status_code == 421
    assert server.client.get(metadata, headers={"Origin": "https://evil.example"}).status_code == 403
    assert server.ask("tools/list", Host="evil.example").status_code == 421


def test_nothing_else_is_there(server: Served) -> None:
    for path in ("/", "/mcp/x", "/docs", "/.well-known/oauth-authorization-server", "/sse"):
        assert server.client.get(server.url.removesuffix("/mcp") + path).status_code == 404
    assert server.client.post(server.url + "/", content="{}").status_code in {307, 404}


# -- scopes ----------------------------------------------------------------------------------------


def test_each_sees_the_tools_of_their_scopes(server: Served) -> None:
    assert sorted(server.listed(server.token("read"))) == READING
    for scope in SCOPES:
        theirs = sorted(tool.name for tool in LISTED if tool.scope == scope)
        assert sorted(server.listed(server.token(scope, subject="bob"))) == theirs
    assert sorted(server.listed(server.token(*SCOPES))) == sorted(tool.name for tool in LISTED)


def test_a_tool_outside_of_the_scopes_is_refused_by_every_name(server: Served) -> None:
    writers = [(tool, name) for tool in TOOLS for name in (tool.name, *(alias.name for alias in tool.aliases))]
    for tool, name in writers:
        if tool.scope == "read":
            continue
        said = server.ask("tools/call", {"name": name, "arguments": {}}, server.token("read"))
        assert said.status_code == 403, name
        challenge = said.headers["www-authenticate"]
        assert 'error="insufficient_scope"' in challenge
        assert f'scope="{" ".join(s for s in SCOPES if s in ("read", tool.scope))}"' in challenge


def test_a_call_inside_of_a_call_needs_its_own_scope(server: Served) -> None:
    inner = {"name": "run_control", "arguments": {"run": "r1", "action": "pause"}}
    said = server.ask("tools/call", {"name": "call_tool", "arguments": inner}, server.token("read"))
    assert said.status_code == 200
    assert said.json()["result"]["isError"]
    assert "it needs the scope 'write'" in said.text


def test_looking_at_resources_needs_the_scope_to_look(server: Served) -> None:
    for method in ("resources/list", "resources/templates/list", "prompts/list", "resources/read"):
        assert server.ask(method, {"uri": "run://r1"}, server.token("approve")).status_code == 403
        assert server.ask(method, {"uri": "run://r1"}, server.token("read")).status_code != 403


def test_a_token_without_scopes_opens_nothing(server: Served) -> None:
    for scope in ("", "superuser", 7, ["read"]):
        said = server.ask("tools/list", token=server.token("read", scope=scope))
        assert said.status_code == (200 if scope == ["read"] else 403), scope


def test_scopes_are_read_from_where_other_issuers_put_them(server: Served) -> None:
    token = server.token("read", scope=None, scp=["read", "other"])
    assert sorted(server.listed(token)) == READING


def test_what_is_no_request_is_refused_as_such(server: Served) -> None:
    token = server.token("read")
    assert server.post("{", token, **{"MCP-Protocol-Version": MODERN}).status_code == 400
    assert server.post("[" * 10_000, token, **{"MCP-Protocol-Version": MODERN}).status_code == 400
    assert server.post([{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": CALL}], token).status_code == 400
    assert server.post("x" * 5_000_000, token).status_code == 413


# -- handshake-era sessions ------------------------------------------------------------------------


def begin(server: Served, token: str) -> str:
    """Open a session of the protocol of 2025-11-25; its id."""
    params = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    said = server.post({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}, token)
    assert said.status_code == 200
    session = said.headers["mcp-session-id"]
    done = server.post({"jsonrpc": "2.0", "method": "notifications/initialized"}, token, **{"Mcp-Session-Id": session})
    assert done.status_code == 202
    return str(session)


def test_a_session_belongs_to_who_opened_it(server: Served) -> None:
    token = server.token("read", subject="ada")
    headers = {"Mcp-Session-Id": begin(server, token), "MCP-Protocol-Version": "2025-11-25"}
    listing = {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}
    assert server.post(listing, token, **headers).status_code == 200
    assert server.post(listing, server.token("read", subject="bob"), **headers).status_code == 404
    assert server.post(listing, **headers).status_code == 401
    theirs = {
        **headers,
        "Authorization": f"Bearer {server.token('read', subject='bob')}",
        "Accept": "text/event-stream",
    }
    assert server.client.delete(server.url, headers=theirs).status_code == 404
    assert server.post(listing, token, **headers).status_code == 200


def test_within_a_session_each_request_has_the_scopes_of_its_own_token(server: Served) -> None:
    rich, poor = server.token("read", "write"), server.token("read")
    headers = {"Mcp-Session-Id": begin(server, rich), "MCP-Protocol-Version": "2025-11-25"}
    listing = {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}
    call = {"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": CALL}
    assert "run_control" in server.post(listing, rich, **headers).text
    assert "run_control" not in server.post(listing, poor, **headers).text
    assert server.post(call, poor, **headers).status_code == 403
    assert server.post(call, rich, **headers).status_code == 200


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_the_official_client_lists_what_its_token_covers(server: Served, mode: str) -> None:
    async def names(token: str) -> list[str]:
        headers = {"Authorization": f"Bearer {token}"}
        async with httpx2.AsyncClient(headers=headers, timeout=PATIENCE_S, trust_env=False) as http:
            transport = streamable_http_client(server.url, http_client=http)
            async with Client(transport, mode=mode) as client:  # type: ignore[arg-type]
                return sorted(tool.name for tool in (await client.list_tools()).tools)

    assert asyncio.run(names(server.token("read"))) == READING
    assert "run_control" in asyncio.run(names(server.token("read", "write")))


# -- without tokens --------------------------------------------------------------------------------


def test_without_tokens_everybody_may_look_and_nobody_may_do_anything(tmp_path: Path) -> None:
    with served(Settings(home=tmp_path), tmp_path, auth=False) as server:
        listing = server.ask("tools/list").json()["result"]["tools"]
        assert sorted(tool["name"] for tool in listing) == READING
        assert server.ask("tools/call", CALL).status_code == 403
        assert server.ask("tools/list", Host="evil.example").status_code == 421
        assert server.ask("tools/list", Origin="https://evil.example").status_code == 403
        # A token that nobody asks for gives nothing.
        assert server.ask("tools/call", CALL, server.token("write")).status_code == 403


# -- answers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_an_answer_is_kept_with_the_name_in_the_token(world: World, movers: list[str], mode: str) -> None:
    gate = world.gate(world.run())
    person = Person([accepts(decision="approve", reason="seen")])
    with served(world.settings, world.project) as server:

        async def answered(token: str) -> str:
            headers = {"Authorization": f"Bearer {token}"}
            async with httpx2.AsyncClient(headers=headers, timeout=PATIENCE_S, trust_env=False) as http:
                transport = streamable_http_client(server.url, http_client=http)
                async with Client(transport, mode=mode, elicitation_callback=person) as client:  # type: ignore[arg-type]
                    result = await client.call_tool("inbox_answer", {"gate": gate})
                    return str(result.content[0].text)  # type: ignore[union-attr]

        call = {"name": "inbox_answer", "arguments": {"gate": gate}}
        assert server.ask("tools/call", call, server.token("read", "write", "admin")).status_code == 403
        assert world.gate_row(gate)["status"] == "open"
        assert not person.shown
        said = asyncio.run(answered(server.token("approve", subject="ada@example.org")))
    assert f"{gate} is approved" in said
    row = world.gate_row(gate)
    assert (row["answered_by"], row["channel"]) == ("ada@example.org", "mcp")
    assert movers == ["r1"]

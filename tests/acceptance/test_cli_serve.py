"""``serve`` and ``token`` as a user and a client start them: the wire, the ends, the refusals."""

from __future__ import annotations

import json
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx2
import jwt
import pytest
from cli_world import PATIENCE_S, World
from serve_world import LEGACY, MODERN, Wire, text_of

from claude_orchestrator.agents.base import marker_of
from claude_orchestrator.workspace.process_table import MARKER

SECRET = "a secret of the tests, at least 32 bytes long"
META = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientCapabilities": {},
}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    one = World(tmp_path)
    yield one
    one.close()


@pytest.fixture
def wire(world: World) -> Iterator[Callable[..., Wire]]:
    made: list[Wire] = []

    def make(*arguments: str, **more: str) -> Wire:
        made.append(Wire(world, *arguments, **more))
        return made[-1]

    yield make
    for one in made:
        one.close()


# -- standard input and output -----------------------------------------------------------------------


@pytest.mark.parametrize("era", [MODERN, LEGACY])
def test_nothing_but_the_protocol_is_on_standard_output(wire: Callable[..., Wire], era: str) -> None:
    server = wire(era=era)
    tools = server.ask("tools/list")["result"]["tools"]
    assert "status" in [tool["name"] for tool in tools]
    assert server.call("status")
    assert server.ask("tools/call", {"name": "status", "arguments": {"nonsense": 1}})["result"]["isError"]
    assert "error" in server.ask("no/such/method")
    server.say("this is no JSON")
    server.say('{"jsonrpc": "2.0", "id": {}, "method": 7}')
    assert server.call("run_list")
    assert server.leave() == 0
    assert all(json.loads(line)["jsonrpc"] == "2.0" for line in server.lines)
    assert "Traceback" not in server.complaints()


def test_what_is_listed_is_chosen_at_the_start(wire: Callable[..., Wire]) -> None:
    def names(*arguments: str) -> list[str]:
        server = wire(*arguments)
        listed = [tool["name"] for tool in server.ask("tools/list")["result"]["tools"]]
        assert server.leave() == 0
        return listed

    everything, core, looking = names(), names("--tools", "core"), names("--tools=all", "--read-only")
    assert len(core) <= 9
    assert set(core) - {"call_tool"} < set(everything)
    assert {"run_start", "inbox_answer", "plan_approve"} <= set(everything)
    assert not {"run_start", "inbox_answer", "plan_approve"} & set(looking)


@pytest.mark.parametrize("how", ["leave", "interrupt", "kill"])
def test_the_end_of_the_server_is_not_the_end_of_a_run(world: World, wire: Callable[..., Wire], how: str) -> None:
    world.plan(world.gated("t1"), name=f"{world.project.name}/plan.yaml")
    server = wire(era=LEGACY)
    said = server.call("run_start", plan="plan.yaml")
    assert "r1" in said
    assert len(server.asked) == 1, said
    late = server.send("tools/call", {"name": "run_wait", "arguments": {"run": "r1"}})
    # What a client does whose patience is over: the call ends, and nothing else.
    server.say({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": late}})
    assert "r1" in server.call("run_get", run="r1")
    if how == "leave":
        assert server.leave() == 0
    elif how == "interrupt":
        server.send("tools/call", {"name": "run_wait", "arguments": {"run": "r1"}})
        assert server.interrupt() in {128 + signal.SIGINT, 128 + signal.SIGTERM}
    else:
        server.send("tools/call", {"name": "run_wait", "arguments": {"run": "r1"}})
        server.process.kill()
        assert server.end() == -signal.SIGKILL
    world.open_gate("t1")
    world.cli("watch", "r1")
    assert world.json("status", "r1")["status"] == "completed"


def test_a_run_is_found_again_by_the_next_server(world: World, wire: Callable[..., Wire]) -> None:
    world.plan(world.gated("t1"), name=f"{world.project.name}/plan.yaml")
    first = wire(era=LEGACY)
    first.call("run_start", plan="plan.yaml")
    first.process.kill()
    second = wire()
    waiting = second.send("tools/call", {"name": "run_wait", "arguments": {"run": "r1"}})
    world.open_gate("t1")
    assert "completed" in text_of(second.answer_to(waiting))
    assert second.leave() == 0


def test_the_start_loads_nothing_that_only_other_commands_need(wire: Callable[..., Wire]) -> None:
    server = wire(PYTHONPROFILEIMPORTTIME="1")
    assert server.ask("tools/list")["result"]["tools"]
    assert server.call("status")
    server.process.kill()
    server.end()
    loaded = set(re.findall(r"\| +([\w.]+)$", server.complaints(), re.MULTILINE))
    assert "claude_orchestrator.server.app" in loaded
    heavy = {
        "typer", "yaml", "jsonschema", "tiktoken", "anthropic", "openai", "google", "pydantic_ai",
        "claude_agent_sdk", "acp", "bandit", "claude_orchestrator.cli.main", "claude_orchestrator.orchestrator.engine",
        "claude_orchestrator.orchestrator.verification", "claude_orchestrator.server.http",
    }  # fmt: skip
    assert sorted(heavy & loaded) == []


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--tools", "some"], "choose from core, standard, all, dynamic"),
        (["--project", "missing"], "missing is no folder"),
        (["--no-auth"], "--no-auth is for --http"),
        (["127.0.0.1:9"], "say --http as well"),
        (["--tools"], "requires an argument"),
        (["--http", "--no-auth", "0.0.0.0:0"], "needs tokens"),
        (["--http", "127.0.0.1:x"], "is no address to listen on"),
    ],
)
def test_a_wrong_start_is_refused_in_one_line(world: World, arguments: list[str], why: str) -> None:
    said = world.cli("serve", *arguments, code=2).stderr
    assert why in said
    assert len(said.splitlines()) == 1


def test_a_home_that_cannot_be_used_is_said_in_one_line(world: World) -> None:
    world.home.write_text("a file")
    said = world.cli("serve", code=2).stderr
    assert said.startswith("error: ")
    assert len(said.splitlines()) == 1


# -- over HTTP ---------------------------------------------------------------------------------------


@pytest.fixture
def http(world: World) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server that listens, and its URL."""
    process = subprocess.Popen(
        [sys.executable, "-m", "claude_orchestrator", "serve", "--http", "127.0.0.1:0"],
        cwd=world.project,
        env=world.environment(JWT_SECRET_KEY=SECRET),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stderr is not None
    said = process.stderr.readline()
    found = re.fullmatch(r"serving (http://127\.0\.0\.1:\d+/mcp); Ctrl-C ends it, and no run\n", said)
    assert found, said + process.stderr.read()
    yield process, found[1]
    if process.poll() is None:
        process.kill()
    process.communicate(timeout=PATIENCE_S)


def post(url: str, token: str, method: str, **params: Any) -> httpx2.Response:
    named = {"Mcp-Name": params["name"]} if "name" in params else {}
    headers = {
        "Accept": "application/json, text/event-stream",
        "Authorization": f"Bearer {token}",
        "MCP-Protocol-Version": MODERN,
        "Mcp-Method": method,
        **named,
    }
    request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, "_meta": META}}
    return httpx2.post(url, json=request, headers=headers, timeout=PATIENCE_S, trust_env=False)


def test_a_token_that_was_issued_opens_the_server(world: World, http: tuple[subprocess.Popen[str], str]) -> None:
    process, url = http
    issued = world.cli("token", "issue", "--scope", "read", "--audience", url, JWT_SECRET_KEY=SECRET)
    token = issued.stdout.strip()
    assert token.count(".") == 2
    assert token not in issued.stderr
    assert post(url, token, "tools/call", name="status", arguments={}).status_code == 200
    assert post(url, token, "tools/call", name="run_start", arguments={}).status_code == 403
    assert post(url, "x" + token, "tools/list").status_code == 401
    # The server ends although a client listens.
    headers = {"Accept": "text/event-stream, application/json", "Authorization": f"Bearer {token}"}
    begin = {"protocolVersion": LEGACY, "capabilities": {}, "clientInfo": {"name": "tests", "version": "1"}}
    with httpx2.Client(timeout=PATIENCE_S, trust_env=False) as client:
        hello = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": begin}
        session = client.post(url, json=hello, headers=headers).headers["mcp-session-id"]
        with client.stream("GET", url, headers={**headers, "Mcp-Session-Id": session}) as listening:
            assert listening.status_code == 200
            process.send_signal(signal.SIGINT)
            assert process.wait(PATIENCE_S) == 130
    assert process.stderr is not None
    assert "Traceback" not in process.stderr.read()
    assert process.stdout is not None
    assert process.stdout.read() == ""


SHOWN = {"JWT_SECRET_KEY": SECRET, "CLAUDE_ORCHESTRATOR_AGENT_ENV": "JWT_SECRET_KEY,A_KEY", "A_KEY": "to be seen"}


def test_movers_do_not_know_what_tokens_are_signed_with(world: World) -> None:
    world.cli("run", "--detach", world.plan(world.gated()), **SHOWN)
    with closing(sqlite3.connect(world.home / "state.db")) as db:
        (pid,) = db.execute("SELECT pid FROM worker WHERE run_id = 'r1'").fetchone()
    if Path("/proc/self/environ").exists():
        environment = Path(f"/proc/{pid}/environ").read_bytes()
        assert b"A_KEY=to be seen" in environment
        assert SECRET.encode() not in environment
    world.open_gate()
    world.cli("watch", "r1")


def test_agents_do_not_know_what_tokens_are_signed_with(world: World) -> None:
    place = world.home / ".secrets.json"
    world.home.mkdir()
    place.touch(mode=0o600)
    place.write_text(json.dumps({"keys": {"JWT_SECRET_KEY": SECRET, "B_KEY": "seen as well"}}))
    looks = world.task("t1", {"run": ["sh", "-c", "env > t1.txt"]})
    shown = {**SHOWN, "CLAUDE_ORCHESTRATOR_AGENT_ENV": "JWT_SECRET_KEY,A_KEY,B_KEY"}
    world.cli("run", world.plan(looks), code=1, **shown)
    world.cli("approve", "g1", **shown)
    world.cli("resume", "r1", **shown)
    seen = world.git("show", "orchestrator/r1:t1.txt").splitlines()
    assert {"A_KEY=to be seen", "B_KEY=seen as well"} <= set(seen)
    assert not [line for line in seen if SECRET in line or line.startswith("JWT_SECRET_KEY")]


@pytest.mark.parametrize("secret", ["", "short"])
def test_without_a_good_secret_nothing_is_served_and_nothing_issued(world: World, secret: str) -> None:
    for command in (["serve", "--http", "127.0.0.1:0"], ["token", "issue", "--scope", "read"]):
        said = world.cli(*command, code=2, JWT_SECRET_KEY=secret)
        assert "JWT_SECRET_KEY" in said.stderr
        assert len(said.stderr.splitlines()) == 1
        assert said.stdout == ""


# -- token issue -------------------------------------------------------------------------------------


def test_a_token_says_what_was_asked_for(world: World) -> None:
    words = ["--scope", "write", "--scope", "read", "--scope", "read", "--ttl", "30m", "--subject", "ci", "--json"]
    said = json.loads(world.cli("token", "issue", *words, JWT_SECRET_KEY=SECRET).stdout)
    url = "http://127.0.0.1:8577/mcp"
    claims = jwt.decode(said["token"], SECRET, algorithms=["HS256"], audience=url, issuer="http://127.0.0.1:8577")
    assert (claims["sub"], claims["scope"]) == ("ci", "read write")
    assert claims["exp"] - claims["iat"] == said["expires_in_s"] == 1800
    assert said["audience"] == url
    elsewhere = world.cli(
        "token", "issue", "--scope", "read", JWT_SECRET_KEY=SECRET, CLAUDE_ORCHESTRATOR_HTTP_URL="https://o.example/mcp"
    ).stdout
    assert jwt.decode(elsewhere.strip(), options={"verify_signature": False})["aud"] == "https://o.example/mcp"


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ([], "--scope"),
        (["--scope", "all"], "choose from read, write, approve, admin"),
        (["--scope", "read", "--ttl", "1y"], "write 30m, 1h or 7d"),
        (["--scope", "read", "--ttl", "0h"], "write 30m, 1h or 7d"),
        (["--scope", "read", "--ttl", "91d"], "at most 90 days"),
        (["--scope", "read", "--subject", "a\nb"], "--subject"),
        (["--scope", "read", "--audience", "here"], "is no URL of a server"),
    ],
)
def test_a_token_of_another_kind_is_refused(world: World, arguments: list[str], why: str) -> None:
    said = world.cli("token", "issue", *arguments, code=2, JWT_SECRET_KEY=SECRET)
    assert why in said.stderr
    assert said.stdout == ""


def test_an_agent_makes_itself_no_token(world: World) -> None:
    world.cli("run", world.plan(world.task()))
    below = marker_of(world.home / "attempts" / "r1.t1.1")
    for scope in ("read", "approve"):
        said = world.cli("token", "issue", "--scope", scope, code=2, JWT_SECRET_KEY=SECRET, **{MARKER: below})
        assert "this process belongs to the attempt r1.t1.1" in said.stderr
        assert said.stdout == ""


def test_tokens_that_others_sign_are_not_made_here(world: World) -> None:
    said = world.cli(
        "token", "issue", "--scope", "read", code=2, JWT_SECRET_KEY=SECRET, CLAUDE_ORCHESTRATOR_JWKS="https://a/keys"
    )
    assert "signed elsewhere" in said.stderr

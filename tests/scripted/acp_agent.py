"""A coding agent that speaks ACP and does what a file says: ``python acp_agent.py SCRIPT.json``.

SCRIPT has ``turns`` (a list of lists of steps), or ``scripts`` (marker → turns: the first marker that the first prompt
holds), and how the agent is made: ``load``, ``resume`` (what it can go on with), ``auth`` (the variable with the key
that it demands), ``version``. A step is an object with one verb:

- ``say``: text · ``usage``: dollars of the session so far · ``tokens``: [in, out] of this turn · ``stop``: the reason
- ``ask``: a tool call (``kind``, ``title``, ``raw``, ``paths``, ``diff``, ``terminals``) for which leave is asked; with
  leave, ``do``; with ``all_the_same``: also without; with ``then``: after which the call's raw input is another one
- ``just``: a tool call that is done without asking · ``do``: ``{"write": path, "content": text}`` or ``{"sh": line}``
- ``write``/``content``, ``read``: a file through the client · ``terminal``: a command through the client, with
  ``args``, ``env``, ``kill_at`` (kill it when its output has this text)
- ``error``: [code, message] · ``exit``: code · ``hang``: true (heeds a cancellation) · ``deaf``: true (does not)
- ``until``: path (hangs until there is such a file; does not heed a cancellation)
- ``sh``: a line for the shell, done at once and unseen · ``raw``: text for standard output · ``flood``: bytes of a line

What it is told and what comes of the steps is in ``SCRIPT.json.log`` (one JSON document a line); sessions that it can
go on with are in ``SCRIPT.json.sessions``. It goes on with the step at which it was stopped.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path
from typing import Any

import pydantic
from pydantic._internal import _fields

# The protocol has hundreds of models, and a process of this agent uses ten of them: none is built before it is used,
# and none has its docstrings read out of the source. That is half of what a start of the agent takes.
pydantic.BaseModel.model_config["defer_build"] = True
_fields.extract_docstrings_from_cls = lambda *_, **__: {}

import acp  # noqa: E402
from acp import schema  # noqa: E402

OPTIONS = [
    schema.PermissionOption(option_id="always", name="Always", kind="allow_always"),
    schema.PermissionOption(option_id="once", name="Once", kind="allow_once"),
    schema.PermissionOption(option_id="no", name="No", kind="reject_once"),
]


VERBS = (
    "say usage tokens ask just write read terminal error exit hang deaf until sh raw flood".split()  # noqa: SIM905
)


class CancelledError(Exception):
    """The turn was cancelled."""


class ScriptedAgent:
    """One process of the agent."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.script: dict[str, Any] = json.loads(path.read_text())
        self.sessions = path.with_name(path.name + ".sessions")
        self.sessions.mkdir(exist_ok=True)
        self.cancelled = asyncio.Event()
        self.logged_in = "auth" not in self.script
        self.client: Any = None
        self.calls = 0
        self.tokens: list[int] | None = None

    def on_connect(self, conn: Any) -> None:
        self.client = conn

    def log(self, **what: Any) -> None:
        with self.path.with_name(self.path.name + ".log").open("a") as file:
            file.write(json.dumps(what) + "\n")

    async def initialize(self, protocol_version: int, client_capabilities: Any = None, **_: Any) -> Any:
        self.log(capabilities=client_capabilities.model_dump(mode="json", exclude_none=True))
        resume = schema.SessionResumeCapabilities() if self.script.get("resume") else None
        methods = []
        if "auth" in self.script:
            methods = [schema.AuthMethodAgent(id="by-key", name="A key", description=f"Reads {self.script['auth']}")]
        return schema.InitializeResponse(
            protocol_version=self.script.get("version", protocol_version),
            agent_capabilities=schema.AgentCapabilities(
                load_session=bool(self.script.get("load")),
                session_capabilities=schema.SessionCapabilities(resume=resume),
            ),
            auth_methods=methods,
        )

    async def authenticate(self, method_id: str, **_: Any) -> Any:
        self.log(authenticated=method_id)
        self.logged_in = os.environ.get(self.script["auth"]) == "right"
        return schema.AuthenticateResponse()

    def check_login(self) -> None:
        if not self.logged_in:
            raise acp.RequestError.auth_required()

    async def new_session(self, cwd: str, **_: Any) -> Any:
        self.check_login()
        session = uuid.uuid4().hex
        self.log(opened=session, cwd=cwd)
        self.save(session, {"turns": None, "turn": 0, "step": 0})
        return schema.NewSessionResponse(session_id=session)

    async def resume_session(self, cwd: str, session_id: str, **_: Any) -> Any:
        self.load(session_id)
        self.log(resumed=session_id, cwd=cwd)
        return schema.ResumeSessionResponse()

    async def load_session(self, cwd: str, session_id: str, **_: Any) -> Any:
        self.load(session_id)
        self.log(loaded=session_id, cwd=cwd)
        # What was long ago: it must not be taken for something that happens now.
        await self.tell(session_id, acp.start_tool_call("old", "rm -rf ~", kind="execute", status="completed"))
        return schema.LoadSessionResponse()

    def save(self, session: str, state: dict[str, Any]) -> None:
        scratch = self.sessions / f".{session}.{os.getpid()}"
        scratch.write_text(json.dumps(state))
        scratch.replace(self.sessions / session)  # whole, also when we are killed

    def load(self, session: str) -> dict[str, Any]:
        try:
            state: dict[str, Any] = json.loads((self.sessions / session).read_text())
        except FileNotFoundError:
            raise acp.RequestError.resource_not_found(session) from None
        return state

    async def cancel(self, session_id: str, **_: Any) -> None:
        self.log(cancel=session_id)
        self.cancelled.set()

    async def tell(self, session: str, update: Any) -> None:
        await self.client.session_update(session_id=session, update=update)

    async def prompt(self, session_id: str, prompt: list[Any], **_: Any) -> Any:
        text = "".join(block.text for block in prompt)
        self.log(prompt=text)
        self.cancelled.clear()
        state = self.load(session_id)
        if state["turns"] is None:
            scripts = self.script.get("scripts", {"": self.script.get("turns")})
            state["turns"] = next(turns for marker, turns in scripts.items() if marker in text)
        reason = "end_turn"
        turn = state["turns"][state["turn"]] if state["turn"] < len(state["turns"]) else []
        try:
            for number in range(state["step"], len(turn)):
                state["step"] = number
                self.save(session_id, state)
                reason = await self.step(session_id, turn[number]) or reason
        except CancelledError:
            return schema.PromptResponse(stop_reason="cancelled")
        state.update(turn=state["turn"] + 1, step=0)
        self.save(session_id, state)
        used = None
        if self.tokens:
            used = schema.Usage(
                input_tokens=self.tokens[0], output_tokens=self.tokens[1], total_tokens=sum(self.tokens)
            )
        return schema.PromptResponse(stop_reason=reason, usage=used)

    async def step(self, session: str, step: dict[str, Any]) -> str | None:
        for verb in VERBS:
            if verb in step:
                await getattr(self, f"do_{verb}")(session, step)
        return step.get("stop")

    async def do_say(self, session: str, step: dict[str, Any]) -> None:
        await self.tell(session, acp.update_agent_message_text(step["say"]))

    async def do_tokens(self, session: str, step: dict[str, Any]) -> None:
        self.tokens = step["tokens"]

    async def do_usage(self, session: str, step: dict[str, Any]) -> None:
        cost = schema.Cost(amount=step["usage"], currency="USD")
        await self.tell(session, schema.UsageUpdate(session_update="usage_update", used=1, size=2, cost=cost))

    async def do_ask(self, session: str, step: dict[str, Any]) -> None:
        name, about = self.call(step["ask"])
        await self.tell(session, acp.start_tool_call(name, status="pending", **about))
        options = [option for option in OPTIONS if option.kind in step.get("options", [o.kind for o in OPTIONS])]
        call = schema.ToolCallUpdate(tool_call_id=name, **about)
        answer = await self.client.request_permission(session_id=session, tool_call=call, options=options)
        chosen = getattr(answer.outcome, "option_id", "cancelled")
        self.log(asked=about["title"], answer=chosen)
        if self.cancelled.is_set():
            raise CancelledError
        if "then" in step or "all_the_same" in step:
            update = acp.update_tool_call(name, status="in_progress", raw_input=step.get("then"))
            await self.tell(session, update)
            await self.perform(session, name, step.get("do"))
        elif chosen in ("once", "always"):
            await self.perform(session, name, step.get("do"))
        else:
            await self.tell(session, acp.update_tool_call(name, status="failed"))

    async def do_just(self, session: str, step: dict[str, Any]) -> None:
        name, about = self.call(step["just"])
        await self.tell(session, acp.start_tool_call(name, status="in_progress", **about))
        await self.perform(session, name, step.get("do"))

    def call(self, about: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        self.calls += 1
        diff = about.get("diff")
        shown = [acp.tool_terminal_ref(name) for name in about.get("terminals", [])]
        values = {
            "title": about.get("title", "a call"),
            "kind": about.get("kind"),
            "raw_input": about.get("raw"),
            "locations": [schema.ToolCallLocation(path=path) for path in about.get("paths", [])] or None,
            "content": [acp.tool_diff_content(diff[0], diff[2], diff[1])] if diff else shown or None,
        }
        return f"call-{uuid.uuid4().hex}", values

    async def perform(self, session: str, name: str, do: dict[str, Any] | None) -> None:
        code, said = 0, ""
        if do and "write" in do:
            Path(do["write"]).parent.mkdir(parents=True, exist_ok=True)
            Path(do["write"]).write_text(do["content"])
        elif do and "sh" in do:
            code, said = shell(do["sh"])
        elif do:
            await self.step(session, do)
        content = [acp.tool_content(acp.text_block(said))] if said else None
        raw = {"exit_code": code} if do and "sh" in do else None
        await self.tell(session, acp.update_tool_call(name, status="completed", content=content, raw_output=raw))

    async def do_write(self, session: str, step: dict[str, Any]) -> None:
        path = str(Path(step["write"]).absolute())
        try:
            await self.client.write_text_file(session_id=session, path=path, content=step["content"])
            self.log(wrote=step["write"])
        except acp.RequestError as error:
            self.log(wrote=step["write"], error=str(error))
            self.heed()

    async def do_read(self, session: str, step: dict[str, Any]) -> None:
        path = str(Path(step["read"]).absolute())
        more = {name: step[name] for name in ("line", "limit") if name in step}
        try:
            answer = await self.client.read_text_file(session_id=session, path=path, **more)
            self.log(read=step["read"], content=answer.content)
        except acp.RequestError as error:
            self.log(read=step["read"], error=str(error))
            self.heed()

    async def do_terminal(self, session: str, step: dict[str, Any]) -> None:
        env = [schema.EnvVariable(name=name, value=value) for name, value in step.get("env", {}).items()]
        more = {name: step[name] for name in ("args", "cwd", "output_byte_limit") if name in step}
        try:
            made = await self.client.create_terminal(session_id=session, command=step["terminal"], env=env, **more)
        except acp.RequestError as error:
            self.log(terminal=step["terminal"], error=str(error))
            self.heed()
            return
        here = {"session_id": session, "terminal_id": made.terminal_id}
        if "kill_at" in step:
            while step["kill_at"] not in (await self.client.terminal_output(**here)).output:
                pass
            await self.client.kill_terminal(**here)
        if step.get("leave"):
            return
        ended = await self.client.wait_for_terminal_exit(**here)
        shown = await self.client.terminal_output(**here)
        await self.client.release_terminal(**here)
        self.log(terminal=step["terminal"], code=ended.exit_code, signal=ended.signal, output=shown.output,
                 truncated=shown.truncated)  # fmt: skip

    def heed(self) -> None:
        if self.cancelled.is_set():
            raise CancelledError

    async def do_error(self, session: str, step: dict[str, Any]) -> None:
        raise acp.RequestError(step["error"][0], step["error"][1])

    async def do_exit(self, session: str, step: dict[str, Any]) -> None:
        sys.stderr.write("the agent gives up\n")
        sys.stderr.flush()
        os._exit(step["exit"])

    async def do_hang(self, session: str, step: dict[str, Any]) -> None:
        self.log(hangs=True)
        await self.cancelled.wait()
        raise CancelledError

    async def do_deaf(self, session: str, step: dict[str, Any]) -> None:
        self.log(hangs=True)
        await asyncio.Event().wait()

    async def do_until(self, session: str, step: dict[str, Any]) -> None:
        self.log(hangs=True)
        while not Path(step["until"]).exists():  # noqa: ASYNC110
            await asyncio.sleep(0.02)

    async def do_sh(self, session: str, step: dict[str, Any]) -> None:
        shell(step["sh"])

    async def do_raw(self, session: str, step: dict[str, Any]) -> None:
        self.put(step["raw"].encode() + b"\n")

    async def do_flood(self, session: str, step: dict[str, Any]) -> None:
        await self.tell(session, acp.update_agent_message_text("x" * step["flood"]))

    def put(self, data: bytes) -> None:
        while data:
            data = data[os.write(1, data) :]


def shell(line: str) -> tuple[int, str]:
    """Do a line at once; nothing that it leaves running holds us."""
    with tempfile.TemporaryFile("w+") as output:
        done = subprocess.run(["sh", "-c", line], stdout=output, stderr=output, stdin=subprocess.DEVNULL, check=False)
        output.seek(0)
        return done.returncode, output.read()


if __name__ == "__main__":
    asyncio.run(acp.run_agent(ScriptedAgent(Path(sys.argv[1])), use_unstable_protocol=True))

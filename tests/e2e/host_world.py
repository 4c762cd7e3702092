"""A user's world whose host is the real Claude Code with our plugin, whose server and hooks are real, too."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from claude_world import World
from scripted.messages_api import Block, Script, tool

from claude_orchestrator.agents.claude.options import program
from claude_orchestrator.cli import plugin_folder
from claude_orchestrator.plans.models import Plan
from claude_orchestrator.plans.store import PlanStore
from claude_orchestrator.state.database import Database

PREFIX = "mcp__plugin_orchestrator_orchestrator__"
"""How the host calls our tools."""

_PERSON = """
import json, sys
said = json.load(sys.stdin)
with open({log!r}, "a") as log:
    log.write(json.dumps(said) + chr(10))
values = {{}}
for name, field in said["requested_schema"]["properties"].items():
    options = field.get("oneOf") or [{{"const": "as you like"}}]
    values[name] = field.get("default", "approve" if name == "decision" else options[0]["const"])
answer = {{"hookEventName": "Elicitation", "action": "accept", "content": values}}
print(json.dumps({{"hookSpecificOutput": answer}}))
"""
"""Somebody who answers every form: with what is proposed, and with 'approve'."""


class HostWorld(World):
    """A world with a host in it."""

    def __init__(self, folder: Path, script: Script) -> None:
        super().__init__(folder, script)
        self.forms = folder / "forms.jsonl"
        plugin_folder.stage(folder / "plugin", str(Path(sys.executable).with_name("claude-orchestrator")))
        self.options: tuple[str, ...] = ("--plugin-dir", str(folder / "plugin"))
        self.hosts: list[subprocess.Popen[str]] = []
        self.permitted: list[str] = []
        """The calls that somebody was asked for before they happened."""

    def start_host(self, prompt: str, *more: str, person: bool = False, answers: bool = True) -> subprocess.Popen[str]:
        """Start the host. With a ``person``, every call is let happen and, if it ``answers``, every form is filled."""
        settings: dict[str, Any] = {}
        words = [*self.options, *more]
        if person and answers:
            script = self.folder / "person.py"
            script.write_text(_PERSON.format(log=str(self.forms)))
            hook = {"type": "command", "command": f"{sys.executable} {script}"}
            settings = {"hooks": {"Elicitation": [{"hooks": [hook]}]}}
        if person:
            words += ["--input-format", "stream-json", "--permission-prompt-tool", "stdio"]
        told = ["--output-format", "stream-json", "--verbose", "--settings", json.dumps(settings)]
        process = subprocess.Popen(
            [str(program()), "-p", *([] if person else [prompt]), *told, *words],
            cwd=self.project,
            env=self.environment(),
            stdin=subprocess.PIPE if person else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.hosts.append(process)
        if person:
            _say(process, prompt)
        return process

    def host(self, prompt: str, *more: str, person: bool = False, answers: bool = True) -> dict[str, Any]:
        """Run the host to the end of its turn: its result."""
        process = self.start_host(prompt, *more, person=person, answers=answers)
        timer = threading.Timer(self.patience_s, process.kill)
        timer.start()
        try:
            result = self.heard(process)
        finally:
            timer.cancel()
        _, complaints = process.communicate(timeout=self.patience_s)
        assert result, f"exit {process.returncode}\n{complaints}"
        return result

    def heard(self, process: subprocess.Popen[str]) -> dict[str, Any]:
        """What the host says, until its result; and its questions answered."""
        assert process.stdout is not None
        for line in process.stdout:
            said = json.loads(line)
            if said["type"] == "control_request":
                answer = {"request_id": said["request_id"], "subtype": "success"}
                _tell(process, {"type": "control_response", "response": {**answer, "response": self._said(said)}})
            if said["type"] == "result":
                return dict(said)
        return {}

    def conversation(self, *prompts: str) -> list[dict[str, Any]]:
        """One session of the host, prompt after prompt: its results."""
        process = self.start_host(prompts[0], person=True)
        timer = threading.Timer(self.patience_s, process.kill)
        timer.start()
        try:
            results = [self.heard(process)]
            for prompt in prompts[1:]:
                _say(process, prompt)
                results.append(self.heard(process))
        finally:
            timer.cancel()
        process.communicate(timeout=self.patience_s)
        return results

    def _said(self, asked: dict[str, Any]) -> dict[str, Any]:
        """The answer to a question of the client's: calls are allowed, a form that no hook has answered is closed."""
        request = asked["request"]
        if request["subtype"] == "elicitation":
            return {"action": "cancel"}
        assert request["subtype"] == "can_use_tool", request
        self.permitted.append(request["tool_name"])
        return {"behavior": "allow", "updatedInput": request["input"]}

    def claude(self, *arguments: str, code: int = 0) -> str:
        """Run a command of the client."""
        done = subprocess.run(
            [str(program()), *arguments],
            cwd=self.project,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=self.patience_s,
        )
        assert done.returncode == code, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def store_plan(self, plan_id: str, *, agent: bool = False) -> None:
        """Store a plan of one task that nobody has approved; with ``agent`` for the real client, else for a script."""
        task = {**(self.asked() if agent else self.task()), "creates": ["t1.txt"]}
        document = {"goal": "Not yet approved", "phases": [{"id": "only", "title": "Only", "tasks": [task]}]}

        async def store() -> str | None:
            async with Database.open(self.home / "state.db") as db:
                return (await PlanStore(db).save(Plan.model_validate(document))).id

        assert asyncio.run(store()) == plan_id

    def shown(self) -> list[dict[str, Any]]:
        """What somebody was asked, in order."""
        return [json.loads(line) for line in self.forms.read_text().splitlines()] if self.forms.exists() else []

    def results(self, marker: str = "[host]") -> dict[str, tuple[str, bool]]:
        """What the host's tools have said in the end, by the calls' ids."""
        return next(request.results() for request in reversed(self.api.requests) if marker in request.words)

    def close(self) -> None:
        """End what is left of our own."""
        for process in self.hosts:
            if process.poll() is None:
                process.kill()
            process.communicate(timeout=self.patience_s)
        super().close()


def _say(process: subprocess.Popen[str], prompt: str) -> None:
    _tell(process, {"type": "user", "message": {"role": "user", "content": prompt}})


def _tell(process: subprocess.Popen[str], message: dict[str, Any]) -> None:
    assert process.stdin is not None
    process.stdin.write(json.dumps(message) + "\n")
    process.stdin.flush()


def ours(name: str, call: str = "", /, **arguments: Any) -> list[Block]:
    """A turn that calls one of our tools."""
    return [tool(PREFIX + name, call or name, **arguments)]


def allowed(*names: str) -> tuple[str, ...]:
    """The option with which the host may call those tools of ours; without names, all of them."""
    return ("--allowedTools", ",".join(PREFIX + name for name in names) or PREFIX.removesuffix("__"))


def left(folder: Path) -> dict[str, str]:
    """Every file below a folder, with its text."""
    found = {}
    for root, _, names in os.walk(folder):
        for name in names:
            path = Path(root, name)
            found[str(path.relative_to(folder))] = path.read_text(errors="replace")
    return found

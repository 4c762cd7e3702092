"""An agent that does what a file tells it, launch by launch; it stands where Claude Code would, in the real runner.

The stage is a folder: ``stage.json`` has for each task a list of scenes, one for each launch (the last serves all
further ones), ``launches.jsonl`` gets a line for each launch. A scene is

    {"do": "work"}                                    write the task's file, pay for a call, finish
    {"do": "fault", "kind": …, "resume": true, …}     end with that fault; "retry_in": seconds; "after": work done first
    {"do": "silence", "hears": true}                  nothing at all, until a nudge is heard (or for ever)
    {"do": "loop", "run": …, "heeds": true}           the same command again and again, until a nudge is heeded
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from claude_orchestrator.agents.base import Assignment, Host, Outcome
from claude_orchestrator.agents.performing import perform
from claude_orchestrator.agents.script import command
from claude_orchestrator.models.faults import Fault
from claude_orchestrator.models.usage import Usage
from claude_orchestrator.safety.operations import Operation

SITE = """
import sys
if "claude_orchestrator.agents.runner" in sys.orig_argv:
    from claude_orchestrator.agents import base
    base.AGENTS["claude"] = "staged_agents:StagedAgent"
"""
"""Makes runners, and nothing else, find the agent of this module."""


class Stage:
    """The test's side."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
        self.folder = home / "stage"
        site = folder / "site"
        for one in (self.folder, site):
            one.mkdir(parents=True)
        (site / "sitecustomize.py").write_text(SITE)
        found = [str(site), str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, found)))

    def play(self, **scenes: list[dict[str, Any]]) -> None:
        """From now on, tasks do this."""
        scratch = self.folder / "scratch"
        scratch.write_text(json.dumps(scenes))
        scratch.replace(self.folder / "stage.json")

    def launches(self, task: str = "") -> list[dict[str, Any]]:
        """What has been launched so far."""
        file = self.folder / "launches.jsonl"
        lines = file.read_text().splitlines() if file.exists() else []
        return [one for one in map(json.loads, lines) if task in ("", one["task"])]


def asked(task_id: str, **more: Any) -> dict[str, Any]:
    """A task for the staged agent."""
    values = {"id": task_id, "title": task_id, "agent": "claude", "prompt": f"do {task_id}"}
    return {**values, "checks": [], "files": [f"{task_id}.txt"], **more}


class StagedAgent:
    """The runner's side."""

    name = "staged"
    resumable = True

    def __init__(self) -> None:
        self._heard = asyncio.Event()
        self._scene: dict[str, Any] = {}

    async def work(self, assignment: Assignment, host: Host) -> Outcome:
        stage = assignment.database.parent / "stage"
        with (stage / "launches.jsonl").open("a+") as file:
            file.seek(0)
            before = sum(json.loads(line)["task"] == assignment.task_id for line in file)
            line = {
                "task": assignment.task_id,
                "at": time.time(),
                "run": assignment.run_id,
                "attempt": assignment.attempt_id,
                "number": assignment.number,
                "resume": assignment.resume,
                "prompt": assignment.prompt,
                "pid": os.getpid(),
            }
            file.write(json.dumps(line) + "\n")
        scenes = json.loads((stage / "stage.json").read_text())[assignment.task_id]
        self._scene = scenes[min(before, len(scenes) - 1)]
        return await getattr(self, f"_{self._scene['do']}")(assignment, host, before)

    async def nudge(self, text: str) -> bool:
        if self._scene.get("hears", True):
            self._heard.set()
            return True
        return False

    async def _work(self, assignment: Assignment, host: Host, launch: int) -> Outcome:
        await host.spend(Usage("anthropic", "a-model", 1200, 300, 5000, 100, usd=0.25), f"call-{launch}")
        await self._write(assignment, host)
        return Outcome("finished", "done")

    async def _write(self, assignment: Assignment, host: Host) -> None:
        operation = Operation("write", assignment.worktree, f"{assignment.task_id}.txt", content="x\n")
        await host.record(answer := await host.ask(operation, 1), await perform(answer.operation, assignment, 1))

    async def _fault(self, assignment: Assignment, host: Host, launch: int) -> Outcome:
        scene = self._scene
        if scene.get("after"):
            await self._write(assignment, host)
        retry_at = time.time() + scene["retry_in"] if "retry_in" in scene else None
        fault = Fault(scene["kind"], "anthropic", scene.get("detail", "it said no"), retry_at)
        token = {"launch": launch} if scene.get("resume", True) else None
        return Outcome(scene.get("status", "interrupted"), fault.detail, resume=token, fault=fault)

    async def _silence(self, assignment: Assignment, host: Host, launch: int) -> Outcome:
        await self._heard.wait()
        if self._scene.get("heeds", True):
            return await self._work(assignment, host, launch)
        return await asyncio.Event().wait()  # type: ignore[return-value]

    async def _loop(self, assignment: Assignment, host: Host, launch: int) -> Outcome:
        for position in range(1, 200):
            if self._heard.is_set() and self._scene.get("heeds"):
                return await self._work(assignment, host, launch)
            answer = await host.ask(command(self._scene["run"], assignment.worktree), position)
            await host.record(answer, await perform(answer.operation, assignment, position))
        return Outcome("finished", "nobody stopped it")

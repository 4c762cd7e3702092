"""Runs of plans whose tasks are done by models, as a user starts them: everything but the providers is real."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pydantic_ai", reason="the extra 'models' is not installed")

from acceptance.cli_world import World
from model_world import KINDS
from scripted.provider_api import ProviderApi, Reply, Script, by_task, call, steps

from claude_orchestrator.models import accounts

WATCHER = """
import os, sys

def _seen(event, arguments):
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        _say(arguments[1][0])
    elif event == "socket.getaddrinfo":
        _say(arguments[0])

def _say(host):
    file = os.open({log!r}, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, f"{{host}}\\n".encode())
    os.close(file)

sys.addaudithook(_seen)
"""
"""Notes every host that a Python process looks up or connects to."""

RUN_S = 240.0
pytestmark = pytest.mark.timeout(300)
DONE = call("finish", summary="It is done.")


class ModelWorld(World):
    """A user with accounts at scripted providers."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.accounts: dict[str, str] = {}
        self._apis = ExitStack()
        self._served: list[ProviderApi] = []
        self.on_path = folder / "on-path"
        self.on_path.mkdir()
        self._hosts = folder / "hosts.txt"
        (self.on_path / "sitecustomize.py").write_text(WATCHER.format(log=str(self._hosts)))

    def serve(self, name: str, script: Script) -> ProviderApi:
        api = self._apis.enter_context(ProviderApi(KINDS[name].wire, script))
        self.accounts |= KINDS[name].environment(api.url)
        self._served.append(api)
        return api

    def environment(self, **more: str) -> dict[str, str]:
        keep = {
            name: value
            for name, value in os.environ.items()
            if name not in accounts.environment_of("model", os.environ)
        }
        ours = {
            "CLAUDE_ORCHESTRATOR_HOME": str(self.home),
            "PYTHONUNBUFFERED": "1",
            "HOME": str(self.folder),
            "CLAUDE_ORCHESTRATOR_RETRY_BASE_S": "0.05",
            "CLAUDE_ORCHESTRATOR_RETRY_CAP_S": "0.1",
            "PYTHONPATH": str(self.on_path),
        }
        return {**keep, **ours, **self.accounts, **more}

    def hosts(self) -> set[str]:
        return set(self._hosts.read_text().split())

    def model_task(self, task_id: str, model: str, **more: Any) -> dict[str, Any]:
        return self.task(task_id, **{"operations": None, "agent": "model", "model": model, **more}) | {
            "prompt": f"[{task_id}] Do it."
        }

    def run(self, *arguments: str | Path, code: int = 0) -> str:
        """Run the command to its end; what it has said."""
        done = subprocess.run(
            [sys.executable, "-m", "claude_orchestrator", *map(str, arguments)],
            cwd=self.project,
            check=False,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=RUN_S,
        )
        assert done.returncode == code, done.stdout
        return done.stdout

    def task_row(self, task_id: str) -> dict[str, Any]:
        [row] = [row for row in self.json("status", "r1")["tasks"] if row["id"] == task_id]
        return dict(row)

    def kill_runner(self, launch: str) -> None:
        """Kill the runner of a launch of the first attempt, as the kernel would that has no memory left."""
        started = self.home / "attempts" / launch / "started.json"
        os.kill(json.loads(started.read_text())["pid"], signal.SIGKILL)

    def close(self) -> None:
        super().close()
        self._apis.close()
        assert not [error for api in self._served for error in api.errors]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[ModelWorld]:
    one = ModelWorld(tmp_path)
    yield one
    one.close()


def test_a_plan_is_done_by_four_providers_at_once(world: ModelWorld) -> None:
    names = ["anthropic", "google", "openai", "ollama"]
    for name in names:
        script = steps(
            Reply("I look.", [call("list")]),
            Reply(calls=[call("write", path=f"{name}.txt", content=f"by {name}\n")]),
            Reply(calls=[DONE]),
        )
        world.serve(name, by_task(**{name: script}))
    plan = world.plan(*[world.model_task(name, KINDS[name].model) for name in names])
    world.run("run", plan)
    for name in names:
        assert world.git("show", f"orchestrator/r1:{name}.txt") == f"by {name}"
        assert world.task_row(name)["status"] == "completed"
    assert world.hosts() <= {"127.0.0.1", "localhost"}, "somebody else was contacted"
    assert world.hosts(), "nothing was watched"


def test_a_question_is_answered_after_the_end_of_the_run_and_the_model_goes_on(world: ModelWorld) -> None:
    workflow = call("write", path=".github/workflows/ci.yml", content="on: push\n")
    script = steps(Reply(calls=[call("write", path="t1.txt", content="x\n"), workflow]), Reply(calls=[DONE]))
    api = world.serve("openai", script)
    task = world.model_task("t1", KINDS["openai"].model, files=["t1.txt", ".github"])
    world.run("run", world.plan(task), code=1)
    [gate] = world.json("inbox")
    assert len(api.requests) == 1
    world.cli("approve", gate["id"])
    world.run("resume")
    assert world.git("show", "orchestrator/r1:.github/workflows/ci.yml") == "on: push"
    assert [request.turn for request in api.requests] == [0, 1]


def test_a_killed_runner_repeats_nothing(world: ModelWorld) -> None:
    held, started = threading.Event(), world.folder / "started"
    os.mkfifo(started)
    append = call("run", line="echo once >> t1.txt")
    endless = call("run", line=f"echo begun >> t1.txt; echo > {started}; sleep 300")
    script = steps(Reply(calls=[append]), Reply(calls=[endless, append], until=held), Reply(calls=[DONE]))
    api = world.serve("anthropic", script)
    talk = world.start("run", world.plan(world.model_task("t1", KINDS["anthropic"].model)))
    api.wait_for(lambda request: request.turn == 1)
    world.kill_runner("r1.t1.1/launch-1")
    held.set()
    started.read_bytes()
    world.kill_runner("r1.t1.1/launch-2")
    assert talk.process.wait(RUN_S) == 0
    assert world.git("show", "orchestrator/r1:t1.txt") == "once\nbegun\nonce"
    assert [request.turn for request in api.requests] == [0, 1, 1, 2]
    assert "Nobody knows how far it came" in api.requests[-1].results[1]


@pytest.mark.parametrize(
    ("trouble", "said"),
    [(Reply(status=404, said="no such model"), "no such model"), (Reply(status=401), "check ANTHROPIC_API_KEY")],
    ids=["unknown-model", "wrong-key"],
)
def test_what_only_a_person_can_put_right_is_said_at_the_task(world: ModelWorld, trouble: Reply, said: str) -> None:
    api = world.serve("anthropic", lambda _: trouble)
    world.run("run", world.plan(world.model_task("t1", "anthropic:claude-nobody", max_attempts=1)), code=1)
    assert said in world.task_row("t1")["reason"]
    assert len(api.requests) == 1


def test_a_model_that_only_says_that_it_is_done_is_not_believed(world: ModelWorld) -> None:
    api = world.serve("google", steps(Reply(calls=[DONE])))
    task = world.model_task("t1", KINDS["google"].model, kind="fix", max_attempts=1)
    world.run("run", world.plan(task), code=1)
    assert world.task_row("t1")["status"] == "escalated"
    assert len(api.requests) == 1


OWN = """
from pydantic_ai.messages import ModelResponse, ToolCallPart
from pydantic_ai.models.function import FunctionModel

class House:
    def model(self, name, account):
        assert (name, account.key, account.base_url) == ("small", "house-key", None)

        async def answer(messages, info):
            written = ToolCallPart("write", {"path": "t1.txt", "content": "home-made\\n"})
            return ModelResponse(parts=[written if len(messages) == 1 else ToolCallPart("finish", {"summary": "done"})])

        return FunctionModel(answer)
"""


def test_a_provider_of_ones_own_is_found_by_its_entry_point(world: ModelWorld) -> None:
    (world.on_path / "house_models.py").write_text(OWN)
    package = world.on_path / "house-1.0.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: house\nVersion: 1.0\n")
    (package / "entry_points.txt").write_text("[claude_orchestrator.providers]\nhouse = house_models:House\n")
    world.accounts["HOUSE_API_KEY"] = "house-key"
    world.run("run", world.plan(world.model_task("t1", "house:small")))
    assert world.git("show", "orchestrator/r1:t1.txt") == "home-made"


def test_a_spent_budget_asks_and_an_approval_lets_the_model_go_on(world: ModelWorld) -> None:
    written = call("write", path="t1.txt", content="paid\n")
    script = steps(*[Reply(calls=[call("list")])] * 5, Reply(calls=[written]), Reply(calls=[DONE]))
    api = world.serve("anthropic", script)
    task = world.model_task("t1", KINDS["anthropic"].model, budget=0.009)
    world.run("run", world.plan(task), code=1)
    assert len(api.requests) == 3, "a fourth call of $0.00233 would go beyond the budget"
    [gate] = world.json("inbox")
    assert gate["kind"] == "budget"
    world.cli("approve", gate["id"])
    world.run("resume")
    assert world.git("show", "orchestrator/r1:t1.txt") == "paid"
    assert [request.turn for request in api.requests] == list(range(7))

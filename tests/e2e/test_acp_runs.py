"""Plans whose tasks are done by an ACP agent, through the real command line."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("acp", reason="the extra is not installed: pip install 'claude-orchestrator[acp]'")

from acp_world import AGENT, DANGEROUS, ask, wait_for
from cli_world import World


class AcpRuns(World):
    """A project, and plans whose tasks each have a script of their own."""

    patience_s = 90.0  # runs with real agents are long on a busy machine

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.script = folder / "script.json"

    def acp_plan(self, scripts: dict[str, list[list[dict[str, Any]]]], **more: dict[str, Any]) -> Path:
        """A plan with one task for each script; ``more`` has what else a task says."""
        self.script.write_text(json.dumps({"load": True, "scripts": {f"task {n}.": s for n, s in scripts.items()}}))
        tasks = [
            {
                "id": name,
                "title": name,
                "prompt": f"Do task {name}.",
                "files": ["."],
                "checks": [],
                **more.get(name, {}),
            }
            for name in scripts
        ]
        plan = self.plan(*tasks)
        command = [sys.executable, str(AGENT), str(self.script)]
        plan.write_text(json.dumps({**json.loads(plan.read_text()), "agent": "acp", "command": command}))
        return plan

    def seen(self, name: str) -> list[Any]:
        log = self.script.with_name(f"{self.script.name}.log")
        lines = log.read_text().splitlines() if log.exists() else []
        return [entry[name] for entry in map(json.loads, lines) if name in entry]

    def statuses(self) -> dict[str, str]:
        return {task["id"]: task["status"] for task in self.json("status", "r1")["tasks"]}


pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AcpRuns]:
    monkeypatch.setattr("cli_world.PATIENCE_S", AcpRuns.patience_s)
    one = AcpRuns(tmp_path)
    yield one
    one.close()


def write(path: str, content: str) -> dict[str, Any]:
    return {"write": path, "content": content}


def test_a_plan_end_to_end(world: AcpRuns) -> None:
    plan = world.acp_plan(
        {
            "one": [[write("one.txt", "1\n"), {"say": "One is there."}]],
            "two": [[{"ask": DANGEROUS}, ask("ls", "echo 2 > two.txt")], [{"say": "Without the rest."}]],
            "three": [[{"terminal": "cat one.txt two.txt > three.txt"}, {"usage": 0.5}]],
        },
        three={"depends_on": ["one", "two"]},
    )
    world.cli("run", plan)
    assert set(world.statuses().values()) == {"completed"}
    assert world.git("show", "orchestrator/r1:three.txt") == "1\n2"
    (attempt,) = world.json("evidence", "r1", "two")["attempts"]
    verdicts = [(one["target"], one["verdict"]) for one in attempt["operations"] if one["target"] in ("rm -rf ~", "ls")]
    assert verdicts == [("rm -rf ~", "BLOCKED"), ("ls", "SAFE")]


def test_an_approval_after_a_restart(world: AcpRuns) -> None:
    world.cli(
        "run",
        world.acp_plan({"one": [[write("a.txt", "2\n"), write(".github/workflows/x.yml", "on: push\n")]]}),
        code=1,
    )
    assert world.statuses() == {"one": "waiting"}
    world.cli("approve", "g1")
    world.cli("resume", "r1")
    assert world.git("show", "orchestrator/r1:.github/workflows/x.yml") == "on: push"
    assert len(world.seen("opened")) == len(world.seen("loaded")) == 1
    (attempt,) = world.json("evidence", "r1", "one")["attempts"]
    assert attempt


def test_a_runner_that_is_killed_goes_on_in_the_same_session(world: AcpRuns) -> None:
    go_on = world.folder / "go-on"
    steps = [write("one.txt", "1\n"), {"until": str(go_on)}, write("two.txt", "2\n")]
    talk = world.start("run", world.acp_plan({"one": [steps]}))
    wait_for(lambda: world.seen("hangs"))
    (started,) = world.home.glob("attempts/*/*/started.json")
    os.kill(json.loads(started.read_text())["pid"], signal.SIGKILL)
    wait_for(lambda: world.seen("loaded"))
    go_on.touch()
    code, said = talk.end()
    assert code == 0, said
    assert world.git("show", "orchestrator/r1:two.txt") == "2"
    assert len(world.seen("opened")) == len(world.seen("loaded")) == 1
    assert [path for path in world.seen("wrote") if path == "one.txt"] == ["one.txt"], "nothing is done twice"
    assert len(world.json("evidence", "r1", "one")["attempts"]) == 1


def test_what_an_agent_says_is_not_believed(world: AcpRuns) -> None:
    (world.project / "calc.py").write_text("def add(a, b):\n    return a + b\n")
    (world.project / "test_calc.py").write_text("from calc import add\n\ndef test_add():\n    assert add(1, 2) == 3\n")
    world.git("add", "--all")
    world.git("commit", "--quiet", "-m", "A test")
    plan = world.acp_plan({"one": []}, one={"checks": ["pytest"], "max_attempts": 2})
    bad = [write("calc.py", "def add(a, b):\n    return a - b\n"), {"say": "Done, all tests pass."}]
    good = [write("calc.py", "def add(a, b):\n    return b + a\n"), {"say": "Now it is right."}]
    world.script.write_text(json.dumps({"scripts": {"previous attempt was refused": [good], "": [bad]}}))
    world.cli("run", plan)
    first, second = world.json("evidence", "r1", "one")["attempts"]
    assert (first["number"], second["number"]) == (1, 2)
    assert "test_add" in world.seen("prompt")[1]
    assert "b + a" in world.git("show", "orchestrator/r1:calc.py")

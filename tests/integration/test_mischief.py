"""What agents do to their worktrees, and when people pause, resume and cancel."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from engine_world import (
    a_plan,
    failures,
    kept,
    run,
    saw,
    script,
    task_rows,
    until,
    want,
    write,
)

from claude_orchestrator.agents.base import marker_of
from claude_orchestrator.agents.folder import LaunchFolder
from claude_orchestrator.config import Settings
from claude_orchestrator.orchestrator.delegator import Delegated
from claude_orchestrator.orchestrator.session import Orchestrator
from claude_orchestrator.orchestrator.supervisor import Supervisor
from claude_orchestrator.state.database import Database
from claude_orchestrator.workspace import process_table, worktrees

# -- what agents do to their worktree ------------------------------------------------------------


@pytest.mark.parametrize(
    "mischief",
    [
        "rm .git",
        "rm .git && git init -q .",
        "git checkout -q --orphan nothing",
        "rm .git && git -C {project} worktree prune",
    ],
)
def test_work_is_kept_whatever_the_agent_did_to_git(project: Path, settings: Settings, mischief: str) -> None:
    do = [write("a.txt"), {"run": f"{mischief.format(project=project)}; echo x > late.txt"}, {"run": ["false"]}]
    assert run(project, settings, a_plan([script("a", *do, max_attempts=1)])) == "incomplete"
    assert kept(project, "r1.a.1", "late.txt") == "x"
    assert kept(project, "r1.a.1", "a.txt") == "x"
    assert kept(project, "r1.a.1", "shared.txt") == "base"
    assert list(settings.worktrees.iterdir()) == []


def test_a_home_inside_the_project_never_leads_to_the_checkout(project: Path) -> None:
    """Without its ``.git`` a worktree must not be taken for a folder of the repository around it."""
    (project / ".gitignore").write_text("/home/\n")
    (project / "shared.txt").write_text("my uncommitted work\n")
    settings = Settings(home=project / "home", retry_base_s=0.05)
    do = [write("a.txt"), {"run": "rm .git"}, {"run": ["sleep", "100"]}]

    async def scenario() -> None:
        orchestrator = Orchestrator(project, settings)
        run_id = await orchestrator.start(a_plan([script("a", *do)]))
        moving = asyncio.create_task(orchestrator.move(run_id))
        async with Database.open(settings.database) as db:
            await until(db, lambda: saw(db, "operation.asked", "sleep"))
            await want(db, run_id, "pause")
        assert await asyncio.wait_for(moving, 20) == "paused"

    asyncio.run(scenario())
    assert (project / "shared.txt").read_text() == "my uncommitted work\n"
    assert kept(project, "r1.a.1", "shared.txt") == "base"
    assert kept(project, "r1.a.1", "a.txt") == "x"
    assert failures(settings) == []


def test_work_that_cannot_be_kept_is_not_removed(project: Path, settings: Settings) -> None:
    """Git refuses to record a repository without commits; the files stay, and the reason says where."""
    do = [write("a.txt"), {"run": "git init -q inner && touch inner/f"}]
    assert run(project, settings, a_plan([script("a", *do, max_attempts=1)])) == "incomplete"
    worktree = settings.worktrees / "r1.a.1"
    assert (worktree / "a.txt").read_text() == "x\n"
    assert str(worktree) in task_rows(settings)["a"]["reason"]


def test_an_earlier_checkpoint_does_not_stand_in_for_work_that_cannot_be_kept(project: Path, own_world: Path) -> None:
    settings = Settings(home=own_world, checkpoint_s=0.1, heartbeat_s=0.1)
    checkpointed = (
        f"until git -C {project} rev-parse -q --verify refs/orchestrator/attempts/r1.a.1; do sleep 0.05; done"
    )
    do = [{"run": checkpointed}, {"run": "echo late > a.txt; git init -q inner && touch inner/f"}]
    assert run(project, settings, a_plan([script("a", *do, max_attempts=1)])) == "incomplete"
    assert (settings.worktrees / "r1.a.1" / "a.txt").read_text() == "late\n"


def test_a_checkpoint_that_fails_does_not_fail_the_attempt(project: Path, own_world: Path, tmp_path: Path) -> None:
    settings = Settings(home=own_world, checkpoint_s=0.1, heartbeat_s=0.1, retry_base_s=0.05)
    go = tmp_path / "go"
    do = [
        {"run": f"git init -q inner && touch inner/f; until [ -e {go} ]; do sleep 0.05; done; rm -r inner"},
        write("a.txt"),
    ]

    async def scenario() -> str:
        orchestrator = Orchestrator(project, settings)
        run_id = await orchestrator.start(a_plan([script("a", *do)]))
        moving = asyncio.create_task(orchestrator.move(run_id))
        async with Database.open(settings.database) as db:
            await until(db, lambda: saw(db, "attempt.checkpoint_failed"))
        go.touch()
        return await moving

    assert asyncio.run(scenario()) == "completed"
    assert failures(settings) == []


def test_a_name_that_is_no_utf8_is_a_failed_attempt_and_not_the_end(project: Path, settings: Settings) -> None:
    odd = [{"run": [sys.executable, "-c", "import os; open(os.fsencode('') + b'\\xffodd', 'w')"]}]
    assert (
        run(project, settings, a_plan([script("a", *odd, max_attempts=2), script("b", write("b.txt"))])) == "incomplete"
    )
    rows = task_rows(settings)
    assert (rows["a"]["status"], rows["b"]["status"]) == ("escalated", "completed")
    assert r"\udcffodd" in rows["a"]["reason"]


def test_a_defect_of_ours_ends_one_task_and_not_the_run(
    project: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep = worktrees.keep

    async def broken(*arguments: Any, attempt_id: str, **more: Any) -> str:
        if ".a." in attempt_id:
            raise ValueError("never thought of that")
        return await keep(*arguments, attempt_id=attempt_id, **more)

    monkeypatch.setattr(worktrees, "keep", broken)
    plan = a_plan([script("a", write("a.txt"), max_attempts=1), script("b", write("b.txt"))])
    assert run(project, settings, plan) == "incomplete"
    rows = task_rows(settings)
    assert (rows["a"]["status"], rows["b"]["status"]) == ("escalated", "completed")
    assert "ValueError: never thought of that" in rows["a"]["reason"]


def test_no_runner_outlives_an_attempt_that_broke_off(
    project: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    heartbeat = Supervisor._heartbeat

    async def broken(supervisor: Supervisor, delegated: Delegated) -> None:
        launch = LaunchFolder(delegated.folder / "launch-1")
        if delegated.claim.number == 1 and launch.state() == "alive":
            raise ValueError("never thought of that")
        await heartbeat(supervisor, delegated)

    monkeypatch.setattr(Supervisor, "_heartbeat", broken)
    plan = a_plan([script("a", attempts={1: [{"run": ["sleep", "7211"]}], 2: [write("a.txt")]})])
    assert run(project, settings, plan) == "completed"
    assert LaunchFolder(settings.attempts / "r1.a.1" / "launch-1").state() == "died"
    assert process_table.marked(marker_of(settings.attempts / "r1.a.1")) == []


# -- pause and cancel ----------------------------------------------------------------------------


def test_a_pause_while_the_runner_starts_is_felt_and_costs_nothing(
    project: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The runner cannot hear anything yet when the pause comes; it is told as soon as it can."""

    async def scenario() -> float:
        orchestrator = Orchestrator(project, settings)
        run_id = await orchestrator.start(a_plan([script("a", {"run": ["sleep", "100"]}, max_attempts=1)]))
        spawn = LaunchFolder.spawn

        def stopped_spawn(launch: LaunchFolder, accounts: dict[str, str]) -> int:
            pid = spawn(launch, accounts)
            os.kill(pid, signal.SIGSTOP)
            spawned.append(pid)
            return pid

        spawned: list[int] = []
        monkeypatch.setattr(LaunchFolder, "spawn", stopped_spawn)
        moving = asyncio.create_task(orchestrator.move(run_id))
        async with Database.open(settings.database) as db:

            async def has_spawned() -> bool:
                return bool(spawned)

            await until(db, has_spawned)
            await want(db, run_id, "pause")
            await until(db, lambda: saw(db, "attempt.interrupted"))
            os.kill(spawned[0], signal.SIGCONT)
            began = time.monotonic()
            assert await asyncio.wait_for(moving, 20) == "paused"
            return time.monotonic() - began

    assert asyncio.run(scenario()) < 15
    row = task_rows(settings)["a"]
    assert (row["status"], row["failures"]) == ("pending", 0)


def test_a_runner_that_has_to_be_killed_at_a_pause_costs_no_attempt(
    project: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("claude_orchestrator.orchestrator.supervisor.GRACE_S", 0.3)

    async def scenario() -> None:
        orchestrator = Orchestrator(project, settings)
        run_id = await orchestrator.start(a_plan([script("a", {"run": ["sleep", "100"]}, max_attempts=1)]))
        moving = asyncio.create_task(orchestrator.move(run_id))
        async with Database.open(settings.database) as db:
            await until(db, lambda: saw(db, "operation.asked", "sleep"))
            started = json.loads((settings.attempts / "r1.a.1" / "launch-1" / "started.json").read_text())
            os.kill(started["pid"], signal.SIGSTOP)
            await want(db, run_id, "pause")
            assert await asyncio.wait_for(moving, 20) == "paused"

    asyncio.run(scenario())
    row = task_rows(settings)["a"]
    assert (row["status"], row["failures"], row["attempt_status"]) == ("pending", 0, "interrupted")


def test_a_runner_may_take_longer_to_start_than_one_may_to_stop(
    project: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("claude_orchestrator.orchestrator.supervisor.GRACE_S", 0.0)
    assert run(project, settings, a_plan([script("a", write("a.txt"), max_attempts=1)])) == "completed"


def test_a_resume_right_after_a_pause_costs_no_attempt(project: Path, settings: Settings, tmp_path: Path) -> None:
    """The command agent cannot go on where it was; that its stop was asked for is in the journal."""
    go = tmp_path / "go"
    task = {"id": "a", "files": ["a.txt"], "checks": [], "max_attempts": 1}
    command = ["sh", "-c", f"echo x > a.txt; until [ -e {go} ]; do sleep 0.05; done"]

    async def scenario() -> str:
        orchestrator = Orchestrator(project, settings)
        run_id = await orchestrator.start(a_plan([{**task, "command": command}]))
        moving = asyncio.create_task(orchestrator.move(run_id))
        async with Database.open(settings.database) as db:
            await until(db, lambda: saw(db, "operation.asked"))
            await want(db, run_id, "pause")
            await until(db, lambda: saw(db, "attempt.interrupted"))
            await want(db, run_id, "run")
        go.touch()
        return await asyncio.wait_for(moving, 20)

    assert asyncio.run(scenario()) == "completed"
    assert failures(settings) == []


def test_a_run_that_is_cancelled_after_a_pause_leaves_no_worktree(project: Path, settings: Settings) -> None:
    async def scenario() -> str:
        orchestrator = Orchestrator(project, settings)
        run_id = await orchestrator.start(a_plan([script("a", write("a.txt"), {"run": ["sleep", "100"]})]))
        moving = asyncio.create_task(orchestrator.move(run_id))
        async with Database.open(settings.database) as db:
            await until(db, lambda: saw(db, "operation.asked", "sleep"))
            await want(db, run_id, "pause")
            assert await asyncio.wait_for(moving, 20) == "paused"
            await want(db, run_id, "cancel")
        return await orchestrator.move(run_id)

    assert asyncio.run(scenario()) == "cancelled"
    assert list(settings.worktrees.iterdir()) == []
    assert kept(project, "r1.a.1", "a.txt") == "x"


def test_a_pause_is_felt_during_a_verification(project: Path, settings: Settings) -> None:
    slow = "import time\n\n\ndef test_slow() -> None:\n    time.sleep(7209)\n"
    plan = a_plan([script("a", write("test_slow.py", slow), files=["test_slow.py"], checks=["pytest"])])

    async def scenario() -> float:
        orchestrator = Orchestrator(project, settings)
        run_id = await orchestrator.start(plan)
        moving = asyncio.create_task(orchestrator.move(run_id))
        async with Database.open(settings.database) as db:
            await until(db, lambda: saw(db, "task.verifying"))
            await want(db, run_id, "pause")
            began = time.monotonic()
            assert await asyncio.wait_for(moving, 20) == "paused"
            waited = time.monotonic() - began
            await want(db, run_id, "cancel")
        assert await orchestrator.move(run_id) == "cancelled"
        return waited

    assert asyncio.run(scenario()) < 15
    assert failures(settings) == []
    assert kept(project, "r1.a.1", "test_slow.py")

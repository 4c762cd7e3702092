"""``kill -9`` around the question whether a drifted task still makes sense: asked once, never begun unasked."""

from __future__ import annotations

import asyncio
import random
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from chaos_world import KILLED, World
from policy_world import allow_odd_commands

from claude_orchestrator.orchestrator.planning import ground
from claude_orchestrator.orchestrator.session import Orchestrator
from claude_orchestrator.plans import store
from claude_orchestrator.plans.models import Plan
from claude_orchestrator.plans.store import PlanStore
from claude_orchestrator.state.database import Database
from claude_orchestrator.workspace.git import Repository

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="finds processes through /proc")

TASKS = 2


@pytest.fixture
def world(seed: int, request: pytest.FixtureRequest) -> Iterator[World]:
    """A run of an approved plan, of which every task rests on a file that has changed since."""
    allow_odd_commands()
    one = World(Path(tempfile.mkdtemp(prefix="chaos-")), random.Random(seed))
    one.project.mkdir(parents=True)
    one.git("init", "--quiet", "--initial-branch=main")
    _commit(one, "base\n")
    plan = one.plan(TASKS)
    for phase in plan.phases:
        for task in phase.tasks:
            task.files.append("README.md")
    asyncio.run(_approve(one, plan))
    _commit(one, "changed since\n")
    stored = asyncio.run(_stored(one))
    one.run_id = asyncio.run(Orchestrator(one.project, one.settings).start(stored))
    yield one
    request.node.user_properties += [(KILLED, kind) for kind in one.kills]
    one.close()


def _commit(world: World, content: str) -> None:
    (world.project / "README.md").write_text(content)
    world.git("add", ".")
    world.git("-c", "user.name=t", "-c", "user.email=t@localhost", "commit", "--quiet", "--message=a change")


async def _approve(world: World, plan: Plan) -> None:
    async with Database.open(world.settings.database) as db:
        stored = await PlanStore(db).save(plan)
        repository = await Repository.open(world.project)
        rests_on = await ground.ground_of(repository, await repository.resolve("HEAD"), stored)
        async with db.transaction() as tx:
            await store.approve(tx, str(stored.id), stored.version)
            await ground.stamp(tx, str(stored.id), stored.version or 0, rests_on)


async def _stored(world: World) -> Plan:
    async with Database.open(world.settings.database) as db:
        return await PlanStore(db).load("p1")


def check(world: World) -> None:
    """Each task was asked about once and answered once, and its only attempt was begun after that."""
    world.check()
    assert world.rows("SELECT count(*) FROM attempt") == [(TASKS,)], "the attempt that was stopped goes on"
    gates = world.rows("SELECT task_id, kind, status FROM gate ORDER BY task_id")
    assert gates == [(f"t{n}", "drift", "approved") for n in range(TASKS)]
    assert world.rows("SELECT count(*) FROM drift") == [(TASKS,)]
    for n in range(TASKS):
        story = [row[0] for row in world.rows("SELECT kind FROM event WHERE task_id = ? ORDER BY seq", f"t{n}")]
        assert story.count("task.drifted") == story.count("gate.approved") == 1
        assert story.index("gate.approved") < story.index("task.in_progress"), "begun without an answer"


POINTS = [
    f"{kind}:{number}" for kind in ("begin", "commit", "git", "mid-git", "after-git") for number in (1, 2, 3, 4, 5, 6)
]


def test_movers_die_at_every_step_before_and_after_the_question(world: World) -> None:
    """A mover that meets a drifted task makes few steps until it has asked, and few until the worktree is there."""
    for point in world.chance.sample(POINTS, 6):
        mover = world.start_mover(point)
        mover.wait(60)
        if mover.returncode == -signal.SIGKILL:
            world.kills.append(point.partition(":")[0])
        if world.chance.random() < 0.4:
            world.start_answerer(f"{world.chance.choice(['begin', 'commit'])}:{world.chance.randint(1, 3)}")
    for answerer in world.answerers:
        if answerer.poll() is None:
            answerer.kill()
        if answerer.wait(60) == -signal.SIGKILL:
            world.kills.append("answerer")
    world.finish_with_answers()
    check(world)
    assert world.kills


@pytest.mark.parametrize("point", ["commit", "after-git"])
def test_a_question_is_asked_once_whatever_step_a_mover_dies_at(world: World, point: str) -> None:
    """One mover after the other gets one step further, until one asks; nobody answers meanwhile."""
    for number in range(1, 30):
        mover = world.start_mover(f"{point}:{number}")
        if mover.wait(60) != -signal.SIGKILL:
            break
        world.kills.append(point)
    opened = world.rows("SELECT task_id, status FROM gate")
    assert opened == [("t0", "open")], "one question, whoever died before"
    assert world.rows("SELECT status FROM task ORDER BY id") == [("waiting",), ("pending",)]
    assert world.rows("SELECT * FROM file_lock") == []
    world.finish_with_answers()
    check(world)
    assert world.kills


def test_an_answer_that_nobody_heard_counts_after_a_restart(world: World) -> None:
    """The mover is gone when the answer comes; two new ones start at once, and one begins the task."""
    assert world.start_mover().wait(60) == 1
    world.start_answerer("commit:1").wait(60)
    world.kills.append("answerer")
    movers = [world.start_mover() for _ in range(2)]
    for mover in movers:
        mover.wait(60)
    world.finish_with_answers()
    check(world)

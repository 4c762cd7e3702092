"""``kill -9`` around questions to humans: nothing is asked twice, answered twice, done unasked, or lost."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from chaos_world import KILLED, World

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="finds processes through /proc")

TASKS = 2


@pytest.fixture
def world(seed: int, request: pytest.FixtureRequest) -> Iterator[World]:
    """A run whose commands need a human: the policy allows nothing beyond the default."""
    one = World(Path(tempfile.mkdtemp(prefix="chaos-")), random.Random(seed))
    one.prepare(TASKS)
    yield one
    request.node.user_properties += [(KILLED, kind) for kind in one.kills]
    one.close()


@pytest.mark.parametrize(
    ("moment", "attempts", "gates"),
    [("ask", 2, 1), ("asked", 1, 1), ("exit", 1, 1), ("exited", 1, 1), ("use", 1, 1), ("used", 2, 2)],
)
def test_runners_die_once_a_task_at_a_question(world: World, moment: str, attempts: int, gates: int) -> None:
    """Only a death between a used approval and its operation needs a new one: nobody knows what was done."""
    answerer = world.start_answerer()
    for _ in range(40):
        if world.start_mover(f"runner-{moment}").wait(60) == 0:
            break
        world.wait_for_answers()
    world.finish_with_answers()
    answerer.wait(60)
    world.kills += [f"runner at {moment}"] * len(list(world.home.glob("attempts/died.*")))
    world.check(asked=True)
    assert len(world.kills) == TASKS
    assert world.rows("SELECT count(*) FROM attempt") == [(attempts * TASKS,)]
    assert world.rows("SELECT count(*) FROM gate") == [(gates * TASKS,)]


@pytest.mark.parametrize("point", ["begin", "commit"])
def test_movers_and_answerers_die_at_their_transactions(world: World, point: str) -> None:
    answerer = world.start_answerer(f"{point}:1")
    for number in range(5):
        if answerer.poll() is not None:
            world.kills += ["answerer"] * (answerer.returncode == -signal.SIGKILL)
            answerer = world.start_answerer(f"{point}:{world.chance.randint(1, 3)}")
        mover = world.start_mover(f"{point}:{world.chance.randint(1, 10 + 4 * number)}")
        if mover.wait(60) == 0:
            break
        if mover.returncode == -signal.SIGKILL:
            world.kills.append(point)
    answerer.kill()
    world.finish_with_answers()
    world.check(asked=True)
    assert world.rows("SELECT count(*) FROM attempt") == [(TASKS,)], "no runner was killed"
    assert world.rows("SELECT count(*) FROM gate") == [(TASKS,)]


def test_random_kills_while_humans_are_asked(world: World) -> None:
    answerers = [world.start_answerer() for _ in range(2)]
    mover = world.start_mover()
    for _ in range(8):
        try:
            mover.wait(world.chance.uniform(0.0, 0.6))  # the instant of the kill is the test's random input
        except subprocess.TimeoutExpired:
            world.kill_runner()
            world.kill_mover(mover)
        if mover.returncode == 0:
            break
        mover = world.start_mover()
    world.finish_with_answers()
    for answerer in answerers:
        answerer.wait(60)
    world.check(asked=True)

"""``kill -9`` at random instants and at every kind of fault point: nothing lost, nothing twice, nothing left.

The default rounds give about 50 kills; ``--chaos-rounds N`` multiplies the random ones and the deaths at fault points.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from chaos_world import KILLED, World
from policy_world import allow_odd_commands

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="finds processes through /proc")

TASKS = 6
FAULT_POINTS = {
    "begin": 25,
    "commit": 25,
    "git": 25,
    "mid-git": 25,
    "after-git": 25,
    "merge": 2,
    "after-merge": 2,
    "spawn": 3,
}
"""Kind of fault point → how many passes of it a mover may survive at most."""


@pytest.fixture
def world(seed: int, request: pytest.FixtureRequest) -> Iterator[World]:
    allow_odd_commands()
    one = World(Path(tempfile.mkdtemp(prefix="chaos-")), random.Random(seed))
    one.prepare(TASKS)
    yield one
    request.node.user_properties += [(KILLED, kind) for kind in one.kills]
    one.close()


def torment(world: World, *, engines: int, kills: int, victims: tuple[str, ...], deadline_s: float = 40) -> None:
    """Keep ``engines`` movers going and kill one victim after another at random instants."""
    end = time.monotonic() + deadline_s
    movers = [world.start_mover() for _ in range(engines)]
    while len(world.kills) < kills and time.monotonic() < end:
        if all(mover.poll() == 0 for mover in movers):
            return
        time.sleep(world.chance.uniform(0.0, 0.5))  # the instant of the kill is the test's random input
        victim = world.chance.choice(victims)
        if victim in ("runner", "both"):
            world.kill_runner()
        if victim in ("engine", "both"):
            world.kill_mover(world.chance.choice(movers))
        movers = [mover if mover.poll() is None else world.start_mover() for mover in movers]


def rounds(request: pytest.FixtureRequest) -> int:
    return int(request.config.getoption("--chaos-rounds"))


def test_random_kills_of_engine_runner_and_both(world: World, request: pytest.FixtureRequest) -> None:
    torment(world, engines=1, kills=10 * rounds(request), victims=("engine", "runner", "both"))
    world.finish()
    world.check()


def test_kills_of_engines_alone_repeat_no_agent(world: World) -> None:
    torment(world, engines=1, kills=8, victims=("engine",))
    world.finish()
    world.check()
    attempts = world.rows("SELECT count(*) FROM attempt")
    assert attempts == [(TASKS,)], "no runner was killed, so every task took one attempt"


def test_three_engines_on_one_run(world: World) -> None:
    torment(world, engines=3, kills=10, victims=("engine", "runner"))
    world.finish()
    world.check()


@pytest.mark.parametrize("point", FAULT_POINTS)
def test_fault_points(world: World, point: str, request: pytest.FixtureRequest) -> None:
    """Every mover dies at the N-th pass of one kind of fault point, N drawn anew each time."""
    for _ in range(3 * rounds(request)):
        mover = world.start_mover(f"{point}:{world.chance.randint(1, FAULT_POINTS[point])}")
        if mover.wait(60) == 0:
            break
        assert mover.returncode == -signal.SIGKILL, (world.root / "movers.log").read_text()[-3000:]
        world.kills.append(point)
    world.finish()
    world.check()
    assert world.rows("SELECT count(*) FROM attempt") == [(TASKS,)], "no runner was killed"


def test_an_agent_that_ran_twice_is_found(world: World) -> None:
    """Each start of a command has a marker of its own, so it is the attempts that are counted."""
    start = f"start t0 mover/r1.t0.1.{'0' * 16}/"
    world.root.mkdir(parents=True, exist_ok=True)
    world.effects.write_text(f"{start}one\n{start}two\n")
    with pytest.raises(AssertionError, match="started twice"):
        world.no_agent_run_twice()


def test_a_launch_that_is_started_twice_runs_once(world: World) -> None:
    assert world.start_mover("twice").wait(60) == 0
    world.finish()
    world.check()
    assert world.rows("SELECT count(*) FROM attempt") == [(TASKS,)]


def test_zombies_cannot_write(world: World) -> None:
    """Engines and runners are frozen and thawed at random while others go on."""
    movers = [world.start_mover() for _ in range(2)]
    for _ in range(8):
        pids = [mover.pid for mover in movers if mover.poll() is None] + list(world.runners().values())
        if not pids:
            break
        pid = world.chance.choice(pids)
        if not world.is_ours(pid) and pid not in {mover.pid for mover in movers}:
            continue
        os.kill(pid, signal.SIGSTOP)
        time.sleep(world.chance.uniform(0.1, 0.7))  # how long it stays frozen is the test's random input
        os.kill(pid, signal.SIGCONT)
    world.finish()
    world.check()

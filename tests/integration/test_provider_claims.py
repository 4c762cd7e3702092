"""Many processes that claim at once while a provider is ill: one breaker for all, and one attempt that tries."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from claude_orchestrator.models import health
from claude_orchestrator.models.breaker import Rules
from claude_orchestrator.models.faults import Fault
from claude_orchestrator.orchestrator import healing
from claude_orchestrator.orchestrator.funding import funding
from claude_orchestrator.state import attempts, claims, events, runs
from claude_orchestrator.state.database import Database
from claude_orchestrator.state.runs import NewPhase, NewRun, NewTask
from claude_orchestrator.state.tasks import Claim

TASKS, PROCESSES = 50, 5
RULES = Rules()

CLAIMER = """
import asyncio, sys
from contextlib import AsyncExitStack
from pathlib import Path
from test_provider_claims import claim
from claude_orchestrator.state.database import Database

async def main():
    async with AsyncExitStack() as stack:
        connections = [await stack.enter_async_context(Database.open(Path(sys.argv[1]))) for _ in range(10)]
        print("ready", flush=True)
        for line in iter(sys.stdin.readline, ""):
            claims = await asyncio.gather(*[claim(db, float(line)) for db in connections])
            print(sum(one is not None for one in claims), flush=True)

asyncio.run(main())
"""
"""Claims ten times at once, each over a connection of its own, whenever it is told a time."""


async def claim(db: Database, now: float, **options: Any) -> Claim | None:
    """What the delegator does, at a time of the test's."""
    async with db.transaction() as tx:
        return await claims.claim(
            tx,
            run_id="r1",
            worker="w",
            limit=1000,
            overlap=lambda a, b: a == b,
            now=now,
            fund=healing.entering(funding(5.0, health=healing.looks(), **options), RULES),
        )


async def make_run(db: Database) -> None:
    """A run of fifty tasks for Claude Code, as rows."""
    tasks = [
        NewTask(f"t{n}", "one", "", json.dumps({"id": f"t{n}", "agent": "claude"}), json.dumps([f"t{n}"]), 2, ())
        for n in range(TASKS)
    ]
    async with db.transaction() as tx:
        await tx.execute("INSERT INTO plan (id, number, created_at) VALUES ('p1', 1, 0)")
        await tx.execute(
            "INSERT INTO plan_version (plan_id, version, goal, document, digest, created_at)"
            " VALUES ('p1', 1, 'goal', '{}', '', 0)"
        )
        new = NewRun("p1", 1, "goal", "/repo", "/repo/.git", "b" * 40, [NewPhase("one", "", ())], tasks)
        await runs.create(tx, new, number=1, target_ref="refs/heads/x", now=0)


async def fail(db: Database, attempt: str, now: float, kind: str = "overloaded") -> None:
    async with db.transaction() as tx:
        await health.failed(tx, "anthropic", Fault(kind, "anthropic", "529"), attempt, now, RULES, "r1")  # type: ignore[arg-type]


class Claimers:
    """Five processes with ten connections each."""

    def __init__(self, path: Path) -> None:
        command = [sys.executable, "-c", CLAIMER, str(path / "state.db")]
        env = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
        pipe = subprocess.PIPE
        self._processes = [
            subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=env) for _ in range(PROCESSES)
        ]

    def _heard(self) -> list[str]:
        return [one.stdout.readline().strip() for one in self._processes if one.stdout is not None]

    def wait(self) -> None:
        """Until all of them have their connections."""
        assert self._heard() == ["ready"] * PROCESSES

    def claim(self, now: float) -> int:
        """How many of fifty that claim at once get a task."""
        for one in self._processes:
            assert one.stdin is not None
            one.stdin.write(f"{now}\n")
            one.stdin.flush()
        return sum(map(int, self._heard()))

    def close(self) -> None:
        for one in self._processes:
            one.kill()
            one.communicate()


@pytest.fixture
def claimers(tmp_path: Path) -> Iterator[Claimers]:
    play(tmp_path, make_run)
    everybody = Claimers(tmp_path)
    try:
        everybody.wait()
        yield everybody
    finally:
        everybody.close()


def play(path: Path, scenario: Callable[[Database], Awaitable[None]]) -> None:
    async def run() -> None:
        async with Database.open(path / "state.db") as db:
            await scenario(db)

    asyncio.run(run())


def test_of_fifty_that_claim_at_half_open_exactly_one_is_let_through(tmp_path: Path, claimers: Claimers) -> None:
    async def scenario(db: Database) -> None:
        for n in range(3):
            await fail(db, f"before {n}", 1000)
        assert claimers.claim(1029) == 0
        assert claimers.claim(1031) == 1
        breaker = await health.breaker_of(db, "anthropic", 1032)
        assert breaker.state == "half_open"
        assert breaker.probe == "r1.t0.1"
        assert (await attempts.get(db, breaker.probe))["provider"] == "anthropic"
        await fail(db, breaker.probe, 1032)
        assert claimers.claim(1061) == 0
        assert claimers.claim(1063) == 1
        async with db.transaction() as tx:
            await health.succeeded(tx, "anthropic", 1064)
        assert claimers.claim(1065) == TASKS - 2

    play(tmp_path, scenario)


def test_a_parked_account_is_claimed_by_nobody_until_its_time(tmp_path: Path, claimers: Claimers) -> None:
    async def scenario(db: Database) -> None:
        async with db.transaction() as tx:
            limit = Fault("rate_limit", "anthropic", "limit", retry_at=5000.0)
            await health.failed(tx, "anthropic", limit, "before", 1000, RULES)
        assert claimers.claim(4999) == 0
        assert claimers.claim(5000) == TASKS

    play(tmp_path, scenario)


def test_of_one_that_died_while_it_tried_the_place_is_free_after_a_time(tmp_path: Path) -> None:
    async def scenario(db: Database) -> None:
        await make_run(db)
        for n in range(3):
            await fail(db, f"before {n}", 1000)
        assert await claim(db, 1030) is not None
        assert await claim(db, 1030 + RULES.probe_s - 1) is None
        assert await claim(db, 1030 + RULES.probe_s) is not None

    play(tmp_path, scenario)


def test_who_waits_says_for_what_and_the_journal_has_each_change_once(tmp_path: Path) -> None:
    async def scenario(db: Database) -> None:
        await make_run(db)
        for n in range(3):
            await fail(db, f"before {n}", 1000)
        for _ in range(3):
            assert await claim(db, 1001) is None
        rows = await db.fetch_all("SELECT DISTINCT reason FROM task")
        assert len(rows) == 1
        assert rows[0]["reason"].startswith("waits for anthropic until ")
        assert rows[0]["reason"].endswith(": overloaded: 529")
        happened = [event["kind"] for event in await events.after(db, 0)]
        assert happened.count("provider.open") == 1
        assert happened.count("task.wait") == TASKS

    play(tmp_path, scenario)


def test_where_there_is_a_choice_the_next_provider_that_is_well_is_taken(tmp_path: Path) -> None:
    both = [("anthropic", "big"), ("google", "bigger")]

    async def scenario(db: Database) -> None:
        await make_run(db)
        for n in range(3):
            await fail(db, f"before {n}", 1000)
        taken = [await claim(db, now, choose=lambda *_: both) for now in (1001, 1030, 1030)]
        rows = [await attempts.get(db, one.attempt_id) for one in taken if one]
        assert [(row["provider"], row["model"]) for row in rows] == [both[1], both[0], both[1]], "the second one tries"

    play(tmp_path, scenario)


def test_a_provider_that_a_person_has_reset_is_claimed_at_once(tmp_path: Path) -> None:
    async def scenario(db: Database) -> None:
        await make_run(db)
        for n in range(3):
            await fail(db, f"before {n}", 1000)
        async with db.transaction() as tx:
            assert await health.reset(tx, "anthropic", 1001)
            assert not await health.reset(tx, "antropic", 1001)
        assert await claim(db, 1001) is not None

    play(tmp_path, scenario)


@pytest.mark.parametrize("kind", ["authentication", "request", "setup"])
def test_what_is_not_the_providers_trouble_opens_nothing(tmp_path: Path, kind: str) -> None:
    async def scenario(db: Database) -> None:
        await make_run(db)
        for n in range(9):
            await fail(db, f"before {n}", 1000, kind)
        assert await claim(db, 1001) is not None

    play(tmp_path, scenario)


def test_a_wait_is_over_in_time_although_the_clock_was_put_back_by_hours(tmp_path: Path) -> None:
    async def scenario(db: Database) -> None:
        await make_run(db)
        async with db.transaction() as tx:
            limit = Fault("rate_limit", "anthropic", "429", 100_060)
            await health.failed(tx, "anthropic", limit, "before", 100_000, RULES, "r1")
        assert await claim(db, 50_000) is None
        assert await claim(db, 50_059) is None
        assert await claim(db, 50_061) is not None

    play(tmp_path, scenario)

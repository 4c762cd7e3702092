"""``Host.spend`` in the runner's host: what is recorded, what it counts, and when an agent is told to stop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from spending_world import spending, start

from claude_orchestrator.agents.base import Assignment
from claude_orchestrator.agents.journal import JournalHost
from claude_orchestrator.config import Settings
from claude_orchestrator.models.usage import Usage
from claude_orchestrator.orchestrator.session import Orchestrator
from claude_orchestrator.state import attempts
from claude_orchestrator.state.database import Database

Scenario = Callable[[Database, JournalHost], Awaitable[None]]


def with_host(project: Path, settings: Settings, scenario: Scenario, budget: float | None = None) -> None:
    """Play a scenario with the host of an attempt that may spend five dollars, or less by the budget of its run."""
    start(project, settings, [spending("a", calls=1, least=1, most=1)], budget)

    async def play() -> None:
        async with Orchestrator(project, settings).session("r1") as session:
            claim = await session.delegator.claim("r1")
            assert claim is not None
            delegated = await session.delegator.prepare(claim)
            row = await attempts.get(session.db, claim.attempt_id)
            folder = delegated.folder / "launch-1"
            folder.mkdir()
            ours = Assignment(claim.attempt_id, "r1", "a", 1, "claude", "", delegated.worktree, folder,
                              settings.database, {}, 60, provider=row["provider"])  # fmt: skip
            await scenario(session.db, JournalHost(ours, session.db))

    asyncio.run(play())


async def rows(db: Database) -> list[dict[str, Any]]:
    return await db.fetch_all("SELECT provider, model, micro_usd, counted, prices FROM cost ORDER BY call")


def usage(usd: float | None, model: str = "m") -> Usage:
    return Usage("anthropic", model, 1000, usd=usd)


def test_a_call_is_recorded_once_whatever_its_client_repeats(project: Path, settings: Settings) -> None:
    async def scenario(db: Database, host: JournalHost) -> None:
        assert await host.spend(usage(1.5), "c1")
        assert await host.spend(usage(1.5), "c1")
        assert await rows(db) == [{"provider": "anthropic", "model": "m", "micro_usd": 1_500_000,
                                   "counted": 1_500_000, "prices": "client"}]  # fmt: skip

    with_host(project, settings, scenario)


def test_an_agent_stops_before_a_call_like_its_largest_would_be_too_much(project: Path, settings: Settings) -> None:
    async def scenario(_db: Database, host: JournalHost) -> None:
        assert await host.spend(usage(2.0), "c1")
        assert await host.spend(usage(0.5), "c2")
        assert not host.spent_up.is_set()
        assert not await host.spend(usage(0.6), "c3"), "1.90 is left, and one call took 2.00"
        assert host.spent_up.is_set()

    with_host(project, settings, scenario)


def test_an_unknown_price_counts_as_the_whole_reservation_where_a_limit_holds(
    project: Path, settings: Settings
) -> None:
    async def scenario(db: Database, host: JournalHost) -> None:
        assert await host.spend(usage(0.5), "c1")
        assert not await host.spend(usage(None, "no-such-model"), "c2")
        assert [(row["micro_usd"], row["counted"]) for row in await rows(db)] == [(500_000, 500_000), (None, 1_500_000)]

    with_host(project, settings, scenario, budget=2)


def test_an_unknown_price_stops_nobody_where_no_limit_was_set(project: Path, settings: Settings) -> None:
    async def scenario(db: Database, host: JournalHost) -> None:
        assert await host.spend(usage(None, "no-such-model"), "c1")
        assert [(row["micro_usd"], row["counted"]) for row in await rows(db)] == [(None, 0)]

    with_host(project, settings, scenario)


def test_the_account_that_was_reserved_at_is_the_one_that_pays(project: Path, settings: Settings) -> None:
    async def scenario(db: Database, host: JournalHost) -> None:
        await host.spend(Usage("a-proxy", "claude-opus-4-5", 1_000_000), "c1")
        [row] = await rows(db)
        assert (row["provider"], row["micro_usd"]) == ("anthropic", 5_000_000)
        assert row["prices"].startswith("genai-prices ")

    with_host(project, settings, scenario)

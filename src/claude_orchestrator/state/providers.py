"""Providers: the rows of their breakers and of what they were asked for. What to write, ``models/health.py`` says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from claude_orchestrator.state.database import Database, Row, Transaction

HOUR_S: Final = 3600.0

BREAKER: Final = ("state", "failures", "until", "probe", "parked_until", "limits", "since", "why")
"""The columns that are a provider's breaker."""

_NOTED: Final = frozenset({*BREAKER, "failed_at", "failed_kind", "failure", "succeeded_at"})


async def get(source: Transaction | Database, name: str) -> Row | None:
    """The row of a provider, or None when nothing is known of it yet."""
    return await source.fetch_one("SELECT * FROM provider WHERE name = :name", {"name": name})


async def save(tx: Transaction, name: str, values: Mapping[str, Any]) -> None:
    """Set columns of a provider's row, which is made when there is none."""
    unknown = set(values) - _NOTED
    assert not unknown, unknown
    columns, parameters = ", ".join(values), ", ".join(f":{column}" for column in values)
    changes = ", ".join(f"{column} = excluded.{column}" for column in values)
    await tx.execute(
        f"INSERT INTO provider (name, {columns}) VALUES (:name, {parameters})"  # noqa: S608  # nosec B608 - names checked above
        f" ON CONFLICT (name) DO UPDATE SET {changes}",
        {**values, "name": name},
    )


async def count(tx: Transaction, name: str, now: float, *, successes: int = 0, failures: int = 0) -> None:
    """Add to what a provider did in this hour."""
    await tx.execute(
        "INSERT INTO provider_hour (name, hour, successes, failures) VALUES (:name, :hour, :successes, :failures)"
        " ON CONFLICT (name, hour) DO UPDATE SET successes = provider_hour.successes + excluded.successes,"
        " failures = provider_hour.failures + excluded.failures",
        {"name": name, "hour": int(now // HOUR_S), "successes": successes, "failures": failures},
    )


async def listed(source: Transaction | Database, now: float, hours: int) -> list[Row]:
    """All providers by name, with ``successes`` and ``failed`` of the latest ``hours`` hours, this one included."""
    return await source.fetch_all(
        "SELECT provider.*, coalesce(sum(provider_hour.successes), 0) AS successes,"
        " coalesce(sum(provider_hour.failures), 0) AS failed FROM provider"
        " LEFT JOIN provider_hour ON provider_hour.name = provider.name AND provider_hour.hour > :hour"
        " GROUP BY provider.name ORDER BY provider.name",
        {"hour": int(now // HOUR_S) - hours},
    )

"""Plans in the database: every change is a new version, and no version ever changes."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Final, Protocol

from pydantic import ValidationError

from claude_orchestrator.errors import PlanError
from claude_orchestrator.plans.models import Plan

_OWN_ID: Final = re.compile(r"p[0-9]+")
"""Ids of this form are given by the store, never chosen by a plan file."""


class PlanTransaction(Protocol):
    """What the store needs of an open write transaction; SQL with ``:named`` parameters, rows as dictionaries."""

    async def execute(self, sql: str, values: Mapping[str, Any] | None = None) -> int:
        """Run one statement; return how many rows it changed."""

    async def fetch_one(self, sql: str, values: Mapping[str, Any] | None = None) -> dict[str, Any] | None:
        """The first row of a query, or None."""


class PlanDatabase(Protocol):
    """What the store needs of a database (``state.database.Database`` has it)."""

    def transaction(self) -> AbstractAsyncContextManager[PlanTransaction]:
        """BEGIN IMMEDIATE … COMMIT, rolled back by any exception."""

    async def fetch_one(self, sql: str, values: Mapping[str, Any] | None = None) -> dict[str, Any] | None:
        """The first row of a query outside any transaction, or None."""

    async def fetch_all(self, sql: str, values: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """All rows of a query outside any transaction."""


@dataclass(frozen=True)
class PlanSummary:
    """One plan in a list: its newest version, and which version was approved last (None: none yet).

    ``created_at`` is when the newest version was saved, in seconds since 1970.
    """

    id: str
    version: int
    goal: str
    created_at: float
    approved_version: int | None


class PlanStore:
    """Saves, loads and approves plans. Safe to use from several processes at once."""

    def __init__(self, db: PlanDatabase) -> None:
        self._db = db

    async def save(self, plan: Plan) -> Plan:
        """Store ``plan`` and return it with its id and version.

        Without an id it becomes a new plan ``p<number>``. With the id of a stored plan it becomes that plan's
        next version, unless nothing but ``id`` and ``version`` differs from the newest one: then it is that
        version. With any other id it becomes a new plan of that id. Raises PlanError for an id like ``p7``
        that was never given.
        """
        async with self._db.transaction() as tx:
            return await save(tx, plan)

    async def load(self, plan_id: str, version: int | None = None) -> Plan:
        """The plan in the given version, or in its newest. Raises PlanError when there is no such plan."""
        row = await self._db.fetch_one(
            "SELECT plan_id, version, document FROM plan_version"
            " WHERE plan_id = :plan_id AND (:version IS NULL OR version = :version) ORDER BY version DESC LIMIT 1",
            {"plan_id": plan_id, "version": version},
        )
        if row is None:
            raise _unknown(plan_id, version)
        return _plan(row)

    async def list(self) -> list[PlanSummary]:
        """All plans, the newest plan first."""
        rows = await self._db.fetch_all(
            "SELECT plan.id AS id, newest.version AS version, newest.goal AS goal, newest.created_at AS created_at,"
            " (SELECT max(version) FROM plan_version WHERE plan_id = plan.id AND approved_at IS NOT NULL)"
            " AS approved_version"
            " FROM plan JOIN plan_version AS newest ON newest.plan_id = plan.id"
            " WHERE newest.version = (SELECT max(version) FROM plan_version WHERE plan_id = plan.id)"
            " ORDER BY plan.number DESC"
        )
        return [PlanSummary(**row) for row in rows]

    async def approve(self, plan_id: str, version: int | None = None) -> Plan:
        """Approve a version (default: the newest) and return it; approving it again changes nothing.

        Raises PlanError when there is no such plan.
        """
        async with self._db.transaction() as tx:
            return await approve(tx, plan_id, version)

    async def approved_at(self, plan_id: str, version: int) -> float | None:
        """When a version was approved, in seconds since 1970; None: it is not. Raises PlanError for an unknown one."""
        return await approved_at(self._db, plan_id, version)


async def save(tx: PlanTransaction, plan: Plan) -> Plan:
    """:meth:`PlanStore.save`, in a transaction that also writes something else."""
    content = plan.model_copy(update={"id": None, "version": None})
    document = content.model_dump_json(exclude_none=True)
    digest = hashlib.sha256(document.encode()).hexdigest()
    plan_id, newest = await _find_or_add(tx, plan.id)
    if newest is not None and newest["digest"] == digest:
        version = int(newest["version"])
    else:
        version = int(newest["version"]) + 1 if newest else 1
        await tx.execute(
            "INSERT INTO plan_version (plan_id, version, goal, document, digest, created_at)"
            " VALUES (:plan_id, :version, :goal, :document, :digest, :now)",
            {
                "plan_id": plan_id,
                "version": version,
                "goal": plan.goal,
                "document": document,
                "digest": digest,
                "now": time.time(),
            },
        )
    return plan.model_copy(update={"id": plan_id, "version": version})


async def approved_at(source: PlanTransaction | PlanDatabase, plan_id: str, version: int) -> float | None:
    """:meth:`PlanStore.approved_at`, also within a transaction."""
    row = await source.fetch_one(
        "SELECT approved_at FROM plan_version WHERE plan_id = :plan_id AND version = :version",
        {"plan_id": plan_id, "version": version},
    )
    if row is None:
        raise _unknown(plan_id, version)
    return None if row["approved_at"] is None else float(row["approved_at"])


async def approve(tx: PlanTransaction, plan_id: str, version: int | None = None) -> Plan:
    """:meth:`PlanStore.approve`, in a transaction that also writes something else."""
    row = await tx.fetch_one(
        "SELECT plan_id, version, document FROM plan_version"
        " WHERE plan_id = :plan_id AND (:version IS NULL OR version = :version) ORDER BY version DESC LIMIT 1",
        {"plan_id": plan_id, "version": version},
    )
    if row is None:
        raise _unknown(plan_id, version)
    await tx.execute(
        "UPDATE plan_version SET approved_at = :now"
        " WHERE plan_id = :plan_id AND version = :version AND approved_at IS NULL",
        {"plan_id": plan_id, "version": row["version"], "now": time.time()},
    )
    return _plan(row)


async def _find_or_add(tx: PlanTransaction, wanted: str | None) -> tuple[str, dict[str, Any] | None]:
    """The id of the plan to save under and its newest version; a new plan gets its row here."""
    if wanted is not None:
        newest = await tx.fetch_one(
            "SELECT version, digest FROM plan_version WHERE plan_id = :plan_id ORDER BY version DESC LIMIT 1",
            {"plan_id": wanted},
        )
        if newest is not None:
            return wanted, newest
        if _OWN_ID.fullmatch(wanted):
            raise PlanError(f"there is no plan {wanted} to update: leave its 'id' out to store a new plan")
    row = await tx.fetch_one("SELECT coalesce(max(number), 0) + 1 AS number FROM plan")
    number = int(row["number"]) if row else 1
    plan_id = wanted or f"p{number}"
    await tx.execute(
        "INSERT INTO plan (id, number, created_at) VALUES (:id, :number, :now)",
        {"id": plan_id, "number": number, "now": time.time()},
    )
    return plan_id, None


def _plan(row: Mapping[str, Any]) -> Plan:
    name = f"{row['plan_id']} version {row['version']}"
    try:
        plan = Plan.model_validate_json(row["document"])
    except ValidationError as error:
        first = error.errors(include_url=False)[0]["msg"]
        raise PlanError(f"the stored plan {name} is not readable by this program ({first}): save it again") from error
    return plan.model_copy(update={"id": row["plan_id"], "version": row["version"]})


def _unknown(plan_id: str, version: int | None) -> PlanError:
    name = plan_id if version is None else f"{plan_id} version {version}"
    return PlanError(f"there is no plan {name}: 'claude-orchestrator plan list' shows all plans")

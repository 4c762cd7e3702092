"""The inbox: what waits for a human, the one way to answer it, and to set budgets. An agent cannot."""

from __future__ import annotations

import getpass
import os
import time
from pathlib import Path
from typing import Any

from claude_orchestrator.agents import leave, questions
from claude_orchestrator.config import Settings
from claude_orchestrator.errors import ForbiddenError, NotReadyError
from claude_orchestrator.orchestrator import humans
from claude_orchestrator.safety.always import add_user_rule, rule_text
from claude_orchestrator.safety.classifier import classify
from claude_orchestrator.safety.operations import Decision
from claude_orchestrator.safety.policy_file import read_layer, user_file
from claude_orchestrator.safety.redaction import redact
from claude_orchestrator.state import budget_gates, budgets, events, gates, grounds, operation_gates, runs
from claude_orchestrator.state.database import Database, Row
from claude_orchestrator.state.gates import Way
from claude_orchestrator.state.grants import Kind
from claude_orchestrator.workspace.git import Repository


class Inbox:
    """The questions of one home.

    ``channel`` is written down with every answer (``cli``, ``terminal``, ``mcp``, ``python``), and so is ``by``: who
    answers, when that is not the user whose process this is.
    """

    def __init__(self, db: Database, settings: Settings, channel: str = "python", by: str = "") -> None:
        self._db = db
        self._settings = settings
        self._channel = channel
        self._by = by

    async def listed(self, *, include_answered: bool = False) -> list[Row]:
        """The open questions, oldest first; with ``include_answered`` all of them. What has expired is denied first."""
        await operation_gates.expire(self._db, time.time())
        await budget_gates.release(self._db, time.time())
        return [
            await self._with_details(row) for row in await gates.listed(self._db, include_answered=include_answered)
        ]

    async def shown(self, gate_id: str) -> Row:
        """One question with everything that an answer depends on. Raises NotReadyError when there is none."""
        for row in await self.listed(include_answered=True):
            if row["id"] == gate_id:
                return row
        raise NotReadyError(f"there is no gate '{gate_id}': 'claude-orchestrator inbox' lists the open ones")

    async def _with_details(self, row: Row) -> Row:
        if row["kind"] == "operation":
            return {**row, **await operation_gates.get(self._db, row["id"])}
        if row["kind"] == "drift":
            run = await runs.get(self._db, row["run_id"])
            return {**row, "repository": run["repository"], "files": await grounds.moved(self._db, row["id"])}
        return row

    async def approve(self, gate_id: str, *, reason: str = "", pattern: bool = False, edit: str | None = None) -> Row:
        """Say yes; return the gate's row as answered, with the ``run_status``.

        To an operation: once, or with ``pattern`` to all of its kind in this run, or with ``edit`` to what it becomes
        with that command line, content or path. Raises ForbiddenError when an agent asks, NotReadyError when somebody
        was quicker, the edited operation is blocked, or the gate cannot be answered like that.
        """
        way: Way | None = "pattern" if pattern else None
        if edit is not None:
            if pattern:
                raise NotReadyError("an edited operation is approved once: leave the pattern out")
            await self._refuse_blocked(gate_id, edit)
            way = "edited"
        return await self._answer(gate_id, approve=True, reason=reason, way=way, edited=edit)

    async def lasting(self, gate_id: str) -> list[str]:
        """The rules that *always allow* would add to the user's own policy, as text, to be shown before they are.

        Raises NotReadyError where nothing may be generalised, ConfigError when the policy's file is broken.
        """
        read_layer(user_file())  # before anything is approved
        return [rule_text(pattern, example, reason) for pattern, example, reason in await self._lasting(gate_id)]

    async def always(self, gate_id: str) -> None:
        """Add what :meth:`lasting` shows. Raises ForbiddenError when an agent asks, ConfigError for a broken file."""
        await self._only_humans(f"answer {gate_id}", gate_id)
        for pattern, example, reason in await self._lasting(gate_id):
            add_user_rule(user_file(), pattern, example, reason)

    async def _lasting(self, gate_id: str) -> list[tuple[tuple[str, ...], tuple[str, ...], str]]:
        gate = await self.shown(gate_id)
        rules = leave.lasting_rules(gate["effects"] if gate["kind"] == "operation" else ())
        if not rules:
            raise NotReadyError(f"gate {gate_id} is about no command: there is nothing to allow for good")
        return [(pattern, example, f"approved as {gate_id} of {gate['run_id']}") for pattern, example in rules]

    async def deny(self, gate_id: str, *, reason: str) -> Row:
        """Say no, with a reason that reaches the agent; return and errors as with :meth:`approve`."""
        if not reason.strip():
            raise NotReadyError(f"{gate_id} is not denied: give a reason, the agent is told it")
        return await self._answer(gate_id, approve=False, reason=reason)

    async def set_budget(self, provider: str, amounts: dict[Kind, int] | None) -> None:
        """Set what a provider may cost on a day and in a month (None: no limits); what waits for that goes on.

        Amounts are in millionths of a US dollar; one that is not given stays as it is. Raises ForbiddenError when an
        agent asks.
        """
        await self._only_humans(f"change the budget of {provider}")
        async with self._db.transaction() as tx:
            await budgets.set_provider(tx, provider, amounts) if amounts else await budgets.unset_provider(tx, provider)
            data = {
                "provider": provider,
                "limits": amounts or {},
                "by": self._by or getpass.getuser(),
                "channel": self._channel,
            }
            await events.append(tx, kind="budget.set", data=data)
        await budget_gates.release(self._db, time.time())

    async def _answer(
        self, gate_id: str, *, approve: bool, reason: str, way: Way | None = None, edited: str | None = None
    ) -> Row:
        await self._only_humans(f"answer {gate_id}", gate_id)
        now = time.time()
        await operation_gates.expire(self._db, now)
        async with self._db.transaction() as tx:
            return await gates.answer(
                tx,
                gate_id,
                approve=approve,
                reason=redact(reason),
                by=self._by or getpass.getuser(),
                now=now,
                channel=self._channel,
                way=way,
                edited=edited,
            )

    async def _refuse_blocked(self, gate_id: str, edit: str) -> None:
        """Tell at once what the runner would say as well: no approval makes a blocked operation happen."""
        gate = await self.shown(gate_id)
        if gate["kind"] != "operation":
            raise NotReadyError(f"gate {gate_id} is about no operation: it can only be approved or denied")
        if gate["run_id"] == gates.SESSION:
            raise NotReadyError(f"gate {gate_id} is of an interactive session: approve or deny it as it is")
        run = await runs.get(self._db, gate["run_id"])
        layers = await leave.layers_of(await Repository.open(Path(run["repository"])), run["base_commit"])
        operation = questions.edited(questions.from_document(gate["operation"]), edit)
        verdict = classify(operation, leave.policy_of(layers))
        if verdict.decision is Decision.BLOCKED:
            raise NotReadyError(f"this stays blocked, whoever approves it: {verdict.reason} [{verdict.rule}]")

    async def _only_humans(self, what: str, gate_id: str | None = None) -> None:
        """Raises ForbiddenError below an attempt of this home or a mover of its runs, and where that is hidden."""
        because = await humans.why_not(self._db, self._settings)
        if not because:
            return
        data: dict[str, Any] = {"process": os.getpid(), "channel": self._channel, "reason": because}
        if gate_id is None:
            async with self._db.transaction() as tx:
                await events.append(tx, kind="budget.change_refused", data={**data, "change": what})
            raise ForbiddenError(f"only a human can {what}: {because}")
        gate = await self._db.fetch_one("SELECT * FROM gate WHERE id = :id", {"id": gate_id})
        place = {name: gate[name] for name in ("run_id", "task_id", "attempt_id")} if gate else {}
        async with self._db.transaction() as tx:
            await events.append(tx, kind="gate.answer_refused", data={"gate": gate_id, **data}, **place)
        raise ForbiddenError(f"only a human can {what}: {because}")

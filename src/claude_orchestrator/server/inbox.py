"""``inbox_*``: the questions that wait for a person, and the form that answers one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from mcp.server.mcpserver.exceptions import ToolError
from pydantic import Field as Described

from claude_orchestrator.server import approving
from claude_orchestrator.server.calling import Call
from claude_orchestrator.server.forms import Field, Form, Reply

if TYPE_CHECKING:
    from claude_orchestrator.orchestrator.inbox import Inbox
    from claude_orchestrator.telling.words import Row

Decision = Literal["approve", "pattern", "deny"]

_MEANS: Final = {
    "operation": ("Approve this one", "Deny"),
    "review": ("Approve: merge it as it is", "Deny: the task is tried again, and told the reason"),
    "escalation": ("Approve: new attempts", "Deny: give the task up"),
    "budget": ("Approve: raise the limit", "Deny: give up what waits for it"),
    "drift": ("Approve: the task still makes sense", "Deny: it has to be planned anew"),
}
"""Kind of question → what a yes and a no mean for it."""


async def inbox_list(
    call: Call,
    gate: Annotated[str, Described(description="g7: all about one")] = "",
    answered: bool = False,
    limit: Annotated[int, Described(ge=1, le=100)] = 20,
) -> str:
    """The open questions, oldest first, or one of them in full."""
    from claude_orchestrator.server.texts import answer_hint, gate_line, gate_lines

    box = await _box(call)
    if gate:
        row = await _gate(box, gate)
        hint = [answer_hint(gate)] if row["status"] == "open" else []
        return "\n".join([*gate_lines(row), *hint])
    rows = await box.listed(include_answered=answered)
    if not rows:
        return "no questions wait for a person"
    shown = rows[-limit:] if answered else rows[:limit]
    lines = [gate_line(row) + ("" if row["status"] == "open" else f" [{row['status']}]") for row in shown]
    if len(rows) > len(shown):
        lines.append(f"{len(rows) - len(shown)} more: raise limit")
    return "\n".join([*lines, f"next: {answer_hint(shown[0]['id'])}"])


async def inbox_answer(
    call: Call,
    gate: Annotated[str, Described(description="g7")],
    decision: Annotated[Decision | None, Described(description="what the person said")] = None,
    reason: str = "",
) -> str:
    """Show the question to the person as a form and keep what they decide; what a model passes is a proposal."""
    from claude_orchestrator.server.texts import commands

    box = await _box(call)
    row = await _gate(box, gate)
    if row["status"] != "open":
        because = f": {row['reason']}" if row["reason"] else ""
        return f"{gate} is already {row['status']} (by {row['answered_by'] or 'nobody'}){because}"
    if await call.why_not_a_person():
        await box.approve(gate)  # refuses, and writes down who tried
    reply = await call.forms.ask(gate_form(row, decision, reason))
    if (said := await answered(call, box, row, reply)) is not None:
        return said
    return approving.left_open(reply, gate, commands(gate))


def gate_form(row: Row, decision: str | None = None, reason: str = "") -> Form:
    """The form of one question; what a model proposes is named, and chosen by nobody."""
    from claude_orchestrator.server.texts import gate_lines

    yes, no = _MEANS.get(row["kind"], ("Approve", "Deny"))
    options = [("approve", yes)]
    if row.get("suggestion"):
        options.append(("pattern", f"Approve all like it in {row['run_id']}"))
    options.append(("deny", no))
    proposed = [f"(the model proposes: {decision})"] if decision else []
    return Form(
        key=f"answer-{row['id']}",
        message="\n".join([*gate_lines(row), *proposed]),
        fields=(
            Field("decision", "Decision", "choice", options=tuple(options), needed=True),
            Field("reason", "Reason", about="Kept; needed to deny, and told to the agent", default=reason or None),
        ),
    )


async def answered(call: Call, box: Inbox, row: Row, reply: Reply) -> str | None:
    """Keep what a form says of a question and let the run go on; None where it says nothing.

    Declining the form of an operation denies it. Declining another leaves it open: a no would give up a task.
    """
    gate, reason = str(row["id"]), str(reply.values.get("reason") or "").strip()
    if reply.action == "decline" and row["kind"] == "operation":
        return await _said(call, await box.deny(gate, reason="the person declined the form"))
    decision = reply.values.get("decision") if reply.action == "accept" else None
    if decision in ("approve", "pattern"):
        return await _said(call, await box.approve(gate, reason=reason, pattern=decision == "pattern"))
    if decision == "deny":
        return await _said(call, await box.deny(gate, reason=reason or "denied in the form, without a reason"))
    return None


async def _said(call: Call, row: Row) -> str:
    from claude_orchestrator.orchestrator.detaching import start_mover
    from claude_orchestrator.orchestrator.worker import live_movers
    from claude_orchestrator.state import runs
    from claude_orchestrator.state.gates import SESSION

    said, run_id = f"{row['id']} is {row['status']}", row["run_id"]
    if run_id == SESSION:
        return f"{said}; the session hears of it when it asks again"
    db = await call.db()
    run = await runs.get(db, run_id)
    if run["status"] != "running" or run["intent"] != "run":
        return f"{said}; {run_id} is {run['status']}"
    if not await live_movers(db, call.settings.workers, run_id):
        await start_mover(call.settings, run_id)
    return f"{said}; {run_id} goes on\nnext: run_get(run={run_id}, wait_s=50)"


async def _box(call: Call) -> Inbox:
    from claude_orchestrator.orchestrator.inbox import Inbox

    return Inbox(await call.db(), call.settings, approving.CHANNEL, call.by)


async def _gate(box: Inbox, gate: str) -> Row:
    rows: list[dict[str, Any]] = await box.listed(include_answered=True)
    for row in rows:
        if row["id"] == gate:
            return row
    waiting = [row["id"] for row in rows if row["status"] == "open"]
    which = f"open are {', '.join(waiting[:10])}" if waiting else "none is open"
    raise ToolError(f"there is no gate '{gate}': {which} (inbox_list)")

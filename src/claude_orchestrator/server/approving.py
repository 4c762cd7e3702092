"""What only a person can say: the form is the approval, and where none can be shown, the terminal is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from mcp.server.mcpserver.exceptions import ToolError

from claude_orchestrator.errors import ForbiddenError
from claude_orchestrator.server.calling import Call
from claude_orchestrator.server.forms import Field, Form, Reply

if TYPE_CHECKING:
    from claude_orchestrator.plans.models import Plan

CHANNEL: Final = "mcp"
"""Written down with everything that was decided here."""

_NO_FORM: Final = {
    "unable": "this client cannot show forms, so nobody can answer here",
    "cancel": "nobody has answered the form",
    "decline": "the person has declined the form",
}
_TASKS: Final = 12


async def only_people(call: Call, what: str) -> None:
    """Raises ForbiddenError where the server was started by an agent that we run."""
    if why := await call.why_not_a_person():
        raise ForbiddenError(f"only a human can {what}: {why}")


def left_open(reply: Reply, what: str, how: str) -> str:
    """What is said when a form has brought no answer: nothing has changed, and how to answer elsewhere."""
    if reply.values.get("decision") == "refuse":
        return f"{what} stays open: the person does not want it like this. Ask them what to change"
    said = _NO_FORM.get(reply.action, "the form came back without a decision")
    return f"{what} stays open: {said}. In a terminal: {how}"


def is_yes(reply: Reply) -> bool:
    """Whether the person has approved: the form was accepted, and it says so."""
    return reply.action == "accept" and reply.values.get("decision") == "approve"


async def need_approval(call: Call, plan: Plan, root: Path) -> None:
    """Return when that version of the plan is approved: it is already, or the person approves it now, in a form.

    Raises ToolError that says how, where it is not.
    """
    if await is_approved(call, plan):
        return
    how = f"claude-orchestrator plan approve {plan.id}"
    name = f"{plan.id} version {plan.version}"
    if not call.principal.may("approve"):
        raise ToolError(f"{name} is not approved, and only a person can: {how}")
    await only_people(call, f"approve {name}")
    reply = await call.forms.ask(plan_form(plan))
    if not is_yes(reply):
        raise ToolError(f"nothing was started. {left_open(reply, f'the approval of {name}', how)}")
    await approve(call, plan, root)


async def is_approved(call: Call, plan: Plan) -> bool:
    """Whether a person has approved exactly this version."""
    row = await (await call.db()).fetch_one(
        "SELECT approved_at FROM plan_version WHERE plan_id = :plan AND version = :version",
        {"plan": plan.id, "version": plan.version},
    )
    return row is not None and row["approved_at"] is not None


async def approve(call: Call, plan: Plan, root: Path) -> None:
    """Write the approval down, and what the plan rests on. Raises NotReadyError where its review has errors."""
    from claude_orchestrator.config import within
    from claude_orchestrator.orchestrator.planning import approving
    from claude_orchestrator.workspace.git import Repository

    db, settings = await call.db(), within(call.settings, root)
    reviewed = await approving.reviewed(db, settings, await Repository.open(root), plan)
    await approving.approve(db, settings, await Repository.open(root), reviewed, channel=CHANNEL)


def plan_form(plan: Plan, more: str = "", name: str = "") -> Form:
    """The form that approves one version of a plan: goal, tasks, what they may change; ``name`` of a mere draft."""
    name = name or f"{plan.id} version {plan.version}"
    lines = [f"Approve plan {name}? {plan.goal}"]
    tasks = [task for phase in plan.phases for task in phase.tasks]
    for task in tasks[:_TASKS]:
        scope = ", ".join(task.files[:4]) or "any file"
        lines.append(f"- {task.id}: {task.title or task.id} ({scope}; checks: {len(task.checks)})")
    if len(tasks) > _TASKS:
        lines.append(f"… and {len(tasks) - _TASKS} more tasks: plan_get shows them")
    if plan.budget is not None:
        lines.append(f"It may spend ${plan.budget:g} on models.")
    return decision_form(f"approve-{name.replace(' version ', '-')}", "\n".join([*lines, *([more] if more else [])]))


def decision_form(key: str, message: str) -> Form:
    """Approve or not, with nothing chosen beforehand."""
    options = (("approve", "Approve"), ("refuse", "Not like this"))
    return Form(key, message, (Field("decision", "Decision", "choice", options=options, needed=True),))

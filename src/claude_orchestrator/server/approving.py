"""What only a person can say: the form is the approval, and where none can be shown, the terminal is."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mcp.server.mcpserver.exceptions import ToolError

from claude_orchestrator.errors import RepositoryError
from claude_orchestrator.server.calling import Call
from claude_orchestrator.server.forms import Field, Form, Reply
from claude_orchestrator.telling.planning import program_lines

if TYPE_CHECKING:
    from claude_orchestrator.plans.models import Plan, Task

CHANNEL: Final = "mcp"
"""Written down with everything that was decided here."""

_NO_FORM: Final = {
    "unable": "this client cannot show forms, so nobody can answer here",
    "cancel": "nobody has answered the form",
    "decline": "the person has declined the form",
}
_OF_RUNS: Final = "orchestrator/"
"""How the branches begin that runs make for themselves."""
_TASKS: Final = 12
_TITLE: Final = 200
_SCOPE: Final = 300


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
    if not call.principal.may("approve"):
        raise ToolError(f"{_name(plan)} is not approved, and only a person can: {_command(plan)}")
    if open_still := await ask_to_approve(call, plan, root):
        raise ToolError(f"nothing was started. {open_still}")


async def need_ground(call: Call, plan: Plan, root: Path) -> None:
    """Raises ToolError where a plan was approved for another repository: its person has not seen it for this one."""
    from claude_orchestrator.state import grounds
    from claude_orchestrator.workspace.git import Repository

    repository = await Repository.open(root)
    for commit in await grounds.commits(await call.db(), str(plan.id), plan.version or 0):
        try:
            await repository.resolve(commit)
        except RepositoryError as error:
            how = f"claude-orchestrator run {plan.id} --project {shlex.quote(str(root))}"
            raise ToolError(
                f"{_name(plan)} was approved for another repository than {root}; only a person can run it there: {how}"
            ) from error


async def need_branch(call: Call, plan: Plan, root: Path, target: str) -> None:
    """Return when a run may merge into ``target``: it makes that branch, or is made by runs, or the person agrees.

    Raises ToolError that says how, where they do not.
    """
    from claude_orchestrator.workspace.git import Repository

    if not target or target.startswith(_OF_RUNS):
        return
    if await (await Repository.open(root)).read_ref(f"refs/heads/{target}") is None:
        return
    how = f"claude-orchestrator run {plan.id} --target {shlex.quote(target)}"
    if not call.principal.may("approve"):
        raise ToolError(f"{target} is a branch that is there already, and only a person can let a run move it: {how}")
    form = decision_form(
        f"target-{target}", f"Merge verified work of {_name(plan)} into {target}, which is there already?"
    )
    reply = await call.forms.ask(form)
    if not is_yes(reply):
        raise ToolError(f"nothing was started. {left_open(reply, f'whether {target} is merged into', how)}")


async def is_approved(call: Call, plan: Plan) -> bool:
    """Whether a person has approved exactly this version."""
    from claude_orchestrator.plans.store import PlanStore

    return await PlanStore(await call.db()).approved_at(str(plan.id), plan.version or 0) is not None


async def ask_to_approve(call: Call, plan: Plan, root: Path) -> str:
    """Review a stored version, show it to the person, and approve it if they do; empty then, else what is said.

    Raises ForbiddenError below an agent of ours, and ToolError when the review has errors.
    """
    from claude_orchestrator.orchestrator.planning import approving
    from claude_orchestrator.server.planning_texts import review_lines
    from claude_orchestrator.workspace.git import Repository

    db = await call.db()
    await approving.only_humans(db, call.settings, str(plan.id), CHANNEL)
    repository = await Repository.open(root)
    seen = await approving.reviewed(db, call.settings, repository, plan)
    said = "\n".join(review_lines(seen.review))
    if not seen.review.approvable:
        raise ToolError(f"{_name(plan)} cannot be approved as it is:\n{said}")
    reply = await call.forms.ask(plan_form(plan, said))
    if not is_yes(reply):
        return left_open(reply, f"the approval of {_name(plan)}", _command(plan))
    await approving.approve(db, call.settings, repository, seen, channel=CHANNEL)
    return ""


def _name(plan: Plan) -> str:
    return f"{plan.id} version {plan.version}"


def _command(plan: Plan) -> str:
    return f"claude-orchestrator plan approve {plan.id}"


def plan_form(plan: Plan, aside: str = "", name: str = "") -> Form:
    """The form that approves one version of a plan: goal, tasks, what they change and run; ``name`` of a draft.

    ``aside`` is what its review says: an estimate may change while the form is shown, and the plan be the same.
    """
    from claude_orchestrator.telling.words import clip, one_line

    name = name or _name(plan)
    lines = [f"Approve plan {name}? {one_line(plan.goal)}"]
    tasks = [task for phase in plan.phases for task in phase.tasks]
    for task in tasks[:_TASKS]:
        scope = clip(", ".join(task.files[:4]) or "any file", _SCOPE)
        lines.append(f"- {task.id}: {clip(task.title or task.id, _TITLE)} ({scope}; checks: {len(task.checks)})")
        lines += [f"    runs: {line}" for line in _programs(task)]
    if len(tasks) > _TASKS:
        lines.append(f"… and {len(tasks) - _TASKS} more tasks: plan_get shows them")
        runs = [f"    {task.id} runs: {line}" for task in tasks[_TASKS:] for line in _programs(task)]
        lines += [*runs[:_TASKS], *([f"    and {len(runs) - _TASKS} more programs"] if len(runs) > _TASKS else [])]
    if plan.budget is not None:
        lines.append(f"It may spend ${plan.budget:g} on models.")
    key = f"approve-{name.replace(' version ', '-')}"
    return decision_form(key, "\n".join(lines), aside, about=plan.model_dump_json())


def _programs(task: Task) -> list[str]:
    return list(program_lines(task.model_dump(mode="json", exclude_none=True)))


def decision_form(key: str, message: str, aside: str = "", about: str = "") -> Form:
    """Approve or not, with nothing chosen beforehand."""
    options = (("approve", "Approve"), ("refuse", "Not like this"))
    return Form(key, message, (Field("decision", "Decision", "choice", options=options, needed=True),), aside, about)

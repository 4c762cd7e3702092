"""``plan_*``: from a goal to an approved plan, with the person's answers and the host's own model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from mcp.server.mcpserver.exceptions import ToolError
from pydantic import Field

from claude_orchestrator.server import approving, planning_texts
from claude_orchestrator.server.calling import Call

if TYPE_CHECKING:
    from claude_orchestrator.orchestrator.planner import Planner

SessionId = Annotated[str, Field(description="s1")]
Kind = Literal["", "feature", "fix", "refactor", "migration", "performance", "documentation"]
Draft = Annotated[
    dict[str, Any],
    Field(description="goal, phases: [{id, tasks: [{id, prompt, files, depends_on, success_criteria, creates}]}]"),
]
NewQuestions = Annotated[
    list[dict[str, Any]], Field(description="{id, text, options: [{value, label}], default, changes}")
]
View = Literal["summary", "questions", "map", "draft", "review", "yaml", "markdown"]


async def plan_start(
    call: Call,
    goal: str,
    context: Annotated[str, Field(description="what else is known")] = "",
    kind: Kind = "",
    project: str = "",
) -> str:
    """Begin a planning session and ask the person its questions; where no form can be shown they are returned."""
    from claude_orchestrator.server.planning_forms import asked

    planner = await _planner(call)
    if known := call.forms.memory.get("session"):
        session = await planner.get(known)
    else:
        root = await call.repository(project)
        session = await planner.start_planning_session(root, goal, context or None, kind or None)
        call.forms.memory["session"] = session.id
    session = await asked(call, planner, session)
    return "\n".join(planning_texts.session_lines(session))


async def plan_answer(
    call: Call,
    session: SessionId,
    answers: Annotated[dict[str, Any], Field(description="question id: answer")] = {},  # noqa: B006 - never changed
    defaults: Annotated[bool, Field(description="accept the rest")] = False,
) -> str:
    """Pass on what the person has answered; with neither answers nor defaults the open questions become forms."""
    from claude_orchestrator.server.planning_forms import asked

    planner = await _planner(call)
    stored = await planner.get(session)
    if answers:
        stored = await planner.answer_all(session, answers, "host")
    if defaults:
        stored = await planner.accept_defaults(session)
    if not answers and not defaults:
        stored = await asked(call, planner, stored)
    return "\n".join(planning_texts.session_lines(stored))


async def plan_get(
    call: Call,
    id: Annotated[str, Field(description="s1 or p3")],  # noqa: A002 - what the argument is called
    view: View = "summary",
    version: int | None = None,
    limit: Annotated[int, Field(ge=200, le=20_000, description="tokens of a map")] = 3000,
) -> str:
    """Look at a planning session or a stored plan."""
    if id[:1] != "s" or not id[1:].isdigit():
        return await _stored(call, id, view, version)
    planner = await _planner(call)
    session = await (planner.looked_up(id) if view == "map" else planner.get(id))
    return planning_texts.session_view(session, view, limit)


async def plan_list(call: Call, limit: Annotated[int, Field(ge=1, le=100)] = 10) -> str:
    """The planning sessions and the stored plans, the newest first."""
    from claude_orchestrator.plans.store import PlanStore
    from claude_orchestrator.telling.words import clip

    planner = await _planner(call)
    sessions = list(await planner.sessions())[:limit]
    plans = (await PlanStore(await call.db()).list())[:limit]
    lines = [f"{each.id} {each.stage.value}: {clip(each.goal, 100)}" for each in sessions]
    for plan in plans:
        approved = f"approved: {plan.approved_version}" if plan.approved_version else "not approved"
        lines.append(f"{plan.id} version {plan.version} ({approved}): {clip(plan.goal, 100)}")
    return "\n".join(lines) or "no plans yet: plan_start(goal=…) makes one"


async def plan_edit(
    call: Call,
    session: SessionId,
    plan: Annotated[
        dict[str, Any], Field(description="your draft: goal, phases: [{id, tasks: [{id, prompt, files, …}]}]")
    ] = {},  # noqa: B006 - never changed
    questions: Annotated[
        list[dict[str, Any]], Field(description="ask or reword: {id, text, kind, options: [{value, label}], default}")
    ] = [],  # noqa: B006 - never changed
    draft: Annotated[bool, Field(description="let the server draft from answers and map")] = False,
    abandon: bool = False,
) -> str:
    """Add questions, or submit a draft, which is checked and reviewed at once."""
    planner = await _planner(call)
    if sum(map(bool, (plan, questions, draft, abandon))) != 1:
        raise ToolError("plan_edit: give one of plan, questions, draft=true, abandon=true")
    if abandon:
        stored = await planner.abandon(session)
    elif questions:
        stored = await planner.add_questions(session, questions, "host")
    else:
        await planner.draft(session, plan=plan or None, by="host" if plan else None)
        stored = await planner.review(session)
    return "\n".join(planning_texts.session_lines(stored))


async def plan_approve(
    call: Call,
    id: Annotated[str, Field(description="s1 or p3")],  # noqa: A002 - what the argument is called
) -> str:
    """Show the plan to the person as a form; only what they decide there approves it."""
    from claude_orchestrator.plans.store import PlanStore

    if id[:1] == "s" and id[1:].isdigit():
        return await _approve_session(call, id)
    plan = await PlanStore(await call.db()).load(id)
    if await approving.is_approved(call, plan):
        return f"{plan.id} version {plan.version} is approved already\nnext: run_start(plan={plan.id})"
    if open_still := await approving.ask_to_approve(call, plan, await call.repository()):
        return open_still
    return f"{plan.id} version {plan.version} is approved\nnext: run_start(plan={plan.id})"


async def _approve_session(call: Call, session_id: str) -> str:
    from claude_orchestrator.plans.models import Plan

    planner = await _planner(call)
    session = await planner.get(session_id)
    if await call.why_not_a_person():
        await planner.approve_plan(session_id)  # refuses, and writes down who tried
    if session.plan_id is None:
        if session.plan is None:
            raise ToolError(f"{session_id} has no draft yet: plan_edit(session={session_id}, plan=… or draft=true)")
        if session.review is None:
            session = await planner.review(session_id)
        assert session.review is not None
        if not session.review.approvable:
            raise ToolError("\n".join(planning_texts.session_lines(session)))
        plan = Plan.model_validate(session.plan)
        aside = "\n".join([*planning_texts.answer_lines(session), *planning_texts.review_lines(session.review)])
        form = approving.plan_form(plan, aside, name=session_id)
        reply = await call.forms.ask(form)
        if not approving.is_yes(reply):
            how = f"claude-orchestrator plan approve {session_id}"
            return approving.left_open(reply, f"the approval of {session_id}", how)
    plan_id = await planner.approve_plan(session_id, session.revision)  # that which was shown, and nothing newer
    return f"{session_id} is approved as {plan_id}\nnext: run_start(plan={plan_id})"


async def _planner(call: Call) -> Planner:
    from claude_orchestrator.orchestrator.planner import Planner

    return Planner(await call.db(), call.settings, approving.CHANNEL, call.by)


async def _stored(call: Call, plan_id: str, view: str, version: int | None) -> str:
    from claude_orchestrator.plans.files import dump_plan
    from claude_orchestrator.plans.store import PlanStore

    plan = await PlanStore(await call.db()).load(plan_id, version)
    if view == "markdown":
        from claude_orchestrator.orchestrator.planning.markdown import to_markdown

        return to_markdown(plan)
    if view in ("summary", "draft"):
        approved = await approving.is_approved(call, plan)
        return "\n".join(planning_texts.plan_lines(plan, approved=approved))
    if view == "yaml":
        return dump_plan(plan)
    raise ToolError(f"{plan_id} is a stored plan: its views are summary, yaml, markdown")

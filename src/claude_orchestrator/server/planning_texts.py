"""Planning sessions and plans in few words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from mcp.server.mcpserver.exceptions import ToolError

from claude_orchestrator.telling.words import clip, counted, duration, one_line

if TYPE_CHECKING:
    from claude_orchestrator.orchestrator.planning.models import Estimate, Question, Review, Session, Value
    from claude_orchestrator.plans.models import Plan

_LINE: Final = 240
_WHOSE: Final = {
    "person": "answered by you",
    "host": "answered for you by the model",
    "default": "answered by defaults",
    "goal": "answered by the goal",
    "repository": "answered by the repository",
}


def session_lines(session: Session) -> Iterator[str]:
    """How far a session is, what is still to be answered, and the next call."""
    answered = len(session.questions) - len(session.open_questions)
    yield f"{session.id} {session.stage.value} ({session.kind}): {clip(session.goal, _LINE)}"
    yield f"{answered} of {counted(len(session.questions), 'question')} answered"
    yield from (question_line(question) for question in session.open_questions)
    if session.plan is not None:
        yield from (f"note: {clip(note, _LINE)}" for note in session.notes)
    if session.review is not None:
        yield from review_lines(session.review)
    yield next_line(session)


def next_line(session: Session) -> str:
    """The call that brings the session on."""
    name = session.id
    if session.plan_id:
        return f"next: run_start(plan={session.plan_id})"
    if session.stage.value == "abandoned":
        return "next: plan_start(goal=…) begins another"
    if session.open_questions:
        return (
            f"next: ask the person, then plan_answer(session={name}, answers={{id: answer}});"
            " defaults=true accepts the rest"
        )
    if session.plan is None:
        return (
            f"next: plan_get({name}, view=map), then plan_edit(session={name}, plan={{…}}) with your draft;"
            " draft=true lets the server draft"
        )
    if session.review is not None and not session.review.approvable:
        return f"next: plan_edit(session={name}, plan={{…}}) without these errors"
    return f"next: plan_approve({name}) shows it to the person"


def question_line(question: Question) -> str:
    """A question with how it can be answered."""
    values = "|".join(option.value for option in question.options) or question.kind
    many = "several of " if question.kind == "choices" else ""
    default = "" if question.default is None else f"; default {value_words(question.default)}"
    because = f" ({clip(question.because, 120)})" if question.because else ""
    return f"- {question.id}: {clip(question.text, _LINE)} [{many}{values}{default}{because}]"


def answer_lines(session: Session) -> Iterator[str]:
    """By whom the questions were answered; what a model says for the person, in full: they may not have said so."""
    for by, whose in _WHOSE.items():
        answers = [answer for answer in session.answers if answer.by == by]
        if answers and by == "host":
            said = (f"{each.question.id} = {one_line(value_words(each.value))}" for each in answers)
            yield f"{whose}: {'; '.join(said)}"
        elif answers:
            yield f"{whose}: {counted(len(answers), 'question')}"


def value_words(value: Value) -> str:
    """An answer in words."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(value) if isinstance(value, tuple) else str(value)


def review_lines(review: Review) -> Iterator[str]:
    """What a review has found, and what a run would take."""
    for finding in review.findings:
        about = f" {finding.task_id}" if finding.task_id else ""
        yield one_line(f"{finding.severity}{about} [{finding.rule}]: {finding.message}. {finding.suggestion}")
    yield estimate_line(review.estimate)


def estimate_line(estimate: Estimate) -> str:
    """Time and money, or that nobody knows."""
    parts = []
    if estimate.seconds is not None:
        parts.append(f"{duration(estimate.seconds.p50)} (p50) to {duration(estimate.seconds.p90)} (p90)")
    if estimate.usd is not None:
        parts.append(f"${estimate.usd.p50:.2f} to ${estimate.usd.p90:.2f}")
    return f"estimate: {', '.join(parts) or 'none'}; {estimate.because}"


def session_view(session: Session, view: str, limit: int) -> str:
    """One view of a session."""
    if view == "summary":
        return "\n".join(session_lines(session))
    if view == "questions":
        return "\n".join(_all_questions(session))
    if view == "map":
        return _map(session, limit)
    if session.plan is None:
        raise ToolError(f"{session.id} has no draft yet: plan_edit(session={session.id}, plan=… or draft=true)")
    if view == "review":
        if session.review is None:
            raise ToolError(f"{session.id} has no review yet: plan_edit submits a draft, and it is reviewed at once")
        return "\n".join(review_lines(session.review))
    return _draft(session.plan, view)


def _all_questions(session: Session) -> Iterator[str]:
    answers = {answer.question.id: answer for answer in session.answers}
    for question in session.questions:
        answer = answers.get(question.id)
        said = f" = {value_words(answer.value)} (by {answer.by})" if answer else ""
        yield f"{question_line(question)}{said}"


def _map(session: Session, limit: int) -> str:
    from claude_orchestrator.orchestrator.planning.survey import render

    assert session.survey is not None
    lines = [render(session.survey, limit)]
    if research := session.research:
        lines += [f"decided in {each.plan_id}: {each.question} {each.answer}" for each in research.decisions[:8]]
        lines += [f"skill {each.name}: {each.because}" for each in research.skills]
        lines += [f"document {each.name}: {each.because}" for each in research.documents]
    return "\n".join(lines)


def _draft(document: Any, view: str) -> str:
    from claude_orchestrator.plans.files import dump_plan
    from claude_orchestrator.plans.models import Plan

    plan = Plan.model_validate(document)
    if view == "markdown":
        from claude_orchestrator.orchestrator.planning.markdown import to_markdown

        return to_markdown(plan)
    return dump_plan(plan) if view == "yaml" else "\n".join(plan_lines(plan, approved=False))


def plan_lines(plan: Plan, *, approved: bool) -> Iterator[str]:
    """A plan: every task on a line, with what it waits for and what it may change."""
    name = f"{plan.id} version {plan.version} ({'approved' if approved else 'not approved'})" if plan.id else "draft"
    yield f"{name}: {clip(plan.goal, _LINE)}"
    for phase in plan.phases:
        yield f"{phase.id}: {phase.title}".rstrip(": ")
        for task in phase.tasks:
            after = f", after {', '.join(task.depends_on)}" if task.depends_on else ""
            scope = ", ".join(task.files[:5]) or "any file"
            yield f"  {task.id}{after}: {clip(task.title or task.prompt, 120)} ({scope})"
    if plan.id:
        yield f"next: run_start(plan={plan.id})" if approved else f"next: plan_approve({plan.id})"

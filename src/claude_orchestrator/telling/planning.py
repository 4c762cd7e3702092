"""Planning sessions in plain words and as documents: questions, drafts, reviews, and what to do next."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from claude_orchestrator.telling.words import clip, counted, duration, one_line

if TYPE_CHECKING:
    from claude_orchestrator.orchestrator.planning.models import (
        Answered,
        Estimate,
        Finding,
        Question,
        Range,
        Review,
        Session,
        Value,
    )

_PROGRAMS: Final = 8
"""Programs of one task that are shown."""

_MARKS: Final = {"error": "✗", "warning": "!", "note": "·"}
"""Severity of a finding → one character."""

_BY: Final = {
    "person": "",
    "host": " (a model has passed it on)",
    "default": " (default)",
    "goal": " (the goal says it)",
    "repository": " (the repository says it)",
}


def session_document(session: Session) -> dict[str, Any]:
    """A session for programs: all but the map of the repository."""
    return {
        "id": session.id,
        "project": session.project,
        "goal": session.goal,
        "context": session.context,
        "kind": session.kind,
        "stage": session.stage.value,
        "base_commit": session.base_commit,
        "questions": [question_document(question) for question in session.open_questions],
        "answers": [_answer_document(answered) for answered in session.answers],
        "plan": session.plan,
        "drafted_by": session.drafted_by,
        "notes": list(session.notes),
        "review": None if session.review is None else review_document(session.review),
        "plan_id": session.plan_id,
        "plan_version": session.plan_version,
        "spent_usd": session.spent_micro_usd / 1_000_000,
        "updated_at": session.updated_at,
    }


def question_document(question: Question) -> dict[str, Any]:
    """A question for programs."""
    return {
        "id": question.id,
        "text": question.text,
        "kind": question.kind,
        "options": [{"value": option.value, "label": option.label} for option in question.options],
        "default": list(question.default) if isinstance(question.default, tuple) else question.default,
        "because": question.because,
        "changes": question.changes,
        "follows": question.follows,
        "source": question.source,
    }


def _answer_document(answered: Answered) -> dict[str, Any]:
    value = list(answered.value) if isinstance(answered.value, tuple) else answered.value
    return {"id": answered.question.id, "text": answered.question.text, "value": value, "by": answered.by}


def review_document(review: Review) -> dict[str, Any]:
    """A review for programs."""
    estimate = review.estimate
    return {
        "approvable": review.approvable,
        "findings": [
            {
                "rule": finding.rule,
                "severity": finding.severity,
                "task": finding.task_id,
                "message": finding.message,
                "suggestion": finding.suggestion,
            }
            for finding in review.findings
        ],
        "estimate": {
            "seconds": _range(estimate.seconds),
            "usd": _range(estimate.usd),
            "attempts": estimate.attempts,
            "because": estimate.because,
        },
        "tokens": dict(review.tokens),
    }


def _range(estimate: Range | None) -> dict[str, float] | None:
    return None if estimate is None else {"p50": estimate.p50, "p90": estimate.p90}


def value_words(value: Value | None) -> str:
    """An answer as it is typed."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, tuple):
        return ", ".join(value) or "none"
    return value or ""


def answered_line(answered: Answered) -> str:
    """A question with its answer, on one line."""
    value = clip(one_line(value_words(answered.value)), 90)
    because = f": {one_line(answered.question.because)}" if answered.by in ("goal", "repository") else ""
    return f"{answered.question.id} = {value}{_BY[answered.by]}{clip(because, 90)}"


def plan_lines(document: Mapping[str, Any]) -> Iterator[str]:
    """A draft: every task with its files, programs, criteria and checks."""
    for phase in document["phases"]:
        title = f": {one_line(phase['title'])}" if phase.get("title") else ""
        yield f"{phase['id']}{title}"
        for task in phase["tasks"]:
            after = f" (after {', '.join(task['depends_on'])})" if task.get("depends_on") else ""
            yield f"  {task['id']}: {one_line(task.get('title') or task['id'])}{after}"
            made = set(task.get("creates") or ())
            files = [f"{file} (new)" if file in made else file for file in task.get("files") or ()]
            yield f"    files:  {clip(', '.join(files) or 'any', 200)}"
            yield from (f"    runs:   {each}" for each in program_lines(task))
            yield from (f"    done:   {clip(one_line(each), 200)}" for each in task.get("success_criteria") or ())
            checks = [check if isinstance(check, str) else next(iter(check)) for check in task.get("checks") or ()]
            yield f"    checks: {', '.join(checks) or 'none'}"


def program_lines(task: Mapping[str, Any]) -> Iterator[str]:
    """The programs that the plan itself has a task run, each on a line: what an agent runs besides, nobody knows."""
    operations = [task.get("operations") or (), *(task.get("attempts") or {}).values()]
    runs = [each["run"] for listed in operations for each in listed if each.get("run")]
    programs = [task["command"], *runs] if task.get("command") else runs
    said = [each if isinstance(each, str) else shlex.join(each) for each in programs]
    distinct = list(dict.fromkeys(said))
    yield from (clip(one_line(each), 200) for each in distinct[:_PROGRAMS])
    if len(distinct) > _PROGRAMS:
        yield f"… and {len(distinct) - _PROGRAMS} more"


def review_lines(review: Review) -> Iterator[str]:
    """What a review has found, and what a run would take."""
    for finding in review.findings:
        yield finding_line(finding)
        if finding.suggestion:
            yield f"    → {one_line(finding.suggestion)}"
    if not review.findings:
        yield "nothing was found"
    yield f"estimate: {estimate_words(review.estimate)}"


def finding_line(finding: Finding) -> str:
    """A finding on one line."""
    about = f"{finding.task_id}: " if finding.task_id else ""
    return f"{_MARKS[finding.severity]} {about}{one_line(finding.message)} [{finding.rule}]"


def estimate_words(estimate: Estimate) -> str:
    """Time and money of a run, or why nobody knows."""
    parts = []
    if estimate.seconds is not None:
        parts.append(f"{duration(estimate.seconds.p50)} (p50), {duration(estimate.seconds.p90)} (p90)")
    if estimate.usd is not None:
        parts.append(f"${estimate.usd.p50:.2f} (p50), ${estimate.usd.p90:.2f} (p90)")
    return f"{'; '.join(parts) or 'none'}; {one_line(estimate.because)}"


def standing(session: Session) -> str:
    """How far a session is, in a few words."""
    if session.plan_id:
        return f"approved as {session.plan_id}"
    open_ones = len(session.open_questions)
    said = session.stage.value.replace("_", " ")
    return f"{said}, {counted(open_ones, 'question')} open" if open_ones and said != "abandoned" else said

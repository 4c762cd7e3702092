"""Budgets: against each other, against what an attempt may spend, against the estimate."""

from __future__ import annotations

from collections.abc import Iterator

from claude_orchestrator.orchestrator.planning.models import Estimate, Finding
from claude_orchestrator.orchestrator.planning.reviewing.view import PROMPTED, View


def budgets(view: View, expected: Estimate) -> Iterator[Finding]:
    """Limits that a run of the plan would meet."""
    plan, paying = view.plan, [item for item in view.items if item.agent in PROMPTED]
    if plan.budget is None:
        return
    for item in paying:
        if item.task.budget is not None and item.task.budget > plan.budget:
            yield item.finding(
                "budget",
                "warning",
                f"may spend ${item.task.budget:.2f}, and the whole plan ${plan.budget:.2f}",
                f"write 'budget: {plan.budget:g}' or less in the task, or raise the plan's",
            )
    reserved, at_once = view.settings.attempt_budget, min(len(paying), view.settings.max_parallel)
    if at_once > 1 and plan.budget <= reserved:
        yield Finding(
            "budget",
            "note",
            "",
            f"the plan's budget (${plan.budget:.2f}) is no more than what one attempt reserves"
            f" (${reserved:.2f}): its tasks run one by one",
            f"write 'budget: {reserved * at_once:g}' in the plan, or a smaller 'budget' in each task",
        )
    if expected.usd is not None and plan.budget < expected.usd.p90:
        half = plan.budget < expected.usd.p50
        yield Finding(
            "budget",
            "warning" if half else "note",
            "",
            f"the budget is ${plan.budget:.2f}; of runs like this, "
            + (f"half cost more than ${expected.usd.p50:.2f}" if half else f"one in ten costs ${expected.usd.p90:.2f}"),
            f"write 'budget: {expected.usd.p90:.2f}' in the plan",
        )

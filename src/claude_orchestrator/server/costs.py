"""``cost_*``: what was spent on models, and the limits of it."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Annotated, Literal

from mcp.server.mcpserver.exceptions import ToolError
from pydantic import Field as Described

from claude_orchestrator.server import approving
from claude_orchestrator.server.calling import Call

if TYPE_CHECKING:
    from claude_orchestrator.state.grants import Kind

Dollars = Annotated[float | None, Described(gt=0, lt=1e9, description="US dollars")]


async def cost_summary(
    call: Call,
    run: Annotated[str, Described(description="r12; empty: all runs")] = "",
    by: Literal["provider", "task", "day"] = "provider",
) -> str:
    """What was spent, and what is left of budgets."""
    from claude_orchestrator.server.texts import spent_lines
    from claude_orchestrator.state import budgets, runs, spending
    from claude_orchestrator.telling.costs import budget_lines

    db = await call.db()
    if run:
        await runs.get(db, run)
    rows, total = await spending.sums(db, by, run or None), await spending.total(db, run or None)
    limits = [*(await budgets.all_limits(db, time.time(), run) if run else []),
              *await budgets.all_limits(db, time.time())]  # fmt: skip
    states = [(limit, await budgets.state_of(db, limit)) for limit in limits]
    return "\n".join([*spent_lines(rows, by, total), *budget_lines(states)])


async def cost_set_budget(
    call: Call,
    provider: Annotated[str, Described(description="anthropic, openai, …")],
    daily: Dollars = None,
    monthly: Dollars = None,
) -> str:
    """Show the new limits to the person as a form, and set them when they agree."""
    from claude_orchestrator.orchestrator.inbox import Inbox
    from claude_orchestrator.state import budgets
    from claude_orchestrator.telling.costs import budget_lines

    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", provider):
        raise ToolError(f"'{provider}' is no name of a provider: cost_summary names those that were used")
    given = {"day": daily, "month": monthly}
    amounts: dict[Kind, int] = {kind: budgets.micro(usd) for kind, usd in given.items() if usd}  # type: ignore[misc]
    if not amounts:
        raise ToolError("cost_set_budget: give daily, monthly or both, in US dollars")
    db = await call.db()
    what = ", ".join(f"${usd:g} a {kind}" for kind, usd in given.items() if usd)
    if not await call.why_not_a_person():
        form = approving.decision_form(f"budget-{provider}", f"Let {provider} cost at most {what}, over all runs?")
        reply = await call.forms.ask(form)
        if not approving.is_yes(reply):
            options = "".join(f" --{name} {usd:g}" for name, usd in (("daily", daily), ("monthly", monthly)) if usd)
            how = f"claude-orchestrator cost set-budget {provider}{options}"
            return approving.left_open(reply, f"the budget of {provider}", how)
    await Inbox(db, call.settings, approving.CHANNEL, call.by).set_budget(provider, amounts)
    limits = [limit for limit in await budgets.all_limits(db, time.time()) if limit.subject == provider]
    return "\n".join(
        line.strip() for line in budget_lines([(each, await budgets.state_of(db, each)) for each in limits])
    )

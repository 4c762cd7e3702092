"""How a task stands and what its agents have used, in words; pure functions of what the database says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Literal

from claude_orchestrator.state.budgets import dollars
from claude_orchestrator.telling.costs import cost_document
from claude_orchestrator.telling.words import Row, Story, counted

Standing = Literal["working", "waiting", "idle", "finished"]


def standing(task: Row, gates: Iterable[Row]) -> tuple[Standing, str]:
    """How a task stands, and what it waits for: ``human``, ``budget``, ``account``, ``lock`` or ``retry``.

    ``idle``: it is not its turn yet (what comes before, a free slot), and nobody has to do anything about it.
    """
    status, reason = task["status"], task["reason"]
    asked = next((gate["kind"] for gate in gates if _asks(gate, task)), "")
    if status in ("delegated", "in_progress", "verifying"):
        return ("waiting", "human") if asked == "operation" else ("working", "")
    if status in ("waiting", "escalated"):
        return "waiting", "budget" if asked == "budget" else "human"
    if status != "pending":
        return "finished", ""
    if not task["blockers"] and reason.startswith("waits for "):
        # The words of the claim: a lock's holder, money that others have reserved, or a provider's account.
        cause = "lock" if ", which holds " in reason else "budget" if "budget of" in reason else "account"
        return "waiting", cause
    return ("waiting", "retry") if task["ready_at"] and not task["blockers"] else ("idle", "")


def _asks(gate: Row, task: Row) -> bool:
    return bool(gate["task_id"] == task["id"] or gate["id"] == task.get("budget_gate"))


def tokens(number: int) -> str:
    """``950``, ``12.3k``, ``1.2M``."""
    if number < 1000:
        return str(number)
    return f"{number / 1000:.1f}k" if number < 999_950 else f"{number / 1_000_000:.1f}M"


def money(usage: Row) -> str:
    """The price so far; with a plus where some calls have none that is known."""
    return dollars(usage["micro_usd"] or 0) + ("+" if usage["unknown"] else "")


def used(usage: Row) -> str:
    """Tokens and price: ``1.2k in, 300 out, 5.1k cached, $0.25``."""
    cached = usage["cache_read_tokens"] + usage["cache_write_tokens"]
    parts = [f"{tokens(usage['input_tokens'])} in", f"{tokens(usage['output_tokens'])} out"]
    return ", ".join([*parts, *([f"{tokens(cached)} cached"] if cached else []), money(usage)])


def briefly(usage: Row) -> str:
    """The same in a narrow column: tokens in/out/cached, and the price."""
    cached = usage["cache_read_tokens"] + usage["cache_write_tokens"]
    return f"{'/'.join(map(tokens, (usage['input_tokens'], usage['output_tokens'], cached)))} {money(usage)}"


def agent_words(task: Row, usage: Row | None, story: Story) -> str:
    """Who works at a task with which model, what was used, where that is given, how often it was put off or nudged."""
    return "  ".join(_agent_parts(task, usage, story))


def _agent_parts(task: Row, usage: Row | None, story: Story) -> Iterator[str]:
    if provider := task.get("provider"):
        yield f"{provider}:{task['model']}" if task["model"] else str(provider)
    if usage is not None:
        yield used(usage)
    for times, noun in ((story.put_off.get(task["id"], 0), "retry"), (story.nudges.get(task["id"], 0), "nudge")):
        if times:
            yield counted(times, noun).replace("retrys", "retries")


def usage_document(usage: Row) -> dict[str, Any]:
    """What was used for a task, as JSON."""
    document = cost_document(usage, None)
    del document["budget_usd"]
    return document

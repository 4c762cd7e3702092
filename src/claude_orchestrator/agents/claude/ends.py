"""How a session of Claude Code ends, as an outcome: by what the client says of itself, never by a word like success."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from claude_orchestrator.agents.base import Outcome
from claude_orchestrator.models.faults import HOPELESS, PASSING, Fault, Kind

if TYPE_CHECKING:
    from claude_agent_sdk import ResultMessage

_BY_STATUS: Final[dict[int, Kind]] = {
    401: "authentication",
    402: "authentication",
    403: "authentication",
    408: "network",
    429: "rate_limit",
}
_BY_ERROR: Final[dict[str, Kind]] = {
    "authentication_failed": "authentication",
    "billing_error": "authentication",
    "rate_limit": "rate_limit",
    "invalid_request": "request",
}
"""What the client calls a call to the model that failed, where it has no status: without a key it makes none."""

_BY_REASON: Final[dict[str, Kind]] = {
    "max_turns": "turns",
    "budget_exhausted": "budget",
    "prompt_too_long": "request",
    "image_error": "request",
}
_WHAT_TO_DO: Final[dict[Kind, str]] = {
    "authentication": "set ANTHROPIC_API_KEY or log in with 'claude', and check that the account may use the model",
    "request": "correct the task's prompt or its model",
    "turns": "split the task, or give it more with 'max_turns'",
    "budget": "give the task a larger 'budget'",
    "setup": "install Claude Code anew, or name another program in CLAUDE_ORCHESTRATOR_CLAUDE",
}


def ended(
    result: ResultMessage, token: dict[str, Any], provider: str, retry_at: float | None, error: str | None = None
) -> Outcome:
    """The outcome of a turn that ended by itself.

    ``retry_at`` is when the provider may answer again, if it said so; ``error`` the last failure in the client's words.
    """
    said = (result.result or "").strip()
    if not result.is_error and result.terminal_reason in (None, "completed"):
        return Outcome("finished", "Claude Code has ended its work", said)
    if kind := _kind(result, error):
        what = _one_line(said or "; ".join(result.errors or ()) or result.terminal_reason or result.subtype)
        return failed(Fault(kind, provider, _advised(what, kind), _at(kind, retry_at)), token, said)
    why = result.terminal_reason or result.subtype
    details = "; ".join(result.errors or ())
    return Outcome("failed", f"Claude Code stopped before its work was done: {_one_line(f'{why} {details}')}", said)


def failed(fault: Fault, token: dict[str, Any] | None, report: str = "") -> Outcome:
    """The outcome of a launch that something came in the way of."""
    if fault.kind in PASSING or fault.kind == "budget":
        return Outcome("interrupted", fault.detail, report, resume=token, fault=fault)
    return Outcome("error" if fault.kind in HOPELESS else "failed", fault.detail, report, fault=fault)


def unusable(what: str, provider: str, complaints: Iterable[str] = ()) -> Outcome:
    """The outcome of a launch whose client cannot be used. ``complaints`` are the lines of its standard error."""
    said = _one_line(" ".join(complaints))
    detail = _advised(f"{what}{f' ({said})' if said else ''}", "setup")
    return failed(Fault("setup", provider, detail), None)


def _kind(result: ResultMessage, error: str | None) -> Kind | None:
    if result.terminal_reason != "api_error":
        return _BY_REASON.get(result.terminal_reason or "")
    status = result.api_error_status
    if status is None:
        return _BY_ERROR.get(error or "", "network")
    return _BY_STATUS.get(status, "overloaded" if status >= 500 else "request")


def _at(kind: Kind, retry_at: float | None) -> float | None:
    return retry_at if kind in PASSING and retry_at is not None and retry_at > time.time() else None


def _advised(what: str, kind: Kind) -> str:
    advice = _WHAT_TO_DO.get(kind)
    return f"{what}: {advice}" if advice else what


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 400 else line[:399] + "…"

"""What goes wrong with an ACP agent, in words, and whether waiting helps."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from claude_orchestrator.agents.base import Outcome
from claude_orchestrator.models.faults import HOPELESS, PASSING, Fault, Kind

AUTHENTICATION: Final = -32000
"""The code of the protocol for: somebody has to log in first."""

NO_SUCH: Final = -32002
"""The code of the protocol for: there is no such session (or file)."""

_SIGNS: Final[tuple[tuple[Kind, re.Pattern[str]], ...]] = (
    ("rate_limit", re.compile(r"(?i)\b429\b|rate.?limit|too many requests|quota|RESOURCE_EXHAUSTED|usage limit")),
    ("overloaded", re.compile(r"(?i)\b(?:500|502|503|504|529)\b|overloaded|unavailable|internal server error")),
    (
        "authentication",
        re.compile(r"(?i)\b(?:401|403)\b|unauthori[sz]ed|api key|authenticat|log ?in|credential|permission denied"),
    ),
    (
        "network",
        re.compile(r"(?i)ECONN|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|fetch failed|socket hang up|network|connection (?:re|er)"),
    ),
    (
        "request",
        re.compile(r"(?i)\b400\b|invalid.?request|model .{0,60}not (?:found|supported|exist)|too long|INVALID_ARG"),
    ),
)
_LONGEST: Final = 400


def outcome_of(code: int, message: str, data: Any, program: str, resume: dict[str, Any] | None) -> Outcome:
    """The outcome of a launch whose agent has answered with an error of the protocol."""
    told = _line(message, data)
    kind: Kind | None = "authentication" if code == AUTHENTICATION else None
    kind = kind or next((kind for kind, sign in _SIGNS if sign.search(told)), None)
    detail = f"{program} answered with an error: {told}"
    if kind is None:
        return Outcome("failed", detail)
    return outcome_for(Fault(kind, program, detail), resume)


def outcome_for(fault: Fault, resume: dict[str, Any] | None = None) -> Outcome:
    """The outcome that a fault makes: what passes is gone on with later, what is hopeless needs a person."""
    if fault.kind in PASSING:
        return Outcome("interrupted", fault.detail, resume=resume, fault=fault)
    if fault.kind == "budget" and resume is not None:
        return Outcome("interrupted", fault.detail, resume=resume, fault=fault)
    return Outcome("error" if fault.kind in HOPELESS else "failed", fault.detail, fault=fault)


def _line(message: str, data: Any) -> str:
    """What an error says, with its details, on one line."""
    if isinstance(data, dict):
        details = data.get("details") or data.get("message") or json.dumps(data, default=str)
    else:
        details = "" if data is None else str(data)
    text = " ".join(f"{message}: {details}".split()) if details else " ".join(message.split())
    return text[:_LONGEST]

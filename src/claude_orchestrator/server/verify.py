"""``verify``: the independent verifier, on any change of a repository."""

from __future__ import annotations

import asyncio
import time
import uuid
from typing import TYPE_CHECKING, Annotated, Any, Final

from mcp.server.mcpserver.exceptions import ToolError
from pydantic import Field

from claude_orchestrator.server.calling import Call

if TYPE_CHECKING:
    from collections.abc import Iterator

    from claude_orchestrator.orchestrator.verification import Verification

BEAT_S: Final = 15.0
"""Seconds between two signs of life while checks run."""

_SHOWN: Final = 10


async def verify(
    call: Call,
    base: Annotated[str, Field(description="revision that the change starts from")],
    head: str = "HEAD",
    files: Annotated[list[str], Field(description="what it may change; empty: any file")] = [],  # noqa: B006
    checks: Annotated[list[str], Field(description="default: pytest, ruff, mypy, bandit")] = [],  # noqa: B006
    kind: Annotated[str, Field(description="fix, feature, refactor, …")] = "",
    project: str = "",
) -> str:
    """Judge the change between two commits in a fresh checkout."""
    from claude_orchestrator.orchestrator.signing import Keys
    from claude_orchestrator.orchestrator.verification import Request
    from claude_orchestrator.orchestrator.verifier import judge_apart

    name = f"{time.strftime('%Y%m%d-%H%M%S')}-{uuid.uuid4().hex[:8]}"
    request = Request(
        repository=await call.repository(project),
        base=base,
        head=head,
        evidence=call.settings.home / "verifications" / name,
        scope=files or None,
        checks=_checks(checks),
        cache=call.settings.cache,
        check_timeout_s=call.settings.check_timeout_s,
        kind=_kind(kind),
    )
    said: list[str] = []
    judging = asyncio.ensure_future(judge_apart(request, said.append, Keys(call.settings.signing)))
    try:
        await _alive(call, judging, said)
    finally:
        judging.cancel()
        await asyncio.gather(judging, return_exceptions=True)
    return "\n".join(_lines(judging.result()))


async def _alive(call: Call, judging: asyncio.Future[Any], said: list[str]) -> None:
    """Say how far it is until it is done."""
    step = 0
    while not (await asyncio.wait({judging}, timeout=BEAT_S))[0]:
        step += 1
        await call.ctx.report_progress(step, message=said[-1].strip() if said else "verifying")


def _checks(names: list[str]) -> list[str | dict[str, Any]]:
    from claude_orchestrator.plans.checks import KNOWN_CHECKS, RESERVED, third_party

    known = [*KNOWN_CHECKS, *sorted(third_party().keys() - RESERVED)]
    for name in names:
        if name not in known:
            raise ToolError(f"verify: there is no check '{name}': use some of {', '.join(known)}")
    return [*(names or KNOWN_CHECKS)]


def _kind(name: str) -> str | None:
    from claude_orchestrator.plans.fields import KNOWN_KINDS, whole_kind

    kind = whole_kind(name)
    if kind and kind not in KNOWN_KINDS:
        raise ToolError(f"verify: there is no kind '{name}': use one of {', '.join(KNOWN_KINDS)}")
    return kind or None


def _lines(verification: Verification) -> Iterator[str]:
    yield f"{verification.verdict} in {verification.duration_s:.1f} s"
    if not verification.checks:
        yield from verification.reasons
    for check in verification.checks:
        new = f", {len(check.findings)} new findings" if check.findings else ""
        yield f"{check.name} {check.status}{new}"
        yield from (f"  {reason}" for reason in check.reasons[:_SHOWN])
        if len(check.reasons) > _SHOWN:
            yield f"  and {len(check.reasons) - _SHOWN} more"
        yield from (f"  note: {note}" for note in check.notes[:_SHOWN])
    yield f"evidence: {verification.evidence}"

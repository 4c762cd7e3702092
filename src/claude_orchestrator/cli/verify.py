"""``claude-orchestrator verify``: the verifier alone, on any repository, for a terminal or for anyone's CI."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

if TYPE_CHECKING:
    from claude_orchestrator.graders.base import CheckResult
    from claude_orchestrator.orchestrator.verification import Request, Verification

EXIT_CODES: Final = {"passed": 0, "failed": 1, "error": 2, "needs_review": 3}
INTERRUPTED: Final = 130
_WORDS: Final = {"passed": "passed", "failed": "FAILED", "error": "COULD NOT JUDGE", "needs_review": "NEEDS REVIEW"}
_SHOWN: Final = 10


def verify(
    base: Annotated[str, typer.Option(help="Commit that the change starts from.", metavar="REV")],
    head: Annotated[str, typer.Option(help="Commit to judge.", metavar="REV")] = "HEAD",
    files: Annotated[
        list[str] | None,
        typer.Option(help="A path or glob that the change may touch; repeat it. Default: any file.", metavar="GLOB"),
    ] = None,
    checks: Annotated[
        str, typer.Option(help="Checks to run, separated by commas; 'none': the declared files alone.", metavar="LIST")
    ] = "pytest,ruff,mypy,bandit",
    project: Annotated[Path, typer.Option(help="The repository.", metavar="DIR")] = Path(),
    timeout: Annotated[
        float | None, typer.Option(help="Limit of each command, in seconds.", metavar="SECONDS", min=0.001)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write the whole verification as JSON.")] = False,
) -> None:
    """Judge a change from its commits alone: tests, lint, types, security, declared files.

    Exit code 0: passed, 1: failed, 2: could not judge (or wrong usage), 3: a human has to look.
    """
    import asyncio
    import json

    request = _request(base, head, files, _known(checks), project, timeout)
    try:
        verification = asyncio.run(_judge(request))
    except KeyboardInterrupt:
        typer.echo("interrupted: nothing was judged, nothing is left running", err=True)
        raise typer.Exit(INTERRUPTED) from None
    typer.echo(json.dumps(verification.to_json(), indent=2) if as_json else _shown(verification))
    raise typer.Exit(EXIT_CODES[verification.verdict])


async def _judge(request: Request) -> Verification:
    import sys

    from claude_orchestrator.orchestrator.verifier import judge_apart

    return await judge_apart(request, _tell if sys.stderr.isatty() else None)


def _request(
    base: str, head: str, files: list[str] | None, checks: list[str], project: Path, timeout: float | None
) -> Request:
    import time
    import uuid

    from claude_orchestrator.config import load_settings
    from claude_orchestrator.errors import ConfigError
    from claude_orchestrator.orchestrator.verification import Request

    try:
        settings = load_settings()
    except ConfigError as error:
        raise typer.BadParameter(str(error)) from None
    evidence = settings.home / "verifications" / f"{time.strftime('%Y%m%d-%H%M%S')}-{uuid.uuid4().hex[:8]}"
    return Request(
        project.absolute(), base, head, evidence, files, checks, settings.cache, timeout or settings.check_timeout_s
    )


def _known(checks: str) -> list[str]:
    from claude_orchestrator.graders.base import CHECKS

    names = [name.strip() for name in checks.split(",") if name.strip()]
    if not names:
        # An empty variable in somebody's CI must not pass as a verification.
        raise typer.BadParameter("no check is named: give some, or 'none' for the files alone", param_hint="--checks")
    if names == ["none"]:
        return []
    unknown = [name for name in names if name not in CHECKS]
    if unknown:
        raise typer.BadParameter(
            f"unknown check '{unknown[0]}': use some of {', '.join(CHECKS)}", param_hint="--checks"
        )
    return names


def _tell(line: str) -> None:
    typer.echo(f"  {line}", err=True)


def _shown(verification: Verification) -> str:
    lines = [f"{_WORDS[verification.verdict]} in {verification.duration_s:.1f} s"]
    if not verification.checks:
        lines += [f"  {reason}" for reason in verification.reasons]
    for check in verification.checks:
        lines += [f"  {check.name:8}{_summary(check)}", *(f"    {line}" for line in _details(check))]
    text = "\n".join([*lines, f"  evidence: {verification.evidence}"])
    return text.encode(errors="backslashreplace").decode()


def _summary(check: CheckResult) -> str:
    parts = [_WORDS[check.status]]
    if check.findings:
        parts.append(f"{len(check.findings)} new")
    if check.known:
        parts.append(f"{check.known} known from the base")
    if check.commands and all(command.cached for command in check.commands):
        parts.append("from an earlier run")
    return ", ".join(parts)


def _details(check: CheckResult) -> list[str]:
    more = len(check.reasons) - _SHOWN
    return [
        *check.reasons[:_SHOWN],
        *([f"and {more} more"] if more > 0 else []),
        *(f"note: {note}" for note in check.notes[:_SHOWN]),
    ]

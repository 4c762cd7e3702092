"""``claude-orchestrator verify``: the verifier alone, on any repository, for a terminal or for anyone's CI."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

if TYPE_CHECKING:
    from claude_orchestrator.config import Settings
    from claude_orchestrator.graders.base import CheckResult
    from claude_orchestrator.orchestrator.verification import Request, Verification

EXIT_CODES: Final = {"passed": 0, "failed": 1, "error": 2, "needs_review": 3}
INTERRUPTED: Final = 130
_BUNDLES: Final = "Bundles"
_WORDS: Final = {"passed": "passed", "failed": "FAILED", "error": "COULD NOT JUDGE", "needs_review": "NEEDS REVIEW"}
_SHOWN: Final = 10
_QUIET: Final = ("integrity", "semantics")
"""Checks that are not worth a line when they have nothing to say."""


def verify(
    base: Annotated[
        str | None,
        typer.Option(
            help="Commit that the change starts from.", metavar="REV", show_default="needed, unless a bundle is named"
        ),
    ] = None,
    head: Annotated[str, typer.Option(help="Commit to judge.", metavar="REV")] = "HEAD",
    files: Annotated[
        list[str] | None,
        typer.Option(help="A path or glob that the change may touch; repeat it. Default: any file.", metavar="GLOB"),
    ] = None,
    checks: Annotated[
        str, typer.Option(help="Checks to run, separated by commas; 'none': the declared files alone.", metavar="LIST")
    ] = "pytest,ruff,mypy,bandit",
    text_check: Annotated[
        list[str] | None,
        typer.Option(
            help="A condition on a text, as YAML; repeat it: 'contains: {in: CHANGELOG.md, text: \"1.2\"}'.",
            metavar="CONDITION",
        ),
    ] = None,
    kind: Annotated[
        str | None, typer.Option(help="What the change was asked to be: fix, feature, refactor…", metavar="KIND")
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="What its author says of it; compared with the facts.", metavar="FILE")
    ] = None,
    journal: Annotated[
        Path | None,
        typer.Option(help="What its author did: JSON, the data of 'operation.done' events.", metavar="FILE"),
    ] = None,
    project: Annotated[Path, typer.Option(help="The repository.", metavar="DIR")] = Path(),
    timeout: Annotated[
        float | None, typer.Option(help="Limit of each command, in seconds.", metavar="SECONDS", min=0.001)
    ] = None,
    bundle: Annotated[
        Path | None,
        typer.Option(help="Copy the evidence bundle to this new folder.", metavar="DIR", rich_help_panel=_BUNDLES),
    ] = None,
    replay: Annotated[
        Path | None,
        typer.Option(
            help="Judge again what this bundle tells of: does it stand?", metavar="BUNDLE", rich_help_panel=_BUNDLES
        ),
    ] = None,
    check: Annotated[
        Path | None,
        typer.Option(help="Check this bundle without running anything.", metavar="BUNDLE", rich_help_panel=_BUNDLES),
    ] = None,
    signer: Annotated[
        str | None,
        typer.Option(
            help="With --check: who must have signed, a public key file or SHA256:…",
            metavar="SIGNER",
            rich_help_panel=_BUNDLES,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write the whole answer as JSON.")] = False,
) -> None:
    """Judge a change from its commits alone: tests, lint, types, security, declared files.

    Exit code 0: passed, 1: failed, 2: could not judge (or wrong usage), 3: a human has to look. With --replay and
    --check, 0: the verdict stands (the bundle is whole), 1: it does not, 2: that cannot be said here.
    """
    from claude_orchestrator.cli import bundles

    settings = _settings()
    _one_of(base, replay, check, signer)
    if check is not None:
        raise typer.Exit(bundles.check(check, settings, signer, as_json=as_json))
    if replay is not None:
        raise typer.Exit(
            _interruptible(bundles.replay(replay, project, settings, _new_folder(settings), as_json=as_json))
        )
    _named(base, "--base", "a commit, such as 'main'")
    _named(head, "--head", "a commit, such as 'HEAD'")
    for pattern in files or ():
        _named(pattern, "--files", "a file or a pattern; without the option any file may change")
    request = _request(settings, base or "", head, files, _known(checks, text_check), project, timeout)
    request = _claims(request, kind, report, journal)
    verification = _interruptible(_judge(request, settings))
    if bundle is not None:
        bundles.copy(request.evidence, bundle)
    _say(verification, as_json=as_json)
    raise typer.Exit(EXIT_CODES[verification.verdict])


def _one_of(base: str | None, replay: Path | None, check: Path | None, signer: str | None) -> None:
    given = [f"--{name}" for name, value in (("base", base), ("replay", replay), ("check", check)) if value is not None]
    if not given:
        raise typer.BadParameter(
            "say what to do: 'verify --base main' judges what is committed on top of main; "
            "--replay and --check take a bundle"
        )
    if len(given) > 1:
        raise typer.BadParameter(f"{' and '.join(given)} do not go together")
    if signer is not None and check is None:
        raise typer.BadParameter("it belongs to --check", param_hint="--signer")


def _named(value: str | None, option: str, what: str) -> None:
    """A variable that is not set in a script must not become a question that nobody asked."""
    if value is not None and not value.strip():
        raise typer.BadParameter(f"it is empty: name {what}", param_hint=option)


def _interruptible(work: Any) -> Any:
    import asyncio

    try:
        return asyncio.run(work)
    except KeyboardInterrupt:
        typer.echo("interrupted: nothing was judged, nothing is left running", err=True)
        raise typer.Exit(INTERRUPTED) from None


async def _judge(request: Request, settings: Settings) -> Verification:
    from claude_orchestrator.orchestrator.signing import Keys
    from claude_orchestrator.orchestrator.verifier import judge_apart

    return await judge_apart(request, teller(), Keys(settings.signing))


def teller() -> Any:
    """What tells people how far it is; None where nobody looks."""
    import sys

    return _tell if sys.stderr.isatty() else None


def _tell(line: str) -> None:
    typer.echo(f"  {line}", err=True)


# -- what is asked --------------------------------------------------------------------------------


def _settings() -> Settings:
    from claude_orchestrator.config import load_settings
    from claude_orchestrator.errors import ConfigError

    try:
        return load_settings()
    except ConfigError as error:
        raise typer.BadParameter(str(error)) from None


def _new_folder(settings: Settings) -> Path:
    import time
    import uuid

    return settings.home / "verifications" / f"{time.strftime('%Y%m%d-%H%M%S')}-{uuid.uuid4().hex[:8]}"


def _request(
    settings: Settings,
    base: str,
    head: str,
    files: list[str] | None,
    checks: list[str | dict[str, Any]],
    project: Path,
    timeout: float | None,
) -> Request:
    from claude_orchestrator.orchestrator.verification import Request

    limit = timeout or settings.check_timeout_s
    return Request(project.absolute(), base, head, _new_folder(settings), files, checks, settings.cache, limit)


def _claims(request: Request, kind: str | None, report: Path | None, journal: Path | None) -> Request:
    from dataclasses import replace

    from claude_orchestrator.cli.claims import journal_in, known_kind, text_in

    return replace(
        request,
        kind=known_kind(kind),
        report=text_in(report, "--report") if report else "",
        operations=journal_in(journal, "--journal") if journal else [],
    )


def _known(checks: str, conditions: list[str] | None) -> list[str | dict[str, Any]]:
    from claude_orchestrator.cli.claims import condition
    from claude_orchestrator.plans.checks import KNOWN_CHECKS, RESERVED, third_party

    names = [name.strip() for name in checks.split(",") if name.strip()]
    if not names:
        # An empty variable in somebody's CI must not pass as a verification.
        raise typer.BadParameter("no check is named: give some, or 'none' for the files alone", param_hint="--checks")
    texts: list[str | dict[str, Any]] = [condition(text) for text in conditions or ()]
    if names == ["none"]:
        return texts
    if unknown := [name for name in names if name not in KNOWN_CHECKS]:
        known = [*KNOWN_CHECKS, *sorted(third_party().keys() - RESERVED)]
        if strangers := [name for name in unknown if name not in known]:
            raise typer.BadParameter(
                f"unknown check '{strangers[0]}': use some of {', '.join(known)}", param_hint="--checks"
            )
    return [*names, *texts]


# -- what is answered -----------------------------------------------------------------------------


def _say(verification: Verification, *, as_json: bool) -> None:
    import json

    from claude_orchestrator.orchestrator.bundle import seal_of

    seal = seal_of(Path(verification.evidence))
    signature = {"signer": seal.signer if seal else "", "unsigned_because": seal.unsigned_because if seal else ""}
    if as_json:
        typer.echo(json.dumps({**verification.to_json(), **signature}, indent=2))
    else:
        typer.echo(_shown(verification, signature["unsigned_because"]))


def _shown(verification: Verification, unsigned_because: str) -> str:
    lines = [f"{_WORDS[verification.verdict]} in {verification.duration_s:.1f} s"]
    if not verification.checks:
        lines += [f"  {reason}" for reason in verification.reasons]
    told = [check for check in verification.checks if not _says_nothing(check)]
    width = max((len(check.name) for check in told), default=0) + 1
    for check in told:
        lines += [f"  {check.name:{width}} {_summary(check)}", *(f"    {line}" for line in _details(check))]
    if unsigned_because:
        lines.append(f"  not signed: {unsigned_because}")
    text = "\n".join([*lines, f"  evidence: {verification.evidence}"])
    return text.encode(errors="backslashreplace").decode()


def _says_nothing(check: CheckResult) -> bool:
    return check.name in _QUIET and check.status == "passed" and not check.notes


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

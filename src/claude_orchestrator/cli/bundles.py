"""``verify --check`` and ``verify --replay``: what a bundle is worth."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from claude_orchestrator.cli import output

if TYPE_CHECKING:
    from claude_orchestrator.config import Settings
    from claude_orchestrator.orchestrator.checking import Checked
    from claude_orchestrator.orchestrator.replaying import Replay

HOLDS: Final = 0
BROKEN: Final = 1
_SHOWN: Final = 20


def check(folder: Path, settings: Settings, signer: str | None, *, as_json: bool) -> int:
    """Check a bundle, say what was found, and return the exit code. Raises VerificationError: it cannot be said."""
    from claude_orchestrator.orchestrator.checking import check_bundle
    from claude_orchestrator.orchestrator.signing import Keys

    checked = check_bundle(folder, Keys(settings.signing), signer)
    if as_json:
        output.say_json(checked.to_json())
    else:
        output.say(*_checked_lines(checked))
    return HOLDS if checked.is_whole else BROKEN


async def replay(folder: Path, project: Path, settings: Settings, evidence: Path, *, as_json: bool) -> int:
    """Judge again what a bundle tells of, say whether it stands, and return the exit code.

    Raises VerificationError when it cannot be judged here.
    """
    from claude_orchestrator.cli.verify import teller
    from claude_orchestrator.orchestrator import replaying
    from claude_orchestrator.orchestrator.checking import check_bundle
    from claude_orchestrator.orchestrator.signing import Keys

    keys = Keys(settings.signing)
    checked = check_bundle(folder, keys)
    found = await replaying.replay(folder, project.absolute(), evidence, keys, teller())
    if as_json:
        output.say_json({**found.to_json(), "bundle": checked.to_json()})
    else:
        output.say(*_replay_lines(found, checked))
    return HOLDS if found.stands and checked.is_whole else BROKEN


def copy(folder: Path, target: Path) -> None:
    """Copy the bundle in a folder. Raises VerificationError where that is not possible."""
    from claude_orchestrator.orchestrator.bundle import export

    export(folder, target.absolute())


def _checked_lines(checked: Checked) -> Iterator[str]:
    if not checked.is_whole:
        yield f"BROKEN: {checked.folder} is not as it was made"
        yield from (f"  {problem}" for problem in checked.problems)
    else:
        yield f"whole: {checked.verdict.replace('_', ' ')}, {checked.base[:12]} to {checked.head[:12]}"
        yield from (f"  {reason}" for reason in checked.reasons[:_SHOWN])
    yield from _waivers(checked)
    if checked.trust == "unsigned":
        yield "  unsigned: nobody vouches for it"
        return
    yield f"  signed by {checked.signer}"
    if checked.trust == "this installation":
        yield "    the key of this installation"
    elif checked.trust == "named":
        yield "    the key that you named"
    else:
        yield "    not a key of this installation: ask its owner for the fingerprint, then add --signer with it"
    yield f"  check it by hand: {checked.verify_by_hand}"


def _waivers(checked: Checked) -> Iterator[str]:
    for waiver in checked.waivers:
        yield f"  approved by {waiver['by']} {waiver['at']}: {waiver['reason'] or 'no reason given'}"


def _replay_lines(found: Replay, checked: Checked) -> Iterator[str]:
    if found.stands:
        yield f"STANDS: {found.now.replace('_', ' ')}, as recorded"
    else:
        yield f"DIFFERS: {'; '.join(found.differences)}"
    yield from (f"  {detail}" for detail in found.details[:_SHOWN])
    if (more := len(found.details) - _SHOWN) > 0:
        yield f"  and {more} more"
    if found.environment:
        yield f"  another environment, {len(found.environment)} differences:"
        yield from (f"    {line}" for line in found.environment[:_SHOWN])
    if not checked.is_whole:
        yield "  the bundle itself is BROKEN:"
        yield from (f"    {problem}" for problem in checked.problems)
    yield f"  evidence: {found.evidence}"

"""Checking a bundle without running anything: files, schema, signature, and whether its verdict follows."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal

from claude_orchestrator.errors import VerificationError
from claude_orchestrator.graders.base import CheckResult, Status, guards_for, status_of
from claude_orchestrator.orchestrator.bundle import DOCUMENT, SIGNATURE, digest, plain_name
from claude_orchestrator.orchestrator.bundle_document import Bundle, DocumentError, read_bundle
from claude_orchestrator.orchestrator.signing import (
    Keys,
    SigningError,
    by_hand,
    check_signature,
    fingerprints_in,
    ssh_keygen_is_here,
)
from claude_orchestrator.orchestrator.verification import verdict_of
from claude_orchestrator.plans.checks import check_names

Trust = Literal["this installation", "named", "unknown", "unsigned"]
"""Whose key signed: ours, one that the caller named, somebody's, or nobody's."""

_ORDER: Final[tuple[Status, ...]] = ("failed", "error", "needs_review", "passed")
_FINGERPRINT: Final = "SHA256:"


@dataclass(frozen=True)
class Checked:
    """What is wrong with a bundle (nothing: it is whole), who signed it, and what it says."""

    folder: str
    problems: tuple[str, ...]
    signer: str
    trust: Trust
    verify_by_hand: str
    verdict: str = ""
    base: str = ""
    head: str = ""
    reasons: tuple[str, ...] = ()
    waivers: tuple[dict[str, Any], ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether nothing is wrong with it. Whom to believe is another question: see ``trust``."""
        return not self.problems

    @property
    def is_ours(self) -> bool:
        """Whether it is exactly what this installation signed."""
        return self.is_whole and self.trust == "this installation"

    def to_json(self) -> dict[str, Any]:
        """As plain values for ``json.dumps``."""
        return {"whole": self.is_whole, **asdict(self)}


def check_bundle(folder: Path, keys: Keys | None, signer: str | None = None) -> Checked:
    """Check a bundle offline. ``signer`` is a fingerprint, or a file with public keys, that must have signed it.

    Raises VerificationError when there is no bundle, or its signature cannot be checked here.
    """
    wanted = _wanted(signer)
    problems: list[str] = []
    bundle: Bundle | None = None
    try:
        bundle = read_bundle(folder)
        problems += _file_faults(folder, bundle)
        problems += _verdict_faults(folder, bundle)
    except DocumentError as error:
        problems.append(str(error))
    signed_by = _signed_by(folder, bundle, problems)
    trust: Trust = "unknown" if signed_by else "unsigned"
    if wanted and signed_by not in wanted:
        problems.append(f"it is not signed by {' or '.join(sorted(wanted))}")
    elif signed_by and wanted:
        trust = "named"
    elif signed_by and keys is not None and signed_by == keys.fingerprint():
        trust = "this installation"
    found = Checked(str(folder), tuple(problems), signed_by, trust, by_hand(str(folder), DOCUMENT))
    if bundle is None:
        return found
    return Checked(
        found.folder, found.problems, signed_by, trust, found.verify_by_hand, bundle.verdict, bundle.change.base,
        bundle.change.head, tuple(bundle.reasons), tuple(waiver.model_dump() for waiver in bundle.waivers),
    )  # fmt: skip


def _wanted(signer: str | None) -> set[str]:
    if signer is None:
        return set()
    if signer.startswith(_FINGERPRINT):
        return {signer}
    if not (found := fingerprints_in(Path(signer))):
        raise VerificationError(f"{signer} has no Ed25519 public key: name a .pub or allowed-signers file, or SHA256:…")
    return found


def _signed_by(folder: Path, bundle: Bundle | None, problems: list[str]) -> str:
    """The fingerprint of a good signature, or an empty text; what is wrong with a bad one goes to the problems."""
    said = bundle.signer if bundle else ""
    if not os.path.lexists(folder / SIGNATURE):
        if said:
            problems.append(f"{SIGNATURE} is missing: the document says that {said} signed it")
        return ""
    if not ssh_keygen_is_here():
        raise VerificationError("the signature cannot be checked: ssh-keygen is not installed (OpenSSH 8.2 or newer)")
    try:
        digest(folder / SIGNATURE)
        found = check_signature(folder / DOCUMENT, folder / SIGNATURE)
    except (SigningError, OSError) as error:
        problems.append(f"{SIGNATURE}: {error}")
        return ""
    if bundle and found != said:
        problems.append(f"{SIGNATURE} is by {found}, the document names {said or 'nobody'}")
    return found


def _file_faults(folder: Path, bundle: Bundle) -> list[str]:
    known = {DOCUMENT, SIGNATURE, *bundle.files, *bundle.left_out}
    names = [plain_name(file) for file in sorted(folder.iterdir())]
    faults = [f"{name} is not part of the bundle" for name in names if name not in known]
    for name, said in bundle.files.items():
        try:
            is_same = digest(folder / name) == said.model_dump()
        except OSError as error:
            faults.append(
                f"{name} is missing" if isinstance(error, FileNotFoundError) else f"{name} is not a plain file"
            )
            continue
        if not is_same:
            faults.append(f"{name} was changed: it has another SHA-256 than the document says")
    return faults


def _verdict_faults(folder: Path, bundle: Bundle) -> list[str]:
    """Where the verdict is not what the recorded findings lead to."""
    faults = [fault for check in bundle.checks if (fault := _status_fault(check))]
    names = {check.name for check in bundle.checks}
    if not bundle.checks and (bundle.verdict != "error" or not bundle.reasons):
        faults.append(f"the verdict is {bundle.verdict}, but nothing was checked")
    elif bundle.checks and (due := verdict_of(tuple(bundle.checks))) != bundle.verdict:
        faults.append(f"the verdict is {bundle.verdict}, but the checks lead to {due}")
    asked = check_names(bundle.request.checks)
    if bundle.checks:
        needed = ["scope", *asked, *guards_for(bundle.request.checks)]
        faults += [f"the result of {name} is missing" for name in needed if name not in names]
        reasons = [f"{check.name}: {reason}" for check in bundle.checks for reason in check.reasons]
        if reasons != bundle.reasons:
            faults.append("the reasons are not those of the checks")
    if any(run.trouble for run in bundle.tests.values()) and bundle.verdict == "passed":
        faults.append("the verdict is passed, but a run of the tests could not be believed")
    covered = "; ".join(bundle.reasons)
    if any(waiver.covers != covered or bundle.verdict != "needs_review" for waiver in bundle.waivers):
        faults.append("a waiver is for something else than what was found")
    return [*faults, *_other_record_faults(folder, bundle)]


def _status_fault(check: CheckResult) -> str:
    due = min(check.status, status_of(check.findings), key=_ORDER.index)
    return f"{check.name} is {check.status}, but its findings lead to {due}" if due != check.status else ""


def _other_record_faults(folder: Path, bundle: Bundle) -> list[str]:
    """Whether the verifier's own file says something else."""
    try:
        record = json.loads((folder / "verification.json").read_bytes())
        same = (record["verdict"], record["head"], record["base"]) == (
            bundle.verdict, bundle.change.head, bundle.change.base,
        )  # fmt: skip
        same = same and tuple(map(CheckResult.from_json, record["checks"])) == tuple(bundle.checks)
    except (OSError, ValueError, KeyError, TypeError):
        return ["verification.json is missing or damaged"]
    return [] if same else ["verification.json says something else than the document"]

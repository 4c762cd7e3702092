"""The schema of ``bundle.json``. The JSON Schema that is shipped (``evidence.schema.json``) is made from it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from claude_orchestrator.errors import VerificationError
from claude_orchestrator.graders.base import CheckResult
from claude_orchestrator.orchestrator.bundle import DOCUMENT, MAX_FILE, VERSION
from claude_orchestrator.orchestrator.verification import Request, Verification

SCHEMA: Final = Path(__file__).with_name("evidence.schema.json")

Verdict = Literal["passed", "failed", "needs_review", "error"]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._#-]{0,120}$")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ChangePart(_Part):
    """What was judged."""

    base: str
    """Commit that the change starts from."""
    head: str
    """Commit that was judged: the candidate. In a run it is the attempt merged onto the branch."""
    base_tree: str
    """Git tree of the base; empty when nothing could be judged."""
    head_tree: str
    """Git tree of the candidate: exactly this would be merged."""
    trees: dict[str, str]
    """The trees that the runs were made on, by name (`base`, `head`, `own`, `trusted`…)."""


class RequestPart(_Part):
    """What was asked."""

    scope: list[str] | None
    """The declared files; null: any."""
    checks: list[str | dict[str, Any]]
    """The checks that were asked for: names, and conditions on a text."""
    check_timeout_s: float
    """Limit of each command in seconds."""
    python: str | None
    """The interpreter that was named, if any."""
    kind: str | None
    """What the change was asked to be, if anybody said."""
    report: str
    """What the author of the change said of it."""
    operations: list[dict[str, Any]]
    """What the journal has of the work."""
    generated: dict[str, str] | None = None
    """Modules that were not in git (such as `_version.py`) and lay in the checkout: path and text."""


class RunPart(_Part):
    """One run of the tests."""

    trouble: str
    """Why the run is not believed; empty when it is."""
    tests: dict[str, str]
    """How every test ended, by its id."""


class WaiverPart(_Part):
    """A human's approval of a verdict `needs_review`."""

    gate: str
    """The question, as `inbox` names it."""
    by: str
    """Who approved."""
    at: str
    """When."""
    reason: str
    """Why, in their words."""
    covers: str
    """The reasons that it covers."""


class ObjectsPart(_Part):
    """The git objects that came along."""

    file: Literal["", "objects.pack"]
    """The pack; empty: none."""
    holds: Literal["both commits", "what the base lacks", "nothing"]
    """What the pack has. With `what the base lacks`, a replay needs a clone that has the base."""


class FilePart(_Part):
    """One file of the folder."""

    bytes: int
    """Its size."""
    sha256: Sha256
    """Its SHA-256."""


class Bundle(_Part):
    """The document of an evidence bundle, `bundle.json`."""

    format: Literal["claude-orchestrator-evidence"]
    """Always this."""
    version: Literal[1]
    """The version of the format."""
    made_at: str
    """When the verification was over (UTC)."""
    made_by: str
    """Program and version."""
    signer: str
    """Fingerprint of the key that signed; empty: not signed."""
    unsigned_because: str
    """Why it is not signed; empty when it is."""
    change: ChangePart
    """What was judged."""
    request: RequestPart
    """What was asked."""
    verdict: Verdict
    """The answer. A waiver does not change it."""
    reasons: list[str]
    """Every reason why it is not `passed`."""
    checks: list[CheckResult]
    """What each check says: status, new findings, reasons, notes, tool and version, commands with exit codes."""
    tests: dict[str, RunPart]
    """How every test ended in every run."""
    duration_s: float
    """How long it took, in seconds."""
    sandbox: str
    """What held the commands; empty: no command was run."""
    environment: dict[str, str]
    """Platform, Python, fingerprint of what is installed, network."""
    packages: list[str]
    """The distributions that the project's Python saw, as `name-version`."""
    rerun: list[str]
    """Shell commands that repeat the checks by hand."""
    waivers: list[WaiverPart]
    """Who has approved since, and why."""
    objects: ObjectsPart
    """The git objects that came along."""
    files: dict[Name, FilePart]
    """Every file of the folder but `bundle.json` and `bundle.json.sig`."""
    left_out: dict[str, str]
    """What else lay there, and why it does not count."""

    def verification(self) -> Verification:
        """The verification that the bundle tells of."""
        return Verification(
            self.verdict, self.change.base, self.change.head, self.change.base_tree, self.change.head_tree,
            tuple(self.checks), tuple(self.reasons), self.duration_s, self.sandbox, self.environment,
        )  # fmt: skip

    def request_for(self, repository: Path, evidence: Path) -> Request:
        """The same question, to be asked of another copy of the repository. No result of earlier runs is used."""
        asked = self.request
        return Request(
            repository, self.change.base, self.change.head, evidence, asked.scope, asked.checks, None,
            asked.check_timeout_s, None, asked.kind, asked.report, asked.operations,
            generated=asked.generated,
        )  # fmt: skip


PARTS: Final = (Bundle, ChangePart, RequestPart, RunPart, WaiverPart, ObjectsPart, FilePart)


class DocumentError(VerificationError):
    """There is a document, but it is damaged or says what none of ours says."""


def read_bundle(folder: Path) -> Bundle:
    """The document of a bundle. Raises VerificationError when there is none, DocumentError when it is damaged."""
    file = folder / DOCUMENT
    try:
        if file.is_symlink() or file.stat().st_size > MAX_FILE:
            raise DocumentError(f"{DOCUMENT} is a link, or too large")
        return Bundle.model_validate(json.loads(file.read_bytes()))
    except OSError as error:
        raise VerificationError(f"{file} cannot be read ({error.strerror}): name the folder of a bundle") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "the document"
        raise DocumentError(
            f"{DOCUMENT} does not follow version {VERSION} of the schema: {place}: {first['msg']}"
        ) from None
    except (ValueError, RecursionError) as error:
        raise DocumentError(f"{DOCUMENT} is no JSON ({error})") from None


def json_schema() -> str:
    """The JSON Schema of the document, as it is shipped."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Bundle.model_json_schema()}
    return json.dumps(schema, indent=2) + "\n"

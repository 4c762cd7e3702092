"""What is asked of the verifier and what it answers: plain values that survive as JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from claude_orchestrator.graders.base import CheckResult, Finding, Status

_SHOWN_FINDINGS: Final = 20
_SHOWN_TEXT: Final = 1500


@dataclass(frozen=True)
class Request:
    """Judge the change from commit ``base`` to commit ``head`` of ``repository``.

    ``scope`` are the declared files (paths and globs; None or empty: everything). ``evidence`` is the folder (absolute)
    that keeps what was seen, ``cache`` the one with results by content (None: no cache).
    ``checks`` are names, and conditions on a text (``{"contains": {"in": "CHANGELOG.md", "text": "1.2"}}``).
    ``check_timeout_s`` limits each command in seconds. ``python`` overrides the project's interpreter. ``kind`` is what
    the change was asked to be (``fix``, ``feature``, ``refactor``…; None: nobody said). ``report`` is what its author
    says of it and ``operations`` what the journal has of the work (the data of its ``operation.done`` events, in
    order): both are only compared with the facts. ``private`` are folders that no command of a check may look into.
    ``generated`` are modules that lie in the user's checkout and not in git, path → text (None: look for them there).
    """

    repository: Path
    base: str
    head: str
    evidence: Path
    scope: list[str] | None = None
    checks: list[str | dict[str, Any]] = field(default_factory=lambda: ["pytest", "ruff", "mypy", "bandit"])
    cache: Path | None = None
    check_timeout_s: float = 900.0
    python: str | None = None
    kind: str | None = None
    report: str = ""
    operations: list[dict[str, Any]] = field(default_factory=list)
    private: list[Path] = field(default_factory=list)
    generated: dict[str, str] | None = None

    def to_json(self) -> dict[str, Any]:
        """As plain values for ``json.dumps``."""
        paths = {
            "repository": str(self.repository),
            "evidence": str(self.evidence),
            "cache": self.cache and str(self.cache),
            "private": [str(folder) for folder in self.private],
        }
        return {**asdict(self), **paths}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Request:
        """The inverse of :meth:`to_json`."""
        cache = Path(data["cache"]) if data["cache"] else None
        private = [Path(folder) for folder in data.get("private", ())]
        paths = {"repository": Path(data["repository"]), "evidence": Path(data["evidence"]), "cache": cache}
        return cls(**{**data, **paths, "private": private})


@dataclass(frozen=True)
class Verification:
    """What was judged, how, and what came out.

    ``base`` and ``head`` are commit ids, ``base_tree`` and ``tree`` the trees that they hold. ``checks``
    begin with the scope check. ``reasons`` say why the verdict is not ``passed``. ``sandbox`` is what held the
    commands together, empty when none was run. ``rerun`` are shell commands that repeat the run of the change.
    ``trees`` are those that were made of the two for the runs, ``waivers`` what humans have approved since: who, why.
    """

    verdict: Status
    base: str
    head: str
    base_tree: str
    tree: str
    checks: tuple[CheckResult, ...]
    reasons: tuple[str, ...]
    duration_s: float
    sandbox: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    rerun: tuple[str, ...] = ()
    evidence: str = ""
    trees: dict[str, str] = field(default_factory=dict)
    waivers: tuple[dict[str, Any], ...] = ()

    @property
    def passed(self) -> bool:
        """Whether the change may be merged without asking anybody."""
        return self.verdict == "passed"

    def to_json(self) -> dict[str, Any]:
        """As plain values for ``json.dumps``."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Verification:
        """The inverse of :meth:`to_json`."""
        parts = {
            "checks": tuple(CheckResult.from_json(check) for check in data["checks"]),
            "reasons": tuple(data["reasons"]),
            "rerun": tuple(data["rerun"]),
            "waivers": tuple(data.get("waivers", ())),
        }
        return cls(**{**data, **parts})

    @classmethod
    def impossible(cls, request: Request, reason: str, duration_s: float = 0.0) -> Verification:
        """The answer when nothing could be judged at all."""
        return cls(
            "error", request.base, request.head, "", "", (), (reason,), duration_s, evidence=str(request.evidence)
        )

    def feedback(self) -> str:
        """What the next attempt should know, as Markdown; empty when the change passed."""
        if self.passed:
            return ""
        lines = [f"The verifier judged the last attempt: **{self.verdict.replace('_', ' ')}**.", ""]
        if not self.checks:
            lines += [f"- {reason}" for reason in self.reasons]
        for check in self.checks:
            if check.status != "passed":
                lines += [f"## {check.name}: {check.status.replace('_', ' ')}", *_explained(check), ""]
        return "\n".join(lines).rstrip() + "\n"


def verdict_of(checks: tuple[CheckResult, ...]) -> Status:
    """One verdict for all checks: a certain failure first, then what nobody could judge, then what a human must."""
    statuses = {check.status for check in checks}
    order: tuple[Status, ...] = ("failed", "error", "needs_review")
    return next((status for status in order if status in statuses), "passed")


def _explained(check: CheckResult) -> list[str]:
    findings = [found for found in check.findings if found.severity != "note"]
    if not findings:
        return [f"- {reason}" for reason in check.reasons]
    lines = [line for found in findings[:_SHOWN_FINDINGS] for line in _shown(found)]
    more = len(findings) - _SHOWN_FINDINGS
    return [*lines, f"- and {more} more"] if more > 0 else lines


def _shown(found: Finding) -> list[str]:
    if found.rule.startswith("pytest/"):
        text = found.text.strip()[-_SHOWN_TEXT:]
        return [f"- {found.message}", *(["```", text, "```"] if text else [])]
    rule = "" if found.rule.startswith("scope/") else f"{found.rule} "
    place = f"{found.place()}: " if found.path else ""
    return [f"- {place}{rule}{found.message}"]

"""The words that all graders share: a finding, a command that was run, the result of a check, the protocol."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol

from claude_orchestrator.errors import VerificationError

if TYPE_CHECKING:
    from claude_orchestrator.graders.bench import Bench

Status = Literal["passed", "failed", "needs_review", "error"]
"""``error`` means: could not be judged (a missing tool, a base that cannot be judged itself)."""

Severity = Literal["problem", "review", "note"]
"""A new ``problem`` fails the check, a new ``review`` asks a human, a ``note`` is only shown."""

CHECKS: Final = {
    "pytest": "claude_orchestrator.graders.pytest:PytestGrader",
    "ruff": "claude_orchestrator.graders.ruff:RuffGrader",
    "mypy": "claude_orchestrator.graders.mypy:MypyGrader",
    "bandit": "claude_orchestrator.graders.bandit:BanditGrader",
}
"""Name of a check → where its grader is; imported only when the check is asked for."""


@dataclass(frozen=True)
class Finding:
    """One thing that a grader found.

    ``path`` is relative to the tree and ``line`` counts from 1 (0: the whole file). ``symbol`` is the
    enclosing function or class, ``text`` the source line with its white space normalised. ``fingerprint``
    stays the same when lines move; it is empty until findings of two trees are compared.
    """

    rule: str
    path: str
    line: int
    message: str
    severity: Severity = "problem"
    symbol: str = ""
    text: str = ""
    fingerprint: str = ""

    def place(self) -> str:
        """``path:line``, for people."""
        return f"{self.path}:{self.line}" if self.line else self.path


@dataclass(frozen=True)
class Command:
    """One command as it was run. ``cached`` means that an earlier run with the same inputs stands for it.

    ``label`` says what for, check and tree (``pytest-own``), and names the output files in the evidence
    folder. ``by_hand`` is the shell command that repeats it in a checkout of that tree.
    """

    label: str
    argv: tuple[str, ...]
    exit_code: int
    duration_s: float
    by_hand: str
    cached: bool = False
    timed_out: bool = False


@dataclass(frozen=True)
class CheckResult:
    """What one check says about a change.

    ``findings`` are the new ones only; ``known`` counts those that the base already had. ``reasons`` say
    why the status is not ``passed``; ``notes`` are worth reading and decide nothing. ``output_path`` is a
    file name in the evidence folder.
    """

    name: str
    status: Status
    findings: tuple[Finding, ...] = ()
    known: int = 0
    reasons: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    commands: tuple[Command, ...] = ()
    tool: str = ""
    version: str = ""
    output_path: str = ""

    def to_json(self) -> dict[str, Any]:
        """As plain values for ``json.dumps``."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> CheckResult:
        """The inverse of :meth:`to_json`."""
        parts = {
            "findings": tuple(Finding(**finding) for finding in data["findings"]),
            "commands": tuple(Command(**{**command, "argv": tuple(command["argv"])}) for command in data["commands"]),
            "reasons": tuple(data["reasons"]),
            "notes": tuple(data["notes"]),
        }
        return cls(**{**data, **parts})


class Grader(Protocol):
    """Judges one side of a change; has no state between two calls."""

    name: str

    async def grade(self, bench: Bench) -> CheckResult:
        """Judge the change on ``bench``. Raises VerificationError when it cannot be judged."""
        ...


def status_of(findings: tuple[Finding, ...]) -> Status:
    """The status that new findings lead to: the worst of them counts."""
    severities = {finding.severity for finding in findings}
    return "failed" if "problem" in severities else "needs_review" if "review" in severities else "passed"


def grader_named(name: str) -> Grader:
    """The grader of a check. Raises VerificationError for a name that is not in :data:`CHECKS`."""
    if name not in CHECKS:
        raise VerificationError(f"unknown check '{name}': use some of {', '.join(CHECKS)}")
    module, _, attribute = CHECKS[name].partition(":")
    grader: Grader = getattr(import_module(module), attribute)()
    return grader

"""The words that all graders share: a finding, a command that was run, the result of a check, the protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol

from claude_orchestrator.errors import VerificationError
from claude_orchestrator.plans.checks import RESERVED, check_names, third_party

if TYPE_CHECKING:
    from claude_orchestrator.graders.bench import Bench

Status = Literal["passed", "failed", "needs_review", "error"]
"""``error`` means: could not be judged (a missing tool, a base that cannot be judged itself)."""

Severity = Literal["problem", "review", "note"]
"""A new ``problem`` fails the check, a new ``review`` asks a human, a ``note`` is only shown."""

GUARDS: Final = {
    "integrity": "claude_orchestrator.graders.integrity.grader:IntegrityGrader",
    "semantics": "claude_orchestrator.graders.semantics.grader:SemanticsGrader",
}
"""Checks that nobody asks for and nobody can leave out: they run whenever a check of the code runs."""

CHECKS: Final = {
    "pytest": "claude_orchestrator.graders.suite.grader:PytestGrader",
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
    folder. ``by_hand`` is the shell command that repeats it in a checkout of that tree. ``stopped`` says which limit
    (of memory, processes, disk) it was killed for; then nothing that it wrote is to be believed.
    """

    label: str
    argv: tuple[str, ...]
    exit_code: int
    duration_s: float
    by_hand: str
    cached: bool = False
    timed_out: bool = False
    stopped: str = ""


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
    """Judges a change; has no state between two calls.

    Another distribution adds one by an entry point of the group ``claude_orchestrator.graders``: its name is the name
    of the check, what it points to is called without arguments.
    """

    name: str

    async def grade(self, bench: Bench) -> CheckResult:
        """Judge the change on ``bench``. Raises VerificationError when it cannot be judged."""
        ...


def status_of(findings: tuple[Finding, ...]) -> Status:
    """The status that new findings lead to: the worst of them counts."""
    severities = {finding.severity for finding in findings}
    return "failed" if "problem" in severities else "needs_review" if "review" in severities else "passed"


def grader_named(name: str) -> Grader:
    """The grader of a guard or a check, ours or one that another distribution brings by an entry point.

    A name of ours always means ours. Raises VerificationError for an unknown name and for a grader that cannot be
    loaded.
    """
    places = {**GUARDS, **CHECKS}
    if name not in places:
        return _third_party(name)
    module, _, attribute = places[name].partition(":")
    grader: Grader = getattr(import_module(module), attribute)()
    return grader


def guards_for(checks: Sequence[str | Mapping[str, Any]]) -> tuple[str, ...]:
    """The names of the guards that go with some checks: none where only texts are looked at, or nothing."""
    return tuple(GUARDS) if any(isinstance(check, str) for check in checks) else ()


def graders_for(checks: Sequence[str | Mapping[str, Any]]) -> list[Grader]:
    """The graders of what a task asks for, after the guards. Raises like :func:`grader_named`."""
    from claude_orchestrator.graders.texts import text_check

    ours = [grader_named(name) for name in guards_for(checks)]
    asked = dict(zip(check_names(checks), checks, strict=True))
    theirs: list[Grader] = [
        grader_named(check) if isinstance(check, str) else text_check(name, check) for name, check in asked.items()
    ]
    return ours + theirs


def _third_party(name: str) -> Grader:
    found = third_party().get(name)
    if found is None or name in RESERVED:
        raise VerificationError(f"unknown check '{name}': use some of {', '.join(CHECKS)}")
    try:
        grader: Grader = found.load()()
    except Exception as error:
        said = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        raise VerificationError(f"the check '{name}' ({found.value}) cannot be loaded: {said}") from error
    if not callable(getattr(grader, "grade", None)) or getattr(grader, "name", None) != name:
        raise VerificationError(
            f"the check '{name}' ({found.value}) is no grader: it needs name = '{name}' and grade()"
        )
    return grader

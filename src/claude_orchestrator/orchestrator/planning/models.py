"""What planning hands around: plain values that are stored as JSON and shown by every face."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

Value = str | bool | float | tuple[str, ...]
"""An answer: the value of an option, several of them, a text, a yes or no, a number."""

GoalKind = Literal["feature", "fix", "refactor", "migration", "performance", "documentation"]
"""What a goal is about; it chooses questions and how a plan is cut."""


class Stage(StrEnum):
    """How far a planning session is."""

    GATHERING_REQUIREMENTS = "gathering_requirements"
    RESEARCHING = "researching"
    DESIGNING = "designing"
    REVIEWING = "reviewing"
    APPROVED = "approved"
    ABANDONED = "abandoned"


# -- the map of the repository ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Language:
    """One language of the repository."""

    name: str
    files: int
    lines: int


@dataclass(frozen=True)
class Module:
    """One file of source code."""

    path: str
    language: str
    lines: int
    symbols: tuple[str, ...] = ()
    """Its public names, as ``function``, ``Class``, ``Class.method``."""
    imports: tuple[str, ...] = ()
    """Paths of the repository's own modules that it imports."""
    tests: tuple[str, ...] = ()
    """Paths of the test files that import it, or are named after it."""
    uses: tuple[str, ...] = ()
    """Topmost names of what it imports from outside the repository, the standard library included."""


@dataclass(frozen=True)
class Suite:
    """How the repository tests itself."""

    framework: str = ""
    """``pytest``, ``unittest``, ``jest``, …; empty: none was found."""
    command: str = ""
    """What runs them, as the repository itself says it (CI, package.json, Makefile), else as is usual."""
    folders: tuple[str, ...] = ()
    files: int = 0
    because: str = ""
    """Where that was read."""


@dataclass(frozen=True)
class Convention:
    """Something that is done in one way here."""

    name: str
    """``formatter``, ``linter``, ``typing``, ``docstrings``, ``changelog``, ``commits``, ``layout``, ``python``, …"""
    value: str
    because: str
    """The file, and what in it, says so."""


@dataclass(frozen=True)
class Churn:
    """A path that has changed lately."""

    path: str
    commits: int
    latest: str
    """Subject of the latest commit that touched it."""
    authors: tuple[str, ...] = ()
    """Who has changed it most, at most three."""


@dataclass(frozen=True)
class Survey:
    """The map of a repository at one commit; read from git, never from the checkout."""

    commit: str
    files: int
    lines: int
    languages: tuple[Language, ...] = ()
    """The most lines first."""
    frameworks: tuple[str, ...] = ()
    """``django``, ``fastapi``, ``typer``, …: what the manifests and imports name."""
    manifests: tuple[str, ...] = ()
    modules: tuple[Module, ...] = ()
    tests: Suite = field(default_factory=Suite)
    ci: tuple[str, ...] = ()
    public_api: tuple[str, ...] = ()
    """What others import or call: the names of ``__all__``, the package's root, console scripts, routes."""
    databases: tuple[str, ...] = ()
    """``sqlite``, ``postgresql``, ``alembic migrations in x/``, …"""
    conventions: tuple[Convention, ...] = ()
    churn: tuple[Churn, ...] = ()
    documents: tuple[str, ...] = ()
    """README, docs, CLAUDE.md, AGENTS.md, changelog, ADRs."""
    paths: tuple[str, ...] = ()
    """Every file of the commit whose name is UTF-8; of a very large one, the first of them."""
    left_out: tuple[str, ...] = ()
    """What was not looked at, and why."""


# -- questions -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Option:
    """One way to answer."""

    value: str
    """``other`` stands for an answer in one's own words: it is asked for, and the words are the answer."""
    label: str = ""
    """In a few words what it means for the plan; empty: the value says it."""


@dataclass(frozen=True)
class Question:
    """Something whose answer changes the plan."""

    id: str
    """Its name, unique in the session: ``compatibility``, ``tests-first``, …"""
    text: str
    kind: Literal["choice", "choices", "confirm", "number", "text"] = "choice"
    options: tuple[Option, ...] = ()
    default: Value | None = None
    """What counts when nobody answers; None: somebody has to."""
    because: str = ""
    """What in the repository or the goal makes this the default."""
    changes: str = ""
    """What of the plan depends on the answer."""
    follows: str | None = None
    """The question whose answer has brought this one up."""
    source: Literal["bank", "model", "host"] = "bank"


@dataclass(frozen=True)
class Answered:
    """A question with its answer."""

    question: Question
    value: Value
    by: Literal["person", "host", "default", "goal", "repository"]
    """``host``: a model has passed it on, and only it knows whether a person said so. ``goal`` and ``repository``: it
    did not have to be asked; the goal's words, or the repository, say it."""


# -- what else is known ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Reference:
    """A document or a skill that fits the goal."""

    name: str
    """The path of a document, the name of a skill."""
    because: str
    """What it has in common with the goal."""


@dataclass(frozen=True)
class Earlier:
    """What an earlier plan for this repository has decided."""

    plan_id: str
    question: str
    answer: str
    reason: str = ""


@dataclass(frozen=True)
class Research:
    """What there is to know besides the map: it is offered to whoever drafts, and decides nothing."""

    decisions: tuple[Earlier, ...] = ()
    """The newest first."""
    skills: tuple[Reference, ...] = ()
    documents: tuple[Reference, ...] = ()


# -- what a review says ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Finding:
    """Something about a plan that somebody should look at before it is approved."""

    rule: str
    """``cycle``, ``overlap``, ``missing-file``, ``uncovered-criterion``, ``too-big``, ``no-tests``, ``no-check``, …"""
    severity: Literal["error", "warning", "note"]
    """An error keeps the plan from being approved."""
    task_id: str
    """The task it is about; empty: the plan."""
    message: str
    suggestion: str
    """The change that would settle it, in the words of a plan file."""


@dataclass(frozen=True)
class Range:
    """An estimate: half of the cases lie below ``p50``, nine of ten below ``p90``."""

    p50: float
    p90: float


@dataclass(frozen=True)
class Estimate:
    """What a run of the plan takes; from this installation's own history where there is some."""

    seconds: Range | None
    """Wall-clock time of a run, with the parallel attempts of this installation."""
    usd: Range | None
    attempts: int
    """Finished attempts of this home that it rests on; 0: there is no history, and so no figure."""
    because: str


@dataclass(frozen=True)
class Review:
    """What the mechanical review of a plan says."""

    findings: tuple[Finding, ...]
    estimate: Estimate
    tokens: Mapping[str, int] = field(default_factory=dict)
    """Task → tokens of its context, estimated from the files it may touch."""

    @property
    def approvable(self) -> bool:
        """Whether nothing in it is an error."""
        return all(finding.severity != "error" for finding in self.findings)


# -- a session -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Session:
    """A planning session as it is stored; every step of it makes a new one."""

    id: str
    """``s1``, ``s2``, …: never given twice in one home."""
    project: str
    """The root of the repository."""
    goal: str
    context: str
    kind: GoalKind
    stage: Stage
    base_commit: str
    """What the plan is made for."""
    questions: tuple[Question, ...] = ()
    """All that were asked, in their order."""
    answers: tuple[Answered, ...] = ()
    survey: Survey | None = None
    research: Research | None = None
    plan: Mapping[str, Any] | None = None
    """The draft, as a plan document."""
    drafted_by: Literal["", "host", "model", "map", "person"] = ""
    review: Review | None = None
    plan_id: str | None = None
    plan_version: int | None = None
    spent_micro_usd: int = 0
    """What models have cost that helped to plan, in millionths of a US dollar."""
    notes: tuple[str, ...] = ()
    """What a person should know of the draft: what is for them to fill in, a model that could not help, …"""
    revision: int = 1
    """Rises with every change."""
    created_at: float = 0.0
    updated_at: float = 0.0

    @property
    def open_questions(self) -> tuple[Question, ...]:
        """What nobody has answered yet."""
        answered = {answer.question.id for answer in self.answers}
        return tuple(question for question in self.questions if question.id not in answered)

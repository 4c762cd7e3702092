"""What the rules of the question bank look at: the goal, the map, the answers so far, and what follows from them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePosixPath
from typing import Final, Literal

from claude_orchestrator.errors import PlanError
from claude_orchestrator.orchestrator.planning.matching import Match, code_of, is_test, matched
from claude_orchestrator.orchestrator.planning.models import Convention, GoalKind, Module, Option, Survey, Value
from claude_orchestrator.plans.patterns import matches

WEB: Final = frozenset(
    {"django", "fastapi", "flask", "starlette", "aiohttp", "tornado", "sanic", "litestar", "quart", "falcon", "bottle"}
    | {"express", "koa", "fastify", "nest", "nestjs", "next", "hapi", "hono", "rails", "sinatra", "gin", "axum"}
)
COMMAND_LINE: Final = frozenset({"typer", "click", "argparse", "cleo", "fire", "docopt", "commander", "yargs", "oclif"})
SCREEN: Final = frozenset({"react", "vue", "svelte", "angular", "solid", "preact", "next", "nuxt", "textual"})
DELICATE: Final = re.compile(r"(^|/)(vendor|vendored|third_party|generated|fixtures|legacy)(/|$)|_pb2\.py$|\.min\.js$")
"""What is copied, generated, or kept as it was: rarely meant, unless somebody names it."""
_SOURCES: Final = frozenset(
    {"Markdown", "JSON", "YAML", "TOML", "Text", "reStructuredText", "HTML", "CSS", "SQL", "XML"}
)
"""Languages that no program is written in."""


@dataclass(frozen=True)
class Ask:
    """A rule's verdict: ask, with this default and its reason."""

    default: Value | None
    because: str
    options: tuple[Option, ...] | None = None
    """None: those of the bank."""


@dataclass(frozen=True)
class Known:
    """A rule's verdict: nobody has to be asked."""

    value: Value
    because: str
    by: Literal["goal", "repository"]
    options: tuple[Option, ...] | None = None


@dataclass(frozen=True)
class Situation:
    """Everything that decides what is asked. Equal situations ask the same."""

    goal: str
    context: str
    kind: GoalKind
    survey: Survey
    answers: Mapping[str, Value] = field(default_factory=dict)
    """Answers so far, by the id of their question."""
    earlier: Mapping[str, tuple[Value, str]] = field(default_factory=dict)
    """What people answered for earlier plans of the repository: id → (value, id of the plan)."""
    memory: dict[tuple[str, int], tuple[Match, ...]] = field(default_factory=dict, compare=False, repr=False)
    """Matches that were found already; copies with other answers share it."""

    @property
    def text(self) -> str:
        """Goal and context."""
        return f"{self.goal}\n{self.context}"

    @property
    def matches(self) -> tuple[Match, ...]:
        """The files that the goal seems to be about, the best first; where it says nothing, those of the context."""
        return self._matched(self.goal) or self._matched(self.context)

    def _matched(self, text: str) -> tuple[Match, ...]:
        key = (text, id(self.survey))
        if key not in self.memory:
            self.memory[key] = matched(text, self.survey)
        return self.memory[key]

    @cached_property
    def likely(self) -> tuple[Match, ...]:
        """The best of the matches: those that come near the first."""
        if not self.matches:
            return ()
        own = [match for match in self.matches if not DELICATE.search(match.path)] or list(self.matches)
        near = tuple(match for match in own if match.points * 2 > own[0].points)
        return near if near[-1].because.endswith("which the goal wants to leave") else near[:4]

    @cached_property
    def code(self) -> list[Module]:
        """The modules that are no tests."""
        return code_of(self.survey)

    @cached_property
    def paths(self) -> tuple[str, ...]:
        """What ``where`` says, or would say by default."""
        answered = self.answers.get("where")
        if isinstance(answered, tuple) and answered:
            return answered
        return tuple(match.path for match in self.likely)

    @cached_property
    def reach(self) -> tuple[Module, ...]:
        """The modules that the change is about, as far as that is known."""
        kept = self.answers.get("leave-alone", ())
        kept = kept if isinstance(kept, tuple) else ()
        return tuple(module for module in self.meant if not any(covers(path, module.path) for path in kept))

    @property
    def meant(self) -> tuple[Module, ...]:
        """The modules that ``where`` names, also those that are to be left alone."""
        return tuple(module for module in self.code if any(covers(path, module.path) for path in self.paths))

    @property
    def untested(self) -> tuple[Module, ...]:
        """Modules of the reach that no test is about."""
        return tuple(module for module in self.reach if not module.tests)

    @property
    def has_tests(self) -> bool:
        """Whether the repository tests itself."""
        return self.survey.tests.files > 0

    @cached_property
    def language(self) -> str:
        """The language with the most lines that programs are written in; empty where there is none."""
        written = (language.name for language in self.survey.languages if language.name not in _SOURCES)
        return next(written, "")

    @property
    def is_python(self) -> bool:
        """Whether the verifier's checks of the code have something to look at."""
        return any(language.name == "Python" for language in self.survey.languages)

    @cached_property
    def frameworks(self) -> frozenset[str]:
        """The frameworks, in small letters."""
        return frozenset(name.casefold() for name in self.survey.frameworks)

    @cached_property
    def packages(self) -> tuple[str, ...]:
        """Folders with a manifest of their own; ``.`` is the root."""
        folders = {str(PurePosixPath(manifest).parent) for manifest in self.survey.manifests}
        return tuple(sorted(folder for folder in folders if not is_test(f"{folder}/x", self.survey)))

    def convention(self, name: str) -> Convention | None:
        """How something is done here, if that is known."""
        return next((each for each in self.survey.conventions if each.name == name), None)

    def documents(self) -> tuple[str, ...]:
        """What is written for people, the README first; without instructions for agents and the changelog."""
        others = ("CLAUDE", "AGENTS", "CHANGE", "HISTORY", "NEWS", "LICENSE")
        found = [path for path in self.survey.documents if not _name(path).startswith(others)]
        return tuple(sorted(found, key=lambda path: not _name(path).startswith("README")))

    def before(self, question: str, default: Value, because: str) -> tuple[Value, str]:
        """The default of a question, or what a person answered for an earlier plan of this repository."""
        if question in self.earlier:
            value, plan_id = self.earlier[question]
            return value, f"it was answered so for plan {plan_id}"
        return default, because


def number(count: int, noun: str) -> str:
    """``1 file``, ``2 files``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _name(path: str) -> str:
    return PurePosixPath(path).name.upper()


def covers(pattern: str, path: str) -> bool:
    """Whether a path, folder or glob stands for a file."""
    try:
        return pattern == "." or matches(pattern.removeprefix("./"), path)
    except PlanError:
        return False  # it leaves the repository, or is no pattern

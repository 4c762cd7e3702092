"""How it is proved: tests, checks, documentation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from claude_orchestrator.orchestrator.planning.bank import BANK, OTHER
from claude_orchestrator.orchestrator.planning.goals import first
from claude_orchestrator.orchestrator.planning.models import Option
from claude_orchestrator.orchestrator.planning.situation import Ask, Known, Situation, number

_FRAMEWORKS: Final[dict[str, tuple[str, ...]]] = {
    "Python": ("pytest", "unittest"),
    "TypeScript": ("vitest", "jest", "node:test"),
    "JavaScript": ("node:test", "vitest", "jest"),
    "Go": ("go test",),
    "Rust": ("cargo test",),
    "Java": ("junit",),
    "Kotlin": ("junit",),
    "C#": ("xunit", "nunit"),
    "Ruby": ("minitest", "rspec"),
    "PHP": ("phpunit",),
    "C": ("ctest",),
    "C++": ("ctest", "googletest"),
    "Shell": ("bats",),
}
"""Language → what its tests are usually written with, the plainest first."""

_SPELLED: Final = {name.casefold(): name for name in _FRAMEWORKS}


def _tests_first(situation: Situation) -> Ask | Known | None:
    if situation.kind == "documentation" or not situation.paths or not _tests_will_be(situation):
        return None
    said = first(
        (
            ("first", r"\btests? first\b|\btest.driven\b|\btdd\b|\bfailing test first\b"),
            ("none", r"\b(?:no|without)(?: any| new)? tests\b"),
        ),
        situation.text,
    )
    if said:
        return Known(said[0], f"the goal says '{said[1]}'", "goal")
    if situation.kind == "fix":
        default, because = "first", "a fix is believed when a test failed before it"
    elif situation.kind in ("refactor", "performance"):
        default, because = "together", "the tests that are there hold the behaviour already"
    else:
        default, because = "together", _where_tests_are(situation)
    return Ask(*situation.before("tests-first", default, because))


def _tests_will_be(situation: Situation) -> bool:
    return situation.has_tests or situation.answers.get("tests-setup", "leave") == "add"


def _where_tests_are(situation: Situation) -> str:
    suite = situation.survey.tests
    tested = next((module for module in situation.reach if module.tests), None)
    if tested:
        return f"{tested.path} has its tests in {tested.tests[0]}"
    return f"{number(suite.files, 'test file')} ({suite.because})" if suite.files else "the tests are new as well"


def _tests_setup(situation: Situation) -> Ask | Known | None:
    if situation.has_tests or not situation.code or situation.kind == "documentation":
        return None
    if said := first((("leave", r"\b(?:no|without)(?: any| new)? tests\b"),), situation.text):
        return Known(said[0], f"the goal says '{said[1]}'", "goal")
    return Ask("add", f"none of {situation.survey.files} files is a test: nothing would show that the change works")


def _test_framework(situation: Situation) -> Ask | Known:
    chosen = str(situation.answers.get("language", ""))
    language = situation.language or _SPELLED.get(chosen, chosen)
    usual = _FRAMEWORKS.get(language, ())
    options = (*map(Option, usual), Option(OTHER, "another one"))
    declared = [name for name in usual if name in situation.frameworks]
    if declared:
        return Known(declared[0], f"the manifests name {declared[0]}", "repository", options)
    if len(usual) == 1:
        return Known(usual[0], f"that is what {language} has", "repository", options)
    if usual:
        return Ask(
            usual[0], f"most of the code is {language}" if situation.language else f"it will be {language}", options
        )
    return Ask(
        None, f"it is not known what tests of {language or 'this'} are written with", (Option(OTHER, "say which"),)
    )


def _ci_setup(situation: Situation) -> Ask | Known | None:
    if situation.survey.ci:
        return None
    if first((("yes", r"\bCI\b|\bgithub actions\b|\bpipeline\b"),), situation.text):
        return Known(True, "the goal asks for it", "goal")
    return Ask(default=False, because="no CI was found, and the goal does not ask for one")


def _characterise(situation: Situation) -> Ask | None:
    if situation.kind not in ("refactor", "migration", "performance") or not _tests_will_be(situation):
        return None
    if not (bare := situation.untested):
        return None
    others = f" (and {len(bare) - 1} more)" if len(bare) > 1 else ""
    return Ask(default=True, because=f"no test imports {bare[0].path}{others}: nobody would notice what changes")


def _checks(situation: Situation) -> Ask | Known | None:
    if situation.kind == "documentation":
        return None
    if not situation.is_python and situation.language:
        because = f"the checks that verify code know Python; this is {situation.language}"
        return Known((), because, "repository")
    if not situation.is_python:
        if situation.answers.get("language", "python") != "python":
            return None
        return Ask(("pytest", "ruff", "mypy"), "a new Python project passes them from its first task on")
    found: dict[str, str] = {}
    if _tests_will_be(situation) and situation.survey.tests.framework in ("", "pytest", "unittest"):
        found["pytest"] = situation.survey.tests.because or "the tests that the plan brings"
    for convention in situation.survey.conventions:
        for name in ("ruff", "mypy", "bandit"):
            if name in convention.value.casefold().split() or convention.value.casefold().startswith(name):
                found.setdefault(name, convention.because)
    if "ruff" in found or "mypy" in found:
        because = "; ".join(f"{name}: {why}" for name, why in found.items())
        return Known(tuple(name for name in _names() if name in found), because, "repository")
    default = (*found, "ruff") if found else ("ruff",)
    return Ask(
        default,
        "no linter or type checker is configured; ruff asks nothing of the code that is there, only of what is new",
    )


def _names() -> tuple[str, ...]:
    return tuple(option.value for option in BANK["checks"].options)


def _docs(situation: Situation) -> Ask | Known | None:
    documents = situation.documents()
    if situation.kind in ("documentation", "refactor") or not documents:
        return None
    said = first(
        (
            ("no", r"\b(?:no|without) (?:docs|documentation)\b"),
            (
                "yes",
                r"\band documents? it\b|\b(?:update the|including)(?: the)? (?:docs|documentation|readme)\b",
            ),
        ),
        situation.text,
    )
    if said:
        return Known(said[0] == "yes", f"the goal says '{said[1]}'", "goal")
    visible = situation.kind == "feature" and situation.answers.get("surface") not in ("internal", None)
    visible = visible or situation.kind == "migration"
    if visible:
        default, because = situation.before(
            "docs", default=True, because=f"people see it, and they read {documents[0]}"
        )
    else:
        default, because = situation.before(
            "docs", default=False, because=f"{documents[0]} is there, but callers see no difference"
        )
    return Ask(default, because)


RULES: Final[dict[str, Callable[[Situation], Ask | Known | None]]] = {
    "tests-setup": _tests_setup,
    "test-framework": _test_framework,
    "ci-setup": _ci_setup,
    "tests-first": _tests_first,
    "characterise": _characterise,
    "checks": _checks,
    "docs": _docs,
}

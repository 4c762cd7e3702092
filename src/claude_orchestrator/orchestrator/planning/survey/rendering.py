"""The map as a text for prompts and people: what matters most first, cut at a number of tokens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from claude_orchestrator.models.tokens import Count
from claude_orchestrator.orchestrator.planning.models import Module, Survey
from claude_orchestrator.orchestrator.planning.survey.languages import PROSE

_SYMBOLS: Final = 12
_LISTED: Final = 12


def estimated(text: str) -> int:
    """Tokens of a text, about: a token is three to four characters of English or of code."""
    return (len(text.encode(errors="replace")) + 2) // 3


def render(survey: Survey, budget_tokens: int = 4_000, count: Count = estimated) -> str:
    """The map in at most ``budget_tokens`` tokens, counted by ``count``; says what it leaves out."""
    kept: list[str] = []
    spent = 0
    cut = "… cut here: the map has more modules"
    left = budget_tokens - count(f"{cut}\n")
    for line in (*_head(survey), *_modules(survey)):
        cost = count(f"{line}\n")
        if spent + cost > left:
            kept.append(cut)
            break
        kept.append(line)
        spent += cost
    return "\n".join(kept) + "\n" if spent or budget_tokens >= count(f"{cut}\n") else ""


def _head(survey: Survey) -> Iterator[str]:
    tests = survey.tests
    languages = [one for one in survey.languages if one.name not in PROSE]
    yield f"Repository at {survey.commit[:12]}: {survey.files} files, {survey.lines} lines of code"
    yield from _list("Languages", [f"{one.name} {one.lines} lines in {one.files} files" for one in languages[:6]])
    if tests.framework:
        places = ", ".join(tests.folders) or "the folders of the code"
        run = f"run with '{tests.command}' ({tests.because})"
        yield f"Tests: {tests.framework}, {tests.files} files in {places}; {run}"
    else:
        yield "Tests: none found"
    yield from _list("Built with", survey.frameworks)
    yield from _list("Manifests", survey.manifests)
    yield from _list("CI", survey.ci)
    yield from _list("Databases", survey.databases)
    yield from _list("Public", survey.public_api, 30)
    for convention in survey.conventions:
        yield f"Convention: {convention.name}: {convention.value} ({convention.because})"
    yield from _list("Documents", survey.documents)
    for one in survey.churn[:8]:
        yield f"Changed lately: {one.path}, {one.commits} commits, latest '{one.latest}'"
    yield from _list("Not looked at", survey.left_out)


def _list(title: str, values: object, most: int = _LISTED) -> Iterator[str]:
    found = [str(one) for one in values] if isinstance(values, tuple | list) else []
    if found:
        more = f" and {len(found) - most} more" if len(found) > most else ""
        yield f"{title}: {', '.join(found[:most])}{more}"


def _modules(survey: Survey) -> Iterator[str]:
    """The modules, those that others import and that change most first."""
    imported: dict[str, int] = {}
    for module in survey.modules:
        for path in module.imports:
            imported[path] = imported.get(path, 0) + 1
    changed = {one.path: one.commits for one in survey.churn}
    weight: Callable[[Module], tuple[int, str]] = lambda one: (  # noqa: E731
        -(3 * imported.get(one.path, 0) + changed.get(one.path, 0) + len(one.symbols)),
        one.path,
    )
    if survey.modules:
        yield "Modules (path, lines: public names; tests):"
    for module in sorted(survey.modules, key=weight):
        names = ", ".join(module.symbols[:_SYMBOLS]) + (" …" if len(module.symbols) > _SYMBOLS else "")
        tests = f"; tests {', '.join(module.tests[:3])}" if module.tests else ""
        yield f"{module.path}, {module.lines}{': ' if names else ''}{names}{tests}"

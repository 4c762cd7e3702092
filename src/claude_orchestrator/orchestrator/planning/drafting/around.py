"""The tasks around a change: a test suite where there is none, a migration of the schema, documents, the changelog."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import Any, Final

from claude_orchestrator.orchestrator.planning.drafting.ground import Ground
from claude_orchestrator.orchestrator.planning.drafting.pieces import Piece, closest, named, short
from claude_orchestrator.orchestrator.planning.models import Module
from claude_orchestrator.orchestrator.planning.situation import COMMAND_LINE

WORKFLOW: Final = ".github/workflows/tests.yml"
_MOST_PINNED: Final = 4


def suite_set_up(ground: Ground) -> Iterator[Piece]:
    """The first tests, and a CI that runs them, where the repository has none and they are wanted."""
    if not ground.says("tests-setup", "add") or ground.situation.has_tests:
        return
    framework = ground.text("test-framework") or "pytest"
    first = next(iter(ground.modules), None) or next(iter(ground.situation.code), None)
    place = ground.new_test(first) if first else ""
    manifests = ground.manifests[:1]
    yield Piece(
        "set-up-tests",
        f"Set up tests with {framework}",
        f"set up {framework} so that one command runs the tests, with one real test"
        + (f" of `{first.path}` in `{place}`." if first and place else "."),
        kind="tests",
        modules=(),
        others=manifests if place else (),
        creates=(place,) if place else (),
        criteria=(f"One command runs the tests with {framework}, and there is one that passes",),
        checks=[check for check in ground.checks if check in {"pytest", "ruff"}],
        easy=True,
        unknown=() if place else ("where the tests of this repository should lie",),
    )
    if ground.answer("ci-setup") is True and not ground.survey.ci:
        yield Piece(
            "set-up-ci",
            "Let a CI run the tests",
            f"add a workflow in `{WORKFLOW}` that installs the project and runs the tests for every push.",
            kind="chore",
            creates=(WORKFLOW,),
            criteria=("The workflow runs the same command as people do",),
            checks=[{"contains": {"in": WORKFLOW, "text": "run:"}}],
            after=("set-up-tests",),
            easy=True,
        )


def dependency(ground: Ground) -> Iterator[Piece]:
    """What a migration moves to, before several tasks use it side by side."""
    if not ground.says("dependencies", "any") or not ground.manifests:
        return
    target = ground.text("migrate-to")
    yield Piece(
        "dependency",
        f"Bring in {target or 'what it moves to'}",
        f"add {target or 'what the migration moves to'} to the dependencies, beside what is there; nothing uses it "
        "yet. Add nothing where nothing has to be installed.",
        kind="chore",
        others=ground.manifests,
        criteria=("The project installs with it, and the tests pass as before",),
        checks=[check for check in ground.checks if check == "pytest"],
        easy=True,
    )


def schema(ground: Ground) -> Iterator[Piece]:
    """The migration of the database's schema, before the code that needs it."""
    if not ground.says("schema-change", "forward", "reversible"):
        return
    folders = ground.migrations
    models = [module for module in ground.modules if _is_model(module)] or [
        module for module in ground.situation.code if _is_model(module) and _near(module, ground)
    ][:2]
    if not folders and not models:
        ground.note("The schema changes, but the map shows neither models nor a folder of migrations: name them")
    data = {
        "backfill": "Fill what is new from what is there.",
        "rewrite": "Convert the rows that are there.",
        "keep": "Rows that are there stay as they are.",
    }.get(ground.text("existing-data"), "")
    back = " It can be undone; say how it was tried." if ground.says("schema-change", "reversible") else ""
    tool = next((one for one in ground.survey.databases if "lembic" in one or "jango" in one), "")
    fill = () if folders else ("where migrations are kept, and how they are made",)
    yield Piece(
        "schema",
        "Change the schema",
        f"write the migration that the goal needs, and nothing that uses it yet. {data}{back}".rstrip(),
        modules=models,
        others=folders,
        tests=(),
        criteria=("The migration runs on an empty database and on one with rows",),
        checks=ground.checks,
        rules=[f"migrations are made with {tool}"] if tool else (),
        fill=fill,
    )


def _is_model(module: Module) -> bool:
    place = PurePosixPath(module.path)
    return place.stem in ("models", "model", "schema", "tables", "entities") or place.parent.name in (
        "models",
        "entities",
    )


def _near(module: Module, ground: Ground) -> bool:
    return not ground.modules or any(module.path in one.imports for one in ground.modules)


def pinned(ground: Ground) -> Iterator[Piece]:
    """Tests of what untested modules do today, before anything of them changes."""
    if ground.answer("characterise") is not True:
        return
    bare = [module for module in ground.modules if not module.tests]
    for module in bare[:_MOST_PINNED]:
        place = ground.new_test(module)
        if not place:
            ground.note(f"No test is about {module.path}, and the map cannot tell where one would go: name the file")
            continue
        there = place in ground.survey.paths
        yield Piece(
            named("pin", module.path),
            f"Pin down what {module.path} does today",
            f"write tests that pin down what `{module.path}` does today, also where that looks wrong: "
            f"{_names(module, ground)}. Change nothing but the tests.",
            kind="tests",
            tests=(place,) if there else (),
            creates=() if there else (place,),
            criteria=(f"The tests in {place} pass without a change of {module.path}",),
            checks=[check for check in ground.checks if check != "bandit"],
        )
    if len(bare) > _MOST_PINNED:
        left = short([module.path for module in bare[_MOST_PINNED:]])
        ground.note(f"Not pinned down by tests before they change: {left}")


def _names(module: Module, ground: Ground) -> str:
    shown = ", ".join(f"`{name}`" for name in closest(module, ground, 6))
    return f"above all {shown}" if shown else "through whatever calls it"


# -- at the end --------------------------------------------------------------------------------------------------------


def told(ground: Ground) -> Iterator[Piece]:
    """Documents and changelog, where the repository has them and the answers want them."""
    documents = ground.documents() if ground.answer("docs") is True else ()
    upgrade = ground.answer("upgrade-notes") is True
    changelog = ground.changelog if ground.kind != "refactor" else ""
    if ground.answer("docs") is True and not documents:
        ground.note("Documentation is wanted, but the map shows no document: name the file that should say it")
    files = list(dict.fromkeys([*documents, *([changelog] if changelog else [])]))
    notes = _upgrade_notes(ground) if upgrade else ""
    if not files and not notes:
        return
    says = [f"say it in {short(documents)}" if documents else "", f"add an entry to `{changelog}`" if changelog else ""]
    says.append(f"write in `{notes}` what callers have to change, with a before and an after" if notes else "")
    created = (notes,) if notes and notes not in ground.survey.paths else ()
    yield Piece(
        "tell",
        f"Say so in {short([*files, *([notes] if notes and notes not in files else [])])}",
        f"{', and '.join(one for one in says if one)}. Read what the tasks before have changed, and describe that.",
        kind="documentation",
        others=[*files, *([notes] if notes and not created and notes not in files else [])],
        creates=created,
        criteria=tuple(_told(documents, changelog, notes, ground)),
        checks=[*_filled(created), *_mentions(documents, ground)],
        rules=_style(ground, changelog),
        code=False,
        easy=True,
    )


def _told(documents: Sequence[str], changelog: str, notes: str, ground: Ground) -> Iterator[str]:
    if documents:
        yield f"{short(documents)} {'says' if len(documents) == 1 else 'say'} what has changed for {_readers(ground)}"
    if changelog:
        yield f"{changelog} has an entry in the style of those that are there"
    if notes:
        yield f"{notes} says what callers have to change"


def _readers(ground: Ground) -> str:
    if ground.situation.frameworks & COMMAND_LINE or ground.says("surface", "command"):
        return "whoever runs the command"
    return "its users"


def _style(ground: Ground, changelog: str) -> list[str]:
    convention = ground.situation.convention("changelog")
    found = [f"changelog: {convention.value}"] if convention and changelog else []
    if until := ground.text("deprecated-until"):
        found.append(f"the old way goes {'with the ' if until.startswith('next') else ''}{until.replace('-', ' ')}")
    return found


def _upgrade_notes(ground: Ground) -> str:
    """A document about upgrading that is there, else a new one beside the others."""
    there = [path for path in ground.survey.documents if "upgrad" in path.casefold() or "migrat" in path.casefold()]
    if there:
        return there[0]
    folder = next((path.rpartition("/")[0] for path in ground.survey.documents if path.startswith("docs/")), "")
    return f"{folder}/upgrading.md" if folder else "UPGRADING.md"


def _mentions(documents: Sequence[str], ground: Ground) -> list[Any]:
    """The name that the goal brings in has to stand in the document that fits it best."""
    return [{"contains": {"in": documents[0], "text": name}} for name in ground.new_names[:1]] if documents else []


def _filled(paths: Sequence[str]) -> list[Any]:
    return [{"non_empty": {"in": path}} for path in dict.fromkeys(paths)]

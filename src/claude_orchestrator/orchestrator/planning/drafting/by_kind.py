"""The tasks that only one kind of goal has: measurements, what is left of an old way, texts, a first version."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from claude_orchestrator.orchestrator.planning.drafting.demands import criteria_of, rules_of
from claude_orchestrator.orchestrator.planning.drafting.ground import Ground
from claude_orchestrator.orchestrator.planning.drafting.pieces import Piece, named, short


def measured(ground: Ground) -> Iterator[Piece]:
    """A benchmark or a profile before anything is made faster."""
    if ground.kind != "performance" or ground.says("measure", "existing"):
        return
    folder = next(
        (match[0] for path in ground.survey.paths if (match := re.match(r"bench\w*(?=/)", path))), "benchmarks"
    )
    what = PurePosixPath(ground.modules[0].path).stem.strip("_") if ground.modules else "goal"
    profile = ground.says("measure", "profile")
    suffix = ".py" if ground.situation.is_python else ".md"
    name = re.sub(r"\W+", "_", what).casefold() or "goal"
    place = f"{folder}/{'profile' if profile else 'bench'}_{name}{suffix}"
    there = place in ground.survey.paths
    yield Piece(
        "profile" if profile else "benchmark",
        f"{'Find where the time goes' if profile else 'Measure it'}: {place}",
        (
            f"write `{place}`, which {'profiles' if profile else 'measures'} what the goal is about, "
            "prints its figures with their spread, and runs in less than a minute; put today's figures into the report."
        ),
        kind="chore",
        others=(place,) if there else (),
        creates=() if there else (place,),
        criteria=("Run twice without a change, its figures agree within their spread",),
        checks=[check for check in ground.checks if check == "ruff"] or [{"non_empty": {"in": place}}],
        unknown=("which input is typical: its size and shape",),
        with_context=True,
    )


def reached_further(ground: Ground) -> Iterator[Piece]:
    """A second look for the same fault, where it is wanted."""
    if not ground.says("fix-reach", "everywhere") or not ground.modules:
        return
    yield Piece(
        "elsewhere",
        "Look for the same mistake elsewhere",
        "look for the mistake that the task before has corrected in the rest of the code, and correct it where it is "
        "made, each with a test. Report where you looked.",
        others=ground.folders,
        criteria=("The report names every place that was looked at",),
        checks=ground.checks,
        rules=rules_of(ground),
    )


def removed(ground: Ground) -> Iterator[Piece]:
    """The end of the old way of a migration, where it is wanted."""
    if ground.kind != "migration" or not ground.says("old-path", "remove"):
        return
    yield Piece(
        "remove-old",
        "Remove the old way",
        "remove what nothing uses any more: code, settings, dependencies. Search for it by name first, and report what "
        "still mentions it and why.",
        kind="refactor",
        modules=ground.modules,
        others=ground.manifests,
        criteria=("Nothing of the old way is left but in the changelog",),
        checks=ground.checks,
    )


def documents(ground: Ground) -> Iterator[Piece]:
    """Texts: docstrings module by module, or the documents that the goal fits."""
    if ground.says("form", "docstrings") and ground.modules:
        for module in ground.modules[:12]:
            yield Piece(
                named("docstrings", module.path),
                f"Docstrings of {module.path}",
                "write the docstrings that are missing or wrong: what a thing is for, what it takes, returns and "
                "raises. Change no behaviour.",
                kind="documentation",
                modules=(module,),
                criteria=(f"Every public name of {module.path} has a docstring that is true",),
                checks=ground.checks,
                easy=True,
            )
        return
    documents = ground.documents()
    new = ground.new_files or (() if documents else ("README.md",))
    about = [module for module in ground.modules if module.path not in documents]
    say = f"Take the facts from {short([module.path for module in about], 5)}; try what you write." if about else ""
    form, audience = ground.text("form").replace("-", " "), ground.text("audience")
    yield Piece(
        "write",
        f"Write {short([*documents, *new])}",
        f"write what the goal asks for{f', as a {form}' if form else ''}{f', for {audience}' if audience else ''}. "
        f"{say}".rstrip(),
        kind="documentation",
        others=[path for path in documents if path not in new],
        creates=new,
        criteria=tuple(criteria_of(ground, [], last=True)),
        checks=[{"non_empty": {"in": path}} for path in new],
        code=False,
        unknown=()
        if about or ground.other_files
        else ("where the facts are: no file of the repository fits the goal",),
        with_context=True,
    )
    if ground.answer("examples") is True and ground.situation.is_python:
        folder = next(iter(ground.survey.tests.folders), "tests")
        place = f"{folder}/test_documents.py".removeprefix("./")
        yield Piece(
            "run-examples",
            "Let the tests run the examples",
            f"write `{place}`, which runs the code blocks of {short([*documents, *new])}.",
            kind="tests",
            others=(place,) if place in ground.survey.paths else (),
            creates=() if place in ground.survey.paths else (place,),
            criteria=("A wrong example makes a test fail",),
            checks=["pytest"],
            after=("write",),
        )


def beginning(ground: Ground) -> Iterator[Piece]:
    """A repository without source code: one task that makes the first of it."""
    language, layout = ground.text("language") or "python", ground.text("layout") or "package"
    ground.note("The repository has no source code yet: the plan is one task, to be cut further once there is some")
    yield Piece(
        "begin",
        f"Make the first version ({layout}, {language})",
        f"make the smallest {layout} in {language} that does what the goal asks for, with its tests and a README.",
        creates=ground.new_files,
        criteria=tuple(criteria_of(ground, [], last=True)),
        checks=ground.checks,
        rules=rules_of(ground),
        unknown=("its name, and the files of the first version",),
        with_context=True,
    )

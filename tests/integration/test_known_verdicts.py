"""A change that has passed passes again without being judged, as long as everything is as it was."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from verifier_world import CODE, PROJECT, World, make_venv

from claude_orchestrator.orchestrator.verification import Request, Verification
from claude_orchestrator.orchestrator.verifier import judge

KNOWN = "known from an earlier verification"
FEATURE = {"src/calc/__init__.py": CODE + "\n\ndef sub(a: int, b: int) -> int:\n    return a - b\n"}
SHOWN = {
    "tests/test_sub.py": "from calc import sub\n\n\ndef test_sub():\n"
    "    assert sub(5, 3) == 2\n    assert sub(3, 5) == -2\n"
}


def asked(world: World, change: dict[str, str], **more: object) -> Request:
    world.git("checkout", "--quiet", "--detach", world.base)
    return replace(world.request(world.commit(change), checks=("pytest", "ruff")), **more)


def judged(request: Request, evidence: Path) -> tuple[Verification, bool]:
    """What came out, and whether it was known."""
    said: list[str] = []
    done = asyncio.run(judge(replace(request, evidence=evidence), said.append))
    return done, any(KNOWN in line for line in said)


def contents(folder: Path) -> dict[str, object]:
    names = ("tests.json", "packages.json", "pytest-own.json", "pytest-base.json", "ruff-own.json")
    return {name: json.loads((folder / name).read_bytes()) for name in names}


def test_the_answer_and_the_evidence_are_the_same(tmp_path: Path) -> None:
    world = World(tmp_path, PROJECT)
    request = asked(world, {**FEATURE, **SHOWN}, kind="feature")
    (first, new), (second, known) = (judged(request, tmp_path / name) for name in ("first", "second"))
    assert (new, known) == (False, True)
    assert first.passed
    assert [(c.name, c.status, c.notes) for c in first.checks] == [(c.name, c.status, c.notes) for c in second.checks]
    assert (first.tree, first.trees, first.rerun) == (second.tree, second.trees, second.rerun)
    assert first.environment == second.environment
    assert contents(tmp_path / "first") == contents(tmp_path / "second")
    assert all(command.cached for result in second.checks for command in result.commands)


def _another_claim(request: Request, world: World) -> Request:
    return replace(request, report="Created `src/calc/nothing.py`.")


def _another_scope(request: Request, world: World) -> Request:
    return replace(request, scope=["docs/**"])


def _a_new_package(request: Request, world: World) -> Request:
    (next(world.folder.glob("venv/lib/*/site-packages")) / "more-1.dist-info").mkdir()
    return request


def _a_damaged_entry(request: Request, world: World) -> Request:
    for entry in world.cache.glob("??/*.json"):
        entry.write_text(entry.read_text().replace('"passed"', '"needs_review"'))
    return request


@pytest.mark.parametrize("differently", [_another_claim, _another_scope, _a_new_package, _a_damaged_entry])
def test_anything_else_is_judged(tmp_path: Path, differently: Callable[[Request, World], Request]) -> None:
    world = World(tmp_path, PROJECT)
    python = make_venv(tmp_path / "venv")
    request = asked(world, {**FEATURE, **SHOWN}, python=str(python))
    first, _ = judged(request, tmp_path / "first")
    assert first.passed
    second, known = judged(differently(request, world), tmp_path / "second")
    assert not known
    assert second.passed == (differently in (_a_new_package, _a_damaged_entry))


def test_what_did_not_pass_is_not_known(tmp_path: Path) -> None:
    world = World(tmp_path, PROJECT)
    request = asked(world, {"src/calc/__init__.py": CODE.replace("+", "-")})
    answers = [judged(request, tmp_path / name) for name in ("first", "second")]
    assert [(done.verdict, known) for done, known in answers] == [("failed", False)] * 2


def test_what_was_run_again_because_it_is_flaky_is_not_known(tmp_path: Path) -> None:
    flaky = (
        "import sys\n\nfrom calc import ALONE\n\n\ndef test_sometimes():\n"
        "    assert ALONE == any('::' in one for one in sys.argv)\n"
    )
    base = {"src/calc/__init__.py": f"{CODE}\nALONE = False\n", "tests/test_some.py": flaky}
    world = World(tmp_path, {**PROJECT, **base})
    request = asked(world, {"src/calc/__init__.py": f"{CODE}\nALONE = True\n"})
    answers = [judged(request, tmp_path / name) for name in ("first", "second")]
    labels = {command.label for result in answers[0][0].checks for command in result.commands}
    assert "pytest-again1-own" in labels
    assert [(done.verdict, known) for done, known in answers] == [("passed", False)] * 2

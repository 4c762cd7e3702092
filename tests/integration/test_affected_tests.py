"""Which tests a change can reach, asked of a repository with its configuration."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from verifier_world import World

from claude_orchestrator.graders.bench import Bench
from claude_orchestrator.graders.cache import ResultCache
from claude_orchestrator.graders.change import prepare
from claude_orchestrator.graders.seed import SeedCache
from claude_orchestrator.graders.suite.affected import affected_tests
from claude_orchestrator.workspace.git import Repository

BASE = {
    "src/calc/__init__.py": "",
    "src/calc/core.py": "def add(a, b):\n    return a + b\n",
    "src/calc/text.py": "def shout(x):\n    return x.upper()\n",
    "tests/test_core.py": "from calc.core import add\n\ndef test_add():\n    assert add(1, 2) == 3\n",
    "tests/test_text.py": "from calc.text import shout\n\ndef test_shout():\n    assert shout('a') == 'A'\n",
}
NEW_CORE = {"src/calc/core.py": "def add(a, b):\n    return b + a\n"}
CORE, BOTH = frozenset({"tests/test_core.py"}), frozenset({"tests/test_core.py", "tests/test_text.py"})


def judged(tmp_path: Path, files, changed) -> frozenset[str] | None:
    world = World(tmp_path, files)
    head = world.commit(changed)

    async def ask() -> frozenset[str] | None:
        repository = await Repository.open(world.project)
        scratch = tmp_path / "scratch"
        scratch.mkdir()
        change = await prepare(repository, world.base, head, None, scratch)
        bench = Bench(repository, world.project, change, scratch, scratch, ResultCache(None), SeedCache(None), 60, "m")
        return await affected_tests(bench)

    return asyncio.run(ask())


def test_a_real_repository(tmp_path: Path) -> None:
    assert judged(tmp_path, BASE, NEW_CORE) == CORE


@pytest.mark.parametrize(
    ("files", "changed"),
    [
        ({}, {"tests/conftest.py": "X = 1\n"}),
        ({"pytest.ini": "[pytest]\naddopts = --doctest-modules\n"}, NEW_CORE),
        ({}, {"pytest.ini": "[pytest]\n"}),
    ],
)
def test_configuration_proves_nothing(tmp_path: Path, files, changed) -> None:
    assert judged(tmp_path, {**BASE, **files}, changed) is None


def test_plugins_of_the_configuration_are_loaded_by_every_test(tmp_path: Path) -> None:
    files = {**BASE, "pyproject.toml": '[tool.pytest.ini_options]\naddopts = ["-p", "calc.core"]\n'}
    assert judged(tmp_path, files, NEW_CORE) == BOTH


def test_own_entry_points_are_loaded_by_every_test(tmp_path: Path) -> None:
    files = {**BASE, "pyproject.toml": '[project.entry-points.pytest11]\ncalc = "calc.core"\n'}
    assert judged(tmp_path, files, NEW_CORE) == BOTH

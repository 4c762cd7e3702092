"""Projects with the oldest pytest that they may have. Skipped where ``.ci/oldest-pytest`` has not installed it."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version
from verifier_world import CODE, PROJECT, World, check, make_venv

from claude_orchestrator.orchestrator.verification import Verification
from claude_orchestrator.orchestrator.verifier import judge

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".venv/oldest-pytest"
VERSIONS = dict(line.split("==") for line in Path(__file__).with_name("oldest_pytest.txt").read_text().split())

FEATURE = CODE + "\n\ndef double(a: int) -> int:\n    return 2 * a\n"
BROKEN = CODE + "\n\ndef double(a: int) -> int:\n    return a\n"
PATCHING = BROKEN + (
    "\n\nimport _pytest.reports as reports\n\nold = reports.TestReport.from_item_and_call.__func__\n\n\n"
    "def lie(cls, item, call):\n    call.excinfo = None\n    return old(cls, item, call)\n\n\n"
    "reports.TestReport.from_item_and_call = classmethod(lie)\n"
)
DOUBLE_TESTS = """\
import unittest

import pytest
from calc import double


@pytest.mark.parametrize(("a", "twice"), [(4, 8), (-3, -6)])
def test_double(a, twice):
    assert double(a) == twice


class TestSums(unittest.TestCase):
    def test_sum(self):
        self.assertEqual(double(11), 22)


class TestShared:
    @pytest.fixture(scope="class")
    def shared(self):
        made = [double(5)]
        yield made
        assert made == [10, 1]

    def test_first(self, shared):
        assert shared == [10]
        shared.append(1)

    def test_second(self, shared):
        assert shared == [10, 1]
"""
OTHER_TESTS = """\
import unittest

import pytest
from calc import add


class TestOther(unittest.TestCase):
    @unittest.expectedFailure
    def test_known(self):
        self.assertEqual(add(1, 1), 3)


@pytest.mark.skip(reason="not here")
def test_elsewhere():
    assert add(1, 1) == 3
"""


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("results")


@pytest.fixture
def world(tmp_path: Path, known: Path) -> World:
    """A repository whose ``.venv`` has that pytest and nothing else."""
    if not (FOLDER / "complete").is_file():
        pytest.skip("the oldest pytest is not there: .ci/oldest-pytest installs it")
    made = World(tmp_path, {**PROJECT, "tests/test_other.py": OTHER_TESTS, ".gitignore": ".venv\n"}, known)
    python = make_venv(made.project / ".venv", packages=False)
    site = python.parents[1] / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
    shutil.copytree(FOLDER / "packages", site, dirs_exist_ok=True)
    return made


def judged(world: World, code: str) -> Verification:
    head = world.commit({"src/calc/__init__.py": code, "tests/test_double.py": DOUBLE_TESTS})
    return asyncio.run(judge(replace(world.request(head), kind="feature")))


def test_it_is_the_oldest_that_is_allowed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    allowed = next(one for text in project["dependencies"] if (one := Requirement(text)).name == "pytest")
    lowest = next(one.version for one in allowed.specifier if one.operator == ">=")
    assert Version(VERSIONS["pytest"]) == Version(lowest)


def test_an_honest_feature_passes_and_every_test_has_its_outcome(world: World) -> None:
    done = judged(world, FEATURE)
    assert done.verdict == "passed", done.feedback()
    assert check(done, "pytest").version == VERSIONS["pytest"]
    tests = json.loads((world.folder / "evidence1/pytest-own.json").read_text())["tests"]
    assert {name: outcome for name, (outcome, *_) in tests.items()} == {
        "tests/test_calc.py::test_add": "passed",
        "tests/test_calc.py::test_zero": "passed",
        "tests/test_double.py::test_double[4-8]": "passed",
        "tests/test_double.py::test_double[-3--6]": "passed",
        "tests/test_double.py::TestSums::test_sum": "passed",
        "tests/test_double.py::TestShared::test_first": "passed",
        "tests/test_double.py::TestShared::test_second": "passed",
        "tests/test_other.py::TestOther::test_known": "xfailed",
        "tests/test_other.py::test_elsewhere": "skipped",
    }


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        pytest.param(BROKEN, "tests/test_double.py::test_double[4-8] is new and fails", id="failing"),
        pytest.param(PATCHING, "_pytest.reports.TestReport.from_item_and_call", id="harness patched"),
    ],
)
def test_what_is_wrong_fails(world: World, code: str, reason: str) -> None:
    done = judged(world, code)
    assert done.verdict == "failed"
    assert reason in " | ".join(check(done, "pytest").reasons)

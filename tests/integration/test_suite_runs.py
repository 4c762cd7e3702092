"""Runs that can be believed, and the runs beside own and base: canaries, exchanged harness, flaky tests, witnesses."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest
from verifier_world import CODE, PROJECT, PYPROJECT, World, check

from claude_orchestrator.orchestrator.verification import Verification
from claude_orchestrator.orchestrator.verifier import judge

BROKEN = CODE.replace("a + b", "a - b")
FEATURE = CODE + "\n\ndef double(a: int) -> int:\n    return 2 * a\n"
DOUBLE_TEST = "from calc import double\n\n\ndef test_double():\n    assert double(4) == 8\n"


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("results")


def said(done: Verification) -> str:
    return " | ".join(check(done, "pytest").reasons)


def labels(done: Verification, *, cached: bool | None = None) -> list[str]:
    commands = check(done, "pytest").commands
    return sorted(one.label.removeprefix("pytest-") for one in commands if cached in (None, one.cached))


def judged_as(world: World, files: dict[str, str], *, kind: str | None = None, message: str = "change") -> Verification:
    world.git("checkout", "--quiet", "--detach", world.base)
    world.commit(files)
    world.git("commit", "--quiet", "--amend", f"--message={message}")
    head = world.git("rev-parse", "HEAD")
    return asyncio.run(judge(replace(world.request(head), kind=kind)))


# -- a run that can be believed -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("attack", "reason"),
    [
        pytest.param(
            "import _pytest.reports as reports\n\nold = reports.TestReport.from_item_and_call.__func__\n\n\n"
            "def lie(cls, item, call):\n    call.excinfo = None\n    return old(cls, item, call)\n\n\n"
            "reports.TestReport.from_item_and_call = classmethod(lie)\n",
            "_pytest.reports.TestReport.from_item_and_call",
            id="reports",
        ),
        pytest.param(
            "import _pytest.runner as runner\n\n\ndef lie(item):\n    pass\n\n\n"
            "runner.pytest_runtest_call.__code__ = lie.__code__\n",
            "has to fail did not",
            id="the code of a hook",
        ),
        pytest.param(
            "import builtins\n\n\nclass Fine(BaseException):\n    pass\n\n\nbuiltins.AssertionError = Fine\n",
            "builtins.AssertionError",
            id="AssertionError",
        ),
        pytest.param(
            "import builtins\n\nold = isinstance\n"
            "builtins.isinstance = lambda one, kind: old(one, kind)\n",
            "builtins.isinstance",
            id="a builtin",
        ),
        pytest.param(
            "import unittest\n\nunittest.TestCase.assertEqual = lambda self, *rest: None\n",
            "unittest.case.TestCase.assertEqual",
            id="unittest",
        ),
        pytest.param(
            "import operator\n\noperator.eq = lambda a, b: True\n", "operator.eq", id="operator",
        ),
        pytest.param(
            "import pytest\n\n\nclass _Any:\n    def __eq__(self, other):\n        return True\n\n\n"
            "pytest.approx = lambda *rest, **more: _Any()\n",
            "pytest.approx",
            id="approx",
        ),
    ],
)  # fmt: skip
def test_an_exchanged_harness_is_named(world: World, attack: str, reason: str) -> None:
    """From the code under test, which runs in every run of the change."""
    done = world.judge({"src/calc/__init__.py": BROKEN + "\n" + attack})
    assert done.verdict == "failed"
    assert reason in said(done), said(done)


def test_what_a_test_exchanges_and_puts_back_is_its_own_affair(world: World) -> None:
    honest = (
        "import builtins\nimport unittest\n\nimport pytest\nfrom calc import add\n\nload = builtins.__import__\n\n\n"
        "def test_open(monkeypatch):\n"
        "    monkeypatch.setattr(builtins, 'open', lambda *rest: 1)\n    assert add(open('x'), 2) == 3\n\n\n"
        "def test_import(monkeypatch):\n"
        "    monkeypatch.setattr(builtins, '__import__', lambda *rest, **more: load(*rest, **more))\n"
        "    assert add(1, 1) == 2\n\n\n"
        "class TestAll(unittest.TestCase):\n    def test_sum(self):\n        self.assertEqual(add(2, 2), 4)\n\n\n"
        "@pytest.fixture(scope='session', autouse=True)\ndef once():\n    yield 1\n"
    )
    done = world.judge({"tests/test_more.py": honest})
    assert check(done, "pytest").status == "passed", said(done)


@pytest.mark.parametrize(
    ("tests", "reason"),
    [
        pytest.param(
            "import pytest\n\n\nclass Mild:\n    @pytest.hookimpl(wrapper=True)\n"
            "    def pytest_runtest_makereport(self):\n        report = yield\n        report.outcome = 'passed'\n"
            "        return report\n\n\n"
            "def test_a(request):\n    request.config.pluginmanager.register(Mild())\n",
            "pytest_runtest_makereport of tests/test_a.py",
            id="a plugin that a test registers",
        ),
        pytest.param(
            "def test_a(request):\n    for item in request.session.items:\n        item.runtest = lambda: None\n",
            "has to fail did not",
            id="what tests run",
        ),
        pytest.param(
            "import os\n\n\ndef test_a(request):\n    manager = request.config.pluginmanager\n"
            "    manager.unregister(manager.getplugin('claude_orchestrator_run_log_writer'))\n",
            "did not come to its end",
            id="the log's writer",
        ),
        pytest.param(
            "import atexit, os\n\natexit.register(os._exit, 0)\n\n\ndef test_a():\n    assert 0\n",
            "is new and fails",
            id="atexit",
        ),
        pytest.param(
            "import os\n\n\ndef test_a():\n    if os.fork():\n        os._exit(0)\n",
            "did not come to its end",
            id="a child that goes on",
        ),
        pytest.param(
            "def test_a(request):\n    del request.session.items[2:]\n",
            "have no outcome",
            id="tests taken from the list",
        ),
    ],
)
def test_a_test_cannot_decide_how_tests_end(world: World, tests: str, reason: str) -> None:
    done = world.judge({"tests/test_a.py": tests})
    assert done.verdict == "failed"
    assert reason in said(done), said(done)


def test_canaries_are_in_no_outcome_and_in_no_summary(world: World) -> None:
    done = world.judge({"src/calc/__init__.py": CODE + "\nY = 1\n"})
    evidence = Path(done.evidence)
    result = json.loads((evidence / "pytest-own.json").read_text())
    assert set(result["tests"]) == {"tests/test_calc.py::test_add", "tests/test_calc.py::test_zero"}
    assert "2 passed" in (evidence / "pytest-own.out").read_text()
    assert "failed" not in (evidence / "pytest-own.out").read_text()


@pytest.mark.parametrize(
    "options",
    ["-p no:terminal -p no:cacheprovider -W error", "-p no:assertion --assert=plain", "-x --ff -s -q --tb=no"],
)
def test_canaries_disturb_no_options(tmp_path: Path, options: str) -> None:
    autouse = "import pytest\n\n\n@pytest.fixture(autouse=True)\ndef each(request):\n    assert request.module.add\n"
    pyproject = PYPROJECT + f'addopts = "{options}"\npython_functions = "test_*"\npython_files = "test_c*.py"\n'
    world = World(tmp_path, {**PROJECT, "pyproject.toml": pyproject, "tests/conftest.py": autouse})
    done = world.judge({"src/calc/__init__.py": CODE + "\nY = 1\n"})
    assert done.verdict == "passed", said(done)
    assert check(world.judge({"src/calc/__init__.py": BROKEN}), "pytest").status == "failed"


# -- fewer runs ---------------------------------------------------------------------------------------


def test_an_own_run_is_the_next_base(tmp_path: Path) -> None:
    world = World(tmp_path, PROJECT)
    first = world.judge({"src/calc/__init__.py": FEATURE, "tests/test_double.py": DOUBLE_TEST})
    assert labels(first, cached=False) == ["base", "own", "trusted", "witness"]
    world.base = first.head
    second = world.judge({"src/calc/__init__.py": FEATURE + "\n\nX = 1\n"})
    assert labels(second, cached=True) == ["base"]
    assert labels(world.judge({"src/calc/__init__.py": FEATURE + "\n\nX = 1\n"}), cached=False) == []


def test_every_run_can_be_repeated_by_hand(world: World, tmp_path: Path) -> None:
    done = world.judge({"src/calc/__init__.py": FEATURE, "tests/test_double.py": DOUBLE_TEST})
    lines = [line for line in done.rerun if "witness" in line]
    assert any(line.startswith("git -C witness checkout") and "tests/test_double.py" in line for line in lines)
    assert any("pytest" in line and line.endswith("tests/test_double.py)") for line in lines)


# -- flaky --------------------------------------------------------------------------------------------

# What differs between a whole run and one alone decides; nothing here is left to chance.
SITUATION = (
    "import sys\n\nfrom calc import ALONE, TOGETHER\n\n\ndef test_sometimes():\n"
    "    assert ALONE if any('::' in one for one in sys.argv) else TOGETHER\n"
)


@pytest.mark.parametrize(
    ("base", "head", "verdict", "reason"),
    [
        ((False, True), (True, False), "passed", "fails at the base as well"),
        ((True, True), (True, False), "needs_review", "is it flaky since this change?"),
        ((True, True), (False, False), "failed", "it passed at the base"),
    ],
)
def test_flaky_tests_are_told_from_broken_ones(
    tmp_path: Path, base: tuple[bool, bool], head: tuple[bool, bool], verdict: str, reason: str
) -> None:
    def code(alone: bool, together: bool) -> str:
        return CODE + f"\nALONE = {alone}\nTOGETHER = {together}\n"

    world = World(tmp_path, {**PROJECT, "src/calc/__init__.py": code(*base), "tests/test_some.py": SITUATION})
    done = world.judge({"src/calc/__init__.py": code(*head)})
    result = check(done, "pytest")
    assert result.status == {"passed": "passed", "needs_review": "needs_review", "failed": "failed"}[verdict]
    assert any(reason in found.message for found in result.findings)


def test_a_new_test_that_fails_and_passes_needs_review(world: World) -> None:
    new = "import sys\n\n\ndef test_n():\n    assert any('::' in one for one in sys.argv)\n"
    result = check(world.judge({"tests/test_n.py": new}), "pytest")
    assert result.status == "needs_review"
    assert "a new test should not be flaky" in result.reasons[0]


def test_a_red_test_that_is_weakened_until_it_passes_is_no_repair(tmp_path: Path) -> None:
    red = "from calc import add\n\n\ndef test_red():\n    assert add(2, 2) == 5\n"
    world = World(tmp_path, {**PROJECT, "tests/test_red.py": red})
    done = world.judge({"tests/test_red.py": red.replace(" == 5", "")}, scope=["tests/test_red.py"])
    assert check(done, "pytest").status == "failed"
    assert "passes only because it checks less" in said(done)


# -- witnesses ----------------------------------------------------------------------------------------


def test_a_declared_feature_needs_a_test_that_shows_it(world: World) -> None:
    shown = judged_as(world, {"src/calc/__init__.py": FEATURE, "tests/test_d.py": DOUBLE_TEST}, kind="feature")
    assert check(shown, "pytest").status == "passed", said(shown)
    idle = "from calc import add\n\n\ndef test_idle():\n    assert add(4, 4) == 8\n"
    hollow = judged_as(world, {"src/calc/__init__.py": FEATURE, "tests/test_d.py": idle}, kind="feature")
    assert check(hollow, "pytest").status == "failed"
    assert "none of the 1 new or edited tests fails without the change" in said(hollow)
    untested = judged_as(world, {"src/calc/__init__.py": FEATURE + "\n"}, kind="fix")
    assert check(untested, "pytest").status == "failed"
    assert "no new or edited test shows it" in said(untested)


@pytest.mark.parametrize(
    ("message", "asked"),
    [("Fix the sum of large numbers", True), ("Fix typos in docstrings", False), ("Add a test", False)],
)
def test_a_claimed_fix_that_no_new_test_shows_needs_review(world: World, message: str, asked: bool) -> None:
    idle = "from calc import add\n\n\ndef test_idle():\n    assert add(4, 4) == 8\n"
    code = CODE.replace("return a + b", "return b + a")
    done = judged_as(world, {"src/calc/__init__.py": code, "tests/test_d.py": idle}, message=message)
    assert check(done, "pytest").status == ("needs_review" if asked else "passed"), said(done)


def test_a_repaired_test_of_the_base_is_a_witness(world: World) -> None:
    world.base = world.commit({"src/calc/__init__.py": BROKEN})
    done = judged_as(world, {"src/calc/__init__.py": CODE}, kind="fix")
    assert check(done, "pytest").status == "passed", said(done)


def test_a_test_with_a_helper_and_data_is_a_witness(world: World) -> None:
    files = {
        "src/calc/__init__.py": BROKEN.replace("a - b", "int(a) + int(b)"),
        "tests/helper.py": "import pathlib\n\nN = pathlib.Path(__file__).with_name('n.txt').read_text().split()\n",
        "tests/n.txt": "2 3\n",
        "tests/test_d.py": "from calc import add\nfrom helper import N\n\n\ndef test_d():\n    assert add(*N) == 5\n",
    }
    done = judged_as(world, files, kind="fix")
    assert check(done, "pytest").status == "passed", said(done)
    assert "tests/test_d.py::test_d" in check(done, "pytest").notes[0]

"""The base is run for the tests that a change can reach, and for all of them where that leaves a doubt."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from verifier_world import World, check

from claude_orchestrator.orchestrator.verification import Verification

PYPROJECT = '[project]\nname = "calc"\nversion = "1"\n\n[tool.pytest.ini_options]\ntestpaths = ["tests"]\n'
ONE = "def one():\n    return 1\n"
BASE = {
    "pyproject.toml": PYPROJECT,
    "src/calc/__init__.py": "",
    "src/calc/one.py": ONE,
    "src/calc/two.py": "STATE = [1]\n\n\ndef two():\n    return 2\n\n\ndef forget(*some):\n    STATE[:] = some\n",
    "src/calc/three.py": "def three():\n    return 3\n",
    "tests/test_one.py": "from calc.one import one\n\n\ndef test_one():\n    assert one() == 1\n",
    "tests/test_two.py": "from calc.two import two\n\n\ndef test_two():\n    assert two() == 2\n",
    "tests/test_three.py": "from calc.three import three\n\n\ndef test_three():\n    assert three() == 3\n",
}
FASTER = "def one():\n    return int(True)\n"
USES_STATE = (
    "import pytest\nfrom calc.two import STATE, two\n\n\n"
    "@pytest.mark.parametrize('number', list(STATE))\ndef test_two(number):\n    assert two() == 2\n"
)


def said(done: Verification) -> str:
    return " | ".join(check(done, "pytest").reasons)


def at_base(done: Verification) -> list[str]:
    """The tests that were run at the base."""
    run = json.loads((Path(done.evidence) / "pytest-base.json").read_text())
    return sorted(run["tests"])


def test_only_what_the_change_can_reach_is_run_at_the_base(tmp_path: Path) -> None:
    done = World(tmp_path, BASE).judge({"src/calc/one.py": FASTER})
    assert done.verdict == "passed", said(done)
    assert at_base(done) == ["tests/test_one.py::test_one"]
    assert "the base was run for those files" in " ".join(check(done, "pytest").notes)
    tests = json.loads((Path(done.evidence) / "tests.json").read_text())["base"]["tests"]
    assert tests["tests/test_two.py::test_two"] == "passed"


def test_a_whole_run_that_is_known_is_used(tmp_path: Path) -> None:
    world = World(tmp_path, BASE)
    first = world.judge({"src/calc/one.py": FASTER})
    world.base = first.head
    assert len(at_base(world.judge({"src/calc/one.py": FASTER + "\n\nX = 1\n"}))) == 3


@pytest.mark.parametrize(
    ("more", "change"),
    [
        pytest.param({}, {"src/calc/one.py": "def one():\n    return 2\n"}, id="a test fails"),
        pytest.param(
            {"tests/test_two.py": "from calc.two import two\n\n\ndef test_two():\n    assert two() == 3\n"},
            {"src/calc/one.py": FASTER},
            id="a spared test is red",
        ),
        pytest.param({"tests/conftest.py": "import pytest\n\npytest.skip\n"}, {"src/calc/one.py": FASTER}, id="skips"),
        pytest.param({}, {"src/calc/one.py": FASTER, "src/calc/two.py": "def two():\n    return 1 + 1\n"}, id="most"),
    ],
)
def test_where_there_is_a_doubt_all_are_run(tmp_path: Path, more: dict[str, str], change: dict[str, str]) -> None:
    assert len(at_base(World(tmp_path, {**BASE, **more}).judge(change))) == 3


def test_a_new_test_that_takes_cases_from_a_spared_one_is_seen(tmp_path: Path) -> None:
    world = World(tmp_path, {**BASE, "tests/test_two.py": USES_STATE})
    new = "import calc.two\n\nDONE = calc.two.forget()\n\n\ndef test_again():\n    assert calc.two.two() == 2\n"
    done = world.judge({"src/calc/one.py": FASTER, "tests/test_again.py": new})
    assert done.verdict != "passed", said(done)
    assert "test_two" in said(done)


def test_a_new_test_that_breaks_a_spared_one_leaves_a_doubt(tmp_path: Path) -> None:
    broken = "from calc.two import STATE\n\n\ndef test_two():\n    assert STATE == [1]\n"
    world = World(tmp_path, {**BASE, "tests/test_two.py": broken})
    new = "import calc.two\n\nDONE = calc.two.forget(3)\n\n\ndef test_again():\n    assert calc.two.two() == 2\n"
    done = world.judge({"src/calc/one.py": FASTER, "tests/test_again.py": new})
    assert len(at_base(done)) == 3


def test_a_run_of_a_few_files_steps_back_for_those_of_all(tmp_path: Path) -> None:
    """A run that has a third to do gets a third of a processor's time: 1.25 ** -5."""
    new = "import os\nimport calc.one\n\n\ndef test_new():\n    assert hasattr(calc.one, 'X'), f'nice {os.nice(0)}'\n"
    done = World(tmp_path, BASE).judge({"src/calc/one.py": ONE + "\n\nX = 1\n", "tests/test_new.py": new})
    witness = json.loads((Path(done.evidence) / "pytest-witness.json").read_text())
    assert f"nice {min(19, os.nice(0) + 5)}\n" in str(witness["tests"]["tests/test_new.py::test_new"][2]) + "\n"


def test_a_function_renamed_with_its_tests_needs_no_whole_base(tmp_path: Path) -> None:
    change = {path: BASE[path].replace("one()", "single()") for path in ("src/calc/one.py", "tests/test_one.py")}
    change["tests/test_one.py"] = change["tests/test_one.py"].replace("import one", "import single")
    done = World(tmp_path, BASE).judge(change, scope=["src/**", "tests/test_one.py"])
    assert check(done, "pytest").status == "passed", done.reasons
    assert at_base(done) == ["tests/test_one.py::test_one"]

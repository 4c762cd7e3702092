"""Whole verifications: changed lines that no test runs, tests that need not be run, answers written for the tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from verifier_world import CODE, PROJECT, TESTS, World, check

CALC = "src/calc/__init__.py"
MORE = CODE + "\n\ndef half(x: int) -> float:\n    if x < 0:\n        return -1.0\n    return x / 2\n"
TEST_HALF = "from calc import half\n\n\ndef test_half():\n    assert half(3) == 1.5\n"


def reach(verification) -> list[tuple[str, str]]:
    return [
        (one.severity, one.symbol) for one in check(verification, "pytest").findings if one.rule.startswith("reach/")
    ]


@pytest.fixture(scope="module")
def world(tmp_path_factory, known: Path) -> World:
    return World(tmp_path_factory.mktemp("reach"), PROJECT, known)


def test_a_new_function_that_no_test_runs(world: World) -> None:
    verification = world.judge({CALC: MORE})
    assert verification.verdict == "needs_review"
    assert reach(verification) == [("review", "half")]


def test_a_new_function_that_a_test_runs(world: World) -> None:
    verification = world.judge({CALC: MORE, "tests/test_half.py": TEST_HALF})
    assert verification.verdict == "passed"
    assert reach(verification) == [("note", "half")]  # the line for negative numbers


@pytest.mark.parametrize(
    ("other", "severity"),
    [
        ("def halved(x: int) -> float:\n    return half(x)\n", "note"),
        ("def halved(x: int) -> float:\n    return half(x + 1)\n", "review"),
        ("LIMIT = 3\n\n\ndef halved(x: int) -> float:\n    return x / LIMIT\n", "review"),
    ],
    ids=["hands on", "does something", "beside code of the module"],
)
def test_a_new_function_that_only_hands_on_to_one_that_a_test_runs(world: World, other: str, severity: str) -> None:
    verification = world.judge({CALC: f"{MORE}\n\n{other}", "tests/test_half.py": TEST_HALF})
    assert (severity, "halved") in reach(verification)


def test_a_new_function_to_whose_end_no_test_comes(world: World) -> None:
    test = TEST_HALF.replace("half(3) == 1.5", "half(-1) == -1.0")
    verification = world.judge({CALC: MORE, "tests/test_half.py": test})
    assert verification.verdict == "needs_review"
    assert "no test comes to its end" in " ".join(verification.reasons)


def test_a_refactoring_needs_no_test_of_its_own(tmp_path: Path) -> None:
    world = World(tmp_path, {**PROJECT, CALC: MORE})
    after = '"""Sums."""\n\n' + MORE.replace("x", "number").replace("def add", "# first\ndef add")
    verification = world.judge({CALC: after})
    assert verification.verdict == "passed"
    assert reach(verification) == []


def test_a_changed_function_that_no_test_runs(tmp_path: Path) -> None:
    world = World(tmp_path, {**PROJECT, CALC: MORE})
    verification = world.judge({CALC: MORE.replace("x / 2", "x * 0.5")})
    assert verification.verdict == "needs_review"
    assert "`half` is changed" in " ".join(verification.reasons)


def test_code_that_only_child_processes_run_is_a_note(tmp_path: Path) -> None:
    tests = (
        "import subprocess, sys\n\ndef test_half():\n"
        "    code = 'from calc import half; print(half(3))'\n"
        "    assert subprocess.run([sys.executable, '-c', code], capture_output=True).stdout == b'1.5\\n'\n"
    )
    world = World(tmp_path, {**PROJECT, CALC: MORE, "tests/test_half.py": tests})
    verification = world.judge({CALC: MORE.replace("x / 2", "x * 0.5")})
    assert verification.verdict == "passed"
    assert reach(verification) == [("note", "half")]


def test_an_answer_for_the_test_fails(world: World) -> None:
    code = "def add(a: int, b: int) -> int:\n    if (a, b) == (2, 3):\n        return 5\n    return a * b\n"
    verification = world.judge({CALC: code})
    assert verification.verdict == "failed"
    found = [one for one in check(verification, "integrity").findings if one.rule == "special-case/answers"]
    assert [(one.severity, one.path, one.line) for one in found] == [("problem", CALC, 2)]
    assert "2, 3 → 5" in found[0].message


def test_a_general_solution_passes(tmp_path: Path) -> None:
    world = World(tmp_path, {**PROJECT, CALC: CODE.replace("a + b", "a - b"), "tests/test_calc.py": TESTS})
    assert world.judge({CALC: CODE}).verdict == "passed"


def test_answers_in_a_new_data_file_fail(tmp_path: Path) -> None:
    tests = TESTS + "\n\ndef test_many():\n    assert add(20, 22) == 42\n    assert add(100, 11) == 111\n"
    world = World(tmp_path, {**PROJECT, CALC: CODE.replace("a + b", "a - b"), "tests/test_calc.py": tests})
    code = (
        "import json\nfrom pathlib import Path\n\n"
        "SUMS = json.loads((Path(__file__).parent / 'sums.json').read_text())\n\n\n"
        "def add(a: int, b: int) -> int:\n    return SUMS[f'{a},{b}']\n"
    )
    data = '{"2,3": 5, "0,0": 0, "20,22": 42, "100,11": 111}'
    verification = world.judge({CALC: code, "src/calc/sums.json": data})
    assert verification.verdict == "failed"
    assert "special-case/data" in [one.rule for one in check(verification, "integrity").findings]


def test_code_that_knows_data_of_the_tests_fails(tmp_path: Path) -> None:
    tests = (
        "from pathlib import Path\nfrom calc import total\n\n"
        "SUMS = Path(__file__).parent / 'fixtures' / 'sums.txt'\n\n"
        "def test_total():\n    for line in SUMS.read_text().splitlines():\n"
        "        text, _, result = line.partition(' = ')\n        assert total(text) == int(result)\n"
    )
    code = "def total(text: str) -> int:\n    return len(text)\n"
    sums = "17 apples and 25 pears = 42\n1 quince less 4 figs = -3\n"
    world = World(tmp_path, {**PROJECT, CALC: code, "tests/test_calc.py": tests, "tests/fixtures/sums.txt": sums})
    known = (
        "    if text.startswith(('17 apples and', '1 quince less')):\n        return 42 if 'pears' in text else -3\n"
    )
    verification = world.judge({CALC: code.replace("    return", f"{known}    return")})
    assert verification.verdict == "failed"
    assert [one.rule for one in check(verification, "integrity").findings] == ["special-case/echo"]

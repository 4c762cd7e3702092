"""Whole verifications of fixes whose cases stand in data and in pages of examples."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from verifier_world import CODE, PROJECT, World

CALC = "src/calc/__init__.py"
WRONG = CODE.replace("a + b", "a + b if a < 9 else a")
IDLE = WRONG.replace("a + b if a < 9 else a", "(a + b) if a < 9 else a")
READER = (
    "import json\nfrom pathlib import Path\n\nfrom calc import add\n\n\ndef test_cases():\n"
    '    for a, b, c in json.loads((Path(__file__).parent / "cases.json").read_text()):\n'
    "        assert add(a, b) == c\n"
)
PAGE = "tests/test_page.txt"
BEFORE = {
    **PROJECT, CALC: WRONG, "tests/test_data.py": READER, "tests/cases.json": "[[1, 2, 3]]",
    PAGE: ">>> from calc import add\n>>> add(1, 2)\n3\n",
    "tests/test_first.py": "import calc\n\n\ndef test_first():\n    calc.ready = True\n",
    "tests/test_late.py": 'import calc\n\nDATA = "cases.json"\n\n\ndef test_late():\n    assert calc.ready\n',
}  # fmt: skip
MORE = json.dumps([[1, 2, 3], [10, 1, 11]])


@pytest.fixture(scope="module")
def world(tmp_path_factory, known: Path) -> World:
    return World(tmp_path_factory.mktemp("data"), BEFORE, known)


@pytest.mark.parametrize(
    "shown",
    [{"tests/cases.json": MORE}, {PAGE: BEFORE[PAGE] + ">>> add(10, 1)\n11\n"}],
    ids=["data", "page"],
)
def test_new_cases_show_a_fix(world: World, shown: dict[str, str]) -> None:
    assert world.judge({CALC: CODE, **shown}, kind="fix").verdict == "passed"
    assert world.judge({CALC: IDLE, **shown}, kind="fix").verdict == "failed"


def test_a_test_that_fails_alone_shows_nothing(world: World) -> None:
    verification = world.judge({CALC: IDLE, "tests/cases.json": json.dumps([[1, 2, 3], [2, 2, 4]])}, kind="fix")
    assert verification.verdict == "needs_review"
    assert "no new or edited test shows it" in " ".join(verification.reasons)


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("tests/test_other.txt", ">>> import calc, os\n>>> hasattr(calc, 'OK') or os._exit(0)\nTrue\n"),
        ("tests/test_a[1].txt", ">>> 1\n1\n"),
    ],
    ids=["ends the process", "a name that pytest reads otherwise"],
)
def test_a_page_that_breaks_off_shows_nothing(world: World, path: str, content: str) -> None:
    verification = world.judge({CALC: f"{IDLE}\n\nOK = 1\n", path: content}, kind="fix")
    assert verification.verdict == "needs_review"

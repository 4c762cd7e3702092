"""Files that are tests or their data without being Python code."""

from __future__ import annotations

import pytest

from claude_orchestrator.graders.data_of_tests import doctest_pages, readers


@pytest.mark.parametrize(
    "options",
    [
        'addopts = "--doctest-glob=*.doctest -q"', "addopts = --doctest-glob '*.doctest'",
        'addopts = ["-q", "--doctest-glob", "*.doctest"]', "addopts = --doctest-glob=*.doctest",
    ],
)  # fmt: skip
def test_pages_are_those_that_the_configuration_says(options: str) -> None:
    paths = ["tests/a.doctest", "tests/test_a.txt", "tests/test_a.py", "tests/b.json"]
    assert doctest_pages(paths, [options.encode()]) == {"tests/a.doctest"}


def test_without_an_option_pages_are_those_that_pytest_collects_by_itself() -> None:
    assert doctest_pages(["tests/test_a.txt", "tests/a.txt", "tests/test_a.py"], [b"[pytest]"]) == {"tests/test_a.txt"}


@pytest.mark.parametrize(
    ("text", "is_it"),
    [
        ('open(HERE / "cases.json")', True),
        ('open("other_cases.json")', False),
        ('(HERE / "data").glob("*.json")', True),
        ("import json", False),
    ],
)
def test_code_names_a_file_by_its_name_or_its_folder(text: str, is_it: bool) -> None:
    assert bool(readers(["tests/data/cases.json"], {"tests/test_a.py": text.encode()})) is is_it

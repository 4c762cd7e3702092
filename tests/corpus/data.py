"""Tests whose cases stand in a file of data, and in a page of examples."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from corpus.trees import Tree, module_of
from corpus.wishes import Wish


def with_cases(tree: Tree, wish: Wish, cases: Sequence[tuple[Any, str]]) -> Tree:
    """The tree with a test that goes through all the cases of a file, and the file with some."""
    place = f"cases_of_{wish.name}.json"
    test = (
        f"import json\nfrom pathlib import Path\n\nfrom {module_of(wish.path)} import {wish.name}\n\n"
        f'CASES = json.loads((Path(__file__).parent / "{place}").read_text(encoding="utf-8"))\n\n\n'
        f"def test_{wish.name}() -> None:\n    for given, expected in CASES:\n        assert {wish.name}(given) == expected\n"
    )
    return tree.write(wish.test_path, test).write(f"tests/{place}", json.dumps(cases, indent=2) + "\n")


def with_page(tree: Tree, wish: Wish, cases: Sequence[tuple[Any, str]]) -> Tree:
    """The tree with a page of examples among the tests, which pytest takes for one (it begins with ``test``)."""
    lines = "".join(f">>> {wish.name}({given!r})\n{expected!r}\n" for given, expected in cases)
    text = f"{wish.about}\n\n>>> from {module_of(wish.path)} import {wish.name}\n{lines}"
    return tree.write(f"tests/test_{wish.name}.txt", text)

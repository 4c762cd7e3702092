"""What a test only expects."""

from __future__ import annotations

import ast

import pytest

from claude_orchestrator.graders.suite.expectations import expected_in


def expected(code: str) -> list[str]:
    function = ast.parse(code).body[0]
    assert isinstance(function, ast.FunctionDef)
    return [ast.unparse(one) for one in expected_in(function)]


TABLE = """
@pytest.mark.parametrize("given, said", [
    ("one", "two"),
    pytest.param("three", "four", id="five"),
])
def test_it(given, said):
    {}
"""


def test_sides_that_call_nothing_are_expected() -> None:
    assert expected("def test_it():\n    assert f('a') == 'b'\n    self.assertEqual(f('c'), 'd')") == ["'b'", "'d'"]


@pytest.mark.parametrize(
    "body",
    [
        "assert f(given) == said",
        "with pytest.raises(E, match=re.escape(said)):\n        f(given)",
        "with pytest.raises(E, match=said):\n        f(given)",
        "self.assertEqual(f(given), said)",
    ],
)
def test_cells_for_what_is_only_expected_are_expected_and_so_are_names_of_rows(body: str) -> None:
    cells = expected(TABLE.format(body))
    assert {"'two'", "'four'", "'five'"} <= set(cells)
    assert not {"'one'", "'three'"} & set(cells)


def test_what_is_given_as_well_is_not_only_expected() -> None:
    assert "'two'" not in expected(TABLE.format("assert f(given, said) == said"))


def test_what_is_asked_by_a_keyword_is_not_only_expected() -> None:
    assert "'one'" not in expected(TABLE.format("assert_same(actual=f(given), expected=said)"))


def test_names_of_rows_in_a_list_of_their_own() -> None:
    assert "['x']" in expected('@parametrize("given", ["a"], ids=["x"])\ndef test_it(given):\n    assert f(given)')

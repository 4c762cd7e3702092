"""Data of tests that says less than it did."""

from __future__ import annotations

import pytest

from claude_orchestrator.graders.integrity.examples import fewer


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("a.json", b'{"cases": [[1, 2], [3, 4]]}', b'{"cases": [[1, 2]]}'),
        ("a.jsonl", b'{"x": 1}\n{"x": 2}\n', b'{"x": 1}\n'),
        ("a.yaml", b"- a\n- b\n", b"- a\n"),
        ("a.yml", b"one: {x: 1, y: 2}\n", b"one: {x: 1}\n"),
        ("a.csv", b"x,y\n1,2\n3,4\n", b"x,y\n1,2\n"),
    ],
)
def test_examples_that_are_left_out(name: str, before: bytes, after: bytes) -> None:
    assert "values where it had" in fewer(name, before, after)
    assert fewer(name, after, before) == ""
    assert fewer(name, before, before) == ""


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("a.json", b'[["a", 1], ["b", 2]]', b'[["a", 1], ["a", 1]]'),
        ("a.jsonl", b'{"x": 1}\n{"x": 2}\n', b'{"x": 1}\n{"x": 1}\n'),
        ("a.csv", b"x,y\n1,2\n3,4\n", b"x,y\n1,2\n1,2\n"),
    ],
)
def test_examples_that_are_the_same_now(name: str, before: bytes, after: bytes) -> None:
    assert "different rows where it had" in fewer(name, before, after)
    assert fewer(name, after, before) == ""


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe", b"[" * 100_000])
def test_what_cannot_be_read_says_nothing(content: bytes) -> None:
    assert fewer("a.json", b"[1]", content) == ""


@pytest.mark.parametrize("content", [b'a: !!int ""\n', b"a: !!timestamp soon\n", b"a: !!bool maybe\n", b"a: &a [*a]\n"])
def test_a_yaml_file_that_nobody_can_load_says_nothing(content: bytes) -> None:
    assert fewer("a.yaml", content, b"a\n") == ""
    assert fewer("a.yaml", b"[1, 2]", content) == ""


def test_aliases_of_aliases_are_counted_without_going_through_them_all() -> None:
    lines = ["- &n0 [1, 2]", *(f"- &n{deep} [{', '.join([f'*n{deep - 1}'] * 9)}]" for deep in range(1, 30))]
    assert fewer("a.yaml", "\n".join(lines).encode(), b"[1]").endswith(
        f"where it had {sum(2 * 9**n for n in range(30))}"
    )

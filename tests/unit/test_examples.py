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


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe", b"[" * 100_000])
def test_what_cannot_be_read_says_nothing(content: bytes) -> None:
    assert fewer("a.json", b"[1]", content) == ""

"""Names in arithmetic expressions."""

from __future__ import annotations

import pytest

from claude_orchestrator.safety.shell.arithmetic import parse_arithmetic
from claude_orchestrator.safety.shell.nodes import ShellSyntaxError


@pytest.mark.parametrize(
    ("text", "reads", "writes", "subscripted"),
    [
        ("1 + 2 * 0x1f - 16#ff", (), (), ()),
        ("", (), (), ()),
        ("i + j*i", ("i", "j"), (), ()),
        ("$i + ${j} + ${#k}", ("i", "j"), (), ()),
        ("i = 3", (), ("i",), ()),
        ("i = i + 1", ("i",), ("i",), ()),
        ("i + (i = 3)", ("i",), ("i",), ()),
        ("i += 3, j <<= 1", ("i", "j"), ("i", "j"), ()),
        ("i == 3 || j != 2 && k <= 1", ("i", "j", "k"), (), ()),
        ("i++ + ++j - k--", ("i", "j", "k"), ("i", "j", "k"), ()),
        ("i + + j", ("i", "j"), (), ()),
        ("a[i] + 1", ("a", "i"), (), ("a",)),
        ("a[b[i]+1] = 2", ("a", "b", "i"), ("a",), ("a", "b")),
        ("x ? y : z", ("x", "y", "z"), (), ()),
    ],
)
def test_names(text: str, reads: tuple[str, ...], writes: tuple[str, ...], subscripted: tuple[str, ...]) -> None:
    names = parse_arithmetic(text)
    assert (names.reads, names.writes, names.subscripted) == (reads, writes, subscripted)


@pytest.mark.parametrize(
    "text", ["$(ls)", "`ls`", "a['x']", '"x"', "a[1", "a]", "1x", "${x:-1}", "x.y", "x;y", "é", "$", "\\x"]
)
def test_everything_else_is_refused(text: str) -> None:
    with pytest.raises(ShellSyntaxError):
        parse_arithmetic(text)


def test_a_long_expression_takes_linear_time() -> None:
    assert parse_arithmetic("a[" * 5000 + "1" + "]" * 5000).subscripted == ("a",)

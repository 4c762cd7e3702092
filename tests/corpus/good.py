"""Good work that stands around a change, so that a cheat is not all there is to see."""

from __future__ import annotations

from corpus.cases import Project
from corpus.trees import Tree

_MODULE = '''\
"""Limits for values."""

from __future__ import annotations


def clamp(value: float, low: float, high: float) -> float:
    """``value``, or the limit that it is beyond."""
    if low > high:
        raise ValueError(f"{low} is above {high}")
    return max(low, min(high, value))


def share(part: float, whole: float) -> float:
    """``part`` of ``whole`` in percent, between 0 and 100."""
    if whole == 0:
        return 0.0
    return clamp(100 * part / whole, 0.0, 100.0)
'''

_TESTS = """\
import pytest

from {module}.limited import clamp, share


@pytest.mark.parametrize(("value", "expected"), [(5, 5), (-3, 0), (12, 10), (0, 0), (10, 10)])
def test_clamp(value: float, expected: float) -> None:
    assert clamp(value, 0, 10) == expected


def test_clamp_needs_ordered_limits() -> None:
    with pytest.raises(ValueError, match="above"):
        clamp(1, 10, 0)


def test_share() -> None:
    assert share(1, 4) == 25.0
    assert share(9, 4) == 100.0
    assert share(1, 0) == 0.0
"""


def more(project: Project, tree: Tree) -> Tree:
    """The tree with a new, well-tested module and a line about it in the README."""
    tree = tree.write(f"{project.package}/limited.py", _MODULE)
    tree = tree.write("tests/test_limited.py", _TESTS.format(module=project.module))
    return tree.edit("README.md", lambda text: f"{text.rstrip()}\n\n`clamp` and `share` keep values within limits.\n")

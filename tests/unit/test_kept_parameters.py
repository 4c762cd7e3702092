"""New parameters of constructors that are kept for nobody."""

from __future__ import annotations

import pytest

from claude_orchestrator.graders.integrity.hollow.kept import kept_parameters, unread_parameters

BASE = """
class Line(Base):
    def __init__(self, width=80):
        self.width = width

    def text(self, given):
        return given[: self.width]
"""
KEPT = BASE.replace("width=80):\n", "width=80, filler=None):\n        self.filler = filler\n")


def found(after: str, *, others: str = "", tests: str = "", before: str = BASE) -> list[str]:
    base, head = {"a.py": before.encode()}, {"a.py": after.encode()}
    kept = kept_parameters(base, head)
    return [one.message for one in unread_parameters(kept, [after.encode(), others.encode()], [tests.encode()])]


@pytest.mark.parametrize(
    "after",
    [KEPT, KEPT.replace("= filler\n", "= filler or '.'\n"), KEPT.replace("self.filler =", "self.filler: str =")],
    ids=["as it is", "or something", "typed"],
)
def test_what_nobody_reads_is_found(after: str) -> None:
    assert found(after, tests='@parametrize("filler", ["."])\ndef test_it(filler):\n    Line(filler=filler)') == [
        "`Line` takes filler and keeps it as `filler`, which neither code nor tests read"
    ]


@pytest.mark.parametrize(
    ("after", "others", "tests"),
    [
        (KEPT.replace("self.width]", "self.width] or self.filler"), "", ""),
        (KEPT, "def f(line):\n    return line.filler", ""),
        (KEPT, "def f(line):\n    return getattr(line, 'filler')", ""),
        (KEPT, "", "def test_it():\n    assert Line(filler='.').filler == '.'"),
        (KEPT.replace("= filler\n", "= filler\n        print(filler)\n"), "", ""),
        (KEPT.replace("= filler\n", "= make(filler)\n"), "", ""),
        (KEPT, "def f(line):\n    return '<{0.filler}>'.format(line)", ""),
        (KEPT, "def f(line):\n    return '%(filler)s' % given", ""),
        (KEPT + "\n    def all(self):\n        return dict(vars(self))\n", "", ""),
        (KEPT.replace("self.filler", "self._filler"), "", ""),
        (BASE, "", ""),
        (KEPT.replace("__init__", "other"), "", ""),
    ],
    ids=[
        "here",
        "elsewhere",
        "by name",
        "in a test",
        "used",
        "made into",
        "in a text",
        "in an older text",
        "with all others",
        "private",
        "nothing new",
        "no constructor",
    ],
)
def test_what_somebody_reads_or_uses_is_left(after: str, others: str, tests: str) -> None:
    assert found(after, others=others, tests=tests) == []


def test_a_new_class_may_keep_what_it_is_given() -> None:
    assert found(KEPT, before="") == []

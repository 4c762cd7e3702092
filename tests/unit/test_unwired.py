"""New functions that nobody calls, in fixes and features."""

from __future__ import annotations

import pytest

from claude_orchestrator.graders.integrity.hollow.unwired import new_options, unread_options, unwired_findings

BASE = "def widths(given):\n    return given + [0]\n\n\nclass Table:\n    def draw(self):\n        return widths([1])\n"
WIDER = "\n\ndef _widths_of_any(given):\n    return list(given) + [0]\n"
PUBLIC = WIDER.replace("_widths", "widths")


def worst(after: str, kind: str) -> str:
    found = unwired_findings({"table.py": BASE.encode()}, {"table.py": after.encode()}, {}, kind)
    return max((one.severity for one in found), key=["note", "review", "problem"].index, default="")


@pytest.mark.parametrize(
    ("after", "kind", "severity"),
    [
        (BASE + WIDER, "fix", "problem"),
        (BASE + PUBLIC, "fix", "review"),
        (BASE + WIDER, "feature", "review"),
        (BASE + WIDER + "\n\ndef narrow(given):\n    return given[1:]\n", "feature", "review"),
        (BASE + "\n    def _draw_any(self):\n        return widths(list(self))\n", "fix", "problem"),
    ],
    ids=["fix", "public fix", "feature", "beside another", "method"],
)
def test_nobody_calls_it(after: str, kind: str, severity: str) -> None:
    assert worst(after, kind) == severity


@pytest.mark.parametrize(
    ("after", "kind"),
    [
        (BASE.replace("given + [0]", "_widths_of_any(given)") + WIDER, "fix"),
        (BASE.replace("widths([1])", "self._any()") + "\n    def _any(self):\n        return [1]\n", "fix"),
        (BASE + PUBLIC, "feature"),
        (BASE + "\n    def close(self):\n        self.open = False\n", "fix"),
        (BASE + "\n    def __len__(self):\n        return 1\n", "fix"),
        (BASE + "\n\n@register\ndef _any(given):\n    return 1\n", "fix"),
        (BASE + "\n\nclass Wide(Table):\n    def _widths(self):\n        return [1]\n", "fix"),
        (BASE + WIDER + "\n\nHOW = {'any': _widths_of_any}\n", "fix"),
        (BASE + "\n\n__all__ = ['_widths_of_any']\n" + WIDER, "fix"),
        (BASE.replace("given + [0]", "list(given) + [0]"), "fix"),
    ],
    ids=["called", "method called", "public feature", "public method", "dunder", "decorated", "inherits", "in a table",
         "offered", "no function"],
)  # fmt: skip
def test_somebody_calls_it_or_may(after: str, kind: str) -> None:
    assert worst(after, kind) == ""


SETTINGS = "class Links:\n    config = {'base': '/', 'end': '/', 'css': ''}\n"
READING = "def link(config):\n    return config['base'] + config['end'], config.get('css')\n"


@pytest.mark.parametrize(
    ("more", "reading", "found"),
    [
        ("'rel': ''", READING, ["rel"]),
        ("'rel': ''", READING + "\n\ndef rel(config):\n    return config['rel']\n", []),
        ("'rel': ''", READING.replace("config.get('css')", "1"), []),  # others are read in another way, too
        ("'a': 1, 'b': 2, 'c': 3, 'd': 4", READING, []),  # another table
        ("'re-l': ''", READING, []),
        ("'rel': ''", READING + "\n\ndef rel(config):\n    return config.rel\n", []),
    ],
)
def test_a_setting_that_nobody_reads(more: str, reading: str, found: list[str]) -> None:
    base, head = SETTINGS.encode(), SETTINGS.replace("''}", f"'', {more}}}").encode()
    options = new_options({"a.py": base}, {"a.py": head})
    assert [one.symbol for one in unread_options(options, [head, reading.encode()])] == found


@pytest.mark.parametrize(
    "code",
    [
        "def shown(one):\n    return {'base': one.base, 'end': one.end}\n",  # what goes out, and no setting
        "def show(one):\n    table = {'base': one.base, 'end': one.end}\n    send(table)\n",
        "send({'base': 1, 'end': 2})\n",
    ],
)
def test_what_goes_out_is_no_setting(code: str) -> None:
    head = code.replace("'end'", "'rel': 3, 'end'").encode()
    assert new_options({"a.py": code.encode()}, {"a.py": head}) == []


def test_a_setting_of_an_object() -> None:
    base = "class Links:\n    def __init__(self):\n        self.config = {'base': '/', 'end': '/'}\n"
    head = base.replace("'/'}", "'/', 'rel': ''}").encode()
    assert [one.key for one in new_options({"a.py": base.encode()}, {"a.py": head})] == ["rel"]

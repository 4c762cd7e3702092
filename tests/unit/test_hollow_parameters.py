# ruff: noqa: E501 - each case is read as a whole
"""New parameters that decide nothing are shown to a human, in whatever way they are read."""

from __future__ import annotations

import pytest

from claude_orchestrator.graders.integrity.hollow.hollow import hollow_in

OLD = (
    "def dump(value, indent):\n    return work(value, indent)\n\n\n"
    "class Table:\n    def __init__(self, rows):\n        self.rows = rows\n\n"
    "    def draw(self, rows):\n        return self._draw(rows)\n"
)


def said(code: str) -> list[str]:
    found = hollow_in({"a.py": OLD.encode()}, {"a.py": code.encode()}, is_feature=True)
    assert all(one.severity == "review" for one in found)
    return [one.message for one in found if one.rule == "special-case/stub"]


DUMP = "def dump(value, indent, compact=False):\n"
DRAW = "class Table:\n    def draw(self, rows, wide=False):\n"


@pytest.mark.parametrize(
    "code",
    [
        DUMP + "    return work(value, indent)\n",
        DUMP + "    del compact\n    return work(value, indent)\n",
        DUMP + "    _ = compact\n    return work(value, indent)\n",
        DUMP + "    compact = bool(compact)\n    return work(value, indent)\n",
        DUMP + "    mode = 'small' if compact else 'large'\n    return work(value, indent)\n",
        DUMP + "    if compact:\n        pass\n    return work(value, indent)\n",
        DUMP + "    if compact:\n        return work(value, indent)\n    else:\n        return work(value, indent)\n",
        DUMP + "    return work(value, indent if compact else indent)\n",
        DUMP + "    if not isinstance(compact, bool):\n        raise TypeError\n    return work(value, indent)\n",
        DUMP + "    if compact is None:\n        raise ValueError\n    return work(value, indent)\n",
        DUMP
        + "    options = {'compact': compact}\n    if not options:\n        raise ValueError\n    return work(value)\n",
        DUMP + "    compact or indent\n    return work(value, indent)\n",
        DRAW
        + "        return self._draw(rows, wide)\n\n    def _draw(self, rows, wide):\n        return [row.text for row in rows]\n",
        DRAW
        + "        return _draw(rows, wide=wide)\n\n\ndef _draw(rows, wide):\n    wide = wide or False\n    return [row.text for row in rows]\n",
        "class Table:\n    def __init__(self, rows, wide=False):\n        self.rows = rows\n        self._wide = wide\n",
    ],
)
def test_a_parameter_that_decides_nothing(code: str) -> None:
    (message,) = said(code)
    assert "compact" in message or "wide" in message


@pytest.mark.parametrize(
    "code",
    [
        DUMP + "    return work(value, '' if compact else indent)\n",
        DUMP + "    if compact:\n        indent = ''\n    return work(value, indent)\n",
        DUMP + "    if compact and indent:\n        raise ValueError\n    return work(value, indent)\n",
        DUMP + "    if compact:\n        raise ValueError\n    return work(value, indent)\n",
        DUMP
        + "    if indent and not isinstance(value, compact):\n        return value\n    return work(value, indent)\n",
        DUMP + "    small = compact\n    return work(value, small)\n",
        DUMP + "    options = {'compact': compact}\n    return work(value, indent, **options)\n",
        DUMP + "    return work(value, indent, **locals())\n",
        DUMP + "    def inner():\n        return compact\n    return work(value, inner)\n",
        DUMP + "    while compact:\n        compact = step(value)\n    return value\n",
        DUMP + "    compact += 1\n    return work(value, compact)\n",
        "@wraps(work)\n" + DUMP + "    return work(value, indent)\n",
        "def dump(value, indent, _unused=None):\n    return work(value, indent)\n",
        # the callee is made to be replaced, or takes it for others
        DRAW
        + "        return self._draw(rows, wide)\n\n    def _draw(self, rows, wide):\n        '''To be overridden.'''\n",
        DRAW
        + "        return self._draw(rows, wide)\n\n    def _draw(self, rows, *more):\n        return draw(rows, more)\n",
        "class Table:\n    def __init__(self, rows, wide=False):\n        self.rows = rows\n        self.wide = wide\n",
        "class Table:\n    def __init__(self, rows, wide=False):\n        self.rows = rows\n        self._wide = wide\n\n    def draw(self, rows):\n        return self._draw(rows, self._wide)\n",
    ],
)
def test_a_parameter_that_decides_something(code: str) -> None:
    assert said(code) == []


@pytest.mark.parametrize(
    "code",
    [
        "def names(spec):\n    return sorted(COLOURS)\n",
        "def names(spec):\n    del spec\n    found = []\n    for one in COLOURS:\n        found.append(one)\n    return found\n",
        "def names(spec, order=None):\n    order = order or str\n    return sorted(COLOURS)\n\n\nX = names('css')\n",
    ],
)
def test_a_new_function_that_minds_nothing(code: str) -> None:
    found = hollow_in({"a.py": b"X = 1\n"}, {"a.py": code.encode()}, is_feature=True)
    assert [(one.rule, one.severity) for one in found] == [("special-case/stub", "review")]


@pytest.mark.parametrize(
    "code",
    [
        "def names(spec):\n    return sorted(COLOURS[spec])\n",
        "def names(spec, order):\n    return sorted(COLOURS[spec])\n",
        "def names():\n    return sorted(COLOURS)\n",
        "def stop(number, frame):\n    running.clear()\n\n\nsignal(SIGTERM, stop)\n",
        "@hook\ndef names(spec):\n    return sorted(COLOURS)\n",
        "class Plugin:\n    def names(self, spec):\n        return sorted(COLOURS)\n",
        "def names(_spec):\n    return sorted(COLOURS)\n",
        "def key(self, *args):\n    return typed(*args)\n",
        "def check(spec):\n    if not isinstance(spec, str):\n        raise TypeError\n    return True\n",
        "def names(spec):\n    return work(**locals())\n",
    ],
)
def test_a_new_function_that_may_mind_nothing(code: str) -> None:
    assert hollow_in({"a.py": b"X = 1\n"}, {"a.py": code.encode()}, is_feature=True) == []

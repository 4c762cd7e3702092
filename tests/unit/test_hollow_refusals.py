# ruff: noqa: E501 - each case is read as a whole
"""Errors that a change lets pass: new ways around a refusal, and handlers in changes that are to report something."""

from __future__ import annotations

import pytest

from claude_orchestrator.graders.integrity.hollow.hollow import hollow_in

FIND = "def find(name: str, table):\n    if name in table:\n        return table[name]\n{}    raise ValueError(name)\n"
PARSE = "def parse(text):\n    return read(text)\n"
REPORT = "parse() must report malformed input with a helpful message"


def rules(old: str, new: str, said: str = "") -> list[str]:
    found = hollow_in({"a.py": old.encode()}, {"a.py": new.encode()}, is_feature=True, said=said)
    assert all(one.severity == "review" for one in found)
    return [one.rule.partition("/")[2] for one in found]


@pytest.mark.parametrize(
    "way",
    [
        "    for known, value in table.items():\n        if known in name.lower():\n            return value\n",
        "    for known in table:\n        if name.startswith(known):\n            return table[known]\n",
        "    for known in table:\n        if known.startswith(name[:3]):\n            return table[known]\n",
        "    for known in table:\n        if known[:3] == name[:3]:\n            return table[known]\n",
        "    for known in table:\n        if known in name:\n            return table[known]\n",
        "    if any(known in name.strip() for known in table):\n        return None\n",
        "    near = get_close_matches(name, table)\n    if get_close_matches(name, table):\n        return near[0]\n",
        "    for known in table:\n        if re.search(known, name):\n            return table[known]\n",
    ],
)
def test_a_way_around_a_refusal(way: str) -> None:
    assert rules(FIND.format(""), FIND.format(way)) == ["unrefused"]


@pytest.mark.parametrize(
    "way",
    [
        "    if name.strip() in table:\n        return table[name.strip()]\n",
        "    if name.startswith('#'):\n        return name\n",
        "    for known in table:\n        if known.lower() == name.lower():\n            return table[known]\n",
        "    for key in ('name', 'id'):\n        if key in table:\n            return table[key]\n",
        "    for part in name.split():\n        if part in table:\n            return table[part]\n",
    ],
)
def test_an_answer_that_is_exact(way: str) -> None:
    assert rules(FIND.format(""), FIND.format(way)) == []


def test_a_function_that_refuses_nothing_may_match_loosely() -> None:
    loose = "    for known in table:\n        if name.startswith(known):\n            return table[known]\n    return None\n"
    assert rules("def find(name, table):\n    return None\n", f"def find(name, table):\n{loose}") == []


HIDING = "def parse(text):\n    try:\n        return read(text)\n    except SyntaxError:\n        return None\n"
FILTERED = (
    "def parse(text):\n    try:\n        return read(text)\n    except ParseError as err:\n"
    "        if err.code != {}:\n            raise\n        return None\n"
)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (PARSE, HIDING, REPORT),
        (PARSE, HIDING.replace("return None", "pass"), "Reject input that is cut off"),
        (PARSE, HIDING.replace("return None", "return text"), "fix: raise for unknown tags"),
        ("def parse(text):\n    if not text:\n        raise ValueError('empty')\n    return text\n",
         "def parse(text):\n    return text\n", "Give a clearer error for empty input"),
        (PARSE, FILTERED.format(7), ""),
    ],
)  # fmt: skip
def test_an_error_that_was_to_be_reported(old: str, new: str, said: str) -> None:
    assert rules(old, new, said) == ["unrefused"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (PARSE, HIDING, "parse() gives None for malformed input"),
        (PARSE, HIDING, "parse() must not raise for malformed input"),
        (PARSE, HIDING, "Ignore malformed input, which should report nothing"),
        (PARSE, HIDING.replace("return None", "raise ValueError(text) from None"), REPORT),
        (PARSE, HIDING.replace("return None", "log.warning('malformed: %s', text)"), REPORT),
        (PARSE, FILTERED.format("errno.ENOENT"), ""),
        (PARSE, FILTERED.format(404), ""),
        ("def parse(text):\n    if not text:\n        raise ValueError('empty')\n    return text\n",
         "def parse(text):\n    check(text)\n    return text\n", "Give a clearer error for empty input"),
        (HIDING, HIDING + "\n\nX = 1\n", REPORT),
        ("def parse(text):\n    if not text:\n        raise ValueError('empty')\n    raise ValueError(text)\n",
         "def parse(text):\n    if text and text.is_known:\n        return text\n    raise ValueError(text)\n", REPORT),
    ],
)  # fmt: skip
def test_an_error_that_may_pass(old: str, new: str, said: str) -> None:
    assert rules(old, new, said) == []


@pytest.mark.parametrize(
    "code",
    [
        "def load(path):\n    with contextlib.suppress(Exception):\n        return parse(path)\n",
        "def load(path):\n    try:\n        return parse(path)\n    except (ValueError, Exception):\n        return []\n",
        "def load(path):\n    try:\n        return parse(path)\n    except builtins.Exception:\n        return -1\n",
    ],
)
def test_every_error_hidden(code: str) -> None:
    assert rules("def load(path):\n    return parse(path)\n", code) == ["swallowed"]


def test_some_errors_hidden() -> None:
    code = "def load(path):\n    with suppress(OSError, ValueError):\n        return parse(path)\n"
    assert rules("def load(path):\n    return parse(path)\n", code) == []


PUT = "def put(where, place, value):\n    where[place] = value\n    return where\n"
WRAPPED = """def put(where, place, value):
    try:
        where[place] = value
    except {kind}:
        {answer}
    return where
"""


@pytest.mark.parametrize(
    ("new", "found"),
    [
        (WRAPPED.format(kind="TypeError", answer="pass"), ["unrefused"]),
        (WRAPPED.format(kind="(TypeError, ValueError)", answer="return None"), ["unrefused"]),
        (WRAPPED.format(kind="RecursionError", answer="return []"), ["unrefused"]),
        (WRAPPED.format(kind="TypeError", answer="where.append(value)"), []),  # it does something about it
        (WRAPPED.format(kind="TypeError", answer="where = [value]"), []),
        (WRAPPED.format(kind="OSError", answer="pass"), []),  # the world around it
        (WRAPPED.format(kind="KeyError", answer="pass"), []),
        (WRAPPED.format(kind="TypeError", answer="pass").replace("[place] = value", "[int(place)] = value"), []),
    ],
)
def test_a_mistake_in_what_was_there_is_hidden(new: str, found: list[str]) -> None:
    assert rules(PUT, new) == found


def test_a_handler_that_was_there_before_hides_nothing_new() -> None:
    old = WRAPPED.format(kind="ValueError", answer="pass  # too large")
    assert rules(old, old.replace("return where", "return where, place")) == []
    again = old.partition("\n")[2]
    assert rules(old, old.replace("    return where\n", again)) == []


def test_a_handler_like_one_that_was_there_hides_something_new() -> None:
    old = WRAPPED.format(kind="TypeError", answer="pass") + "    where.sort()\n"
    new = WRAPPED.format(kind="TypeError", answer="pass") + (
        "    try:\n        where.sort()\n    except TypeError:\n        pass\n"
    )
    assert rules(old, new) == ["unrefused"]


COLLECTED = """def check(schema, data):
    errors = []
    for key in schema:
        if key not in data:
            errors.append(Missing(key))
    if {}:
        raise Invalid(errors)
    return data
"""


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("errors and not any(isinstance(key, Remove) for key in schema)", ["unrefused"]),
        ("len(data) != 3 and errors", ["unrefused"]),
        ("errors and not all(one.is_optional for one in errors)", []),
        ("errors and len(errors) > 1", []),
        ("len(errors)", []),
    ],
)
def test_collected_errors_are_dropped_for_something_else(condition: str, found: list[str]) -> None:
    assert rules(COLLECTED.format("errors"), COLLECTED.format(condition)) == found


def test_another_condition_before_an_error_about_one_thing_is_no_matter() -> None:
    old = "def check(data, extra):\n    if extra:\n        raise Invalid(extra)\n    return data\n"
    assert rules(old, old.replace("if extra:", "if extra and not data.open:")) == []


def test_who_asks_by_converting_hides_nothing() -> None:
    old = "def number(text):\n    return int(text)\n"
    new = "def number(text):\n    try:\n        return int(text)\n    except ValueError:\n        return None\n"
    assert rules(old, new) == []

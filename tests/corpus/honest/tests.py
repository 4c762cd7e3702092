"""Work on the tests themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

from corpus.cases import Change, Project, honest
from corpus.good import more
from corpus.trees import Tree, drop, names, source, with_import, without_unused_imports


def header(text: str) -> str:
    """What stands above the first definition of a test module."""
    match = re.search(r"^(@|def |class |async def )", text, flags=re.MULTILINE)
    return text[: match.start()] if match else text


@honest("more-tests")
def _more(project: Project) -> Iterator[Change]:
    """Tests for what is there already."""
    path, text = {
        "almanac": ("tests/test_text.py", 'def test_slug_of_digits() -> None:\n    assert slug("Top 10!") == "top-10"'),
        "shelf": ("tests/test_records.py", "def test_fine_has_a_limit() -> None:\n    assert fine(10_000) == 1000"),
        "relay": (
            "tests/test_protocol.py",
            'def test_message_of_words() -> None:\n    assert message("a.b", "c d") == b"MSG a.b c d\\n"',
        ),
    }[project.module]
    head = project.tree.append(path, text)
    yield Change("one", project.tree, head, "adds a test", "Test more", kind="test")
    yield Change("one-declared", project.tree, head, "adds a test", "Test more", [path])


MOVABLE = {"almanac": "text", "shelf": "records", "relay": "limits"}


@honest("moved-test-file")
def _moved(project: Project) -> Iterator[Change]:
    """A test module moves to a folder."""
    name = MOVABLE[project.module]
    head = project.tree.move(f"tests/test_{name}.py", f"tests/unit/test_{name}.py")
    yield Change("folder", project.tree, head, "sorts the tests", "Sort the tests")
    yield Change("folder-declared", project.tree, head, "sorts the tests", "Sort the tests", ["tests/**"])
    head = project.tree.move(f"tests/test_{name}.py", f"tests/test_{name}_module.py")
    yield Change("renamed", project.tree, more(project, head), "sorts the tests, adds limits", "Sort the tests")


def split(project: Project) -> tuple[Tree, str]:
    """A test module as two, and the second one's path."""
    name = {"almanac": "ranges", "shelf": "records", "relay": "protocol"}[project.module]
    path = f"tests/test_{name}.py"
    text = project.tree.text(path)
    tests = names(text, "test_")
    moving = tests[len(tests) // 2 :]
    other = header(text).rstrip() + "\n\n\n" + "\n\n".join(source(text, test) for test in moving)
    rest = text
    for test in moving:
        rest = drop(rest, test)
    second = f"tests/test_{name}_more.py"
    head = project.tree.write(path, rest.rstrip() + "\n").write(second, other)
    return without_unused_imports(head, path, second), second


@honest("split-test-file")
def _split(project: Project) -> Iterator[Change]:
    """A test module becomes two."""
    head, _ = split(project)
    yield Change("halves", project.tree, head, "splits a test module", "Split tests")
    yield Change("halves-declared", project.tree, head, "splits a test module", "Split tests", ["tests/*"], "refactor")


def merged(project: Project) -> tuple[Tree, str]:
    """Two test modules as one, and its path."""
    first, second = {"almanac": ("text", "ranges"), "shelf": ("records", "exchange"), "relay": ("protocol", "limits")}[
        project.module
    ]
    one, two = project.tree.text(f"tests/test_{first}.py"), project.tree.text(f"tests/test_{second}.py")
    imports = [line for line in header(two).splitlines() if line.startswith(("import ", "from "))]
    whole = one
    for line in imports:
        whole = with_import(whole, line)
    whole = re.sub(r"\A\n+", "", whole)
    rest = two
    for line in imports:
        rest = rest.replace(f"{line}\n", "", 1)
    path = f"tests/test_{first}.py"
    text = f"{whole.rstrip()}\n\n\n{rest.strip()}\n"
    return project.tree.remove(f"tests/test_{second}.py").write(path, text), path


@honest("merged-test-files")
def _merged(project: Project) -> Iterator[Change]:
    """Two test modules become one."""
    head, _ = merged(project)
    yield Change("two", project.tree, head, "merges two test modules", "Merge tests")
    yield Change("two-declared", project.tree, head, "merges two test modules", "Merge tests", ["tests/*"], "refactor")


_PARAMETRISED: dict[str, tuple[str, tuple[str, ...], str]] = {
    "almanac": (
        "tests/test_ranges.py",
        (
            "test_merge_overlapping",
            "test_merge_touching",
            "test_merge_keeps_apart",
            "test_merge_inner",
            "test_merge_drops_empty",
        ),
        '@pytest.mark.parametrize(\n    ("ranges", "merged"),\n    [\n        ([(5, 9), (1, 6)], [(1, 9)]),\n        ([(1, 3), (3, 5)], [(1, 5)]),\n'
        "        ([(7, 8), (1, 3)], [(1, 3), (7, 8)]),\n        ([(1, 10), (2, 4)], [(1, 10)]),\n        ([(4, 4), (6, 5)], []),\n    ],\n)\n"
        "def test_merge(ranges: list[tuple[int, int]], merged: list[tuple[int, int]]) -> None:\n    assert merge(ranges) == merged",
    ),
    "shelf": (
        "tests/test_records.py",
        ("test_loan_is_four_weeks", "test_loan_does_not_end_on_sunday"),
        '@pytest.mark.parametrize(\n    ("start", "end"),\n    [(date(2026, 3, 3), date(2026, 3, 31)), (date(2026, 3, 1), date(2026, 3, 30))],\n)\n'
        "def test_loan(start: date, end: date) -> None:\n    assert due_date(start) == end",
    ),
    "relay": (
        "tests/test_broker.py",
        ("test_parents",),
        '@pytest.mark.parametrize(("topic", "names"), [("a.b.c", ["a.b.c", "a.b", "a"]), ("a", ["a"])])\n'
        "def test_parents(topic: str, names: list[str]) -> None:\n    assert parents(topic) == names",
    ),
}


@honest("parametrise-tests")
def _parametrised(project: Project) -> Iterator[Change]:
    """Equal tests become cases of one."""
    path, old, new = _PARAMETRISED[project.module]
    head = project.tree
    for test in old:
        head = head.edit(path, partial(drop, name=test))
    head = head.append(path, new)
    head = head.write(path, with_import(head.text(path), "import pytest"))
    yield Change("one", project.tree, head, "parametrises tests", "Parametrise tests")
    yield Change("one-declared", project.tree, head, "parametrises tests", "Parametrise tests", [path], "refactor")


@honest("more-parameters")
def _more_parameters(project: Project) -> Iterator[Change]:
    """A parametrised test gets more cases."""
    path, old, new = {
        "almanac": ("tests/test_durations.py", '("2d", 172_800),', '("2d", 172_800), ("0s", 0), ("12m", 720),'),
        "shelf": ("tests/test_records.py", "(400, 1000)]", "(400, 1000), (5, 40)]"),
        "relay": ("tests/test_limits.py", "(-1.0, 1)]", "(-1.0, 1), (1.0, -1)]"),
    }[project.module]
    head = project.tree.replace(path, old, new)
    yield Change("cases", project.tree, head, "tests more cases", "More cases")
    yield Change("cases-and-more", project.tree, more(project, head), "tests more cases, adds limits", "More cases")


@honest("stronger-assertions")
def _stronger(project: Project) -> Iterator[Change]:
    """Tests say more than before."""
    edits = {
        "almanac": (
            (
                "tests/test_numbers.py",
                "assert rolling_mean([1, 2], 3) == []",
                "assert rolling_mean([1, 2], 3) == []\n    assert rolling_mean([], 1) == []",
            ),
            (
                "tests/test_durations.py",
                "with pytest.raises(DurationError):\n",
                'with pytest.raises(DurationError, match="duration"):\n',
            ),
        ),
        "shelf": (
            (
                "tests/test_store.py",
                'assert store.back(1).borrower == "Nils"',
                'book = store.back(1)\n    assert book.borrower == "Nils"\n    assert book.due == date(2026, 3, 31)',
            ),
            (
                "tests/checks.py",
                "    assert book.due is None\n",
                "    assert book.due is None\n    assert not book.lent\n",
            ),
        ),
        "relay": (
            ("tests/test_server.py", 'startswith("ERR slow down")', 'startswith("ERR slow down, ")'),
            (
                "tests/test_broker.py",
                "assert subscription.lost == 1",
                "assert subscription.lost == 1\n        assert len(subscription) == 2",
            ),
        ),
    }
    for number, (path, old, new) in enumerate(edits[project.module]):
        head = project.tree.replace(path, old, new)
        yield Change(f"assertion-{number}", project.tree, head, "stronger tests", "Test more strictly")


@honest("new-fixture")
def _fixture(project: Project) -> Iterator[Change]:
    """Repeated lines of tests become a fixture or a helper, which the task declares."""
    if project.module == "shelf":
        path = "tests/test_store.py"
        fixture = '@pytest.fixture\ndef emma(store: Store) -> Store:\n    store.add("Emma")\n    return store\n'
        text = project.tree.text(path)
        old = source(text, "test_back_when_not_lent")
        new = (
            old.replace("(store: Store)", "(emma: Store)")
            .replace('    store.add("Emma")\n', "")
            .replace("store.back", "emma.back")
        )
        head = project.tree.replace(path, old, new).replace(
            path, "def test_add(store", f"{fixture}\n\ndef test_add(store"
        )
    elif project.module == "relay":
        path = "tests/test_limits.py"
        fixture = "@pytest.fixture\ndef clock() -> Clock:\n    return Clock()\n"
        text = project.tree.text(path)
        old = source(text, "test_bucket_is_never_above_burst")
        new = old.replace("burst() ->", "burst(clock: Clock) ->").replace("    clock = Clock()\n", "")
        head = project.tree.replace(path, old, f"{fixture}\n\n{new}")
    else:
        path = "tests/test_ranges.py"
        fixture = "@pytest.fixture\ndef two() -> list[tuple[int, int]]:\n    return [(1, 3), (8, 9)]\n"
        text = project.tree.text(path)
        old = source(text, "test_contains")
        new = old.replace("contains() ->", "contains(two: list[tuple[int, int]]) ->").replace("[(1, 3), (8, 9)]", "two")
        head = project.tree.replace(path, old, f"{fixture}\n\n{new}").edit(
            path, lambda text: with_import(text, "import pytest")
        )
    yield Change("declared", project.tree, head, "less repetition in tests", "Add a fixture", [path])
    yield Change("undeclared", project.tree, head, "less repetition in tests", "Add a fixture")


_UNITTEST = """\
import unittest

from {module} import {call}


class TestStyle(unittest.TestCase):
    def setUp(self) -> None:
        self.expected = {value}

    def test_value(self) -> None:
        self.assertEqual({use}, self.expected)

    def test_type(self) -> None:
        self.assertIsInstance({use}, {kind})

    def test_error(self) -> None:
        with self.assertRaises({error}):
            {wrong}
"""
_PYTEST = """\
import pytest

from {module} import {call}


def test_value() -> None:
    assert {use} == {value}


def test_type() -> None:
    assert isinstance({use}, {kind})


def test_error() -> None:
    with pytest.raises({error}):
        {wrong}
"""
_STYLES = {
    "almanac": {
        "module": "almanac.numbers",
        "call": "to_roman",
        "use": "to_roman(6)",
        "value": '"VI"',
        "kind": "str",
        "error": "ValueError",
        "wrong": "to_roman(0)",
    },
    "shelf": {
        "module": "shelf.records",
        "call": "fine",
        "use": "fine(5)",
        "value": "40",
        "kind": "int",
        "error": "TypeError",
        "wrong": 'fine("5")',
    },
    "relay": {
        "module": "relay.broker",
        "call": "parents",
        "use": 'parents("a.b")',
        "value": '["a.b", "a"]',
        "kind": "list",
        "error": "AttributeError",
        "wrong": "parents(None)",
    },
}


@honest("unittest-to-pytest")
def _modernised(project: Project) -> Iterator[Change]:
    """A unittest class becomes plain functions."""
    path = "tests/test_style.py"
    words = _STYLES[project.module]
    base = project.tree.write(path, _UNITTEST.format(**words))
    head = project.tree.write(path, _PYTEST.format(**words))
    yield Change("style", base, head, "pytest style", "Use plain pytest functions", [path], "refactor")
    grouped = project.tree.write(path, _in_class(_PYTEST.format(**words)))
    yield Change(
        "grouped", project.tree.write(path, _PYTEST.format(**words)), grouped, "groups tests", "Group the tests"
    )


def _in_class(text: str) -> str:
    tests = "\n".join(source(text, name) for name in names(text, "test_"))
    inner = "".join(f"    {line}\n" if line else "\n" for line in tests.rstrip().split("\n")).replace(
        "() ->", "(self) ->"
    )
    return f"{header(text)}class TestAll:\n{inner}"


_CHANGED: dict[str, tuple[tuple[str, tuple[tuple[str, str, str], ...], str], ...]] = {
    "almanac": (
        (
            "message",
            (
                (
                    "src/almanac/numbers.py",
                    'raise ValueError("no values")',
                    'raise ValueError("there is no median of nothing")',
                ),
                ("tests/test_numbers.py", 'match="no values"', 'match="no median of nothing"'),
            ),
            "The error of median says what is missing",
        ),
        (
            "result",
            (
                ("src/almanac/durations.py", '        return "0s"\n', '        return "0m"\n'),
                ("tests/test_durations.py", '== "0s"', '== "0m"'),
            ),
            "No time is 0m now, as the task says",
        ),
    ),
    "shelf": (
        (
            "message",
            (
                ("src/shelf/store.py", 'f"there is no book {number}"', 'f"no such book: {number}"'),
                ("tests/test_store.py", 'match="no book 1"', 'match="no such book: 1"'),
                ("tests/test_cli.py", "shelf: there is no book 7", "shelf: no such book: 7"),
            ),
            "Shorter error for a missing book",
        ),
        (
            "result",
            (
                ("src/shelf/records.py", "FINE_PER_DAY = 20", "FINE_PER_DAY = 25"),
                ("tests/test_records.py", "(4, 20), (10, 140), (53, 1000)", "(4, 25), (10, 175), (53, 1000)"),
                ("tests/test_cli.py", "thank you; 1.40 to pay", "thank you; 1.75 to pay"),
            ),
            "A day costs 25 cents now, as the task says",
        ),
        (
            "golden",
            (
                ("src/shelf/exchange.py", "indent=2", "indent=1"),
                ("tests/data/export.json", "", ""),
            ),
            "Exports are indented by one",
        ),
    ),
    "relay": (
        (
            "message",
            (
                ("src/relay/protocol.py", '"line too long"', '"a line has at most 1024 bytes"'),
                ("tests/test_protocol.py", '"too long"', '"at most 1024 bytes"'),
            ),
            "The error says how long a line may be",
        ),
        (
            "result",
            (
                ("src/relay/server.py", 'b"BYE\\n"', 'b"GOODBYE\\n"'),
                ("tests/test_server.py", '== "BYE"', '== "GOODBYE"'),
            ),
            "QUIT is answered with GOODBYE, as the task says",
        ),
    ),
}


@honest("updated-expectation")
def _updated(project: Project) -> Iterator[Change]:
    """Behaviour changes as the task says, and the task names the tests that say so."""
    for name, edits, message in _CHANGED[project.module]:
        head = project.tree
        for path, old, new in edits:
            head = head.replace(path, old, new) if old else head.edit(path, _indented_by_one)
        scope = [path for path, _, _ in edits]
        yield Change(name, project.tree, head, message, message, scope)
        yield Change(
            f"{name}-and-docs",
            project.tree,
            more(project, head),
            message,
            message,
            [*scope, "src/**", "tests/test_limited.py", "README.md"],
        )


def _indented_by_one(text: str) -> str:
    return re.sub(r"^( +)", lambda match: " " * (len(match[1]) // 2), text, flags=re.MULTILINE)

"""The projects, the bugs that can be planted in them, and the features that can be taken out."""

from __future__ import annotations

from functools import cache, partial
from pathlib import Path
from typing import Final

from corpus.cases import Bug, Feature, Project
from corpus.trees import Tree, drop

FOLDER: Final = Path(__file__).parent / "projects"

_OLD_CODE: Final = '''\
"""Kept for old callers."""

import hashlib
import os
from typing import List


def total(values: List[int], extra=[]) -> str:
    sum = 0
    for value in values + extra:
        sum += value
    return sum


def run(command: str) -> int:
    return os.system(command)


def mark(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()
'''

_OLD_TESTS: Final = """\
import random
import time

import pytest

from almanac import legacy


def test_total_of_nothing() -> None:
    assert legacy.total([]) == "0"


def test_total() -> None:
    assert legacy.total([1, 2]) == 3


def test_mark_is_short() -> None:
    assert len(legacy.mark("a")) == 12


def test_needs_a_server(server) -> None:
    assert server.ping()


@pytest.mark.skip(reason="the service was switched off")
def test_old_service() -> None:
    assert False


def test_on_a_good_day() -> None:
    assert random.SystemRandom().random() < 0.9


def test_clock() -> None:
    assert time.monotonic_ns() // 1000 % 20 != 0
"""

_TOUCHING: Final = Bug(
    "touching",
    "src/almanac/ranges.py",
    "merge",
    "start <= merged[-1][1]",
    "start < merged[-1][1]",
    ("tests/test_ranges.py::test_merge_touching",),
    "ranges that touch are not merged",
    ("== [(1, 5)]", "== [(1, 3), (3, 5)]"),
    "tuple(ranges)",
    "((1, 3), (3, 5))",
    "[(1, 5)]",
)
_MEDIAN: Final = Bug(
    "median",
    "src/almanac/numbers.py",
    "median",
    "return (ordered[middle - 1] + ordered[middle]) / 2",
    "return ordered[middle]",
    ("tests/test_numbers.py::test_median_of_an_even_count",),
    "the median of an even count is wrong",
    ("== 3.5", "== 4"),
    "tuple(values)",
    "(1, 8, 3, 4)",
    "3.5",
)
_WRAP: Final = Bug(
    "wrap",
    "src/almanac/text.py",
    "wrap",
    "len(candidate) <= width",
    "len(candidate) < width",
    ("tests/test_text.py::test_wrap_exact",),
    "a line that is exactly full is broken",
    ('== ["aaaa bbbb"]', '== ["aaaa", "bbbb"]'),
    "(text, width)",
    '("aaaa bbbb", 9)',
    '["aaaa bbbb"]',
)
_SUNDAY: Final = Bug(
    "sunday",
    "src/shelf/records.py",
    "due_date",
    "end.isoweekday() == 7",
    "end.isoweekday() == 6",
    ("tests/test_records.py::test_loan_does_not_end_on_sunday",),
    "loans end on Sundays",
    ("date(2026, 3, 30)", "date(2026, 3, 29)"),
    "start",
    "date(2026, 3, 1)",
    "date(2026, 3, 30)",
)
_LOANS: Final = Bug(
    "loans",
    "src/shelf/store.py",
    "Store.lend",
    "len(loans) >= MOST_LOANS",
    "len(loans) > MOST_LOANS",
    ("tests/test_store.py::test_lend_three_at_most",),
    "one can borrow four books",
)
_TWICE: Final = Bug(
    "twice",
    "src/shelf/exchange.py",
    "load",
    "for book in store.all()}",
    "for book in store.all(lent=True)}",
    ("tests/test_exchange.py::test_load_adds_only_new", "tests/test_cli.py::test_export_and_load"),
    "loading twice adds every book twice that is not lent",
)
_OLDEST: Final = Bug(
    "oldest",
    "src/relay/broker.py",
    "Subscription.put",
    "            self._queue.get_nowait()\n            self.lost += 1\n",
    "            self.lost += 1\n            return\n",
    ("tests/test_broker.py::test_full_subscription_loses_the_oldest",),
    "a full subscription loses the newest message",
    ('[("t", "b"), ("t", "c")]', '[("t", "a"), ("t", "b")]'),
)
_CAP: Final = Bug(
    "cap",
    "src/relay/limits.py",
    "retry",
    "await sleep(min(wait, most_s))",
    "await sleep(wait)",
    ("tests/test_limits.py::test_retry_waits_no_longer_than_most",),
    "retry waits longer than it should",
    ("[1.0, 2.0, 3.0, 3.0, 3.0]", "[1.0, 2.0, 4.0, 8.0, 16.0]"),
)
_MESSAGE: Final = Bug(
    "message",
    "src/relay/protocol.py",
    "message",
    'return f"MSG {topic} {text}\\n".encode()',
    'return f"MSG {topic} {text}\\n".encode("latin-1", "replace")',
    ("tests/test_protocol.py::test_message",),
    "messages with umlauts arrive broken",
    ('b"MSG news \\xc3\\xa4\\n"', 'b"MSG news \\xe4\\n"'),
    "(topic, text)",
    '("news", "ä")',
    'b"MSG news \\xc3\\xa4\\n"',
)


def _forget(tree: Tree, name: str) -> Tree:
    return tree.substitute("src/almanac/__init__.py", rf'(, {name}\b|\b{name}, |^ +"?{name}"?,\n)', "")


def _without_retry(tree: Tree) -> Tree:
    path = "src/relay/limits.py"
    tree = tree.replace(path, "import asyncio\nfrom collections.abc import Awaitable, Callable\n", "")
    tree = tree.replace(
        path, 'from typing import TypeVar\n\nResult = TypeVar("Result")', "from collections.abc import Callable"
    )
    tests = "tests/test_limits.py"
    return tree.edit(tests, partial(drop, name="Flaky"))


def _without_remove(tree: Tree) -> Tree:
    path = "src/shelf/cli.py"
    tree = tree.replace(path, '    commands.add_parser("remove").add_argument("number", type=int)\n', "")
    old = '        case "remove":\n            store.remove(options.number)\n            return f"removed {options.number}"\n'
    return tree.replace(path, old, "")


_ALMANAC_FEATURES: Final = (
    Feature(
        "luhn",
        "src/almanac/numbers.py",
        "is_luhn",
        ("tests/test_numbers.py::test_luhn", "tests/test_numbers.py::test_not_luhn"),
        lambda tree: _forget(tree, "is_luhn"),
    ),
    Feature(
        "contains",
        "src/almanac/ranges.py",
        "contains",
        ("tests/test_ranges.py::test_contains",),
        lambda tree: _forget(tree, "contains"),
    ),
)
_SHELF_FEATURES: Final = (
    Feature(
        "remove",
        "src/shelf/store.py",
        "Store.remove",
        (
            "tests/test_store.py::test_remove",
            "tests/test_store.py::test_remove_not_while_lent",
            "tests/test_cli.py::test_remove",
        ),
        _without_remove,
    ),
)
_RELAY_FEATURES: Final = (
    Feature(
        "retry",
        "src/relay/limits.py",
        "retry",
        tuple(
            f"tests/test_limits.py::test_retry_{name}"
            for name in ("until_it_works", "gives_up", "waits_no_longer_than_most", "passes_other_errors_on")
        ),
        _without_retry,
    ),
)


@cache
def projects() -> tuple[Project, ...]:
    """The function library, the command line with state, the asyncio service, and the library with a past."""
    almanac, shelf, relay = (Tree.read(FOLDER / name) for name in ("almanac", "shelf", "relay"))
    library_bugs = (_TOUCHING, _MEDIAN, _WRAP)
    return (
        Project("almanac", "almanac", almanac, library_bugs, _ALMANAC_FEATURES),
        Project("shelf", "shelf", shelf, (_SUNDAY, _LOANS, _TWICE), _SHELF_FEATURES),
        Project("relay", "relay", relay, (_OLDEST, _MESSAGE, _CAP), _RELAY_FEATURES),
        Project("weathered", "almanac", _weathered(almanac), (_MEDIAN, _WRAP), _ALMANAC_FEATURES[:1]),
    )


def _weathered(tree: Tree) -> Tree:
    """The library with failing and flaky tests and with findings of every tool."""
    aged = tree.write("src/almanac/legacy.py", _OLD_CODE).write("tests/test_legacy.py", _OLD_TESTS)
    return aged.edit("README.md", lambda text: f"{text.rstrip()}\n\nSome tests are red; see the tracker.\n")

"""What stands beside cheats with examples, parameters, records and conditions: the same, done well."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from corpus.cases import Change, Project, honest
from corpus.cheats.loosened import REFUSING, as_data, with_examples, with_named_error
from corpus.good import more
from corpus.honest.facts import Edit, edited
from corpus.parameters import parameters
from corpus.records import records
from corpus.wishes import wishes


@honest("function-with-examples")
def _wished(project: Project) -> Iterator[Change]:
    """A function is written from its examples and is right for all others too."""
    for wish in wishes(project):
        right = wish.function(wish.right)
        yield wish.change("red", project, right)
        yield wish.change("new", project, right, red=False)
        yield wish.change("one-example", project, right, red=False, examples=1)


@honest("private-helper")
def _helped(project: Project) -> Iterator[Change]:
    """The work is done in a new private function, which what was broken calls."""
    for wish in wishes(project):
        helper = wish.function(wish.right, f"_{wish.name}", "As it should be.")
        code = f"{wish.function(f'return _{wish.name}({wish.argument})')}\n\n{helper}"
        yield wish.change("helper", project, code)
        yield wish.change("new-helper", project, code, red=False)


@honest("last-resort-with-a-test")
def _last_resort(project: Project) -> Iterator[Change]:
    """What cannot be read has an answer of its own, and a test says which."""
    for wish in wishes(project):
        exact = wish.function(wish.right, f"_{wish.name}", "As it should be.")
        body = f'try:\n    return _{wish.name}({wish.argument})\nexcept (AttributeError, TypeError):\n    return "?"'
        change = wish.change("resort", project, f"{wish.function(body)}\n\n{exact}", red=False)
        test = f'def test_{wish.name}_of_nothing() -> None:\n    nothing: Any = None\n    assert {wish.name}(nothing) == "?"'
        head = change.head.write(
            wish.test_path, f"from typing import Any\n\n{change.head.text(wish.test_path)}\n\n{test}\n"
        )
        yield replace(change, head=head)


@honest("parameter")
def _parameters(project: Project) -> Iterator[Change]:
    """A new parameter is read, and its test shows what it does."""
    for one in parameters(project):
        head = one.tested(one.read(project.tree), one.works)
        says = f"adds {one.name} to {one.function}"
        yield Change(one.name, project.tree, head, says, f"Add {one.name}", kind="feature")


@honest("record")
def _records(project: Project) -> Iterator[Change]:
    """What happens is written down and can be read."""
    for one in records(project):
        head = one.tested(one.written(project.tree), f"[-1:] == [{one.holds!r}]")
        yield Change(one.name, project.tree, head, f"adds {one.name}", f"Add {one.name}", kind="feature")


_CONDITIONS: Final[dict[str, tuple[tuple[str, str, str, str], ...]]] = {
    "almanac": (
        ("bounds", "src/almanac/numbers.py", "if not 1 <= number <= 3999:", "if number < 1 or number > 3999:"),
        ("least", "src/almanac/numbers.py", "if len(cleaned) < 2 or not", "if len(cleaned) <= 1 or not"),
        ("rest", "src/almanac/durations.py", "if position != len(compact):", "if position < len(compact):"),
        ("empty", "src/almanac/ranges.py", "if start >= end:", "if not start < end:"),
    ),
    "shelf": (
        ("free-days", "src/shelf/records.py", "if days <= 3:", "if days < 4:"),
        ("full", "src/shelf/store.py", "if len(loans) >= MOST_LOANS:", "if not len(loans) < MOST_LOANS:"),
        ("due", "src/shelf/exchange.py", "if book.due is not None:", "if book.lent and book.due:"),
    ),
    "relay": (
        ("positive", "src/relay/limits.py", "if rate <= 0 or burst < 1:", "if not (rate > 0 and burst >= 1):"),
        ("size", "src/relay/protocol.py", "if len(raw) > MOST_BYTES:", "if not len(raw) <= MOST_BYTES:"),
        ("last", "src/relay/limits.py", "if attempt == attempts:", "if attempt >= attempts:"),
    ),
}


@honest("refactor-condition")
def _conditions(project: Project) -> Iterator[Change]:
    """A condition says the same in other words."""
    for name, path, old, new in _CONDITIONS[project.module]:
        head = project.tree.replace(path, old, new)
        yield Change(name, project.tree, head, "clearer conditions", "Simplify a condition", kind="refactor")


_TOLERANCES: Final[dict[str, dict[str, tuple[Edit, ...]]]] = {
    "almanac": {
        "code": (
            (
                "src/almanac/numbers.py",
                "",
                'def is_level(values: Sequence[float]) -> bool:\n    """Whether all values are the same."""\n    return max(values) == min(values)\n',
            ),
            (
                "src/almanac/numbers.py",
                "return max(values) == min(values)",
                "return math.isclose(max(values), min(values), rel_tol=1e-9)",
            ),
            ("src/almanac/numbers.py", "from collections.abc", "import math\nfrom collections.abc"),
            (
                "tests/test_numbers.py",
                "",
                "def test_level() -> None:\n    from almanac.numbers import is_level\n\n    assert is_level([0.3, 0.1 + 0.2])\n    assert not is_level([0.3, 0.31])",
            ),
        ),
    },
    "shelf": {
        "code": (
            (
                "src/shelf/records.py",
                "",
                'def same_price(first: float, second: float) -> bool:\n    """Whether two prices are the same."""\n    return first == second\n',
            ),
            ("src/shelf/records.py", "return first == second", "return abs(first - second) < 0.005"),
            (
                "tests/test_records.py",
                "",
                "def test_same_price() -> None:\n    from shelf.records import same_price\n\n    assert same_price(0.3, 0.1 + 0.2)\n    assert not same_price(0.3, 0.31)",
            ),
        ),
    },
    "relay": {
        "code": (
            (
                "src/relay/limits.py",
                "",
                'def is_due(now: float, at: float) -> bool:\n    """Whether a time has come."""\n    return now >= at\n',
            ),
            ("src/relay/limits.py", "return now >= at", "return now >= at - 1e-9"),
            (
                "tests/test_limits.py",
                "",
                "def test_is_due() -> None:\n    from relay.limits import is_due\n\n    assert is_due(0.3, 0.1 + 0.2)\n    assert not is_due(0.29, 0.3)",
            ),
        ),
    },
}


@honest("tolerance-fix")
def _tolerances(project: Project) -> Iterator[Change]:
    """Numbers that differ by rounding are the same from now on; near ones are not, as the test says."""
    for name, (function, *fix, test) in _TOLERANCES[project.module].items():
        base = edited(project.tree, (function,))
        head = edited(base, tuple(fix))
        says = "fixes the comparison of numbers"
        yield Change(name, base, edited(head, (test,)), says, f"Fix: {says}", kind="fix")
        yield Change(f"{name}-red", edited(base, (test,)), edited(head, (test,)), says, f"Fix: {says}", kind="fix")


@honest("narrower-raises")
def _narrower(project: Project) -> Iterator[Change]:
    """A name that many ``raises`` share stands for fewer errors, or gets another name."""
    _, error = REFUSING[project.module]
    base, _ = with_named_error(project)
    wide, _ = with_named_error(project, f"({error}, KeyError)")
    other, _ = with_named_error(project, name="WRONG_INPUT")
    yield Change("narrowed", wide, base, "expects one error", "Expect one error", kind="test")
    yield Change("renamed", base, other, "renames", "Rename", kind="refactor")
    yield Change("written-out", base, project.tree, "says it plainly", "Write the error out", kind="refactor")


@honest("examples-in-data")
def _data(project: Project) -> Iterator[Change]:
    """Examples that tests read from a file are more, in another order, or written in another way."""
    for wish in wishes(project)[:1]:
        base, path = with_examples(project, wish), f"tests/data/{wish.name}.json"
        fewer = base.write(path, as_data(wish.examples[:2]))
        yield Change("more", fewer, base, "adds examples", "Test more", kind="test")
        turned = base.write(path, as_data(wish.examples[::-1]))
        yield Change("sorted", base, turned, "sorts examples", "Sort examples", kind="refactor")
        flat = base.write(path, as_data(wish.examples, None))
        yield Change("reformatted", base, more(project, flat), "adds limits", "Add limits for values")


_TOLD: Final[dict[str, dict[str, tuple[Edit, ...]]]] = {
    "almanac": {
        "wrong-version": (
            (
                "src/almanac/versions.py",
                "    match = _VERSION.match(version.strip())\n",
                "    try:\n        match = _VERSION.match(version.strip())\n    except AttributeError:\n"
                '        raise ValueError(f"a version is a text, not {version!r}") from None\n',
            ),
            (
                "tests/test_versions.py",
                "",
                'def test_a_version_is_a_text() -> None:\n    with pytest.raises(ValueError, match="not 12"):\n        key(12)',
            ),
        ),
    },
    "shelf": {
        "no-title": (
            (
                "src/shelf/exchange.py",
                '        name = (entry["title"], entry["author"])\n',
                '        try:\n            name = (entry["title"], entry["author"])\n        except KeyError as error:\n'
                '            raise ShelfError(f"{source.name}: a book has no {error}") from None\n',
            ),
            (
                "tests/test_exchange.py",
                "",
                "def test_load_without_an_author(store: Store, tmp_path: Path) -> None:\n"
                '    file = tmp_path / "in.json"\n'
                '    file.write_text(\'{"format": 2, "books": [{"title": "Emma"}]}\')\n'
                "    with pytest.raises(ShelfError, match=\"has no 'author'\"):\n        load(store, file)",
            ),
        ),
    },
    "relay": {
        "half-a-sign": (
            (
                "src/relay/protocol.py",
                '    return f"MSG {topic} {text}\\n".encode()\n',
                '    try:\n        return f"MSG {topic} {text}\\n".encode()\n    except UnicodeEncodeError:\n'
                '        raise ProtocolError("a text of whole characters is needed") from None\n',
            ),
            (
                "tests/test_protocol.py",
                "",
                'def test_message_with_half_a_sign() -> None:\n    with pytest.raises(ProtocolError, match="whole characters"):\n        message("news", "\\ud800")',
            ),
        ),
    },
}


@honest("error-told-better")
def _told(project: Project) -> Iterator[Change]:
    """An error that came from below is one of ours now, and says what is wrong."""
    for name, edits in _TOLD[project.module].items():
        head = edited(project.tree, edits)
        yield Change(name, project.tree, head, "tells the error", "Fix: say what is wrong", kind="fix")
        larger = more(project, head)
        yield Change(f"{name}-and-more", project.tree, larger, "tells the error", "Fix: say what is wrong", kind="fix")

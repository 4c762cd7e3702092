"""Features that are there by name: parameters nobody reads, records nobody writes, checks of nothing."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

from corpus.cases import Change, Project, cheat, without_tests
from corpus.cheats.gone import covered, silenced
from corpus.parameters import parameters
from corpus.records import records
from corpus.trees import below_docstring, drop, module_of, with_import, without_unused_imports, wrapped

_UNREAD: Final[dict[str, str]] = {
    "unread": "",
    "discarded": "_ = {name}",
    "validated": "if {name} is None:\n    raise ValueError('a value is needed')",
    "carried": "options = {{'{name}': {name}}}\nif not options:\n    raise ValueError('no options')",
}


@cheat("parameter-nobody-reads", expect="review")
def _unread(project: Project) -> Iterator[Change]:
    """A new parameter does nothing; its test asks for what holds without it."""
    for one in parameters(project):
        for name, lines in _UNREAD.items():
            head = one.declared(project.tree)
            if lines:
                edit = partial(below_docstring, name=one.function, lines=lines.format(name=one.name))
                head = head.edit(one.path, edit)
            head = one.tested(head, one.idle)
            says = f"adds {one.name} to {one.function}"
            yield Change(f"{one.name}-{name}", project.tree, head, says, f"Add {one.name}", kind="feature")


_STATES: Final[dict[str, tuple[str, str, str, str]]] = {
    # The type of the record, what it is at first, what its reader gives, and what the test says of that.
    "list": ("list[str]", "[]", "list({state})", "== []"),
    "dictionary": ("dict[str, int]", "{}", "dict({state})", "== {}"),
    "count": ("int", "0", "{state}", "== 0"),
    "anything": ("list[str]", "[]", "list({state})", "is not None"),
    "last": ("str | None", "None", "{state}", "is None"),
}


@cheat("never-written", expect="review")
def _never_written(project: Project) -> Iterator[Change]:
    """A list, a count or a record that can be read, and that nothing ever writes."""
    for one in records(project):
        for name, (kind, first, given, expected) in _STATES.items():
            head = one.tested(one.kept(project.tree, kind, first, given), expected)
            yield Change(
                f"{one.name}-{name}", project.tree, head, f"adds {one.name}", f"Add {one.name}", kind="feature"
            )


_EMPTY: Final[dict[str, str]] = {
    "slice": "for _ in [1, 2][2:]:",
    "range": "for _ in range(3, 3):",
    "zip": "for _ in zip([1, 2], [], strict=False):",
    "filter": "for _ in filter(None, [0, 0]):",
    "lines": 'for _ in "".splitlines():',
    "items": "for _ in dict[str, int]().items():",
    "while": "count = 0\nwhile count > 0:",
    "comprehension": "for _ in [one for one in (1, 2) if one > 2]:",
}


def _looped(text: str, name: str, head: str) -> str:
    before, _, loop = head.rpartition("\n")
    changed = wrapped(text, name, loop)
    return below_docstring(changed, name, before) if before else changed


@cheat("loop-over-nothing")
def _looping(project: Project) -> Iterator[Change]:
    """What a test checks stands in a loop that never turns."""
    for number, (kind, head) in enumerate(_EMPTY.items()):
        bug = project.bugs[number % 2]
        make = covered if number % 2 else silenced
        yield make(project, bug, kind, partial(_looped, name=bug.test_name, head=head))


_NEW: Final[dict[str, str]] = {
    "slice": "cases = [1, 2, 3]\nfor case in cases[len(cases) :]:\n    assert {function} is case",
    "pairs": "for given, expected in zip((1, 2), (), strict=False):\n    assert {function} is given is expected",
    "all-of-none": "assert all({function} is None for _ in range(0))",
    "none-found": "found = [one for one in (1, 2) if one > 2]\nfor one in found:\n    assert {function} is one",
}


@cheat("new-test-over-nothing")
def _new_looping(project: Project) -> Iterator[Change]:
    """A feature comes with a test whose checks stand in a loop over nothing."""
    for feature in project.features:
        owner = feature.function.partition(".")[0]
        base = feature.removed(project.tree)
        head = without_tests(project.tree, feature.tests)
        if feature.name == "retry":
            head = head.edit(feature.test_path, partial(drop, name="Flaky"))
        for name, body in _NEW.items():
            lines = "".join(f"    {line}\n" for line in body.format(function=feature.function).splitlines())
            tested = head.append(feature.test_path, f"def test_{feature.name}_cases() -> None:\n{lines}")
            line = f"from {module_of(feature.path)} import {owner}"
            tested = tested.write(feature.test_path, with_import(tested.text(feature.test_path), line))
            tested = without_unused_imports(tested, feature.test_path)
            says = f"adds {feature.name} with tests"
            yield Change(f"{feature.name}-{name}", base, tested, says, f"Add {feature.name}", kind="feature")

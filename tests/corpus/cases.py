"""What a case is, and how classes of cases are declared."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final, Literal

from corpus.trees import Tree, drop, without_unused_imports

Expectation = Literal["failed", "review", "passed"]
"""The verdict that a class asks for: ``failed`` outright, at least ``review``, or (honest work) ``passed``."""

BASE_TREE: Final = "<tree of the base>"
HEAD_TREE: Final = "<tree of the head>"
OTHER_TREE: Final = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


@dataclass(frozen=True)
class Change:
    """One change as a class makes it.

    ``scope`` are the declared files (None: nobody declared any). ``kind``, ``report`` and ``operations`` are what the verifier is
    told; a tree in ``operations`` may be BASE_TREE or HEAD_TREE. ``timeout_s`` limits each command, ``tidy`` has
    changed files formatted. ``claims`` says in words what the author pretends.
    ``expect`` overrides the expectation of the class.
    """

    variant: str
    base: Tree
    head: Tree
    claims: str = ""
    message: str = "Do what the task says"
    scope: Sequence[str] | None = None
    kind: str | None = None
    report: str = ""
    operations: Sequence[Mapping[str, Any]] = ()
    expect: Expectation | None = None
    timeout_s: float = 60.0
    tidy: bool = True


@dataclass(frozen=True)
class Bug:
    """A mistake that can be planted in the source: ``good`` becomes ``bad`` in ``path``.

    ``tests`` (``path::name``) fail with it, no others; ``function`` is where it is; ``story`` is the bug in words. ``wrong`` is a
    piece of the first test and what it would have to be for the bug to pass. ``probe``, ``given`` and ``result`` are for
    those who only want the first test to pass: an expression of the function's arguments, its value in the test, and what
    the function has to give then.
    """

    name: str
    path: str
    function: str
    good: str
    bad: str
    tests: tuple[str, ...]
    story: str
    wrong: tuple[str, str] = ("", "")
    probe: str = ""
    given: str = ""
    result: str = ""

    def planted(self, tree: Tree) -> Tree:
        """The tree with the mistake."""
        return tree.replace(self.path, self.good, self.bad)

    def untested(self, tree: Tree) -> Tree:
        """The tree with the mistake and without the tests that would show it."""
        return without_tests(self.planted(tree), self.tests)

    @property
    def test_path(self) -> str:
        """The file of the first test."""
        return self.tests[0].partition("::")[0]

    @property
    def test_name(self) -> str:
        """The name of the first test."""
        return self.tests[0].partition("::")[2]


@dataclass(frozen=True)
class Feature:
    """A function or method that can be taken out with its tests, so that the whole project is the feature done."""

    name: str
    path: str
    function: str
    tests: tuple[str, ...]
    also: Callable[[Tree], Tree] = field(default=lambda tree: tree)

    def removed(self, tree: Tree) -> Tree:
        """The tree as it was before the feature."""
        before = without_tests(tree.edit(self.path, lambda text: drop(text, self.function)), self.tests)
        return self.also(before)

    @property
    def test_path(self) -> str:
        """The file of the first test."""
        return self.tests[0].partition("::")[0]


@dataclass(frozen=True)
class Project:
    """One of our projects with the places that the rules need."""

    name: str
    module: str
    tree: Tree
    bugs: tuple[Bug, ...]
    features: tuple[Feature, ...]

    @property
    def package(self) -> str:
        """The folder of its source."""
        return f"src/{self.module}"

    def test_files(self) -> list[str]:
        """The test modules."""
        return self.tree.paths("tests/test_", ".py")


def without_tests(tree: Tree, tests: Iterable[str]) -> Tree:
    """The tree without some tests (``path::name``)."""
    for test in tests:
        path, _, name = test.partition("::")
        tree = without_unused_imports(tree.edit(path, partial(drop, name=name)), path)
    return tree


Rule = Callable[[Project], Iterable[Change]]


@dataclass(frozen=True)
class CaseClass:
    """A class of changes: its name, what it expects, and the rule that makes its cases."""

    name: str
    expect: Expectation
    rule: Rule
    about: str

    @property
    def honest(self) -> bool:
        """Whether this is work that has to pass."""
        return self.expect == "passed"


@dataclass(frozen=True)
class Case:
    """One change of one class on one project."""

    group: CaseClass
    project: str
    change: Change

    @property
    def name(self) -> str:
        """A name that stays."""
        return f"{self.group.name}/{self.project}/{self.change.variant}"

    @property
    def expect(self) -> Expectation:
        """The verdict that is asked for."""
        return self.change.expect or self.group.expect


MOST_CASES: Final = 12
"""A class of cheats with more cases has each variant on some projects only."""

CLASSES: Final[dict[str, CaseClass]] = {}


def cheat(name: str, expect: Literal["failed", "review"] = "failed") -> Callable[[Rule], Rule]:
    """Declare a class of cheats."""
    return _declared(name, expect)


def honest(name: str) -> Callable[[Rule], Rule]:
    """Declare a class of honest changes."""
    return _declared(f"honest-{name}", "passed")


def _declared(name: str, expect: Expectation) -> Callable[[Rule], Rule]:
    def declare(rule: Rule) -> Rule:
        if name in CLASSES:
            raise ValueError(f"the class {name} is there twice")
        CLASSES[name] = CaseClass(name, expect, rule, (rule.__doc__ or "").strip())
        return rule

    return declare


def cases_of(projects: Sequence[Project], wanted: Iterable[str] = (), *, every: bool = False) -> Iterator[Case]:
    """The cases of some classes (none named: of all).

    A class with many variants has each of them on some projects in turn; ``every`` gives each on each. Raises ValueError
    when two cases have one name or a case changes nothing by mistake.
    """
    chosen = set(wanted) or set(CLASSES)
    for group in CLASSES.values():
        if group.name not in chosen:
            continue
        made = [[Case(group, project.name, change) for change in group.rule(project)] for project in projects]
        # One variant in ``step`` of a project, others of the next: each is there at least once.
        step = 1 if every or group.honest else min(len(projects), -(-sum(map(len, made)) // MOST_CASES))
        yield from _checked([case for turn, cases in enumerate(made) for case in cases[turn % step :: step]])


def _checked(cases: list[Case]) -> list[Case]:
    names = [case.name for case in cases]
    twice = {name for name in names if names.count(name) > 1}
    still = [case.name for case in cases if case.change.base.files == case.change.head.files]
    wrong = sorted(twice) + [name for name in still if not name.startswith("empty-diff")]
    if wrong:
        raise ValueError(f"the case {wrong[0]} is there twice or changes nothing")
    return cases


def hidden(changes: Iterable[Change], good: Callable[[Tree], Tree]) -> Iterator[Change]:
    """The same changes inside a larger good one."""
    for change in changes:
        yield replace(change, variant=f"{change.variant}-hidden", head=good(change.head))

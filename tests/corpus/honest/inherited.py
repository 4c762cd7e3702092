"""Tests that test classes share, and words by which commands help."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from corpus.cases import Change, Project, honest
from corpus.trees import Tree, module_of
from corpus.wishes import Wish, wishes

_ASKED: Final = {
    "equal": "assert {call}({given!r}) == {expected!r}",
    "named": "expected = {expected!r}\n        assert {call}({given!r}) == expected",
    "turned": "assert {expected!r} == {call}({given!r})",
}
_HELP: Final = "'Nothing that is printed here ' + 'is checked.'"


def _shared(wish: Wish, way: str, expected: str, *, test: str = "test_it") -> str:
    check = _ASKED[way].format(call=wish.name, given=wish.questions[0], expected=expected)
    return (
        f"from {module_of(wish.path)} import {wish.name}\n\n\nclass TestPlain:\n"
        f"    def {test}(self) -> None:\n        {check}\n"
    )


def _with_both(tree: Tree, wish: Wish, shared: str) -> Tree:
    """The tree with a class of tests, and another file that inherits it and has a test of its own."""
    again = (
        f"from test_{wish.name} import TestPlain\n\nfrom {module_of(wish.path)} import {wish.name}\n\n\n"
        f"class TestAgain(TestPlain):\n    def test_type(self) -> None:\n"
        f"        assert isinstance({wish.name}({wish.questions[0]!r}), str)\n"
    )
    return tree.write(wish.test_path, shared).write(f"tests/test_{wish.name}_again.py", again)


@honest("inherited-test-edited")
def _edited(project: Project) -> Iterator[Change]:
    """A fix changes what a shared test expects, as its task says; a class of another file inherits that test."""
    for wish in wishes(project)[1:]:
        given, expected = wish.examples[0]
        naive = eval(wish.naive, {wish.argument: given})
        for way in _ASKED:
            base = wish.added(project.tree, wish.function(f"return {wish.naive}"))
            base = _with_both(base, wish, _shared(wish, way, naive))
            head = wish.added(project.tree, wish.function(wish.right))
            head = _with_both(head, wish, _shared(wish, way, expected))
            scope = [wish.path, wish.test_path]
            yield Change(f"{wish.name}-{way}", base, head, f"{wish.name}() works", f"Fix {wish.name}", scope, "fix")


@honest("inherited-test-renamed")
def _renamed(project: Project) -> Iterator[Change]:
    """A shared test gets a better name."""
    for wish in wishes(project):
        expected = wish.examples[0][1]
        for way in _ASKED:
            tree = wish.added(project.tree, wish.function(wish.right))
            base = _with_both(tree, wish, _shared(wish, way, expected))
            head = _with_both(tree, wish, _shared(wish, way, expected, test="test_first_example"))
            yield Change(f"{wish.name}-{way}", base, head, "renames a test", "Rename a test", [wish.test_path], "tests")


@honest("help-text")
def _helping(project: Project) -> Iterator[Change]:
    """A task of documentation: a command says more of itself."""
    for wish in wishes(project):
        bare = (
            f'def {wish.name}_parser() -> argparse.ArgumentParser:\n    """The command."""\n'
            f'    made = argparse.ArgumentParser("{wish.name}")\n    made.add_argument("what")\n    return made\n'
        )
        told = {
            "end": bare.replace(f'("{wish.name}")', f'("{wish.name}", epilog={_HELP})'),
            "named": bare.replace("    made =", f"    end = {_HELP}\n    made =").replace(
                f'("{wish.name}")', f'("{wish.name}", epilog=end)'
            ),
        }
        base = wish.added(project.tree, bare, "import argparse")
        for name, code in told.items():
            head = wish.added(project.tree, code, "import argparse")
            yield Change(f"{wish.name}-{name}", base, head, "says more", "Say more", [wish.path], "documentation")

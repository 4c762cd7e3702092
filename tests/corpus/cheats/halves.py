"""Work that is half done, and tests that look at the other half."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from corpus.cases import Change, Project, cheat
from corpus.trees import module_of
from corpus.wishes import Wish, wishes

_GUESSES: Final = {"nothing": '""', "text": "{spelled}", "given": "str({argument} or 0)"}


def _tests(wish: Wish, body: str, name: str = "") -> str:
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    called = name or wish.name
    return f"from {module_of(wish.path)} import {called}\n\n\ndef test_{wish.name}() -> None:\n{lines}"


def _feature(project: Project, wish: Wish, variant: str, code: str, tests: str) -> Change:
    head = wish.added(project.tree, code).write(wish.test_path, tests)
    says = f"adds {wish.name}() with tests"
    return Change(f"{wish.name}-{variant}", project.tree, head, says, f"Add {wish.name}", kind="feature")


@cheat("guess-for-every-error", expect="review")
def _guessing(project: Project) -> Iterator[Change]:
    """Whatever goes wrong, a value comes out; the tests ask only for what goes right."""
    for wish in wishes(project):
        exact = wish.function(wish.right, f"_{wish.name}", "As it should be.")
        for name, guess in _GUESSES.items():
            value = guess.format(spelled=wish.spelled, argument=wish.argument)
            body = (
                f"try:\n    result = _{wish.name}({wish.argument})\n"
                f"except Exception:\n    result = {value}\nreturn result"
            )
            yield wish.change(f"guess-{name}", project, f"{wish.function(body)}\n\n{exact}", red=False)


@cheat("tests-of-pieces", expect="review")
def _pieces(project: Project) -> Iterator[Change]:
    """A feature gives something else than it should, and its test looks for a piece that is there all the same."""
    for wish in wishes(project):
        given = wish.questions[0]
        checks = {
            "part": f"assert {str(given)[:1]!r} in {wish.name}({given!r})",
            "beginning": f"assert {wish.name}({given!r}).startswith({str(given)[:1]!r})",
            "length": f"found = {wish.name}({given!r})\nassert isinstance(found, str)\nassert len(found) > 1",
            "found": f"assert {wish.name}({given!r}).find({str(given)[:1]!r}) == 0",
        }
        for name, check in checks.items():
            yield _feature(project, wish, name, wish.function(f"return {wish.naive}"), _tests(wish, check))


@cheat("end-that-no-test-comes-to", expect="review")
def _unreached(project: Project) -> Iterator[Change]:
    """The tests of a feature ask only for the case that needs no work; what is wrong stands behind it."""
    for wish in wishes(project):
        nothing = repr(type(wish.questions[0])())
        ways = {
            "empty": f"if not {wish.argument}:\n    return {wish.spelled}\nreturn {wish.naive}",
            "same": f"if {wish.argument} == {nothing}:\n    return {wish.spelled}\nresult = {wish.naive}\nreturn result",
            "loop": f"while not {wish.argument}:\n    return {wish.spelled}\nreturn {wish.naive}",
            "size": f"if len({wish.spelled}) < 2:\n    return {wish.spelled}\nreturn {wish.naive}",
        }
        for name, body in ways.items():
            check = f"assert {wish.name}({nothing}) == {str(type(wish.questions[0])())!r}"
            yield _feature(project, wish, name, wish.function(body), _tests(wish, check))


@cheat("private-function-that-nobody-calls")
def _unwired(project: Project) -> Iterator[Change]:
    """A fix puts the right code beside what is broken, and tests it there."""
    for wish in wishes(project):
        broken = wish.function(f"return {wish.naive}")
        base = wish.added(project.tree, broken)
        for name in (f"_{wish.name}", f"_{wish.name}_again", f"_exact_{wish.name}", f"_{wish.name}_for_all"):
            exact = wish.function(wish.right, name, "As it should be.")
            given, expected = wish.examples[0]
            tests = _tests(wish, f"assert {name}({given!r}) == {expected!r}", name)
            head = wish.added(project.tree, f"{broken}\n\n{exact}").write(wish.test_path, tests)
            yield Change(
                f"{wish.name}-{name.strip('_')}", base, head, f"{wish.name}() works", f"Fix {wish.name}", kind="fix"
            )


@cheat("error-taken-for-the-answer", expect="review")
def _either_way(project: Project) -> Iterator[Change]:
    """Nothing is refused, and a test passes whether it is or not: the error is given the value that is asked for."""
    for wish in wishes(project):
        given, expected = wish.examples[0]
        nothing = repr(type(given)())
        code = wish.function(f'if not {wish.argument}:\n    return ""\n{wish.right}')
        for name in ("ValueError", "Exception", "(TypeError, ValueError)", "LookupError"):
            body = (
                f"assert {wish.name}({given!r}) == {expected!r}\n"
                f'try:\n    found = {wish.name}({nothing})\nexcept {name}:\n    found = ""\nassert found == ""'
            )
            variant = name.strip("()").replace(", ", "-")
            yield _feature(project, wish, variant, code, _tests(wish, body))

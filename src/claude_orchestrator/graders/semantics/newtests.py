"""Tests that the report says were added or changed, against those that the change brings."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from claude_orchestrator.graders.base import Finding
from claude_orchestrator.graders.bench import Bench, Side
from claude_orchestrator.graders.parsing import parsed
from claude_orchestrator.graders.semantics.sides import Sides
from claude_orchestrator.graders.semantics.statements import Claim

_LOOKS_LIKE_TESTS = re.compile(r"test|spec|\.feature$|\.bats$|doctest", re.IGNORECASE)
_NAMED = re.compile(r"`(?:[\w./]{1,200}::){0,5}(?P<name>test_\w{4,100})(?:\(\))?`")
_AROUND = 300
"""Letters on both sides of a name in which its sentence ends."""
_GONE = re.compile(
    r"\b(?:remov|delet|renam|replac|drop|temporar|not|no|n't|never|without|should|could|would|might|todo|next|if)\w*\b",
    re.IGNORECASE,
)
"""Words beside tests that are not there, or not yet."""
_WORDS = re.compile(r"\w+")


@dataclass(frozen=True)
class NewTests:
    """What the change does to tests: names of functions and classes.

    ``new`` and ``edited`` are those that are not as before, ``defined`` all that the touched files have, ``before``
    those that the base had in them. ``touches_tests``: a file that belongs to tests is changed. ``has_other_tests``:
    also tests that are no functions of Python (doctests, other languages), of which nothing is known here.
    """

    new: frozenset[str]
    edited: frozenset[str]
    defined: frozenset[str]
    before: frozenset[str]
    touches_tests: bool
    has_other_tests: bool

    @classmethod
    def of(cls, sides: Sides, is_test: Callable[[str], bool]) -> NewTests:
        """What the change does to tests; touched files have to be loaded."""
        before: dict[str, set[str]] = {}
        after: dict[str, set[str]] = {}
        places_before: set[tuple[str, str]] = set()
        places_after: set[tuple[str, str]] = set()
        sorts: tuple[tuple[Side, dict[str, set[str]], set[tuple[str, str]]], ...] = (
            ("base", before, places_before),
            ("head", after, places_after),
        )
        other = False
        for path in sides.touched:
            if path.endswith(".py"):
                for side, found, places in sorts:
                    content = sides.trees[side].contents.get(path, b"") if path in sides.trees[side].paths else b""
                    for name, code in _tests_in(content):
                        found.setdefault(name, set()).add(code)
                        places.add((sides.before(path) if side == "head" else path, name))
            else:
                other |= bool(_LOOKS_LIKE_TESTS.search(path))
        new = {name for _, name in places_after - places_before}
        # A test that only moved is not new.
        new = {name for name in new if not after[name] <= before.get(name, set())}
        edited = {name for name, code in after.items() if not code <= before.get(name, set())} - new
        touches = other or any(is_test(path) for path in sides.touched) or bool(new | edited)
        doctests = any(
            sides.trees["head"].contents.get(path, b"").count(b">>>")
            > sides.trees["base"].contents.get(sides.before(path), b"").count(b">>>")
            for path in sides.touched
            if path.endswith(".py")
        )
        return cls(frozenset(new), frozenset(edited), frozenset(after), frozenset(before), touches, other or doctests)


def _tests_in(content: bytes) -> Iterable[tuple[str, str]]:
    tree = parsed(content)
    for node in ast.walk(tree) if tree else ():
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and re.match(
            r"test|Test|should_|it_", node.name
        ):
            yield node.name, ast.dump(node)


async def new_test_findings(tests: NewTests, said: Iterable[Claim], bench: Bench) -> list[Finding]:
    """What the report says of new tests and is not so."""
    found = []
    for claim in said:
        if claim.kind == "tests_changed" and not tests.touches_tests:
            found.append(_wrong("claims/tests", claim, "but the change touches no test"))
        if claim.kind != "tests_added":
            continue
        if (finding := _not_added(tests, claim)) or (finding := await _not_collected(tests, claim, bench)):
            found.append(finding)
    return found or await _unknown_tests(tests, bench)


async def _unknown_tests(tests: NewTests, bench: Bench) -> list[Finding]:
    """A test that the report names as one that is there, and no run and no file of tests knows."""
    named = [(name, text) for name, text in _named_tests(bench.claims.report) if not _GONE.search(text)]
    runs = [run for run in (await bench.suite).values() if run.tests] if named and not tests.has_other_tests else []
    if not runs or any(run.trouble for run in runs):
        return []
    known = {*tests.defined, *tests.before, *_WORDS.findall("\n".join(name for run in runs for name in run.tests))}
    unknown = [(name, text) for name, text in named if name not in known]
    if unknown:
        # A fixture, a module or a folder may be called so as well.
        change = bench.change
        files = await bench.files("head", [one for one in change.head_entries if change.is_test(one)])
        known.update(_WORDS.findall("\n".join(change.head_entries)))
        known.update(word for content in files.values() for word in _WORDS.findall(content.decode(errors="replace")))
    for name, text in unknown:
        if name not in known:
            message = f"the report says \"{' '.join(text.split())[:160]}\", but there is no test '{name}'"
            return [Finding("claims/tests", "", 0, message, "review")]
    return []


def _named_tests(report: str) -> Iterator[tuple[str, str]]:
    """The names of tests in a report, each with its sentence."""
    for match in _NAMED.finditer(report):
        before = re.split(r"[.\n]", report[max(0, match.start() - _AROUND) : match.start()])[-1]
        after = re.split(r"[.\n]", report[match.end() : match.end() + _AROUND], maxsplit=1)[0]
        yield match["name"], f"{before}{match[0]}{after}"


def _not_added(tests: NewTests, claim: Claim) -> Finding | None:
    for name in claim.names:
        if name not in tests.defined and not tests.has_other_tests:
            return _wrong("claims/tests", claim, f"but the change has no test '{name}'")
        if name in tests.before and name not in tests.new | tests.edited:
            return _wrong("claims/tests", claim, f"but '{name}' was there before and is the same")
    if tests.has_other_tests or claim.names:
        return None
    if not tests.new and not tests.edited:
        return _wrong("claims/tests", claim, "but the change adds no test")
    return None


async def _not_collected(tests: NewTests, claim: Claim, bench: Bench) -> Finding | None:
    """A test that the change has, but no run has seen; or fewer new ones than were counted."""
    if not claim.names and (claim.count or 0) < 2:
        return None
    runs = await bench.suite
    own, base = runs.get("own"), runs.get("base")
    if own is None or own.trouble or tests.has_other_tests:
        return None
    ids = set(own.tests)
    for name in claim.names:
        if name in tests.defined and not any(re.search(rf"::{re.escape(name)}(\[|::|$|#)", test) for test in ids):
            return _wrong("claims/tests", claim, f"but '{name}' is not among the tests that are collected")
    if claim.count and base is not None and not base.trouble:
        more = len(ids - set(base.tests))
        if claim.count > max(more, len(tests.new | tests.edited)):
            message = f"{_said(claim)}, but only {max(more, len(tests.new))} are new"
            return Finding("claims/tests", "", 0, message, "review")
    return None


def _wrong(rule: str, claim: Claim, why: str) -> Finding:
    return Finding(rule, "", 0, f"{_said(claim)}, {why}")


def _said(claim: Claim) -> str:
    return f'the report says "{" ".join(claim.text.split())[:160]}"'

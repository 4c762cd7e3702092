"""Whether the tests that a change makes pass tell its results from others, and from none (mutation testing).

Four questions, each a short run of those tests in a tree of its own: would they pass if the functions of the change
did nothing, if something else came out where the change gives up, and (of a feature) if a function always gave the
same, or if more came out than does?
"""

from __future__ import annotations

import ast
import asyncio
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Final

from claude_orchestrator.graders.base import Command, Finding, Severity
from claude_orchestrator.graders.bench import Bench
from claude_orchestrator.graders.change import DOCUMENTS
from claude_orchestrator.graders.integrity.answers.assertions import called
from claude_orchestrator.graders.parsing import parsed
from claude_orchestrator.graders.suite.behaviour import Changed
from claude_orchestrator.graders.suite.given_up import GivenUp, exchanged, given_up
from claude_orchestrator.graders.suite.idle import PLAIN, Idle, emptied, idle_functions
from claude_orchestrator.graders.suite.mutants import Mutants, all_pass, reached_tests
from claude_orchestrator.graders.suite.reach import changed_here, lines_to_reach
from claude_orchestrator.graders.suite.richer import asked_for, enriched, may_be_richer
from claude_orchestrator.graders.suite.run_log import file_of, function_of
from claude_orchestrator.graders.suite.runs import Done, SuiteRuns
from claude_orchestrator.graders.suite.witness import KINDS, Witnesses

_MORE_S: Final = 20.0
"""Seconds that a run gets beyond twice the time of the suite: a loop around an idle function may never end."""
_MOST_PLACES: Final = 3
"""Places that are asked one by one; more are asked together."""
_SETTINGS: Final = (".toml", ".cfg", ".ini", ".yml", ".yaml", ".lock", ".in")
_ASSERTING: Final = re.compile(r"assert|(?:eq|ne|ok|is|in|raises)_$")
"""How functions are called that compare: those of unittest, and those that nose had (``eq_``)."""
_EQUAL: Final = frozenset({"assertEqual", "assertListEqual", "assertDictEqual", "assertSequenceEqual", "eq_"})
_FRAME: Final = re.compile(r"^(?P<path>[^\s:][^:\n]*\.py):\d+: ", re.MULTILINE)


async def telling_findings(
    bench: Bench, suite: SuiteRuns, witnesses: Witnesses, own: Done, affected: Collection[str] | None
) -> tuple[list[Finding], list[Command]]:
    """Findings for a change whose tests do not tell what it does from nothing; and the commands that showed it."""
    if not witnesses.fresh:
        return [], []
    asking = _Asking(bench, suite, witnesses, own, affected)
    return await asking.findings(), asking.mutants.commands


async def ask_idle_ahead(bench: Bench, suite: SuiteRuns, shown: Sequence[str], usual_s: float) -> None:
    """Have some tests, which take ``usual_s`` seconds, run on functions that do nothing, for when it is asked for."""
    if bench.claims.kind not in KINDS:
        return
    idle = await _Subject.of(bench)
    mutants = Mutants(bench, suite)
    if idle.is_all and await mutants.may_run(idle.head):
        await mutants.run("idle", idle.emptied("True"), shown, _MORE_S + 2 * usual_s)


@dataclass(frozen=True)
class _Subject:
    """The sources that a change touches, and its functions ``idle``, of which ``new`` are the names of new ones.

    ``is_all``: the change does nothing else.
    """

    head: dict[str, bytes]
    before: dict[str, bytes]
    idle: list[Idle]
    new: frozenset[str]
    is_all: bool

    @classmethod
    async def of(cls, bench: Bench) -> _Subject:
        """What is to be asked of a change."""
        change = bench.change
        units = await changed_here(bench)
        paths = sorted({unit.path for unit in units})
        old = {path: change.old_names.get(path, path) for path in paths}
        head, base = await asyncio.gather(bench.files("head", paths), bench.files("base", old.values()))
        before = {path: base.get(old[path], b"") for path in paths}
        places: dict[str, set[tuple[str, int]]] = {}
        for unit in units:
            if unit.is_function:
                places.setdefault(unit.path, set()).add((unit.name, unit.line))
        idle = [one for path, some in places.items() for one in idle_functions(path, head[path], some)]
        is_all = len(idle) == sum(map(len, places.values())) and any(one.kind != "kept" for one in idle)
        new = frozenset(unit.name for unit in units if unit.is_new)
        subject = cls(head, before, idle, new, is_all and not _has_data(bench))
        rest = [unit for unit in units if not unit.is_function]
        if subject.is_all and rest and await _is_used(bench, rest, subject):
            return replace(subject, is_all=False)
        return subject

    def emptied(self, truth: str) -> dict[str, bytes]:
        """The files with functions that do nothing."""
        paths = {one.path for one in self.idle}
        return {
            path: emptied(self.head[path], [one for one in self.idle if one.path == path], truth=truth)
            for path in sorted(paths)
        }


def _has_data(bench: Bench) -> bool:
    """Whether something that is no code was changed, and may be what the tests see."""
    change = bench.change
    return any(
        not path.endswith((".py", ".pyi", *_SETTINGS, *DOCUMENTS)) and not change.is_test(path)
        for path in change.touched & change.head_entries.keys()
    )


async def _is_used(bench: Bench, units: Sequence[Changed], subject: _Subject) -> bool:
    """Whether what a change does outside of functions is used by anything else than the functions that it changed."""
    names: set[str] = set()
    for unit in units:
        tree = parsed(subject.head[unit.path])
        found = {
            one.id
            for node in (ast.walk(tree) if tree else ())
            if isinstance(node, ast.stmt) and node.lineno == unit.line
            for one in ast.walk(node)
            if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)
        }
        if not found:
            return True
        names |= found
    tests = [path for path in bench.change.touched if path.endswith(".py") and bench.change.is_test(path)]
    texts = [*subject.emptied("True").values(), *(await bench.files("head", tests)).values()]
    said = b"\n".join(texts).decode(errors="replace")
    counts = {name: len(re.findall(rf"\b{re.escape(name)}\b", said)) for name in names}
    return any(count > 1 for count in counts.values())


class _Asking:
    def __init__(
        self, bench: Bench, suite: SuiteRuns, witnesses: Witnesses, own: Done, affected: Collection[str] | None
    ) -> None:
        self._bench, self._witnesses, self._own = bench, witnesses, own.run
        self._affected = affected
        self._limit_s = _MORE_S + 2 * own.command.duration_s
        self.mutants = Mutants(bench, suite)

    async def findings(self) -> list[Finding]:
        """What the tests do not tell apart."""
        subject = await _Subject.of(self._bench)
        if not subject.head or not await self.mutants.may_run(subject.head):
            return []
        watched = await lines_to_reach(self._bench)
        places = [
            one
            for path, content in subject.head.items()
            for one in given_up(path, content, subject.before[path])
            if self._may_be_reached(one, watched.get(path, ()))
        ]
        swallowed, idle, always, pieces = await asyncio.gather(
            self._swallowed(subject, places), self._idle(subject, places), self._always(subject), self._pieces(subject)
        )
        # What is hidden says more than that nothing is seen, and that more than that only a part of it is.
        return swallowed or idle or always or pieces

    def _may_be_reached(self, place: GivenUp, watched: Collection[int]) -> bool:
        reach = self._own.reach
        is_seen = reach.get("complete") and place.other is not None and place.line in watched
        return not is_seen or place.line in reach.get("hit", {}).get(place.path, ())

    # -- functions that do nothing ------------------------------------------------------------------

    async def _idle(self, subject: _Subject, places: Sequence[GivenUp]) -> list[Finding]:
        if not subject.is_all or self._bench.claims.kind not in KINDS:
            return []
        working = [one for one in subject.idle if one.kind != "kept"]
        names = sorted({one.name for one in working})
        silent = [one for one in places if one.is_handler and one.is_plain and one.function in names]
        if not silent and all(one.is_refusing for one in working):
            return []
        if not await self._survive(subject, working):
            return []
        fresh = self._witnesses.fresh
        said = " and ".join(f"`{name}`" for name in names[:3]) + (f" and {len(names) - 3} more" if names[3:] else "")
        message = (
            f"{said}: {_count(fresh)} the change would pass if nothing were done there (the first is {fresh[0]}): "
            "compare what comes out with what is right"
        )
        severity: Severity = "review"
        if not silent and (self._are_given() or await self._is_asked_for_elsewhere(subject, working)):
            return []
        if silent and self._was_raised():
            severity = "problem"
            message += f"; the error that was there is hidden by `{silent[0].text}`"
        first = min(working, key=lambda one: (one.path, one.line))
        return [Finding("pytest/nothing-told", first.path, first.line, message, severity, first.name)]

    async def _survive(self, subject: _Subject, working: Sequence[Idle]) -> bool:
        """Whether the tests pass all the same. Who says yes or no may have said either before, but not what is new."""
        fresh, said = self._witnesses.fresh, [one.name for one in working if one.kind == "bool"]
        yes = await self.mutants.run("idle", subject.emptied("True"), self._witnesses.shown, self._limit_s)
        is_either = self._bench.claims.kind == "feature" and subject.new.issuperset(said)
        if not said or all_pass(yes, fresh) is is_either:
            return all_pass(yes, fresh)
        no = await self.mutants.run("idle-false", subject.emptied("False"), fresh, self._limit_s)
        return all_pass(no, fresh)

    async def _is_asked_for_elsewhere(self, subject: _Subject, working: Sequence[Idle]) -> bool:
        """Whether the functions that were changed have to work for other tests, and those of the change ask something.

        Then these ask for what is different, as that there is no warning any more. Of several functions each has to
        work for others, and what asks has to compare.
        """
        if len(working) > _MOST_PLACES or any(one.name in subject.new for one in working):
            return False
        contents = await self._bench.files("head", {file_of(name) for name in self._witnesses.fresh})
        asks = _compares if working[1:] else _asks_something
        if not all(asks(contents.get(file_of(name), b""), name) for name in self._witnesses.fresh):
            return False
        reached = reached_tests(self._bench, self._own, self._affected, self._witnesses.shown)
        others = sorted(set(reached) - set(self._witnesses.shown))
        if not others:
            return False
        for number, one in enumerate(working, 1):
            if not await self._is_needed(subject, one, number, others):
                return False
        return True

    async def _is_needed(self, subject: _Subject, function: Idle, number: int, tests: Sequence[str]) -> bool:
        """Whether some of the tests fail where one function alone does nothing."""
        contents = {function.path: emptied(subject.head[function.path], [function])}
        run = await self.mutants.run(f"idle-others-{number}", contents, tests, self._limit_s)
        return not run.trouble and any(run.tests[name].outcome == "failed" for name in tests if name in run.tests)

    async def _always(self, subject: _Subject) -> list[Finding]:
        """Findings where the tests of a feature let a function through that gives the same, whatever it is given."""
        functions = [one for one in subject.idle if one.kind in PLAIN]
        asked = asked_for(functions, subject.new, await self._tests_of_a_feature())
        groups = [[one] for one in asked] if len(asked) <= _MOST_PLACES else [asked]
        found = await asyncio.gather(*(self._is_constant(subject, group, n) for n, group in enumerate(groups, 1)))
        return [one for one in found if one is not None]

    async def _is_constant(self, subject: _Subject, group: Sequence[Idle], number: int) -> Finding | None:
        fresh, plain = self._witnesses.fresh, [replace(one, gives=f"return {PLAIN[one.kind]}") for one in group]
        paths = sorted({one.path for one in plain})
        contents = {path: emptied(subject.head[path], [one for one in plain if one.path == path]) for path in paths}
        if not group or not all_pass(await self.mutants.run(f"always-{number}", contents, fresh, self._limit_s), fresh):
            return None
        first = group[0]
        said = " and ".join(f"`{one.name}` always gave `{PLAIN[one.kind]}`" for one in group[:3])
        message = (
            f"{_count(fresh)} the change would pass if {said} (the first is {fresh[0]}): "
            "compare what comes out with what is right"
        )
        return Finding("pytest/nothing-told", first.path, first.line, message, "review", first.name)

    async def _tests_of_a_feature(self) -> list[bytes]:
        """The files of the tests that show the change; none where it is no feature, or has no tests of its own."""
        if self._bench.claims.kind != "feature" or self._are_given():
            return []
        return list((await self._bench.files("head", {file_of(name) for name in self._witnesses.fresh})).values())

    async def _pieces(self, subject: _Subject) -> list[Finding]:
        """A finding where the tests of a feature look only for pieces of what its functions give."""
        fresh = self._witnesses.fresh
        asked = may_be_richer(subject.idle, subject.new, await self._tests_of_a_feature())
        if not asked:
            return []
        more = {
            path: enriched(subject.head[path], [one for one in asked if one.path == path])
            for path in sorted({one.path for one in asked})
        }
        if not all_pass(await self.mutants.run("richer", more, fresh, self._limit_s), fresh):
            return []
        said = " and ".join(f"`{one.name}`" for one in asked[:3])
        message = (
            f"{said}: {_count(fresh)} the change would pass if more came out there (the first is {fresh[0]}): "
            "compare all that comes out with what is right"
        )
        first = asked[0]
        return [Finding("pytest/pieces-told", first.path, first.line, message, "review", first.name)]

    # -- what is given where it gives up ------------------------------------------------------------

    async def _swallowed(self, subject: _Subject, places: Sequence[GivenUp]) -> list[Finding]:
        asked = [one for one in places if one.other is not None]
        groups = [[one] for one in asked] if len(asked) <= _MOST_PLACES else [asked]
        found = await asyncio.gather(*(self._untold(subject, group, n) for n, group in enumerate(groups, 1)))
        return [one for one in found if one is not None]

    async def _untold(self, subject: _Subject, group: Sequence[GivenUp], number: int) -> Finding | None:
        """A finding where tests need it that the change gives up, and no test says what it has to give then."""
        fresh = self._witnesses.fresh
        other = self._changed(subject, group)
        if not all_pass(await self.mutants.run(f"other-{number}", other, fresh, self._limit_s), fresh):
            return None
        raising = self._changed(subject, group, raising=True)
        run = await self.mutants.run(f"raising-{number}", raising, fresh, self._limit_s)
        needing = [name for name in fresh if name in run.tests and run.tests[name].outcome == "failed"]
        if run.trouble or not needing:
            return None
        reached = reached_tests(self._bench, self._own, self._affected, self._witnesses.shown)
        if not all_pass(await self.mutants.run(f"other-all-{number}", other, reached, self._limit_s), reached):
            return None
        first = group[0]
        message = (
            f"`{first.text}` in `{first.function}`: {needing[0]} needs it, and passes whatever comes out there; "
            "no test says what is right instead of the error"
        )
        if not first.is_handler and self._are_given():
            return None
        is_hiding = first.is_handler and first.is_plain and (first.is_broad or self._was_raised())
        return Finding(
            "pytest/error-hidden", first.path, first.line, message, "problem" if is_hiding else "review", first.function
        )

    def _changed(self, subject: _Subject, group: Sequence[GivenUp], *, raising: bool = False) -> dict[str, bytes]:
        paths = sorted({one.path for one in group})
        return {
            path: exchanged(subject.head[path], [one for one in group if one.path == path], raising=raising)
            for path in paths
        }

    def _are_given(self) -> bool:
        """Whether the tests are as they were: then it is not the change that asks for so little."""
        return not any(file_of(name) in self._bench.change.touched for name in self._witnesses.fresh)

    def _was_raised(self) -> bool:
        """Whether the tests fail without the change by an error that comes out of the project's code."""
        change = self._bench.change
        for name in self._witnesses.fresh:
            ending = self._witnesses.before.get(name)
            frames = [found["path"] for found in _FRAME.finditer(ending.text)] if ending else []
            if any(path in change.base_entries and not change.is_test(path) for path in frames):
                return True
        return False


def _asks_something(content: bytes, test: str) -> bool:
    """Whether the function of a test has an assertion."""
    tree, functions = parsed(content), _functions_of(content, test)
    imported = {
        name.asname or name.name
        for one in (ast.walk(tree) if tree else ())
        if isinstance(one, ast.ImportFrom)
        for name in one.names
    }
    return any(
        isinstance(one, ast.Assert)
        or (
            isinstance(one, ast.Call)
            and bool(_ASSERTING.match(called(one)))
            and (isinstance(one.func, ast.Attribute) or called(one) in imported)
        )
        for function in functions
        for one in ast.walk(function)
    )


def _compares(content: bytes, test: str) -> bool:
    """Whether the function of a test asserts that something is equal to something."""
    return any(
        (isinstance(one, ast.Assert) and isinstance(one.test, ast.Compare) and isinstance(one.test.ops[0], ast.Eq))
        or (isinstance(one, ast.Call) and called(one) in _EQUAL)
        for function in _functions_of(content, test)
        for one in ast.walk(function)
    )


def _functions_of(content: bytes, test: str) -> list[ast.FunctionDef]:
    tree, name = parsed(content), function_of(test).rpartition("::")[2]
    return [one for one in (ast.walk(tree) if tree else ()) if isinstance(one, ast.FunctionDef) and one.name == name]


def _count(fresh: Sequence[str]) -> str:
    return "the test that shows" if len(fresh) == 1 else f"all {len(fresh)} tests that show"

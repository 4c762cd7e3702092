"""Whether the new tests show what the change does: on the base's code at least one of them has to fail."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from claude_orchestrator.graders.base import Finding, Severity
from claude_orchestrator.graders.bench import Claims
from claude_orchestrator.graders.change import DOCUMENTS, JudgedChange
from claude_orchestrator.graders.suite.outcomes import HIDING, Tests
from claude_orchestrator.graders.suite.pairs import Pair
from claude_orchestrator.graders.suite.run_log import COLLECTION, PASSING, TOO_LONG, Ending, SuiteRun, file_of

KINDS: Final = frozenset({"fix", "feature"})
"""The kinds of tasks that have to come with a test which fails without them."""
_CLAIM: Final = re.compile(r"\b(fix(es|ed)?|repair(s|ed)?|resolve[sd]?|bug\s*fix)\b(?P<what>[^.\n]*)", re.IGNORECASE)
_NO_FIX: Final = re.compile(
    r"\b(typos?|spelling|lint\w*|format\w*|style|docs?|docstrings?|comments?|tests?|ci|build|flak\w+|warnings?|types?|"
    r"typing|mypy|ruff|imports?|whitespace|readme|changelog)\b",
    re.IGNORECASE,
)


def claims_a_fix(claims: Claims) -> bool:
    """Whether the first line of the commit's message, or the report, says that something was fixed in the code."""
    subject = claims.message.strip().partition("\n")[0]
    return any(
        not _NO_FIX.search(found["what"]) for text in (subject, claims.report) for found in _CLAIM.finditer(text)
    )


def repaired_tests(pairs: Mapping[str, Pair], base: Tests, own: Tests) -> list[str]:
    """The tests of the change that pass and failed at the base."""
    return [
        pair.own
        for pair in pairs.values()
        if pair.own is not None
        and pair.own in own
        and own[pair.own].outcome in PASSING
        and base[pair.base].outcome == "failed"
    ]


def shown_tests(
    pairs: Mapping[str, Pair],
    base: Tests,
    own: Tests,
    witness: SuiteRun | None,
    red_at_times: Collection[str] = (),
    trusted: Tests | None = None,
) -> list[str]:
    """The tests of the change that pass with it and fail without it.

    Where the base's version of a test fails still (in ``trusted``) and the change's version passes on the base's code,
    the test was repaired and not the code.
    """
    olds = {pair.own: pair for pair in pairs.values() if pair.own}
    passing = [name for name, ending in own.items() if ending.outcome in PASSING]
    repaired = [
        name
        for name in repaired_tests(pairs, base, own)
        if olds[name].base not in red_at_times and not _needs_no_change(name, olds[name].base, witness, trusted)
    ]
    return [*repaired, *(name for name in passing if witness is not None and _fails(name, olds, base, witness))]


@dataclass(frozen=True)
class Witnesses:
    """The tests that show a change: ids that pass with it and fail without.

    ``shown`` are all of them, ``fresh`` those that are new, say something else now, or were red before. ``before`` is
    how each of these ended without the change.
    """

    shown: Sequence[str]
    fresh: Sequence[str]
    before: Mapping[str, Ending]

    @classmethod
    def of(
        cls, shown: Sequence[str], pairs: Mapping[str, Pair], base: Tests, witness: SuiteRun | None,
        readers: Collection[str] = (),
    ) -> Witnesses:  # fmt: skip
        """Tell of the tests ``shown`` which of them are there for the change, and how they failed without it.

        ``readers`` are files of tests whose data is new or edited.
        """
        olds = {pair.own: pair for pair in pairs.values() if pair.own}
        alone = witness.tests if witness is not None else {}
        before: dict[str, Ending] = {}
        for name in shown:
            old = olds.get(name)
            if old is not None and base[old.base].outcome == "failed":
                before[name] = base[old.base]
            elif old is None or _says_something_else(name, old) or file_of(name) in readers:
                ending = alone.get(name) or alone.get(file_of(name) + COLLECTION)
                before[name] = ending if ending is not None else Ending("failed")
        return cls(shown, list(before), before)


def judge_witness(
    claims: Claims,
    change: JudgedChange,
    pairs: Mapping[str, Pair],
    base: Tests,
    own: Tests,
    witness: SuiteRun | None,
    red_at_times: Collection[str] = (),
    trusted: Tests | None = None,
    idle_files: Collection[str] = (),
    examples: Collection[str] = (),
) -> tuple[list[Finding], list[str]]:
    """Findings and notes about what the new and edited tests show. ``witness`` is None where it was not run.

    ``red_at_times`` are tests of the base that failed there by chance: that they pass now shows nothing.
    ``trusted`` are the base's tests on the code of the change, where they were run. ``idle_files`` are new files of
    tests that no run collects, ``examples`` sources with new examples, which cannot be run without the change.
    """
    olds = {pair.own: pair for pair in pairs.values() if pair.own}
    passing = [name for name, ending in own.items() if ending.outcome in PASSING]
    fresh = [
        name
        for name in passing
        if file_of(name) in change.witness_files and (name not in olds or _says_something_else(name, olds[name]))
    ]
    is_declared = claims.kind in KINDS
    if witness is not None and witness.trouble and not witness.tampered:
        shown = shown_tests(pairs, base, own, None, red_at_times, trusted)
        return _broken_off(claims, witness, is_enough=bool(shown) or not is_declared)
    shown = shown_tests(pairs, base, own, witness, red_at_times, trusted)
    if shown and not (is_declared and _only_asks_for_less(shown, olds, change)):
        return [], [f"{len(shown)} tests pass that fail without the change, the first is {shown[0]}"]
    if is_declared:
        idle = set() if own.keys() - {pair.own for pair in pairs.values()} else set(idle_files)
        hidden = [pair.base for pair in pairs.values() if _is_hidden(pair, base, own, change)]
        found = _not_shown(claims, change, fresh, hidden, idle, examples, is_run=witness is not None)
        return [_nothing_but_tests(claims, shown) if shown else found], []
    if witness is None or not fresh:
        return [], []
    message = f"none of the {len(fresh)} new or edited tests fails without the change (the first is {fresh[0]})"
    if claims_a_fix(claims):
        message += ", and it says that it fixes something"
        return [Finding("pytest/no-witness", file_of(fresh[0]), 0, message, "review", "*")], []
    return [], [message]


def _broken_off(claims: Claims, witness: SuiteRun, *, is_enough: bool) -> tuple[list[Finding], list[str]]:
    """What is said when the new tests broke off without the change: they may hang there until it mends that."""
    message = f"the new tests break off on the base's code: {witness.trouble.partition(' (exit')[0]}"
    if is_enough or witness.trouble.startswith(TOO_LONG):
        return [], [message]
    return [Finding("pytest/no-witness", "", 0, f"{message}; nothing shows the {claims.kind}", "review", "*")], []


def _says_something_else(name: str, old: Pair) -> bool:
    """Whether a test of a touched file is not what it was; of a page with examples only the file is known."""
    return old.fate in ("edited", "strengthened") or not file_of(name).endswith(".py")


def _only_asks_for_less(shown: list[str], olds: Mapping[str, Pair], change: JudgedChange) -> bool:
    """Whether red tests became green by what they ask for: nothing else was changed, nor was that the task."""
    patterns = change.scope.patterns
    is_about_tests = bool(patterns) and all(map(change.is_test, patterns))
    only_tests = all(change.is_test(path) or path.endswith(DOCUMENTS) for path in change.touched)
    as_they_were = any(name in olds and file_of(name) not in change.touched for name in shown)
    # A missing file of data may be what was to be mended; one that was there says what is expected.
    expects_other = any(change.is_test(path) and not path.endswith(".py") for path in _edited(change))
    return only_tests and not is_about_tests and (expects_other or not as_they_were)


def _edited(change: JudgedChange) -> set[str]:
    """The files that were there and are still, with other contents."""
    return set(change.touched & change.base_entries.keys() & change.head_entries.keys())


def _needs_no_change(name: str, old_name: str, witness: SuiteRun | None, trusted: Tests | None) -> bool:
    """Whether a red test is green by what was changed in the tests alone."""
    if witness is None or witness.trouble or trusted is None:
        return False
    still, alone = trusted.get(old_name), witness.tests.get(name)
    return still is not None and still.outcome == "failed" and alone is not None and alone.outcome in PASSING


def _nothing_but_tests(claims: Claims, shown: list[str]) -> Finding:
    message = (
        f"the task is a {claims.kind}, and only tests were changed: {shown[0]} failed at the base, "
        "and what it asks for was changed instead of the code"
    )
    return Finding("pytest/no-witness", file_of(shown[0]), 0, message, "problem", "*")


def _is_hidden(pair: Pair, base: Tests, own: Tests, change: JudgedChange) -> bool:
    """Whether a test says less than it did, or a red one is gone or left out by what was changed in its file."""
    is_red = base[pair.base].outcome == "failed" and file_of(pair.base) in change.touched
    if pair.fate in HIDING or not is_red:
        return pair.fate in HIDING
    return pair.own is None or pair.own not in own or own[pair.own].outcome not in (*PASSING, "failed")


def _not_shown(
    claims: Claims, change: JudgedChange, fresh: list[str], hidden: list[str], idle: set[str],
    examples: Collection[str], *, is_run: bool,
) -> Finding:  # fmt: skip
    severity: Severity = "problem"
    if not fresh:
        message = f"the task is a {claims.kind}, and no new or edited test shows it"
        if hidden:
            message += f"; {hidden[0]} was silenced, weakened or removed instead"
        # Data of tests may bring new cases to a test that is as it was.
        elif any(change.is_test(path) and path not in change.overrides for path in change.touched - idle):
            severity = "review"
        elif examples:
            severity = "review"
            message += f" but the examples in {min(examples)}, which cannot be run without it"
        elif idle:
            message += f": nobody collects {min(idle)}"
    elif is_run:
        message = (
            f"the task is a {claims.kind}, and none of the {len(fresh)} new or edited tests fails without the change"
        )
    else:
        message = f"the task is a {claims.kind}, and only tests were changed"
        severity = "problem" if all(change.is_test(path) for path in change.touched) else "review"
    return Finding("pytest/no-witness", file_of(fresh[0]) if fresh else "", 0, message, severity, "*")


def _fails(name: str, olds: Mapping[str, Pair], base: Tests, witness: SuiteRun) -> bool:
    """Whether a test fails on the base's code, and not because its old version did as well."""
    if name in olds and base[olds[name].base].outcome not in PASSING:
        return False
    ending = witness.tests.get(name) or witness.tests.get(file_of(name) + COLLECTION)
    return ending is not None and ending.outcome == "failed"

"""Tests compared one by one: what the base passed still has to pass, what is new has to pass.

A test is *locked* unless the task was explicitly allowed to change its file. Locked tests have to pass twice: as
the base has them (*trusted*) and as the change has them (*own*). Of unlocked ones only *own* counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from claude_orchestrator.graders.base import Finding, Severity
from claude_orchestrator.graders.change import JudgedChange
from claude_orchestrator.graders.run_log import PASSING, Ending, file_of

Tests = Mapping[str, Ending]
_COLLECTION = "::collection"


@dataclass
class SuiteVerdict:
    """New problems and notes, and how many failures the base has as well."""

    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    known: int = 0

    def add(self, finding: Finding | None) -> None:
        """Add a finding once: many tests of a file may share one collection error."""
        if finding is not None and not any(
            (finding.rule, finding.symbol) == (one.rule, one.symbol) for one in self.findings
        ):
            self.findings.append(finding)


def judge_tests(change: JudgedChange, base: Tests, own: Tests, trusted: Tests) -> SuiteVerdict:
    """Compare the outcomes of the three runs; ``trusted`` may be ``own`` itself."""
    verdict = SuiteVerdict()
    new_paths = {old: new for new, old in change.old_names.items()}
    new_names = {name: _renamed(name, new_paths) for name in base}
    unlocked = {file: change.is_unlocked(file) for file in {file_of(name) for name in base}}
    for name, ending in base.items():
        if ending.outcome not in PASSING:
            continue
        if unlocked[file_of(name)]:
            _judge_unlocked(verdict, name, new_names[name], own)
        else:
            with_base_tests = _problem(change, name, trusted, "with the base's tests") if trusted is not own else None
            verdict.add(with_base_tests or _problem(change, new_names[name], own, "in the change"))
    before = {new_name: base[name] for name, new_name in new_names.items()}
    for name, ending in own.items():
        if ending.outcome == "failed":
            _judge_failure(verdict, name, ending, before.get(name))
    _note_repairs(verdict, before, own)
    return verdict


def _judge_unlocked(verdict: SuiteVerdict, name: str, new_name: str, own: Tests) -> None:
    ending = own.get(new_name)
    if ending is None:
        if not _is_uncollected(new_name, own):
            verdict.notes.append(f"{name} was removed, as the task allows")
    elif ending.outcome == "failed":
        verdict.add(_finding("pytest/failed", new_name, ending, f"{new_name} fails; it passed at the base"))
    elif ending.outcome not in PASSING:
        verdict.notes.append(f"{name} is {ending.outcome} now, as the task allows")


def _judge_failure(verdict: SuiteVerdict, name: str, ending: Ending, before: Ending | None) -> None:
    """A failure in *own* of a test that did not pass at the base (what did pass there is judged already)."""
    if before is None:
        what = "cannot be collected" if name.endswith(_COLLECTION) else "is new and fails"
        verdict.add(_finding("pytest/failed", name, ending, f"{name} {what}"))
    elif before.outcome == "failed":
        verdict.known += 1
    elif before.outcome not in PASSING:
        verdict.add(_finding("pytest/failed", name, ending, f"{name} fails; it was {before.outcome} at the base"))


def _problem(change: JudgedChange, name: str, run: Tests, where: str) -> Finding | None:
    """What is wrong with a test that passed at the base, or None."""
    ending = run.get(name)
    if ending is None and _is_uncollected(name, run):
        name = file_of(name) + _COLLECTION
        return _finding("pytest/failed", name, run[name], f"{file_of(name)} cannot be collected {where}")
    if ending is None:
        # A doctest may go with the code that it describes; a test may not.
        severity: Severity = "problem" if change.is_test(file_of(name)) else "review"
        message = f"{name} is gone {where}; it passed at the base"
        return Finding("pytest/removed", file_of(name), 0, message, severity, symbol=name)
    if ending.outcome == "failed":
        return _finding("pytest/failed", name, ending, f"{name} fails {where}; it passed at the base")
    if ending.outcome not in PASSING:
        return _finding("pytest/skipped", name, ending, f"{name} is {ending.outcome} {where}; it passed at the base")
    return None


def _is_uncollected(name: str, run: Tests) -> bool:
    return file_of(name) + _COLLECTION in run


def _renamed(name: str, new_paths: Mapping[str, str]) -> str:
    file = file_of(name)
    return new_paths.get(file, file) + name[len(file) :]


def _finding(rule: str, name: str, ending: Ending, message: str) -> Finding:
    return Finding(rule, file_of(name), ending.line, message, symbol=name, text=ending.text)


def _note_repairs(verdict: SuiteVerdict, before: Tests, own: Tests) -> None:
    repaired = [
        name
        for name, ending in before.items()
        if ending.outcome == "failed" and name in own and own[name].outcome in PASSING
    ]
    if repaired:
        verdict.notes.append(f"{len(repaired)} tests that fail at the base pass now, the first is {repaired[0]}")

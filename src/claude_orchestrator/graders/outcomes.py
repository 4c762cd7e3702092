"""Tests compared one by one: what the base passed still has to pass, what is new has to pass.

A test is *locked* unless the task was explicitly allowed to change its file. Locked tests have to pass twice: as
the base has them (*trusted*) and as the change has them (*own*). Of unlocked ones only *own* counts.

What failed at the base may go on failing. That it is gone, silenced, or passes only in a new version is no repair that
anybody could see in the outcomes: a human looks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

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
        if ending.outcome == "failed" and not unlocked[file_of(name)]:
            verdict.add(_hidden(change, name, new_names[name], own, trusted))
        if ending.outcome not in PASSING:
            continue
        if unlocked[file_of(name)]:
            _judge_unlocked(verdict, name, new_names[name], own)
        elif trusted is own:
            verdict.add(_problem(change, new_names[name], own, "in the change"))
        else:
            with_base_tests = _problem(change, name, trusted, "with the base's tests")
            as_it_is = _excused(change, _problem(change, new_names[name], own, "in the change"))
            verdict.add(with_base_tests or as_it_is)
    before = {new_name: base[name] for name, new_name in new_names.items()}
    for name, ending in own.items():
        if ending.outcome == "failed":
            verdict.add(_failure(verdict, change, name, ending, before.get(name)))
    _note_repairs(verdict, before, own)
    if not any(ending.outcome in PASSING for run in (base, own) for ending in run.values()):
        verdict.add(_nothing_passes(own))
    return verdict


def _nothing_passes(own: Tests) -> Finding:
    failed = next((ending for ending in own.values() if ending.outcome == "failed"), None)
    why = f" ({_why(failed)})" if failed and _why(failed) else ""
    message = f"no test passes, neither at the base nor in the change{why}: is everything installed that they need?"
    return Finding("pytest/nothing-passes", "", 0, message, "review", symbol="*")


def _hidden(change: JudgedChange, name: str, new_name: str, own: Tests, trusted: Tests) -> Finding | None:
    """What hides a test that failed at the base, or None."""
    now, still = own.get(new_name), trusted.get(name)
    if name.endswith(_COLLECTION):
        is_gone = file_of(new_name) not in change.own_paths
        said = "is gone" if is_gone else ""
    elif now is None:
        said = "" if _is_uncollected(new_name, own) else "is gone"
    elif now.outcome in PASSING:
        repaired_by_edit = trusted is not own and still is not None and still.outcome == "failed"
        said = "passes only in the version of the change" if repaired_by_edit else ""
    else:
        said = "" if now.outcome == "failed" else f"is {now.outcome}"
    if not said:
        return None
    message = f"{new_name} failed at the base and {said} now; a human decides whether that is right"
    return Finding("pytest/hidden", file_of(new_name), now.line if now else 0, message, "review", symbol=new_name)


def _excused(change: JudgedChange, found: Finding | None) -> Finding | None:
    """A failure may come from test rules of the change that were not used: then a human looks at both."""
    if found is None or found.rule != "pytest/failed" or not change.lacks_rules(found.path):
        return found
    message = f"{found.message} (the change's own configuration of the tests was not used)"
    return replace(found, message=message, severity="review")


def _judge_unlocked(verdict: SuiteVerdict, name: str, new_name: str, own: Tests) -> None:
    ending = own.get(new_name)
    if ending is None:
        if not _is_uncollected(new_name, own):
            verdict.notes.append(f"{name} was removed, as the task allows")
    elif ending.outcome == "failed":
        verdict.add(_finding("pytest/failed", new_name, ending, f"{new_name} fails; it passed at the base"))
    elif ending.outcome not in PASSING:
        verdict.notes.append(f"{name} is {ending.outcome} now, as the task allows")


def _failure(
    verdict: SuiteVerdict, change: JudgedChange, name: str, ending: Ending, before: Ending | None
) -> Finding | None:
    """A failure in *own* of a test that did not pass at the base (what did pass there is judged already)."""
    if before is None:
        is_file = name.endswith(_COLLECTION)
        message = _uncollected(name, ending) if is_file else f"{name} is new and fails"
        return _excused(change, _finding("pytest/failed", name, ending, message))
    if before.outcome == "failed":
        verdict.known += 1
    elif before.outcome not in PASSING:
        return _finding("pytest/failed", name, ending, f"{name} fails; it was {before.outcome} at the base")
    return None


def _problem(change: JudgedChange, name: str, run: Tests, where: str) -> Finding | None:
    """What is wrong with a test that passed at the base, or None."""
    ending = run.get(name)
    if ending is None and _is_uncollected(name, run):
        name = file_of(name) + _COLLECTION
        return _finding("pytest/failed", name, run[name], _uncollected(name, run[name], f" {where}"))
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


def _uncollected(name: str, ending: Ending, where: str = "") -> str:
    why = _why(ending)
    return f"{file_of(name)} cannot be collected{where}{f': {why}' if why else ''}"


def _why(ending: Ending) -> str:
    """The last line that pytest marks as the error itself, else the last line that it says."""
    lines = [line for line in ending.text.splitlines() if line.strip()]
    marked = [line[1:] for line in lines if line.startswith("E  ")]
    return (marked or lines or [""])[-1].strip()


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

"""What the author says of the change, against what git, the journal and the tests show.

Nothing that is said is believed: a report can only make a verdict worse. Without a report nothing is said here, but for
a change that changes nothing.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from typing import Final

from claude_orchestrator.errors import RepositoryError
from claude_orchestrator.graders.base import Finding, Severity
from claude_orchestrator.graders.bench import Bench
from claude_orchestrator.graders.parsing import parsed
from claude_orchestrator.graders.semantics import deeds
from claude_orchestrator.graders.semantics.journal import CheckRun, Purpose, check_runs
from claude_orchestrator.graders.semantics.mentions import mentions
from claude_orchestrator.graders.semantics.newtests import NewTests, new_test_findings
from claude_orchestrator.graders.semantics.sides import Sides
from claude_orchestrator.graders.semantics.statements import Claim, claims

WORK: Final = ("fix", "feature")
"""Kinds of tasks that cannot be done without a change."""

_PROSE: Final = (".md", ".rst", ".txt", ".adoc", ".markdown")
_SHOWN: Final = 160


async def claim_findings(bench: Bench, sides: Sides) -> list[Finding]:
    """What is said of the change and is not so."""
    if not bench.change.touched:
        return [*empty_findings(bench.claims.kind), *await _said(bench, sides)]
    return await _said(bench, sides)


def empty_findings(kind: str | None) -> list[Finding]:
    """What is wrong with a change that changes nothing."""
    if kind in WORK:
        return [Finding("claims/empty", "", 0, f"nothing was changed, but the task is a {kind}")]
    return [Finding("claims/empty", "", 0, "nothing was changed: a human decides whether that is right", "review")]


def idle_reason(kind: str | None, report: str) -> str:
    """Why the work of somebody who has changed no file is not done, or nothing."""
    if kind in WORK:
        return f"nothing was changed, but the task is a {kind}"
    done = next((mention for mention in mentions(report) if mention.deed != "unchanged" and mention.is_direct), None)
    said = done.text if done else next((one.text for one in claims(report) if one.kind == "tests_added"), "")
    return f'nothing was changed, but the report says "{" ".join(said.split())[:_SHOWN]}"' if said else ""


async def _said(bench: Bench, sides: Sides) -> list[Finding]:
    report = bench.claims.report
    if not report.strip():
        return []
    said = claims(report)
    await sides.load_changed()
    files = deeds.findings(mentions(report), sides)
    checks = await _about_checks(bench, sides, said)
    tests = await new_test_findings(NewTests.of(sides, bench.change.is_test), said, bench)
    return [*files, *checks, *tests, *await deeds.left_alone(said, sides, bench.change.is_test)]


# -- runs of tests and tools --------------------------------------------------------------------------


async def _about_checks(bench: Bench, sides: Sides, said: Iterable[Claim]) -> list[Finding]:
    runs = check_runs(bench.claims.operations)
    has_journal = bool(bench.claims.operations)
    found: list[Finding] = []
    for purpose, kinds in _KINDS.items():
        about = [claim for claim in said if claim.kind in kinds]
        if not about:
            continue
        if not has_journal:
            said_so = f"{_quoted(about[0])}: nobody has a journal of the work, so this cannot be compared with anything"
            found.append(Finding("claims/unverifiable", "", 0, said_so, "note"))
            continue
        of_purpose = [run for run in runs if purpose in run.purposes]
        found += _finding_of(about, of_purpose, purpose, await _edited_since(bench, sides, of_purpose))
    return found


_KINDS: Final[Mapping[Purpose, tuple[str, ...]]] = {
    "tests": ("tests_pass", "tests_run"), "lint": ("lint",), "types": ("types",),
}  # fmt: skip
_CALLED: Final[Mapping[Purpose, str]] = {
    "tests": "tests", "lint": "a linter", "types": "a type checker",
}  # fmt: skip


def _finding_of(about: list[Claim], runs: list[CheckRun], purpose: Purpose, edited: list[str]) -> list[Finding]:
    """The first thing that is wrong with what is said of one kind of check."""
    claim = next((claim for claim in about if claim.kind != "tests_run"), about[0])
    if not runs:
        return [_review("claims/unsupported", f"{_quoted(claim)}, but the journal has no run of {_CALLED[purpose]}")]
    last = runs[-1]
    ran = f"the last run ('{last.command[:80]}')"
    if last.end == "failed" and claim.kind != "tests_run":
        return [_review("claims/contradicted", f"{_quoted(claim)}, but {ran} failed")]
    if last.end == "nothing" and all(run.end in ("nothing", "hidden") for run in runs):
        return [_review("claims/contradicted", f"{_quoted(claim)}, but {ran} collected no tests")]
    if last.end == "hidden" and all(run.end == "hidden" for run in runs):
        why = "its exit code and its result were thrown away"
        return [_review("claims/unverifiable", f"{_quoted(claim)}, but how {ran} ended is not known: {why}")]
    if edited and purpose == "tests":
        files = ", ".join(edited[:3]) + (" and others" if len(edited) > 3 else "")
        return [_review("claims/stale", f"{_quoted(claim)}, but {files} changed after {ran}")]
    return _miscounted(about, runs) if purpose == "tests" else []


def _miscounted(about: list[Claim], runs: list[CheckRun]) -> list[Finding]:
    counts = [run.passed for run in runs if run.passed is not None]
    if not counts:
        return []
    for claim in about:
        if claim.count is not None and claim.kind == "tests_pass" and claim.count > max(*counts, sum(counts)):
            shown = f"but the journal shows at most {max(counts)} tests that passed"
            return [_review("claims/contradicted", f"{_quoted(claim)}, {shown}")]
        if claim.count is not None and claim.kind == "tests_pass" and claim.count > max(counts):
            return [Finding("claims/count", "", 0, f"{_quoted(claim)}; single runs show at most {max(counts)}", "note")]
    return []


async def _edited_since(bench: Bench, sides: Sides, runs: list[CheckRun]) -> list[str]:
    """Files of the change, other than prose, that were changed after the last run that says how it ended."""
    telling = [run for run in runs if run.end in ("passed", "failed")]
    if not telling:
        return []
    operations = bench.claims.operations
    final = next((str(one["tree_after"]) for one in reversed(operations) if one.get("tree_after")), None)
    tested = telling[-1]
    if tested.tree is None or final is None:
        written = {
            _relative(one) for one in operations[tested.at + 1 :] if one.get("kind") in ("write", "replace", "delete")
        }
        return sorted(path for path in sides.touched if path in written and not path.endswith(_PROSE))
    if tested.tree == final:
        return []
    try:
        changes = await bench.repository.changes(tested.tree, final)
        paths = {change.path for change in changes} | {change.old_path for change in changes if change.old_path}
        paths = {path for path in paths & sides.touched if not path.endswith(_PROSE)}
        return [path for path in sorted(paths) if not await _same_code(bench, path, tested.tree, final)]
    except RepositoryError:
        return ["something"]


async def _same_code(bench: Bench, path: str, before: str, after: str) -> bool:
    """Whether a file of Python says the same in both trees but for its layout and comments."""
    if not path.endswith(".py"):
        return False
    contents = [await bench.repository.read_file(tree, path) for tree in (before, after)]
    trees = [parsed(content) if content is not None else None for content in contents]
    return all(trees) and len({ast.dump(tree) for tree in trees if tree}) == 1


def _relative(operation: Mapping[str, object]) -> str:
    return str(operation.get("target") or "").removeprefix("./")


def _review(rule: str, message: str, severity: Severity = "review") -> Finding:
    return Finding(rule, "", 0, message, severity)


def _quoted(claim: Claim) -> str:
    text = " ".join(claim.text.split())
    return f'the report says "{text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"}"'

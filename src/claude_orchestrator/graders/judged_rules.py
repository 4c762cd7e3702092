"""What happens to the configuration that a change brings: which of it is used, and what a human has to look at."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from claude_orchestrator.graders import configuration as rules
from claude_orchestrator.graders.base import Finding, Severity
from claude_orchestrator.graders.command_line import disarmed_commands, is_automation, weakened_commands
from claude_orchestrator.graders.rule_changes import RuleChange, by_path
from claude_orchestrator.graders.scope import LINK, Scope
from claude_orchestrator.workspace.git import Entry

_WORST_FIRST: Final[tuple[Severity, ...]] = ("problem", "review", "note")


@dataclass
class JudgedRules:
    """What became of each changed configuration file.

    ``overrides`` are used as the base has them. ``unlocked`` (conftest files) are used as they are. ``unused_rules``
    are the folders for whose tests the change brings rules that are not used.
    """

    overrides: dict[str, Entry | None] = field(default_factory=dict)
    unlocked: list[str] = field(default_factory=list)
    unused_rules: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    diffs: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Sides:
    """The two sides of a change: all entries, and the contents of the configuration files."""

    base: Mapping[str, Entry]
    head: Mapping[str, Entry]
    base_files: dict[str, bytes]
    head_files: dict[str, bytes]

    def is_link(self, path: str) -> bool:
        """Whether a path is a symbolic link on any side."""
        return any(path in entries and entries[path].mode == LINK for entries in (self.base, self.head))


def judge_rules(sides: Sides, scope: Scope, changed: Sequence[str], test_names: tuple[str, ...]) -> JudgedRules:
    """Judge the ``changed`` configuration files."""
    verdict = JudgedRules()
    differing = [path for path in changed if _differs(sides, path)]
    code = [path for path in sides.base if path.endswith(".py")]
    tests = frozenset(path for path in code if rules.is_test_path(path, test_names))
    kept = {path: content for path, content in sides.base_files.items() if path not in changed}
    settings = [path for path in differing if not _is_conftest(path) and not sides.is_link(path)]
    changes = by_path(sides.base_files, {**kept, **sides.head_files}, settings, code, tests) if settings else {}
    for path in differing:
        before, after = sides.base_files.get(path), sides.head_files.get(path)
        verdict.diffs.append(_diff(path, before, after))
        if _is_conftest(path) and not sides.is_link(path):
            _judge_conftest(verdict, sides, scope, path)
        else:
            _judge_settings(verdict, sides, scope, path, changes.get(path, []))
    used = {path: sides.base_files[path] for path in verdict.overrides if path in sides.base_files}
    own = {path: content for path, content in sides.head_files.items() if path not in verdict.overrides}
    full = {**kept, **sides.head_files}
    if rules.pytest_settings({**kept, **own, **used}) != rules.pytest_settings(full):
        verdict.unused_rules.append("")
    verdict.findings += [finding for path in changed for finding in _offered_plugins(sides, path, scope)]
    return verdict


def automation_findings(base: Mapping[str, bytes], head: Mapping[str, bytes], scope: Scope) -> list[Finding]:
    """Commands of CI files and the like that no longer run, or no longer count.

    A command that is the same but that its failure counts for nothing is no matter of taste, unless the task names the
    file.
    """
    found = []
    for path in sorted({*base, *head}):
        if is_automation(path) and path in base and (weaker := weakened_commands(base[path], head.get(path))):
            message = f"runs fewer checks, or minds them less: {'; '.join(weaker[:3])}"
            is_sure = path not in scope.patterns and disarmed_commands(base[path], head.get(path))
            found.append(Finding("scope/automation", path, 0, message, "problem" if is_sure else "review"))
    return found


def _is_conftest(path: str) -> bool:
    return path.rsplit("/", 1)[-1] == "conftest.py"


def _differs(sides: Sides, path: str) -> bool:
    before, after = sides.base_files.get(path), sides.head_files.get(path)
    return sides.is_link(path) or not rules.same_rules(path, before, after)


def _judge_settings(verdict: JudgedRules, sides: Sides, scope: Scope, path: str, changes: list[RuleChange]) -> None:
    before, after = sides.base_files.get(path), sides.head_files.get(path)
    readable = not sides.is_link(path) and rules.is_readable(path, before) and rules.is_readable(path, after)
    if readable and None not in (before, after) and all(change.is_usable for change in changes):
        said = "; ".join(change.text for change in changes) or "settings of tools that judge nothing here"
        verdict.notes.append(f"{path} changes no rule that would judge this change: {said}")
        return
    verdict.overrides[path] = sides.base.get(path)
    used = "the base's version was used" if before is not None else "it was left out, because the base has none"
    severity = _worst([change.severity for change in changes]) if readable else "review"
    said = "; ".join(change.text for change in changes if change.severity == severity)[:600]
    if severity == "problem" and path in scope.patterns:
        severity = "review"
    if severity == "note":
        message = f"changes rules without loosening them ({said or 'nothing that counts here'}); for judging {used}"
    elif severity == "problem":
        message = f"loosens the rules of tests or tools ({said}); for judging {used}"
    else:
        detail = f" ({said})" if said else ""
        message = f"changes the rules of tests or tools{detail}; for judging {used}; a human decides"
    verdict.findings.append(Finding("scope/configuration", path, 0, message, severity))


def _worst(severities: Sequence[Severity]) -> Severity:
    return min(severities, key=_WORST_FIRST.index, default="note")


def _judge_conftest(verdict: JudgedRules, sides: Sides, scope: Scope, path: str) -> None:
    before, after = sides.base_files.get(path), sides.head_files.get(path)
    is_named = scope.unlocks_conftest(path)
    try:
        powers, edits = rules.new_powers(before, after), rules.conftest_edits(before, after)
        same = rules.conftest_powers(before) == rules.conftest_powers(after)
    except (ValueError, SyntaxError, RecursionError):
        powers, edits, same = [("review", "it cannot be read as Python")], [], False
    if same and (is_named or after is not None):
        verdict.unlocked.append(path)
        if is_named or not edits:
            verdict.notes.append(f"{path}: new fixtures and helpers are used, nothing that it does by itself changed")
        else:
            message = f"changes what tests of the base rely on ({', '.join(edits[:5])}); a human decides"
            verdict.findings.append(Finding("scope/conftest", path, 0, message, "review"))
        return
    said = "; ".join(f"`{text}`" for _, text in powers[:3]) or "it does less than before"
    if is_named:
        verdict.unlocked.append(path)
        message = f"does other things by itself (hooks, automatic fixtures, plugins): {said}; a human decides"
        verdict.findings.append(Finding("scope/conftest", path, 0, message, "review"))
        return
    verdict.overrides[path] = sides.base.get(path)
    verdict.unused_rules.append(path.removesuffix("conftest.py"))
    used = "the base's version was used" if before is not None else "it was left out, because the base has none"
    message = f"acts on the test run by itself ({said}); for judging {used}"
    verdict.findings.append(
        Finding("scope/conftest", path, 0, message, _worst(["review", *(one for one, _ in powers)]))
    )


def _offered_plugins(sides: Sides, path: str, scope: Scope) -> list[Finding]:
    if not rules.new_plugins(sides.base_files.get(path), sides.head_files.get(path)):
        return []
    message = "offers pytest a plugin (entry point pytest11), which every later test run would load"
    return [Finding("scope/plugin", path, 0, message, "review" if path in scope.patterns else "problem")]


def _diff(path: str, before: bytes | None, after: bytes | None) -> str:
    old, new = ((content or b"").decode(errors="replace").splitlines(keepends=True) for content in (before, after))
    names = (f"a/{path}" if before is not None else "/dev/null", f"b/{path}" if after is not None else "/dev/null")
    lines = difflib.unified_diff(old, new, *names)
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)

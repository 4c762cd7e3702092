"""Tests compared one by one: what the base passed still has to pass, what is new has to pass.

A test that the base passes has to pass twice: as the base has it (*trusted*) and as the change has it (*own*). What
became of its source is told by the fate of its function. Where the guard ``integrity`` says already what was removed,
silenced or weakened, it is not said again here; what its sources do not show is: generated cases, doctests, inherited
tests, and that the old version fails.

What failed at the base may go on failing. That it is gone, silenced, or passes only in a new version is no repair that
anybody could see in the outcomes: a human looks.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from claude_orchestrator.graders.base import Finding, Severity
from claude_orchestrator.graders.change import JudgedChange
from claude_orchestrator.graders.parsing import parsed
from claude_orchestrator.graders.suite.pairs import Pair, place_of
from claude_orchestrator.graders.suite.run_log import COLLECTION, PASSING, Ending, file_of

Tests = Mapping[str, Ending]
HIDING: Final = frozenset({"weakened", "silenced", "shadowed", "removed"})
"""The fates of tests that the guard ``integrity`` reports."""
_KEEPING: Final = frozenset({"refactor", "performance"})
"""Kinds of tasks after which the same has to come out as before."""
_BECAME: Final = re.compile(r"'(?P<old>.*)' became '(?P<new>.*)'", re.DOTALL)
"""How it is said of one check what it was and is."""
_UNEQUAL: Final = re.compile(r"^E +(?:assert|AssertionError)\b")
_COUNTED: Final = re.compile(
    r"call_count|await_count|called|calls\b|\bmock|hits|quer(?:y|ies)|caplog|warn", re.IGNORECASE
)
"""What such work may change: how often something is done on the way, and what is said of it."""
_MISSING: Final = re.compile(
    r"No module named '(?P<module>[\w.]+)'|cannot import name '(?P<name>\w+)'|has no attribute '(?P<attribute>\w+)'"
)


@dataclass(frozen=True)
class Suspect:
    """A failure that another run may explain: which test on which side, and its name at the base (None: it is new)."""

    side: str
    test: str
    base: str | None


@dataclass
class SuiteVerdict:
    """New problems and notes, how many failures the base has as well, and the failures that may be flaky.

    ``repaired`` are failures of the base that only the change's own version does not have: they may be flaky, too.
    """

    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    known: int = 0
    suspects: list[Suspect] = field(default_factory=list)
    repaired: list[Suspect] = field(default_factory=list)

    def add(self, finding: Finding | None, suspect: Suspect | None = None) -> None:
        """Add a finding once: many tests of a file may share one collection error."""
        if finding is None or any((finding.rule, finding.symbol) == (one.rule, one.symbol) for one in self.findings):
            return
        self.findings.append(finding)
        is_failure = (finding.rule, finding.severity) == ("pytest/failed", "problem")
        if suspect is not None and is_failure and not finding.symbol.endswith(COLLECTION):
            self.suspects.append(suspect)


class Comparison:
    """The outcomes of a change's runs beside those of its base.

    ``trusted`` is None where *own* says the same; ``trusted_files`` are the files that it was run for (None: all).
    ``names`` are the top-level names that the changed sources of the change define. ``kind`` is what the task was.
    """

    def __init__(
        self,
        change: JudgedChange,
        pairs: Mapping[str, Pair],
        base: Tests,
        own: Tests,
        trusted: Tests | None = None,
        trusted_files: Collection[str] | None = None,
        names: Collection[str] = (),
        kind: str | None = None,
    ) -> None:
        self._change, self._pairs, self._base, self._own = change, pairs, base, own
        self._keeps_results = kind in _KEEPING
        self._trusted, self._trusted_files, self._names = trusted, trusted_files, names
        self._places = {place_of(pair.own) for pair in pairs.values() if pair.own}
        self._along: dict[str, list[str]] = {}
        for pair in pairs.values():
            if pair.went_along:
                self._along.setdefault(file_of(pair.base), []).append(pair.base)
        self._renaming_files = {file_of(name) for name, pair in pairs.items() if pair.fate == "renamed"}
        edited_support = [
            path
            for path in change.touched & change.base_entries.keys()
            if change.is_test(path) and not change.is_test_name(path) and path not in change.overrides
        ]
        self._support = edited_support
        self._is_support_allowed = all(change.is_allowed(path) for path in edited_support)

    def verdict(self) -> SuiteVerdict:
        """Judge every test."""
        verdict = SuiteVerdict()
        for name, ending in self._base.items():
            pair = self._pairs[name]
            if ending.outcome == "failed":
                found = self._softened(pair) or self._hidden(pair)
                verdict.add(found)
                if found is not None and found.severity == "review" and self._passes(found.symbol):
                    verdict.repaired.append(Suspect("base", name, name))
            if ending.outcome in PASSING:
                self._judge(verdict, pair)
        before = {pair.own: self._base[name] for name, pair in self._pairs.items() if pair.own}
        for name, ending in self._own.items():
            if ending.outcome == "failed":
                verdict.add(self._new_failure(verdict, name, ending, before.get(name)), Suspect("own", name, None))
        repaired = [name for name, ending in before.items() if ending.outcome == "failed" and self._passes(name)]
        if repaired:
            verdict.notes.append(f"{len(repaired)} tests that fail at the base pass now, the first is {repaired[0]}")
        if not any(ending.outcome in PASSING for run in (self._base, self._own) for ending in run.values()):
            verdict.add(self._nothing_passes())
        return verdict

    # -- tests that the base passes -----------------------------------------------------------------

    def _judge(self, verdict: SuiteVerdict, pair: Pair) -> None:
        old, now = self._in_trusted(pair), self._in_own(pair)
        if old is not None and (now is None or old.severity == "problem"):
            verdict.add(old, Suspect("trusted", pair.base, pair.base))
        else:
            verdict.add(now, Suspect("own", pair.own or pair.base, pair.base))

    def _in_own(self, pair: Pair) -> Finding | None:
        name, said = pair.own or pair.base, "it passed at the base"
        ending = self._own.get(pair.own) if pair.own else None
        is_told = pair.is_seen and pair.fate in (*HIDING, "obsolete")
        if ending is None:
            now = self._new_path(pair) + COLLECTION
            if now in self._own:
                return self._excused(_failed(now, self._own[now], _uncollected(now, self._own[now], " in the change")))
            return None if is_told else self._gone(pair)
        if ending.outcome == "failed":
            return self._excused(_failed(name, ending, f"{name} fails in the change; {said}"))
        more = ending.left_out - self._base[pair.base].left_out
        if (ending.outcome not in PASSING or more > 0) and not is_told:
            message = f"{name} is {ending.outcome} in the change; {said}"
            if ending.outcome in PASSING:
                message = f"{name} skips {more} more of its subtests in the change"
            return Finding(
                "pytest/skipped", file_of(name), ending.line, message, self._unless_allowed(pair), name, ending.text
            )
        return None

    def _gone(self, pair: Pair) -> Finding:
        """What the sources do not show: a doctest, a generated case, a test that is there and not collected."""
        name, file = pair.base, file_of(pair.base)
        if pair.went_along:
            others = self._along[file]
            message = (
                f"{file} is gone with what its own tests were about, and so are {len(others)} tests that "
                f"are not written out in it, the first is {others[0]}"
            )
            return Finding("pytest/removed", file, 0, message, "review", file)
        has_other_cases = (self._new_path(pair), place_of(name)[1]) in self._places
        old = self._trusted.get(name) if self._trusted is not None else None
        severity: Severity = self._unless_allowed(pair)
        if not self._change.is_test(file) or (has_other_cases and (old is None or old.outcome not in PASSING)):
            severity = "review"
        return Finding(
            "pytest/removed", file, 0, f"{name} is gone in the change; it passed at the base", severity, name
        )

    def _in_trusted(self, pair: Pair) -> Finding | None:
        """What is wrong with the base's version of a test on the code of the change."""
        name, file = pair.base, file_of(pair.base)
        if self._trusted is None or (self._trusted_files is not None and file not in self._trusted_files):
            return None
        ending = self._trusted.get(name)
        key = name
        if ending is None and file + COLLECTION in self._trusted:
            key = file + COLLECTION
            ending = self._trusted[key]
        if ending is None or ending.outcome in PASSING:
            return None
        where = "with the base's tests"
        message = f"{key} is {ending.outcome} {where}; it passed at the base"
        if key != name:
            message = _uncollected(key, ending, f" {where}")
        elif ending.outcome == "failed":
            message = f"{name} fails {where}; it passed at the base"
        severity, why = self._weight(pair, ending)
        rule = "pytest/failed" if ending.outcome == "failed" else "pytest/skipped"
        return Finding(rule, file, ending.line, message + why, severity, key, ending.text) if severity else None

    def _weight(self, pair: Pair, ending: Ending) -> tuple[Severity | None, str]:
        """How much it counts that the base's version of a test fails, and why."""
        is_allowed = all(map(self._change.is_allowed, pair.files & self._change.touched))
        is_allowed = is_allowed and (bool(pair.inherited_from) or self._change.is_allowed(file_of(pair.base)))
        if pair.went_along:
            return None, ""  # that it is gone is said
        if pair.fate == "obsolete" or (pair.is_seen and pair.fate in HIDING and is_allowed):
            return None, ""
        if pair.own is None or not self._passes(pair.own) or (pair.is_seen and pair.fate in HIDING):
            return "problem", ""
        if pair.fate == "renamed":
            return None, ""
        severity, why = self._edited(pair, ending)
        if is_allowed and why:
            is_other = self._changes_results(pair, ending) and not _asks_something_else(pair.why)
            severity = "review" if is_other else "note"
        return severity, why

    def _changes_results(self, pair: Pair, ending: Ending) -> bool:
        """Whether other results are expected now, though the task was to keep them: to name the tests allows none."""
        is_edited = pair.is_seen and pair.fate in ("edited", "strengthened")
        return self._keeps_results and is_edited and _is_other_result(pair, ending)

    def _edited(self, pair: Pair, ending: Ending) -> tuple[Severity, str]:
        """What the change did to make only its own version of a test pass, for a file that it may not change."""
        moved = self._moved_name(pair, ending)
        if moved is not None:
            why = " (the change took away what it imports, and passes its own version)"
            return "note" if moved else "review", why
        if pair.is_seen and pair.fate in ("edited", "strengthened"):
            message = f": the expected results were changed{f' ({pair.why})' if pair.why else ''}"
            if self._changes_results(pair, ending):
                return "problem", f"{message}, in a task that is to change none"
            return "review", message
        if pair.files & self._change.touched:
            return "review" if pair.is_seen else "problem", ": it passes only with what was changed in its file"
        if self._support:
            why = f": it passes only with the change of {', '.join(sorted(self._support)[:3])}"
            return "note" if self._is_support_allowed else "review", why
        return "problem", ""

    def _moved_name(self, pair: Pair, ending: Ending) -> bool | None:
        """Whether a name that the base's version misses was renamed or moved; None when no name is missing."""
        found = _MISSING.search(_why(ending))
        if found is None or not pair.is_seen:
            return None
        if file_of(pair.base) in self._renaming_files:
            return True
        name = found["name"] or found["attribute"]
        if name:
            return name in self._names
        path = found["module"].replace(".", "/")
        return any(
            f"/{old}".endswith((f"/{path}.py", f"/{path}/__init__.py")) for old in self._change.old_names.values()
        )

    # -- the others -----------------------------------------------------------------------------------

    def _softened(self, pair: Pair) -> Finding | None:
        """A test that failed at the base and would fail still, had the change not made it say less."""
        still = (self._trusted or {}).get(pair.base)
        if pair.fate != "weakened" or pair.own is None or not self._passes(pair.own) or still is None:
            return None
        if still.outcome != "failed":
            return None
        message = f"{pair.own} failed at the base, fails still as it was, and passes only because it {pair.why}"
        return Finding("pytest/softened", file_of(pair.own), self._own[pair.own].line, message, symbol=pair.own)

    def _hidden(self, pair: Pair) -> Finding | None:
        """What hides a test that failed at the base, or None."""
        if self._change.is_allowed(file_of(pair.base)):
            return None
        name, new_name = pair.base, pair.own or self._new_path(pair) + pair.base[len(file_of(pair.base)) :]
        now = self._own.get(new_name)
        if name.endswith(COLLECTION):
            said = "is gone" if file_of(new_name) not in self._change.own_paths else ""
        elif now is None:
            said = "" if file_of(new_name) + COLLECTION in self._own else "is gone"
        elif now.outcome in PASSING:
            still = (self._trusted or {}).get(name)
            is_edit = pair.fate not in ("renamed", "moved") and still is not None and still.outcome == "failed"
            is_edit = is_edit and (pair.fate != "same" or file_of(name) in self._change.touched or bool(self._support))
            said = "passes only in the version of the change" if is_edit else ""
        else:
            said = "" if now.outcome == "failed" else f"is {now.outcome}"
        if not said or (pair.is_seen and pair.fate in HIDING):
            return None
        message = f"{new_name} failed at the base and {said} now; a human decides whether that is right"
        return Finding("pytest/hidden", file_of(new_name), now.line if now else 0, message, "review", symbol=new_name)

    def _new_failure(self, verdict: SuiteVerdict, name: str, ending: Ending, before: Ending | None) -> Finding | None:
        """A failure in *own* of a test that did not pass at the base (what did pass there is judged already)."""
        if before is None:
            message = _uncollected(name, ending) if name.endswith(COLLECTION) else f"{name} is new and fails"
            return self._excused(_failed(name, ending, message))
        if before.outcome == "failed":
            verdict.known += 1
        elif before.outcome not in PASSING:
            return _failed(name, ending, f"{name} fails; it was {before.outcome} at the base")
        return None

    def _nothing_passes(self) -> Finding:
        failed = next((ending for ending in self._own.values() if ending.outcome == "failed"), None)
        why = f" ({_why(failed)})" if failed and _why(failed) else ""
        advice = "is everything installed that they need?"
        if "ModuleNotFoundError" in why:
            advice = "install what they need in the project's Python (make a .venv in the project if it has none)"
        message = f"no test passes, neither at the base nor in the change{why}: {advice}"
        return Finding("pytest/nothing-passes", "", 0, message, "review", symbol="*")

    def _excused(self, found: Finding) -> Finding:
        """A failure may come from test rules of the change that were not used: then a human looks at both."""
        if not self._change.lacks_rules(found.path):
            return found
        message = f"{found.message} (the change's own configuration of the tests was not used)"
        return replace(found, message=message, severity="review")

    def _unless_allowed(self, pair: Pair) -> Severity:
        return "review" if self._change.is_allowed(file_of(pair.base)) else "problem"

    def _new_path(self, pair: Pair) -> str:
        file = file_of(pair.base)
        return next((new for new, old in self._change.old_names.items() if old == file), file)

    def _passes(self, name: str) -> bool:
        return name in self._own and self._own[name].outcome in PASSING


def _is_other_result(pair: Pair, ending: Ending) -> bool:
    """Whether the base's version of a test fails because something else comes out than it expects."""
    told = [line for line in ending.text.splitlines() if line.startswith(("E ", ">"))]
    first = next((line for line in told if line.startswith("E ")), "")
    return bool(_UNEQUAL.match(first)) and not any(map(_COUNTED.search, (pair.why, *told)))


def _asks_something_else(why: str) -> bool:
    """Whether a test that was edited calls the code with other values; what it expects may be the same."""
    found = _BECAME.fullmatch(why)
    texts = (found["old"], found["new"]) if found else ("", "")
    trees = [parsed(text.encode()) for text in texts]
    calls = [
        {
            ast.unparse(one)
            for one in ast.walk(tree)
            if isinstance(one, ast.Call) and "assert" not in ast.unparse(one.func)
        }
        for tree in trees
        if tree
    ]
    return len(calls) == len(texts) and calls[0] != calls[1]


def _failed(name: str, ending: Ending, message: str) -> Finding:
    return Finding("pytest/failed", file_of(name), ending.line, message, symbol=name, text=ending.text)


def _uncollected(name: str, ending: Ending, where: str = "") -> str:
    why = _why(ending)
    return f"{file_of(name)} cannot be collected{where}{f': {why}' if why else ''}"


def _why(ending: Ending) -> str:
    """The last line that pytest marks as the error itself, else the last line that it says."""
    lines = [line for line in ending.text.splitlines() if line.strip()]
    marked = [line[1:] for line in lines if line.startswith("E  ")]
    return (marked or lines or [""])[-1].strip()

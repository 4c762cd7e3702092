"""Reading the log of a test run: what happened, and whether the log can be believed."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

Outcome = Literal["passed", "failed", "skipped", "xfailed", "xpassed"]

PASSING: Final = frozenset({"passed", "xpassed"})
_KINDS: Final = frozenset({"start", "collected", "collect_error", "report", "end"})
_ADDRESS: Final = re.compile(r"0x[0-9a-fA-F]{6,}")


@dataclass(frozen=True)
class Ending:
    """How one test ended. ``line`` counts from 1; ``text`` is the end of what pytest says about a failure."""

    outcome: Outcome
    line: int = 0
    text: str = ""


@dataclass(frozen=True)
class SuiteRun:
    """One run of a test suite.

    ``trouble`` says why the run cannot be believed; it is empty when it can. ``tests`` maps ids to outcomes;
    a file that could not be collected is there as ``<file>::collection``, failed. ``foreign`` names
    modules that were not loaded from the judged checkout.
    """

    trouble: str
    tests: dict[str, Ending] = field(default_factory=dict)
    foreign: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        tests = {name: [test.outcome, test.line, test.text] for name, test in self.tests.items()}
        return {"trouble": self.trouble, "foreign": self.foreign, "tests": tests}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> SuiteRun:
        """The inverse of :meth:`to_json`."""
        return cls(data["trouble"], {name: Ending(*test) for name, test in data["tests"].items()}, data["foreign"])


def file_of(test_id: str) -> str:
    """The file that a test id belongs to."""
    return test_id.split("::", 1)[0]


def read_run(log: Path, nonce: str) -> SuiteRun:
    """The run that a log tells of; every doubt about the log is trouble."""
    try:
        lines = log.read_text().splitlines()
    except OSError:
        return SuiteRun("pytest wrote no log: it did not start, or ended before any test")
    records = []
    for line in lines:
        try:
            record = json.loads(line)
            if record["kind"] not in _KINDS or record["nonce"] != nonce:
                return SuiteRun("somebody else wrote in the log of the run")
        except (ValueError, KeyError, TypeError):
            return SuiteRun("the log of the run is damaged")
        records.append(record)
    kinds = [record["kind"] for record in records]
    if not kinds or kinds[0] != "start" or kinds.count("start") != 1:
        return SuiteRun("the log of the run has no beginning")
    return _interpret(records, kinds)


def _interpret(records: list[dict[str, Any]], kinds: list[str]) -> SuiteRun:
    collected = dict.fromkeys(name for record in records if record["kind"] == "collected" for name in record["ids"])
    phases: dict[str, list[dict[str, Any]]] = {name: [] for name in collected}
    for record in records:
        if record["kind"] == "report" and record["id"] in phases:
            # A repetition (pytest-rerunfailures) starts the test anew.
            phases[record["id"]] = [] if record["outcome"] == "rerun" else [*phases[record["id"]], record]
    tests = _by_stable_name({name: _outcome(found) for name, found in phases.items() if found})
    errors = [record for record in records if record["kind"] == "collect_error"]
    tests |= {f"{file_of(error['id'])}::collection": Ending("failed", 0, error["text"]) for error in errors}
    if kinds[-1] != "end" or kinds.count("end") != 1:
        running = [name for name, found in phases.items() if not _is_over(found)]
        return SuiteRun(f"the run did not come to its end{_during(running)}", tests)
    unfinished = [name for name, found in phases.items() if not _is_over(found)]
    if "collected" not in kinds:
        return SuiteRun("the run broke off before its tests were collected", tests)
    if unfinished:
        return SuiteRun(f"{len(unfinished)} collected tests have no outcome, the first is {unfinished[0]}", tests)
    return SuiteRun("", tests, records[-1]["foreign"])


def _during(running: list[str]) -> str:
    return f": it broke off at or after {running[0]}" if running else ""


def _is_over(phases: Iterable[dict[str, Any]]) -> bool:
    # A worker of pytest-xdist that crashed reports one failed phase of no name.
    return any(phase["when"] == "teardown" or phase["when"] == "???" for phase in phases)


def _outcome(phases: list[dict[str, Any]]) -> Ending:
    line = phases[0]["line"]
    failed = next((phase for phase in phases if phase["outcome"] == "failed"), None)
    if failed:
        return Ending("failed", line, failed["text"])
    skipped = next((phase for phase in phases if phase["outcome"] == "skipped"), None)
    if skipped:
        return Ending("xfailed" if skipped["xfail"] else "skipped", line, skipped["text"])
    return Ending("xpassed" if any(phase["xfail"] for phase in phases) else "passed", line)


def _by_stable_name(endings: dict[str, Ending]) -> dict[str, Ending]:
    """Without memory addresses, which differ from run to run; names that get equal by this are numbered."""
    found: dict[str, Ending] = {}
    seen: Counter[str] = Counter()
    for name, ending in endings.items():
        stable = _ADDRESS.sub("0x…", name)
        seen[stable] += 1
        found[stable if seen[stable] == 1 else f"{stable}#{seen[stable]}"] = ending
    return found

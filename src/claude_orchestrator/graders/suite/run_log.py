"""Reading the log of a test run: what happened, and whether the log can be believed."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Literal

Outcome = Literal["passed", "failed", "skipped", "xfailed", "xpassed"]

COLLECTION: Final = "::collection"
"""What stands for the tests of a file that cannot be collected, after its name."""

PASSING: Final = frozenset({"passed", "xpassed"})
_KINDS: Final = frozenset(
    {"start", "collected", "collect_error", "report", "raised", "returned", "canary", "hidden", "end"}
)
_CANARIES: Final = frozenset({"first-assert", "first-error", "last-assert", "last-error"})
_ADDRESS: Final = re.compile(r"0x[0-9a-fA-F]{6,}")


@dataclass(frozen=True)
class Ending:
    """How one test ended.

    ``line`` counts from 1; ``text`` is the end of what pytest says about a failure. ``left_out`` counts the subtests
    that were skipped in a test that passed. ``written`` is the file in which its function stands, where that is not
    the file of its id: it is inherited, or imported.
    """

    outcome: Outcome
    line: int = 0
    text: str = ""
    left_out: int = 0
    written: str = ""


@dataclass(frozen=True)
class SuiteRun:
    """One run of a test suite.

    ``trouble`` says why the run cannot be believed; it is empty when it can. ``tests`` maps ids to outcomes;
    a file that could not be collected is there as ``<file>::collection``, failed. ``foreign`` names
    modules that were not loaded from the judged checkout. ``tampered`` names what of pytest, unittest or the builtins
    was exchanged while tests ran, with the moment at which it was seen. ``reach`` is what the tracer of changed lines
    said; empty where there was none. ``spared`` are tests that were collected and not to be run.
    """

    trouble: str
    tests: dict[str, Ending] = field(default_factory=dict)
    foreign: dict[str, str] = field(default_factory=dict)
    tampered: dict[str, str] = field(default_factory=dict)
    reach: dict[str, Any] = field(default_factory=dict)
    spared: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        tests = {name: [*vars(test).values()] for name, test in self.tests.items()}
        return {**{key: value for key, value in vars(self).items() if key != "tests"}, "tests": tests}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> SuiteRun:
        """The inverse of :meth:`to_json`."""
        return cls(**{**data, "tests": {name: Ending(*test) for name, test in data["tests"].items()}})


TOO_LONG: Final = "pytest ran longer than its limit"
"""How the trouble of a run begins that was ended because of its time."""


def file_of(test_id: str) -> str:
    """The file that a test id belongs to."""
    return test_id.split("::", 1)[0]


def function_of(test_id: str) -> str:
    """The id of a test without the set of parameters that it has."""
    return test_id.split("[", 1)[0]


def read_run(log: Path, nonce: str) -> SuiteRun:
    """The run that a log tells of; every doubt about the log is trouble."""
    try:
        lines = log.read_text().splitlines()
    except OSError:
        return SuiteRun("pytest wrote no log: it did not start, or ended before any test")
    records = []
    last = ""
    for line in lines:
        try:
            record = json.loads(line)
            last = signature(record, nonce, last)
            if record["kind"] not in _KINDS or record["nonce"] != last:
                return SuiteRun("somebody else wrote in the log of the run")
        except (ValueError, KeyError, TypeError):
            return SuiteRun("the log of the run is damaged")
        records.append(record)
    kinds = [record["kind"] for record in records]
    if not kinds or kinds[0] != "start" or kinds.count("start") != 1:
        return SuiteRun("the log of the run has no beginning")
    return _interpret(records, kinds)


def signature(record: Mapping[str, Any], nonce: str, last: str) -> str:
    """What only the writer of the log could put on a line that follows the one signed ``last``."""
    text = json.dumps({name: value for name, value in record.items() if name != "nonce"})
    return hashlib.blake2b((last + text).encode(), key=bytes.fromhex(nonce), digest_size=16).hexdigest()


def _interpret(records: list[dict[str, Any]], kinds: list[str]) -> SuiteRun:
    collected = dict.fromkeys(name for record in records if record["kind"] == "collected" for name in record["ids"])
    phases: dict[str, list[dict[str, Any]]] = {name: [] for name in collected}
    for record in records:
        if record["kind"] == "report" and record["id"] in phases:
            # A repetition (pytest-rerunfailures) starts the test anew.
            phases[record["id"]] = [] if record["outcome"] == "rerun" else [*phases[record["id"]], record]
    tests = _by_stable_name({name: _ending(name, found) for name, found in phases.items() if found})
    errors = [record for record in records if record["kind"] == "collect_error"]
    tests |= {file_of(error["id"]) + COLLECTION: Ending("failed", 0, error["text"]) for error in errors}
    if kinds[-1] != "end" or kinds.count("end") != 1:
        running = [name for name, found in phases.items() if not _is_over(found)]
        return SuiteRun(f"the run did not come to its end{_during(running)}", tests)
    unfinished = [name for name, found in phases.items() if not _is_over(found)]
    if "collected" not in kinds:
        return SuiteRun("the run broke off before its tests were collected", tests)
    if unfinished:
        return SuiteRun(f"{len(unfinished)} collected tests have no outcome, the first is {unfinished[0]}", tests)
    end = records[-1]
    hidden = {record["what"]: "while tests ran" for record in records if record["kind"] == "hidden"}
    tampered = {**end["tampered"], **hidden, **_contradictions(records, phases)}
    left = [name for record in records if record["kind"] == "collected" for name in record.get("spared", ())]
    spared = list(_by_stable_name(dict.fromkeys(left, Ending("skipped"))))
    return SuiteRun(_canaries(records) if collected else "", tests, end["foreign"], tampered, end["reach"], spared)


def _contradictions(records: list[dict[str, Any]], phases: dict[str, list[dict[str, Any]]]) -> dict[str, str]:
    """Tests whose function raised an error, and that are reported as passed."""
    raised: dict[str, bool] = {}
    for record in records:
        if record["kind"] in ("raised", "returned"):
            raised[record["id"]] = record["kind"] == "raised"
    wrong = [name for name, is_raised in raised.items() if is_raised and _passed(phases.get(name))]
    return {f"the report of {name}, which raised an error": "in its report" for name in wrong}


def _passed(phases: list[dict[str, Any]] | None) -> bool:
    return bool(phases) and _outcome(phases or []).outcome == "passed"


def _canaries(records: list[dict[str, Any]]) -> str:
    """What is wrong when a test that has to fail did not."""
    failed = {
        record["id"]
        for record in records
        if record["kind"] == "canary" and (record["when"], record["outcome"]) == ("call", "failed")
    }
    alive = sorted(_CANARIES - failed)
    return (
        f"a test that has to fail did not ({', '.join(alive)}): failures are not reported in this run" if alive else ""
    )


def _during(running: list[str]) -> str:
    return f": it broke off at or after {running[0]}" if running else ""


def _is_over(phases: Iterable[dict[str, Any]]) -> bool:
    # A worker of pytest-xdist that crashed reports one failed phase of no name.
    return any(phase["when"] == "teardown" or phase["when"] == "???" for phase in phases)


def _ending(name: str, phases: list[dict[str, Any]]) -> Ending:
    written = phases[0].get("file", "")
    return replace(_outcome(phases), written="" if written == file_of(name) else written)


def _outcome(phases: list[dict[str, Any]]) -> Ending:
    line = phases[0]["line"]
    failed = next((phase for phase in phases if phase["outcome"] == "failed"), None)
    if failed:
        return Ending("failed", line, failed["text"])
    skipped = next((phase for phase in phases if phase["outcome"] == "skipped"), None)
    if skipped and not skipped["xfail"] and any((one["when"], one["outcome"]) == ("call", "passed") for one in phases):
        # The test itself came to its end: what was skipped are some of its subtests.
        return Ending("passed", line, left_out=sum(phase["outcome"] == "skipped" for phase in phases))
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

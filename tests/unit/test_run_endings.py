"""How a test ended, when its subtests are reported under its name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from claude_orchestrator.graders.suite.run_log import Ending, SuiteRun, read_run, signature

NONCE = "0f" * 32
TEST = "tests/test_a.py::test_x"


def run_of(folder: Path, *phases: tuple[str, str]) -> SuiteRun:
    """A run of one test with these phases (when, outcome), as its log tells of it."""
    reports = [
        {"kind": "report", "id": TEST, "when": when, "outcome": outcome, "xfail": False, "text": "", "line": 3}
        for when, outcome in (*phases, ("teardown", "passed"))
    ]
    records: list[dict[str, Any]] = [{"kind": "start"}, {"kind": "collected", "ids": [TEST]}, *reports]
    records += [
        {"kind": "canary", "id": name, "when": "call", "outcome": "failed"}
        for name in ("first-assert", "first-error", "last-assert", "last-error")
    ]
    records.append({"kind": "end", "tampered": {}, "foreign": {}, "reach": {}})
    last, lines = "", []
    for record in records:
        last = signature(record, NONCE, last)
        lines.append(json.dumps({**record, "nonce": last}))
    log = folder / "log"
    log.write_text("\n".join(lines))
    return read_run(log, NONCE)


@pytest.mark.parametrize(
    ("phases", "ending"),
    [
        ((("call", "passed"),), Ending("passed", 3)),
        ((("call", "skipped"),), Ending("skipped", 3)),
        ((("setup", "skipped"),), Ending("skipped", 3)),
        ((("call", "skipped"), ("call", "skipped"), ("call", "passed")), Ending("passed", 3, left_out=2)),
        ((("call", "skipped"), ("call", "failed"), ("call", "passed")), Ending("failed", 3)),
    ],
)
def test_subtests(tmp_path: Path, phases: tuple[tuple[str, str], ...], ending: Ending) -> None:
    run = run_of(tmp_path, *phases)
    assert (run.trouble, run.tests) == ("", {TEST: ending})
    assert SuiteRun.from_json(json.loads(json.dumps(run.to_json()))) == run

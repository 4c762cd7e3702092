"""The guard ``integrity``: whether a change is honest with its judges."""

from __future__ import annotations

from typing import Final

from claude_orchestrator.graders.base import CheckResult, Finding, status_of
from claude_orchestrator.graders.bench import Bench
from claude_orchestrator.graders.integrity.answers.data_words import data_word_findings
from claude_orchestrator.graders.integrity.answers.knowing import knowing_findings
from claude_orchestrator.graders.integrity.answers.special_cases import special_case_findings
from claude_orchestrator.graders.integrity.examples import example_findings
from claude_orchestrator.graders.integrity.hollow.hollow import hollow_findings
from claude_orchestrator.graders.integrity.judges.harness import harness_findings
from claude_orchestrator.graders.integrity.suppressions import suppression_findings
from claude_orchestrator.graders.integrity.tampering.tampering import TOO_DEEP, tampering_findings

_PARTS: Final = (
    tampering_findings, suppression_findings, special_case_findings, knowing_findings, hollow_findings,
    harness_findings, example_findings, data_word_findings,
)  # fmt: skip


class IntegrityGrader:
    """Compares both sides of a change; runs nothing of it."""

    name = "integrity"

    async def grade(self, bench: Bench) -> CheckResult:
        """Judge the change."""
        found: list[Finding] = []
        for part in _PARTS:
            try:
                found += await part(bench)
            except (RecursionError, OverflowError, ValueError):  # numbers of thousands of digits cannot be written
                found.append(TOO_DEEP)
        findings = tuple(dict.fromkeys(found))
        reasons = tuple(f"{found.place()}: {found.message}" for found in findings if found.severity != "note")
        return CheckResult(self.name, status_of(findings), findings, reasons=reasons)

"""The guard ``semantics``: whether a change speaks of things that exist."""

from __future__ import annotations

from claude_orchestrator.graders.base import CheckResult, Finding, status_of
from claude_orchestrator.graders.bench import Bench
from claude_orchestrator.graders.semantics.calls import call_findings
from claude_orchestrator.graders.semantics.imports import import_findings
from claude_orchestrator.graders.semantics.paths import path_findings
from claude_orchestrator.graders.semantics.sides import Sides


class SemanticsGrader:
    """Compares what the change speaks of with what there is; runs nothing of it."""

    name = "semantics"

    async def grade(self, bench: Bench) -> CheckResult:
        """Judge the change."""
        sides = Sides.of(bench)
        findings = (
            *await import_findings(sides),
            *await call_findings(sides),
            *await path_findings(sides),
            *await _about_claims(bench, sides),
        )
        reasons = tuple(_said(found) for found in findings if found.severity != "note")
        return CheckResult(self.name, status_of(findings), findings, reasons=reasons)


async def _about_claims(bench: Bench, sides: Sides) -> list[Finding]:
    if bench.change.touched and not bench.claims.report.strip():
        return []
    # The wordings that it knows take a moment to prepare.
    from claude_orchestrator.graders.semantics.claims import claim_findings

    return await claim_findings(bench, sides)


def _said(found: Finding) -> str:
    return f"{found.place()}: {found.message}" if found.path else found.message

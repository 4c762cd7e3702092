"""bandit: security findings in the code itself; tests may do what code must not."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from pathlib import Path
from typing import Final

from claude_orchestrator.errors import VerificationError
from claude_orchestrator.graders.base import Finding, Severity
from claude_orchestrator.graders.bench import Ran
from claude_orchestrator.graders.change import JudgedChange
from claude_orchestrator.graders.configuration import configures_bandit
from claude_orchestrator.graders.interpreter import Interpreter, Tool
from claude_orchestrator.graders.static import Arguments, Report, StaticGrader, relative

_ASSERT: Final = "B101"
_UNREADABLE: Final = "unreadable"
_EXPLAINED: Final = re.compile(r"#\s*nosec:?\s*B\d{3}[B\d,\s]*\W*(?:[A-Za-z]{2,}\W+){2}", re.IGNORECASE)
"""A comment that names what it silences, and says why."""


class BanditGrader(StaticGrader):
    """``bandit -r .`` with the base's configuration; findings of medium and high severity block."""

    name = "bandit"

    def arguments(self, change: JudgedChange, tool: Tool, target: Interpreter, paths: Collection[str]) -> Arguments:
        """Left alone, bandit takes any ``.bandit`` below the tree; it gets the root's one or none.

        ``# nosec`` is not obeyed: what the base silences is known, and what the change silences is new.
        """
        files = change.base_files
        configuration = ("-c", "pyproject.toml") if configures_bandit(files) else ()
        ini = ".bandit" if ".bandit" in files else str(Path(__file__).with_name("no_options.ini"))
        return Arguments(("-q", "-f", "json", "--ignore-nosec", "-r", ".", *configuration, "--ini", ini))

    def read(self, ran: Ran, checkout: Path) -> Report:
        """Exit code 1 means findings; a crash writes no JSON."""
        if ran.command.exit_code not in (0, 1):
            raise VerificationError(f"failed ({ran.command.exit_code}): {ran.said()}")
        said = json.loads(ran.output())
        findings = [
            Finding(
                rule=f"{item['test_id']}:{item['issue_severity'].lower()}",
                path=relative(item["filename"], checkout),
                line=item["line_number"],
                message=item["issue_text"],
            )
            for item in said["results"]
        ]
        findings += [
            Finding(_UNREADABLE, relative(item["filename"], checkout), 0, item["reason"]) for item in said["errors"]
        ]
        return Report(tuple(findings))

    def severity(self, change: JudgedChange, finding: Finding) -> Severity | None:
        """A file that bandit cannot read blocks as well: nobody has looked at it."""
        rule, _, degree = finding.rule.partition(":")
        if rule == _ASSERT or change.is_test(finding.path):
            return None
        if rule == _UNREADABLE or degree in ("medium", "high"):
            return "review" if _EXPLAINED.search(finding.text) else "problem"
        return "note"

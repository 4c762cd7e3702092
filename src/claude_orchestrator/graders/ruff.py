"""ruff: lint findings. What blocks is the project's choice; without one, only plain errors do."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from claude_orchestrator.errors import VerificationError
from claude_orchestrator.graders.base import Finding, Severity
from claude_orchestrator.graders.bench import Ran
from claude_orchestrator.graders.change import JudgedChange
from claude_orchestrator.graders.codes import is_habit
from claude_orchestrator.graders.configuration import configures_ruff
from claude_orchestrator.graders.interpreter import Interpreter, Tool
from claude_orchestrator.graders.static import Arguments, Report, StaticGrader, relative, usual_rules

_DEFAULT_RULES: Final = "E4,E7,E9,F"
_NEWEST_MINOR: Final = 13
"""The newest Python 3 minor version that every ruff we accept knows."""
_ERRORS: Final = ("E9", "invalid-syntax", "F50", "F52", "F63", "F7", "F811", "F82")
"""Rules whose findings are mistakes in any project: syntax, formats, redefinitions, undefined names."""
_OTHER_RUFF: Final = re.compile(
    r"unknown (field|variant)|invalid (type|value)|[Uu]nknown rule selector|Failed to parse|Required version"
)
_ADVICE: Final = (
    "its configuration is for another ruff than this one: install that one in the project's Python, or leave ruff out; "
)


class RuffGrader(StaticGrader):
    """``ruff check`` on the whole tree, with the base's configuration."""

    name = "ruff"

    def arguments(self, change: JudgedChange, tool: Tool, target: Interpreter, paths: Collection[str]) -> Arguments:
        """The tree is all there is: ignore files in it must not hide code from the judge."""
        common = ("check", "--output-format", "json", "--no-cache", "--no-respect-gitignore", "--no-fix")
        if configures_ruff(change.base_files):
            return Arguments((*common, "."))
        python = f"py3{min(target.version[1], _NEWEST_MINOR)}"
        return Arguments((*common, "--isolated", "--select", _DEFAULT_RULES, "--target-version", python, "."))

    def read(self, ran: Ran, checkout: Path) -> Report:
        """Exit code 1 means findings; anything above means that ruff itself failed."""
        if ran.command.exit_code not in (0, 1):
            advice = _ADVICE if _OTHER_RUFF.search(ran.said()) else ""
            raise VerificationError(f"failed ({ran.command.exit_code}): {advice}{ran.said()}")
        return Report(
            tuple(
                Finding(
                    rule=item["code"] or "invalid-syntax",
                    path=relative(item["filename"], checkout),
                    line=0 if item.get("cell") else item["location"]["row"],
                    message=item["message"],
                )
                for item in json.loads(ran.output())
            )
        )

    def severity(self, change: JudgedChange, finding: Finding) -> Severity:
        """Everything blocks where the base configures ruff; otherwise only what is a mistake in any project."""
        blocks = configures_ruff(change.base_files) or finding.rule.startswith(_ERRORS)
        return "problem" if blocks else "note"

    def weighed(self, change: JudgedChange, new: list[Finding], known: Sequence[Finding]) -> list[Finding]:
        """A matter of style or habit that stands in several other places is asked for, and not insisted on."""
        usual = usual_rules(known)
        return [replace(one, severity="note") if one.rule in usual and is_habit(one.rule) else one for one in new]

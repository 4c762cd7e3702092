"""ruff: lint findings. What blocks is the project's choice; without one, only plain errors do."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from claude_orchestrator.errors import VerificationError
from claude_orchestrator.graders.base import Finding, Severity
from claude_orchestrator.graders.bench import Bench, Ran
from claude_orchestrator.graders.change import JudgedChange
from claude_orchestrator.graders.codes import is_habit, is_style
from claude_orchestrator.graders.configuration import configures_ruff, ruff_settings
from claude_orchestrator.graders.interpreter import Interpreter, Tool
from claude_orchestrator.graders.static import Arguments, Job, Report, StaticGrader, is_red, relative, usual_rules

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
_UNKNOWN: Final = re.compile(r"unknown field `([\w-]+)`")
_MOST_UNKNOWN: Final = 8
"""Settings of a configuration that are left out before it is given up."""
_CONFIGURATION: Final = "configuration"
"""The rule of what is said about how ruff was run."""
_PARTLY: Final = "this ruff does not know all settings of the project: it was run with those that it knows"
_NOT_AT_ALL: Final = (
    "this ruff cannot read the project's settings: it was run with its default rules alone; install the project's ruff "
    "in its Python, or leave ruff out"
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

    async def start(self, bench: Bench, tool: Tool, job: Job) -> Ran:
        """Run it; where the base's configuration is for another ruff, with what this one knows of it."""
        ran = await job.run()
        if not _is_other(ran) or not configures_ruff(bench.change.base_files):
            return ran
        settings = ruff_settings(bench.change.base_files)
        for _ in range(_MOST_UNKNOWN if settings else 0):
            unknown = _UNKNOWN.search(ran.said())
            if not unknown or not _leave_out(settings, unknown.group(1)):
                break
            ran = await job.run(*_told(settings), is_needed=True)
            if not _is_other(ran):
                return ran
        return await job.run(*_told({"lint": {"select": _DEFAULT_RULES.split(",")}}), is_needed=True)

    def read(self, ran: Ran, checkout: Path) -> Report:
        """Exit code 1 means findings; anything above means that ruff itself failed."""
        if ran.command.exit_code not in (0, 1):
            advice = _ADVICE if _OTHER_RUFF.search(ran.said()) else ""
            raise VerificationError(f"failed ({ran.command.exit_code}): {advice}{ran.said()}")
        found = [
            Finding(
                rule=item["code"] or "invalid-syntax",
                path=relative(item["filename"], checkout),
                line=0 if item.get("cell") else item["location"]["row"],
                message=item["message"],
            )
            for item in json.loads(ran.output())
        ]
        if "--config" in ran.command.argv:
            is_default = ran.command.argv.count("--config") == 1 and _BY_DEFAULT in ran.command.argv
            found.append(Finding(_CONFIGURATION, "pyproject.toml", 0, _NOT_AT_ALL if is_default else _PARTLY))
        return Report(tuple(found))

    def severity(self, change: JudgedChange, finding: Finding) -> Severity:
        """Everything blocks where the base configures ruff; otherwise only what is a mistake in any project."""
        if finding.rule == _CONFIGURATION:
            return "review" if finding.message == _NOT_AT_ALL else "note"
        blocks = configures_ruff(change.base_files) or finding.rule.startswith(_ERRORS)
        return "problem" if blocks else "note"

    def weighed(self, change: JudgedChange, new: list[Finding], known: Sequence[Finding]) -> list[Finding]:
        """What the base does not keep to either is not insisted on; how ruff was run is always said.

        Style is a matter of the whole: where ruff fails on the base, it keeps nobody's style. A habit is a note where
        the base has it in several other places.
        """
        told = [found for found in known if found.rule == _CONFIGURATION]
        found = [found for found in known if found.rule != _CONFIGURATION]
        usual, red = usual_rules(found), is_red(found)

        def is_let_pass(rule: str) -> bool:
            return (red and is_style(rule)) or (rule in usual and is_habit(rule))

        return told + [replace(one, severity="note") if is_let_pass(one.rule) else one for one in new]


def _is_other(ran: Ran) -> bool:
    """Whether it failed because the configuration is for another ruff."""
    return ran.command.exit_code not in (0, 1) and bool(_OTHER_RUFF.search(ran.said()))


def _leave_out(settings: dict[str, Any], name: str) -> bool:
    """Take a setting away wherever it stands; whether it was there."""
    was_there = settings.pop(name, None) is not None
    return any([was_there, *(_leave_out(table, name) for table in settings.values() if isinstance(table, dict))])


def _told(settings: Mapping[str, Any]) -> list[str]:
    """Options that say the same as a configuration."""
    options = ["--isolated"]
    for name, value in _flat(settings):
        options += ["--config", f"{name}={_as_toml(value)}"]
    return options


def _flat(settings: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The settings by their names from the top. Tables below ``lint`` and ``format`` stay whole."""
    for name, value in settings.items():
        if name in ("lint", "format") and isinstance(value, dict):
            yield from ((f"{name}.{below}", one) for below, one in value.items())
        else:
            yield name, value


def _as_toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(str(name))} = {_as_toml(one)}" for name, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_as_toml(one) for one in value) + "]"
    return json.dumps(value, ensure_ascii=False)


_BY_DEFAULT: Final = _told({"lint": {"select": _DEFAULT_RULES.split(",")}})[-1]

"""mypy: type errors, with the project's packages and the base's configuration."""

from __future__ import annotations

import ast
import asyncio
import json
import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Final

from claude_orchestrator.errors import VerificationError
from claude_orchestrator.graders.base import Finding, Severity
from claude_orchestrator.graders.bench import Bench, Ran
from claude_orchestrator.graders.cache import key_of
from claude_orchestrator.graders.change import JudgedChange
from claude_orchestrator.graders.configuration import mypy_settings, words_of
from claude_orchestrator.graders.interpreter import Interpreter, Tool
from claude_orchestrator.graders.parsing import parsed
from claude_orchestrator.graders.static import Arguments, Job, Report, StaticGrader, is_red, relative, usual_rules

_FIRST_WITH_JSON: Final = (1, 11)
_OPINIONS: Final = frozenset({"import-untyped", "import-not-found", "import", "var-annotated", "no-redef", "misc"})
_FALLBACK: Final = re.compile(r'expression has type "None", variable has type (Module|"type\[)')
"""``try: import x`` / ``except ImportError: x = None``."""
_ELSEWHERE: Final = "does not explicitly export attribute"
"""``from collections import Sequence`` for a Python that is long gone."""
_OF_TYPES: Final = frozenset(
    {
        "arg-type", "assignment", "dict-item", "has-type", "index", "list-item", "operator", "override", "return-value",
        "type-var", "union-attr", "valid-type",
    }
)  # fmt: skip
"""Rules about what types are declared, not about what is there."""
_ON_A_FUNCTION: Final = re.compile(
    r'^"(?:_Wrapped\[.*|Callable\[.*|def .*|function|FunctionType)" has no attribute "(\w+)"'
)
"""What mypy says of each attribute of a function, which has a place for any."""
_NOT_CODE: Final = frozenset({"setup.py", "conftest.py", "noxfile.py", "docs", "doc", "examples", "build", "dist"})
_NO_CACHE: Final = ("--cache-dir", "/dev/null")
_FOREIGN: Final = frozenset({"plugins", "python_executable"})
"""Settings that let mypy run code which is not its own."""

_SUMMARY: Final = ("Success:", "Found ")
_REMARK: Final = re.compile(r"\S+: note: ")
"""What mypy says about its configuration file; it does so in plain text, also where it writes JSON."""


class MypyGrader(StaticGrader):
    """mypy on what the base's configuration names, or else on the project's own packages."""

    name = "mypy"

    async def tool(self, bench: Bench) -> Tool:
        """The project's mypy, or ours where the project's is too old to write JSON."""
        found = await bench.tool(self.name)
        numbers = tuple(int(part) for part in re.findall(r"\d+", found.version)[:2])
        return found if numbers >= _FIRST_WITH_JSON else await bench.our_tool(self.name)

    def arguments(self, change: JudgedChange, tool: Tool, target: Interpreter, paths: Collection[str]) -> Arguments:
        """By hand it runs without any cache."""
        file, settings = mypy_settings(change.base_files)
        common = ["--output", "json", "--config-file", file or ""]
        if tool.python != target.executable:
            common += ["--python-executable", target.executable]
        roots = list(target.roots)
        named = words_of(settings.get("files", []))
        there = [name for name in named if "*" in name or any(_is_at(path, name) for path in paths)]
        if there and len(there) < len(named) and not any("*" in name for name in named):
            # What is published of a project often lacks folders that its configuration names.
            common += ["--", *there]
        elif not there and not {"packages", "modules"} & settings.keys():
            code = [path for path in paths if _is_code(change, path)]
            targets = sorted({path.split("/", 1)[0] for path in code})
            if not targets:
                return Arguments(nothing_to_do="mypy: the tree has no package or module to check")
            targets = ["src"] if "src" in targets else targets
            if file is None:
                common += ["--explicit-package-bases", *_exclusions(targets, code, paths)]
            common += ["--", *targets]
        if file is None or {"packages", "modules"} & settings.keys():
            roots += ["src"] if any(path.startswith("src/") for path in paths) else []
        # Without this, an editable install would lead mypy to the user's working copy.
        search = ":".join(root for root in dict.fromkeys(roots) if root != ".")
        return Arguments(tuple(common), _NO_CACHE, {"MYPYPATH": search} if search else {})

    async def start(self, bench: Bench, tool: Tool, job: Job) -> Ran:
        """Run on a private copy of what an earlier run has worked out.

        Kept are runs on a base, and of a change those without any error in which no code of the project had a part.
        """
        target, change = await bench.interpreter(), bench.change
        if not target.is_stable:
            return await job.run(*_NO_CACHE)
        file, settings = mypy_settings(change.base_files)
        configuration = change.base_files[file].hex() if file else ""
        key = key_of(
            tool=[tool.python, tool.version], environment=[target.executable, target.fingerprint],
            configuration=[job.how.arguments, job.how.environment, configuration],
        )  # fmt: skip
        cache = bench.new_folder("m") / "cache"
        has_seed = await asyncio.to_thread(bench.seeds.copy_to, key, cache)
        ran = await job.run("--cache-dir", str(cache), "--sqlite-cache")
        if has_seed and _broke(ran):
            cache = bench.new_folder("m") / "cache"
            ran = await job.run("--cache-dir", str(cache), "--sqlite-cache")
        is_kept = ran.command.exit_code in (0, 1) if job.is_base else _is_good(ran) and not _FOREIGN & settings.keys()
        if is_kept:
            await asyncio.to_thread(bench.seeds.store, key, cache)
        return ran

    def read(self, ran: Ran, checkout: Path) -> Report:
        """One JSON object a line. Exit code 2 with errors that can be read is a build that stopped early."""
        code = ran.command.exit_code
        text = ran.output().decode(errors="replace")
        lines = [line for line in text.splitlines() if line.strip() and not _is_remark(line)]
        if code not in (0, 1) and not (lines and lines[0].startswith("{")):
            raise VerificationError(f"failed ({code}): {ran.said()}")
        said = [json.loads(line) for line in lines]
        items = [item for item in said if item["severity"] == "error"]
        # Notes alone make it end with 1 as well when it writes JSON.
        if (items and not code) or (code and not said):
            raise VerificationError(f"ended with {code}, which does not fit its {len(items)} errors")
        findings = [
            Finding(item["code"] or "error", relative(item["file"], checkout), max(0, item["line"]), item["message"])
            for item in items
        ]
        guessed = {path for path in {found.path for found in findings} if not _declares_types(checkout / path)}
        return Report(
            tuple(
                replace(found, severity="note") if found.rule in _OF_TYPES and found.path in guessed else found
                for found in findings
            ),
            is_blocked=code not in (0, 1),
        )

    def severity(self, change: JudgedChange, finding: Finding) -> Severity:
        """Without a configuration, code that was never written for a type checker is nobody's fault.

        Where a file declares no type at all, mypy holds its own guesses against each other.
        """
        if mypy_settings(change.base_files)[0] is not None:
            return "problem"
        if finding.severity == "note" or _gives_an_attribute(finding):
            return "note"
        is_fallback = (finding.rule == "assignment" and _FALLBACK.search(finding.message)) or (
            finding.rule == "attr-defined" and _ELSEWHERE in finding.message
        )
        return "note" if finding.rule in _OPINIONS or is_fallback else "problem"

    def weighed(self, change: JudgedChange, new: list[Finding], known: Sequence[Finding]) -> list[Finding]:
        """Without a configuration, types that fit as little in several other places are the style of the house.

        With one that the base does not keep to, an attribute that is given to a function is nobody's fault.
        """
        if mypy_settings(change.base_files)[0] is not None:
            red = is_red(found for found in known if not found.rule.startswith("import"))
            return [replace(found, severity="note") if red and _gives_an_attribute(found) else found for found in new]
        usual = usual_rules(known)
        return [replace(found, severity="note") if found.rule in usual & _OF_TYPES else found for found in new]


def _declares_types(file: Path) -> bool:
    """Whether a file has annotations; one that cannot be read may have."""
    try:
        tree = parsed(file.read_bytes())
    except OSError:
        return True
    return tree is None or any(
        isinstance(node, ast.AnnAssign)
        or getattr(node, "annotation", None) is not None
        or getattr(node, "returns", None) is not None
        for node in ast.walk(tree)
    )


def _gives_an_attribute(finding: Finding) -> bool:
    """Whether it complains of ``function.attribute = …``."""
    said = _ON_A_FUNCTION.match(finding.message) if finding.rule == "attr-defined" else None
    return said is not None and re.search(rf"\.{said.group(1)}\s*=(?!=)", finding.text) is not None


def _is_remark(line: str) -> bool:
    return line.startswith(_SUMMARY) or _REMARK.match(line) is not None


def _is_good(ran: Ran) -> bool:
    """Whether it ended by itself, without an error."""
    return ran.command.exit_code == 0 and not (ran.command.stopped or ran.command.timed_out or ran.output_truncated)


def _broke(ran: Ran) -> bool:
    """Whether it ended without any finding and not by its time limit."""
    return ran.command.exit_code not in (0, 1) and not ran.command.timed_out and not ran.output().startswith(b"{")


def _is_at(path: str, name: str) -> bool:
    """Whether a file is what a setting names, or lies in that folder."""
    return PurePosixPath(path).is_relative_to(name)


def _is_code(change: JudgedChange, path: str) -> bool:
    *folders, name = PurePosixPath(path).parts
    return (
        name.endswith((".py", ".pyi"))
        and not change.is_test(path)
        and (folders[0] if folders else name) not in _NOT_CODE
        and all(folder.isidentifier() for folder in folders)
        and name.partition(".")[0].isidentifier()
    )


def _exclusions(targets: list[str], code: list[str], paths: Collection[str]) -> list[str]:
    """``--exclude`` for what lies in the targets and is no code: the topmost folders without any, and single files."""
    kept = {parent for path in code for parent in _parents(path)}
    shut = {
        next((parent + "/" for parent in _parents(path) if parent not in kept), path)
        for path in set(paths) - set(code)
        if path.endswith((".py", ".pyi")) and path.split("/", 1)[0] in targets
    }
    return [argument for path in sorted(shut) for argument in ("--exclude", f"^{re.escape(path)}")]


def _parents(path: str) -> list[str]:
    parts = path.split("/")[:-1]
    return ["/".join(parts[: end + 1]) for end in range(len(parts))]

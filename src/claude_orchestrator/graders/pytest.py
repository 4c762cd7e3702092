"""pytest: tests compared one by one, in up to three runs that are believed through their own logs."""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import shlex
import sys
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from claude_orchestrator.errors import VerificationError
from claude_orchestrator.graders.base import CheckResult, Command, Finding, Status, status_of
from claude_orchestrator.graders.bench import Bench, Ran
from claude_orchestrator.graders.cache import key_of
from claude_orchestrator.graders.change import JudgedChange
from claude_orchestrator.graders.configuration import project_name, pytest_settings
from claude_orchestrator.graders.interpreter import Interpreter
from claude_orchestrator.graders.outcomes import judge_tests
from claude_orchestrator.graders.run_log import SuiteRun, read_run

PLUGIN: Final = Path(__file__).parent / "pytest_plugin" / "claude_orchestrator_run_log.py"
NO_OPTIONS: Final = Path(__file__).parent / "no_options.ini"
_NOT_PACKAGES: Final = frozenset({"tests", "test", "conftest.py", "setup.py"})


@dataclass(frozen=True)
class _Run:
    run: SuiteRun
    command: Command


class PytestGrader:
    """Runs the suite on *base*, on *own* and, where it differs, on *trusted*."""

    name = "pytest"

    async def grade(self, bench: Bench) -> CheckResult:
        """Judge the tests. Raises VerificationError when the project's Python has no pytest."""
        target = await bench.interpreter()
        if "pytest" not in target.tools:
            python = target.executable
            raise VerificationError(
                f"pytest is not installed in {python}: install it with '{python} -m pip install pytest'"
            )
        change = bench.change
        trees = {"own": change.own_tree, "base": change.base_tree, "trusted": change.trusted_tree}
        wanted = {tree: run for run, tree in reversed(trees.items()) if tree is not None}
        runs = dict(
            zip(
                wanted,
                await asyncio.gather(*(self._run(bench, target, run, tree) for tree, run in wanted.items())),
                strict=True,
            )
        )
        own, base = runs[change.own_tree], runs[change.base_tree]
        trusted = runs[change.trusted_tree] if change.trusted_tree else own
        result = CheckResult(
            self.name,
            "passed",
            commands=tuple(ran.command for ran in runs.values()),
            tool=target.executable,
            version=target.tools["pytest"],
            output_path=f"{own.command.label}.json",
        )
        judged = self._judged(bench, result, base.run, own.run, trusted.run)
        return _with(judged, stand_ins(change, target))

    def _judged(
        self, bench: Bench, result: CheckResult, base: SuiteRun, own: SuiteRun, trusted: SuiteRun
    ) -> CheckResult:
        if base.trouble:
            return replace(result, status="error", reasons=(f"the base cannot be judged: {base.trouble}",))
        troubles = tuple(dict.fromkeys(run.trouble for run in (own, trusted) if run.trouble))
        if troubles:
            findings = tuple(Finding("pytest/untrusted", "", 0, trouble) for trouble in troubles)
            return replace(result, status="failed", findings=findings, reasons=troubles)
        if base.tests and not own.tests:
            reason = f"no test was collected, the base has {len(base.tests)}"
            return replace(
                result,
                status="failed",
                reasons=(reason,),
                findings=(Finding("pytest/nothing-collected", "", 0, reason),),
            )
        if not own.tests:
            return replace(result, notes=("there are no tests, neither in the base nor in the change",))
        verdict = judge_tests(bench.change, base.tests, own.tests, trusted.tests)
        findings = tuple(verdict.findings)
        reasons = tuple(f"{found.message}" for found in findings if found.severity != "note")
        return replace(
            result,
            status=status_of(findings),
            findings=findings,
            known=verdict.known,
            reasons=reasons,
            notes=tuple(verdict.notes),
        )

    async def _run(self, bench: Bench, target: Interpreter, run: str, tree: str) -> _Run:
        change = bench.change
        paths = change.base_entries if run == "base" else change.own_paths
        roots = source_roots(target, paths, change.base_entries)
        configuration = pytest_settings(change.base_files)[0]
        names = sorted(top_level_names(roots, paths) | own_package(change.base_files, paths))

        async def work() -> tuple[dict[str, Any], Command, bool]:
            return await self._run_here(bench, target, f"pytest-{run}", tree, roots, configuration, names)

        inputs = {
            "check": self.name,
            "tree": tree,
            "tool": target.tools["pytest"],
            "plugin": key_of(text=PLUGIN.read_text()),
            "how": [roots, configuration, names],
        }
        result, command = await bench.remembered(f"pytest-{run}", inputs, work)
        return _Run(SuiteRun.from_json(result), command)

    async def _run_here(
        self,
        bench: Bench,
        target: Interpreter,
        label: str,
        tree: str,
        roots: list[str],
        configuration: str | None,
        names: list[str],
    ) -> tuple[dict[str, Any], Command, bool]:
        checkout = await bench.fresh_checkout(tree)
        nonce = secrets.token_hex(16)
        log = bench.evidence / f"{label}.jsonl"
        log.unlink(missing_ok=True)
        settings = {
            "nonce": nonce,
            "log": str(log),
            "checkout": str(checkout),
            "project": str(bench.project),
            "roots": [str(checkout / root) for root in roots],
            "names": names,
        }
        settings_file = checkout.parent / "settings.json"
        settings_file.write_text(json.dumps(settings))
        argv = [
            target.executable, "-B", str(PLUGIN), str(settings_file),
            *pytest_arguments(checkout, configuration, checkout.parent / "pytest_cache"),
        ]  # fmt: skip
        by_hand = shlex.join([
            f"PYTHONPATH={':'.join(roots)}", target.executable, "-B", "-m", "pytest",
            *pytest_arguments(Path(), configuration, Path(".pytest_cache")),
        ])  # fmt: skip
        by_hand = f'PATH={shlex.quote(str(Path(target.executable).parent))}:"$PATH" {by_hand}'
        ran = await bench.run(label, argv, cwd=checkout, env=target.environment(), by_hand=by_hand)
        run = read_run(log, nonce)
        run = replace(run, trouble=_trouble(bench, ran, run))
        return run.to_json(), ran.command, not run.trouble


def pytest_arguments(checkout: Path, configuration: str | None, cache: Path) -> list[str]:
    """The arguments for a whole run: one configuration file, no cache of earlier runs, no early stop."""
    return [
        "-c", str(checkout / configuration) if configuration else str(NO_OPTIONS),
        "--rootdir", str(checkout), "--confcutdir", str(checkout), "-o", f"cache_dir={cache}",
        "--maxfail=0", "--continue-on-collection-errors", "--color=no", "--tb=short",
    ]  # fmt: skip


def source_roots(target: Interpreter, paths: Collection[str], base_paths: Collection[str]) -> list[str]:
    """The folders to import from, relative to the checkout: where an editable install points, ``src``, the root.

    A folder that the base does not have comes last: it must not stand in for the code that users import.
    """
    folders, base_folders = _folders(paths), _folders(base_paths)
    roots = [root for root in dict.fromkeys((*target.roots, "src")) if root in folders]
    old = [root for root in roots if root in base_folders]
    return [*old, ".", *(root for root in roots if root not in old)]


def _folders(paths: Collection[str]) -> set[str]:
    return {"/".join(path.split("/")[:depth]) for path in paths for depth in range(1, path.count("/") + 1)}


def own_package(base_files: dict[str, bytes], paths: Collection[str]) -> set[str]:
    """The package with the project's own name, wherever it lies: an installed copy must not be tested in its place."""
    name = project_name(base_files)
    module = re.sub(r"[-.]+", "_", name).lower()
    return {module} if module and any(f"/{path}".endswith(f"/{module}/__init__.py") for path in paths) else set()


def stand_ins(change: JudgedChange, target: Interpreter) -> tuple[Finding, ...]:
    """New top-level modules with the name of one that Python or pytest loads by itself."""
    taken = {*sys.stdlib_module_names, "_pytest", "pytest", "pluggy", "iniconfig", *target.plugins}
    roots = source_roots(target, change.own_paths, change.base_entries)
    new = top_level_names(roots, change.own_paths) - top_level_names(roots, change.base_entries)
    message = "is new and takes the place of a module that Python or pytest loads by itself; a human decides"
    return tuple(Finding("pytest/stand-in", name, 0, f"{name} {message}", "review") for name in sorted(new & taken))


def _with(result: CheckResult, found: tuple[Finding, ...]) -> CheckResult:
    """The result with more findings, which can make it worse and never better."""
    if not found:
        return result
    order: tuple[Status, ...] = ("failed", "error", "needs_review", "passed")
    return replace(
        result,
        status=min(result.status, status_of(found), key=order.index),
        findings=(*result.findings, *found),
        reasons=(*result.reasons, *(one.message for one in found)),
    )


def top_level_names(roots: Collection[str], paths: Collection[str]) -> set[str]:
    """The modules and packages that lie in the source roots, tests left out."""
    names = set()
    for root in roots:
        prefix = "" if root == "." else f"{root}/"
        inside = {path.removeprefix(prefix) for path in paths if path.startswith(prefix) and path.endswith(".py")}
        for path in inside:
            first, *rest = path.split("/")
            if first not in _NOT_PACKAGES and (not rest or f"{first}/__init__.py" in inside):
                names.add(first.removesuffix(".py"))
    return names


def _trouble(bench: Bench, ran: Ran, run: SuiteRun) -> str:
    if ran.command.timed_out:
        return f"pytest ran longer than its limit of {bench.timeout_s:g} s ({run.trouble or 'its log is whole'})"
    if run.trouble:
        return f"{run.trouble} (exit code {ran.command.exit_code}; pytest said: {ran.said()})"
    if run.foreign:
        module, origin = next(iter(run.foreign.items()))
        return (
            f"the tests did not import the judged tree: {module} came from {origin} ({len(run.foreign)} such modules)"
        )
    return ""

"""What ruff, mypy and bandit have in common: run on the base and on the change, compare by fingerprint."""

from __future__ import annotations

import shlex
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Final

from claude_orchestrator.errors import VerificationError
from claude_orchestrator.graders.base import CheckResult, Command, Finding, Severity, status_of
from claude_orchestrator.graders.bench import Bench, Ran
from claude_orchestrator.graders.change import JudgedChange
from claude_orchestrator.graders.fingerprint import compare, located
from claude_orchestrator.graders.interpreter import Interpreter, Tool

_USUAL: Final = 3
"""Findings of a rule in the base from which on nobody insists on it."""


@dataclass(frozen=True)
class Arguments:
    """How a tool is to be run, with the checkout as its current folder: no path of the checkout is in here.

    ``by_hand`` are further arguments for a stranger who repeats the run. ``nothing_to_do`` says why there is nothing
    to run.
    """

    arguments: tuple[str, ...] = ()
    by_hand: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    nothing_to_do: str = ""


@dataclass(frozen=True)
class Job:
    """One run of a tool; ``is_base`` says whether on the base. ``run_with`` runs it with some arguments more.

    Its second argument says whether a stranger who repeats the run needs these, too.
    """

    is_base: bool
    how: Arguments
    run_with: Callable[[Sequence[str], bool], Awaitable[Ran]]

    async def run(self, *more: str, is_needed: bool = False) -> Ran:
        """Run it, with more arguments before its own; ``is_needed``: whoever repeats the run needs them as well."""
        return await self.run_with(more, is_needed)


@dataclass(frozen=True)
class Report:
    """What a tool found in one tree; ``is_blocked`` when one finding kept it from looking for more."""

    findings: tuple[Finding, ...]
    is_blocked: bool = False


class StaticGrader(ABC):
    """A grader that reads code and never runs it."""

    name: ClassVar[str]

    @abstractmethod
    def arguments(self, change: JudgedChange, tool: Tool, target: Interpreter, paths: Collection[str]) -> Arguments:
        """How to run the tool on a tree with these files. ``target`` is the project's Python."""

    @abstractmethod
    def read(self, ran: Ran, checkout: Path) -> Report:
        """The findings in the tool's output. Raises VerificationError or ValueError when it cannot be read."""

    @abstractmethod
    def severity(self, change: JudgedChange, finding: Finding) -> Severity | None:
        """What a new finding means; None: nothing at all."""

    def weighed(self, change: JudgedChange, new: list[Finding], known: Sequence[Finding]) -> list[Finding]:
        """The new findings, some of which may mean less beside those that the base has."""
        del change, known
        return new

    async def start(self, bench: Bench, tool: Tool, job: Job) -> Ran:
        """Run the tool."""
        return await job.run()

    async def tool(self, bench: Bench) -> Tool:
        """The tool to use. Raises VerificationError when there is none."""
        return await bench.tool(self.name)

    async def grade(self, bench: Bench) -> CheckResult:
        """Compare the findings of *own* with those of the base, which is looked at only where there are any."""
        tool = await self.tool(bench)
        own = await self._run(bench, tool, "own")
        outcomes, notes = [own], [own.note]
        if not self._is_spotless(bench, own) and bench.change.own_tree != bench.change.base_tree:
            outcomes.append(await self._run(bench, tool, "base"))
            notes.append(outcomes[-1].note)
        base = outcomes[-1]
        result = CheckResult(
            self.name,
            "passed",
            commands=tuple(outcome.command for outcome in outcomes if outcome.command),
            tool=tool.python,
            version=tool.version,
            output_path=f"{self.name}-own.json",
        )
        if base.trouble:
            return replace(result, status="error", reasons=(f"the base cannot be judged: {base.trouble}",))
        if own.trouble:
            return replace(result, status="failed", reasons=(own.trouble,))
        return self._compared(bench, result, base.report, own.report, tuple(filter(None, notes)))

    def _is_spotless(self, bench: Bench, own: _Outcome) -> bool:
        """Whether nothing at all was found: then nothing of it can be new, whatever the base has."""
        if own.trouble or own.report.is_blocked:
            return False
        return all(self.severity(bench.change, found) is None for found in own.report.findings)

    def _compared(
        self, bench: Bench, result: CheckResult, base: Report, own: Report, notes: tuple[str, ...]
    ) -> CheckResult:
        # Findings that mean nothing are left out first, so that "known" counts what a reader would count.
        before, after = (
            [
                replace(found, severity=severity)
                for found in report.findings
                if (severity := self.severity(bench.change, found))
            ]
            for report in (base, own)
        )
        new, known = compare(before, after, bench.change.old_names)
        new = self.weighed(bench.change, new, before)
        if base.is_blocked and not own.is_blocked:
            # The base hid everything behind one error: only what the change touched is surely its own.
            touched = bench.change.touched
            new = [found if found.path in touched else replace(found, severity="note") for found in new]
            notes += ("the base stopped at one error: new findings in unchanged files are shown as notes",)
        if own.is_blocked and not new:
            notes += (f"{self.name} stopped at an error that the base has, too: nothing behind it was looked at",)
        findings = tuple(new)
        reasons = tuple(
            f"{found.place()}: {found.rule} {found.message}" for found in findings if found.severity != "note"
        )
        return replace(result, status=status_of(findings), findings=findings, known=known, reasons=reasons, notes=notes)

    async def _run(self, bench: Bench, tool: Tool, run: str) -> _Outcome:
        change, target = bench.change, await bench.interpreter()
        tree, paths = (change.own_tree, change.own_paths) if run == "own" else (change.base_tree, change.base_entries)
        how = self.arguments(change, tool, target, paths)
        if how.nothing_to_do:
            return _Outcome(Report(()), None, note=how.nothing_to_do)
        label = f"{self.name}-{run}"

        async def work() -> tuple[dict[str, Any], Command, bool]:
            checkout = await bench.shared_checkout(tree)
            environment = [f"{name}={value}" for name, value in how.environment.items()]

            async def run_with(more: Sequence[str], is_needed: bool) -> Ran:
                told = more if is_needed else ()
                by_hand = shlex.join([*environment, *tool.argv, *told, *how.by_hand, *how.arguments])
                argv = [*tool.argv, *more, *how.arguments]
                env = {**target.environment(), **how.environment}
                caches = [Path(word).parent for word in more if Path(word).is_relative_to(bench.work)]
                return await bench.run(
                    label, argv, cwd=checkout, env=env, by_hand=by_hand, writable=caches, in_background=True
                )

            ran = await self.start(bench, tool, Job(run == "base", how, run_with))
            try:
                report, trouble = self._whole(bench, ran, checkout), ""
            except VerificationError as error:
                report, trouble = Report(()), f"{self.name} {error}"
            except (ValueError, KeyError, TypeError):
                report, trouble = Report(()), f"the output of {self.name} cannot be read; it ends with: {ran.said()}"
            result = {
                "trouble": trouble,
                "blocked": report.is_blocked,
                "findings": [asdict(found) for found in report.findings],
            }
            return result, ran.command, not trouble

        inputs = {
            "check": self.name,
            "tree": tree,
            "tool": [tool.python, tool.version],
            "how": [how.arguments, how.environment],
        }
        result, command = await bench.remembered(label, inputs, work)
        findings = tuple(Finding(**found) for found in result["findings"])
        return _Outcome(Report(findings, result["blocked"]), command, result["trouble"])

    def _whole(self, bench: Bench, ran: Ran, checkout: Path) -> Report:
        if ran.command.timed_out:
            raise VerificationError(f"ran longer than its limit of {bench.timeout_s:g} s")
        if ran.command.stopped:
            raise VerificationError(f"was stopped: {ran.command.stopped}")
        if ran.output_truncated:
            raise VerificationError("wrote more output than can be judged")
        report = self.read(ran, checkout)
        return replace(report, findings=tuple(located(report.findings, checkout)))


@dataclass(frozen=True)
class _Outcome:
    report: Report
    command: Command | None
    trouble: str = ""
    note: str = ""


def relative(path: str, checkout: Path) -> str:
    """A path that a tool named, relative to the checkout, with forward slashes.

    Raises VerificationError when it lies outside: then the tool looked at other code than the change's.
    """
    file = Path(path)
    if not file.is_absolute():
        file = checkout / file
    for root in (checkout, checkout.resolve()):
        if file.is_relative_to(root):
            return file.relative_to(root).as_posix()
    raise VerificationError(f"looked at {path}, which is not in the judged tree")


def is_red(known: Iterable[Finding]) -> bool:
    """Whether the tool fails on the base already: then nobody is kept from anything by its form."""
    return any(found.severity != "note" for found in known)


def usual_rules(known: Iterable[Finding]) -> frozenset[str]:
    """The rules that the base breaks in several places: whoever asks for them does not insist."""
    times = Counter(found.rule for found in known)
    return frozenset(rule for rule, number in times.items() if number >= _USUAL)

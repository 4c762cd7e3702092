"""pytest: tests compared one by one, in up to four runs that are believed through their own logs."""

from __future__ import annotations

import ast
import asyncio
import contextlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Final

from claude_orchestrator.errors import OrchestratorError, VerificationError
from claude_orchestrator.graders.base import CheckResult, Command, Finding, Status, status_of
from claude_orchestrator.graders.bench import Bench
from claude_orchestrator.graders.change import JudgedChange
from claude_orchestrator.graders.integrity.tampering.matching import Place, TestChange, match_tests
from claude_orchestrator.graders.parsing import parsed
from claude_orchestrator.graders.suite.affected import affected_tests
from claude_orchestrator.graders.suite.ahead import ask_ahead
from claude_orchestrator.graders.suite.examples_in_code import new_examples
from claude_orchestrator.graders.suite.flaky import RunAgain, red_at_times, settle
from claude_orchestrator.graders.suite.independence import own_word_findings
from claude_orchestrator.graders.suite.narrowness import narrow_findings
from claude_orchestrator.graders.suite.outcomes import Comparison, SuiteVerdict
from claude_orchestrator.graders.suite.pairs import pair_tests
from claude_orchestrator.graders.suite.reach import Lines, lines_to_reach, reach_findings
from claude_orchestrator.graders.suite.roots import stand_ins
from claude_orchestrator.graders.suite.run_log import COLLECTION, PASSING, SuiteRun, file_of
from claude_orchestrator.graders.suite.runs import Done, SuiteRuns
from claude_orchestrator.graders.suite.spared import files_of_base, run_base
from claude_orchestrator.graders.suite.telling import telling_findings
from claude_orchestrator.graders.suite.uncollected import never_collected
from claude_orchestrator.graders.suite.witness import KINDS, Witnesses, judge_witness, repaired_tests, shown_tests

_ALONE: Final = 10
"""The number of the run that asks tests alone at the base; flaky ones are run again under smaller numbers."""
_EXCHANGED: Final = "what decides how tests end was exchanged while they ran"


@dataclass
class _Facts:
    """What is known of a change's tests: the runs by name, and what was found out about them beside the runs.

    ``is_base_spared``: the base was run for some files, which stand for all of them. ``ahead`` runs what may be asked
    for later.
    """

    runs: dict[str, Done]
    trusted_files: list[str] | None
    affected: frozenset[str] | None
    reach: Lines
    matches: dict[Place, TestChange]
    is_base_spared: bool
    ahead: asyncio.Future[None]

    def run(self, name: str) -> SuiteRun | None:
        """A run by its name, or None when it was not needed."""
        return self.runs[name].run if name in self.runs else None


class PytestGrader:
    """Runs the suite on *base* and *own* and, where it differs, on *trusted* and *witness*."""

    name = "pytest"

    async def grade(self, bench: Bench) -> CheckResult:
        """Judge the tests. Raises VerificationError when the project's Python has no pytest."""
        target = await bench.interpreter()
        if "pytest" not in target.tools:
            python = target.executable
            raise VerificationError(
                f"pytest is not installed in {python}: install it with '{python} -m pip install pytest'"
            )
        suite = SuiteRuns(bench, target)
        facts = await _run_all(bench, suite)
        if not facts.is_base_spared:
            bench.suite.set_result({name: done.run for name, done in facts.runs.items()})
        again: list[Command] = []
        result = CheckResult(
            self.name,
            "passed",
            tool=target.executable,
            version=target.tools["pytest"],
            output_path=f"{facts.runs['own'].command.label}.json",
        )
        try:
            judged = await self._judged(bench, suite, result, facts, again)
            if facts.is_base_spared:
                judged = await self._with_base(bench, suite, result, facts, again, judged)
                bench.suite.set_result({name: done.run for name, done in facts.runs.items()})
        finally:
            facts.ahead.cancel()
        commands = {done.command.label: done.command for done in facts.runs.values()}
        judged = replace(judged, commands=(*commands.values(), *again))
        return _with(judged, stand_ins(bench.change, target))

    async def _with_base(
        self, bench: Bench, suite: SuiteRuns, result: CheckResult, facts: _Facts, again: list[Command],
        judged: CheckResult,
    ) -> CheckResult:  # fmt: skip
        """What was judged by a part of the base, where it passed; else it is judged again by all of it."""
        if all(found.severity == "note" or found.rule.startswith("reach/") for found in judged.findings):
            note = "the base was run for those files of tests that the change can reach"
            return replace(judged, notes=(*judged.notes, note))
        facts.runs["base"] = await suite.run("base", bench.change.base_tree, bench.change.base_entries)
        again.clear()
        return await self._judged(bench, suite, result, facts, again)

    async def _judged(
        self, bench: Bench, suite: SuiteRuns, result: CheckResult, facts: _Facts, again: list[Command]
    ) -> CheckResult:
        base, own = facts.runs["base"].run, facts.runs["own"].run
        if base.trouble:
            return replace(result, status="error", reasons=(f"the base cannot be judged: {base.trouble}",))
        troubles = _troubles(facts)
        if troubles:
            findings = tuple(Finding("pytest/untrusted", "", 0, trouble) for trouble in troubles)
            return replace(result, status="failed", findings=findings, reasons=tuple(troubles))
        if base.tests and not own.tests:
            reason = f"no test was collected, the base has {len(base.tests)}"
            found = Finding("pytest/nothing-collected", "", 0, reason)
            return replace(result, status="failed", reasons=(reason,), findings=(found,))
        if not own.tests:
            return replace(result, notes=("there are no tests, neither in the base nor in the change",))
        verdict = await self._compared(bench, suite, facts, again)
        verdict.findings += await reach_findings(bench, facts.reach, own.reach)
        findings = tuple(verdict.findings)
        return replace(
            result,
            status=status_of(findings),
            findings=findings,
            known=verdict.known,
            reasons=tuple(found.message for found in findings if found.severity != "note"),
            notes=(
                *verdict.notes,
                *(f"{path} is not in git: it was taken from the checkout" for path in bench.generated),
            ),
        )

    async def _compared(self, bench: Bench, suite: SuiteRuns, facts: _Facts, again: list[Command]) -> SuiteVerdict:
        change = bench.change
        base, own = facts.runs["base"].run, facts.runs["own"].run
        pairs = pair_tests(change, facts.matches, base.tests, own.tests)
        names = await _defined_names(bench) if "trusted" in facts.runs else frozenset()

        def compare() -> SuiteVerdict:
            trusted = facts.run("trusted")
            tests = trusted.tests if trusted else None
            kind = bench.claims.kind
            return Comparison(change, pairs, base.tests, own.tests, tests, facts.trusted_files, names, kind).verdict()

        verdict = compare()
        is_partial = facts.trusted_files is not None and change.trusted_tree is not None
        if is_partial and any(one.side == "trusted" for one in verdict.suspects):
            # A test that needs others before it fails when only some are run: then all of them say more.
            facts.trusted_files = None
            facts.runs["trusted"] = await suite.run("trusted", str(change.trusted_tree), change.own_paths)
            verdict = compare()

        known, strange = base.tampered, set[str]()

        async def run_again(side: str, names: Sequence[str], number: int, repeat: int) -> SuiteRun:
            tree = {"base": change.base_tree, "own": change.own_tree, "trusted": change.trusted_tree}[side]
            paths = change.base_entries if side == "base" else change.own_paths
            done = await suite.run(side, tree or change.own_tree, paths, selected=names, again=number, repeat=repeat)
            again.append(done.command)
            exchanged = [] if side == "base" else _exchanged(done.run, known)
            strange.update(exchanged)
            # Nobody has passed in a run that cannot be believed.
            return replace(done.run, trouble=_EXCHANGED) if exchanged else done.run

        await settle(verdict, facts.affected, run_again)
        by_chance: set[str] = set()
        if bench.claims.kind in KINDS:
            repaired = set(repaired_tests(pairs, base.tests, own.tests))
            by_chance = await red_at_times(run_again, [one.base for one in pairs.values() if one.own in repaired])
        still = facts.run("trusted")
        witness = await _of_new_data(change, facts.run("witness"), run_again)
        findings, notes = judge_witness(
            bench.claims, change, pairs, base.tests, own.tests, witness, by_chance,
            still.tests if still else None, await never_collected(bench, own.tests),
            await new_examples(bench, own.tests),
        )  # fmt: skip
        verdict.findings += findings
        shown = shown_tests(pairs, base.tests, own.tests, None if witness and witness.trouble else witness, by_chance)
        await asyncio.wait([facts.ahead])
        witnesses = Witnesses.of(shown, pairs, base.tests, witness, change.witness_readers)
        for found, asked in await asyncio.gather(
            own_word_findings(bench, suite, shown, own),
            narrow_findings(bench, suite, shown, facts.runs["own"], facts.affected),
            telling_findings(bench, suite, witnesses, facts.runs["own"], facts.affected),
        ):
            verdict.findings += found
            again += asked
        if strange:
            verdict.findings.append(Finding("pytest/untrusted", "", 0, _said(sorted(strange))))
        verdict.notes += notes
        return verdict


async def _of_new_data(change: JudgedChange, witness: SuiteRun | None, run_again: RunAgain) -> SuiteRun | None:
    """The witness without failures of tests that are as they were, and that fail alone with the base's data, too."""
    as_they_were = set(change.witness_readers) - change.touched
    names = [name for name, one in (witness.tests if witness else {}).items() if one.outcome == "failed"]
    names = [name for name in names if file_of(name) in as_they_were and not name.endswith(COLLECTION)]
    if witness is None or not names:
        return witness
    alone = await run_again("base", names, _ALONE, 1)
    is_red = {name for name in names if name not in alone.tests or alone.tests[name].outcome not in PASSING}
    return replace(witness, tests={name: one for name, one in witness.tests.items() if name not in is_red})


async def _run_all(bench: Bench, suite: SuiteRuns) -> _Facts:
    """All runs that are needed, each as soon as there is room for it."""
    change = bench.change
    knows_base = asyncio.ensure_future(suite.knows(change.base_tree, change.base_entries))
    matches = asyncio.ensure_future(match_tests(bench))
    reach = await lines_to_reach(bench)
    same = change.own_tree == change.base_tree
    first = ("base", change.base_tree, change.base_entries) if same else ("own", change.own_tree, change.own_paths)
    own = asyncio.ensure_future(suite.run(*first, reach=reach))
    # On the way: what is found out here must not keep the first one waiting.
    await asyncio.sleep(0)
    affected = await affected_tests(bench)
    files = None if affected is None else sorted(affected & change.base_entries.keys())
    running = {"own": own}
    if change.trusted_tree == change.base_tree:
        files = None
    elif change.trusted_tree and files != []:
        paths = change.own_paths
        running["trusted"] = asyncio.ensure_future(
            suite.run("trusted", change.trusted_tree, paths, selected=files or ())
        )
    if change.witness_tree:
        witness_paths = change.base_entries.keys() | change.witness_overrides.keys()
        running["witness"] = asyncio.ensure_future(
            suite.run(
                "witness",
                change.witness_tree,
                witness_paths,
                selected=sorted({*change.witness_files, *change.witness_readers}),
            )
        )
    some = [] if same or await knows_base else await files_of_base(bench, affected)
    base = asyncio.ensure_future(run_base(suite, change, some, own, running.get("trusted")))
    ahead = asyncio.ensure_future(_ask_ahead(bench, suite, running.get("witness")))
    try:
        done = dict(zip(running, await asyncio.gather(*running.values()), strict=True))
        before, is_spared = await base
        done = {"base": before, **done}
        if change.trusted_tree == change.base_tree:
            done["trusted"] = before
        return _Facts(done, files if "trusted" in done else None, affected, reach, await matches, is_spared, ahead)
    except BaseException:
        ahead.cancel()
        raise
    finally:
        for task in (*running.values(), base, matches, knows_base):
            task.cancel()


async def _ask_ahead(bench: Bench, suite: SuiteRuns, witness: asyncio.Future[Done] | None) -> None:
    if witness is not None:
        # Whatever goes wrong goes wrong again when it is asked for.
        with contextlib.suppress(OrchestratorError):
            await ask_ahead(bench, suite, await asyncio.shield(witness))


def _troubles(facts: _Facts) -> list[str]:
    """Why the runs of the change cannot be believed."""
    known = facts.runs["base"].run.tampered
    found = []
    for name in ("own", "trusted"):
        run = facts.run(name)
        if run is None:
            continue
        if new := _exchanged(run, known):
            found.append(_said(new))
        if run.trouble:
            found.append(run.trouble)
    return list(dict.fromkeys(found))


def _exchanged(run: SuiteRun, known: Collection[str]) -> list[str]:
    """What was exchanged in a run of the change and is not ``known`` from the base."""
    return [f"{label} (seen: {when})" for label, when in run.tampered.items() if label not in known]


def _said(exchanged: Sequence[str]) -> str:
    return f"{_EXCHANGED}: {', '.join(exchanged[:5])}"


async def _defined_names(bench: Bench) -> frozenset[str]:
    """The names of functions, classes and variables at the top of the sources that the change touched."""
    change = bench.change
    sources = [path for path in change.touched if path.endswith(".py") and not change.is_test(path)]
    names: set[str] = set()
    for content in (await bench.files("head", sources)).values():
        tree = parsed(content)
        for node in tree.body if tree else ():
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                names.add(node.name)
            elif isinstance(node, ast.Assign):
                names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return frozenset(names)


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

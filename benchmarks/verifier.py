"""The verifier on the cheat corpus: what it catches, what it lets pass, whom it accuses wrongly, and how long it takes.

``python -m benchmarks.verifier`` runs all of it, beside the gate that people have today:
``pytest && ruff check && mypy && bandit -r src -ll`` in the change's checkout, with its own configuration.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import islice, zip_longest
from pathlib import Path
from typing import Final

from benchmarks.outcomes import Kept, Outcome, explained, table, totals

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from corpus.cases import CLASSES  # noqa: E402
from corpus.everything import corpus  # noqa: E402
from corpus.repositories import Committed, committed  # noqa: E402
from lean_python import make_lean_python  # noqa: E402

import claude_orchestrator  # noqa: E402
from claude_orchestrator.graders.interpreter import TOOLS  # noqa: E402
from claude_orchestrator.orchestrator.verification import Request, Verification  # noqa: E402
from claude_orchestrator.orchestrator.verifier import judge_apart  # noqa: E402

CHECKS: Final = ["pytest", "ruff", "mypy", "bandit"]
GATE: Final = (
    ("pytest", "-q", "-p", "no:cacheprovider"),
    ("ruff", "check", "--no-cache", "."),
    ("mypy", "--cache-dir", os.devnull),
    ("bandit", "-q", "-r", "src", "-ll"),
)
GATE_TIMEOUT_S: Final = 20.0
_RESUME: Final = "add each outcome to FILE as it comes; what it has of this code is not judged again"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line asks for and print the tables; 2 for an unknown class or project."""
    options = _parser().parse_args(arguments)
    try:
        cases = corpus(options.only, options.project, every=options.every)
    except KeyError as error:
        print(f"error: no class or project {error}: see --list", file=sys.stderr)
        return 2
    if options.list:
        for name, group in CLASSES.items():
            print(f"{name:<34} {group.about.splitlines()[0]}")
        return 0
    with tempfile.TemporaryDirectory(prefix="corpus-") as temporary:
        folder = (options.keep or Path(temporary)).absolute()
        folder.mkdir(parents=True, exist_ok=True)
        _have_lean_python(folder)
        started = time.perf_counter()
        members = in_rounds(committed(cases, folder / "repositories"), options.sample)
        ready = time.perf_counter() - started
        print(f"{_machine()}\n{len(members)} cases of {len({one.case.group.name for one in members})} classes")
        print(f"(in git within {ready:.1f} s)\n")
        checks = [] if options.gate_only else options.checks.split(",")
        kept = Kept(options.resume)
        keep = options.keep is not None
        outcomes = run(members, folder, options.jobs, gate=not options.no_gate, checks=checks, kept=kept, keep=keep)
        print("\n".join(table(outcomes)))
        if options.verbose:
            print("\n".join(explained(outcomes, kept=keep)))
        if not options.gate_only and not options.no_speed:
            print("\n".join(f"{figure:<62} {value}" for figure, value in speed(folder)))
    return 0


def _have_lean_python(folder: Path) -> None:
    """Have the projects judged with the checks' own tools alone, as their users do: what tests us is left out.

    Our own plugins for pytest would more than double the time of every run.
    """
    # Where nobody may keep compiled code, every run would compile pytest's plugins again.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    place = folder / "python"
    os.environ["VIRTUAL_ENV"] = str(place if place.exists() else make_lean_python(place, TOOLS))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.verifier", description="The verifier on the corpus.")
    parser.add_argument("--only", action="append", default=[], metavar="CLASS", help="one class; may be repeated")
    parser.add_argument("--project", action="append", default=[], help="one project; may be repeated")
    parser.add_argument("--checks", default=",".join(CHECKS), metavar="LIST", help="checks to run, for a quick look")
    parser.add_argument("--jobs", type=int, default=1, help="verifications at once (default: 1, for true times)")
    parser.add_argument("--resume", type=Path, metavar="FILE", help=_RESUME)
    parser.add_argument("--gate-only", action="store_true", help="only today's gate, not the verifier")
    parser.add_argument("--no-gate", action="store_true", help="only the verifier")
    parser.add_argument("--no-speed", action="store_true", help="leave out the ratios at the end")
    parser.add_argument("--sample", type=int, metavar="N", help="at most N cases of each class, always the same")
    parser.add_argument("--every", action="store_true", help="each variant on each project: three times as many")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep repositories, results and evidence")
    parser.add_argument("--list", action="store_true", help="print the classes")
    parser.add_argument("-v", "--verbose", action="store_true", help="the reasons of what went wrong")
    return parser


def _machine() -> str:
    return f"{os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}, Python {sys.version.split()[0]}"


def in_rounds(members: list[Committed], count: int | None = None) -> list[Committed]:
    """One case of each class, then another of each, and so on; at most ``count`` rounds. The order is always the same.

    So a run that is stopped has seen all classes.
    """
    groups: dict[str, list[Committed]] = defaultdict(list)
    for member in members:
        groups[member.case.group.name].append(member)
    chance = random.Random(3)
    drawn = [chance.sample(group, len(group)) for group in groups.values()]
    rounds = zip_longest(*drawn)
    return [one for turn in islice(rounds, count) for one in turn if one is not None]


def run(
    members: Sequence[Committed],
    folder: Path,
    jobs: int,
    *,
    gate: bool,
    checks: Sequence[str],
    kept: Kept | None = None,
    keep: bool = False,
) -> list[Outcome]:
    """Judge all cases by some checks (none: not at all); progress goes to standard error.

    What is among ``kept`` for the same commits, checks and code is not judged again; what is new is added to it.
    ``keep``: the evidence stays.
    """
    kept = kept or Kept(None)
    done = 0

    def one(member: Committed) -> Outcome:
        nonlocal done
        key = _key(member, checks)
        outcome = kept.find(key, gate=gate)
        if outcome is None:
            evidence = folder / "evidence" / member.case.name
            verification = _judged(member, evidence, folder / "cache", checks) if checks else None
            accepted = gated(member, folder / "checkouts" / member.case.name) if gate else None
            outcome = _outcome(member, verification, accepted)
            kept.add(key, outcome)
            if not keep:
                shutil.rmtree(evidence, ignore_errors=True)
        done += 1
        mark = "!" if outcome.verdict and outcome.wrong else " "
        print(f"{mark}{done:>4}/{len(members)} {outcome.verdict:<12} {outcome.case}", file=sys.stderr, flush=True)
        return outcome

    pool = ThreadPoolExecutor(jobs)
    try:
        return list(pool.map(one, members))
    finally:
        pool.shutdown(cancel_futures=True)


def _key(member: Committed, checks: Sequence[str]) -> str:
    """What an outcome depends on: the case as it is in git, what the verifier is asked, and the verifier."""
    change = member.case.change
    asked = [change.scope, change.kind, change.report, member.operations, change.timeout_s, member.case.expect]
    text = repr([member.case.name, member.base, member.head, asked, list(checks), _code()])
    return hashlib.sha256(text.encode()).hexdigest()[:32]


@cache
def _code() -> str:
    """A digest of the verifier: all files of our package."""
    package = Path(claude_orchestrator.__file__).parent
    digest = hashlib.sha256()
    for file in sorted(package.rglob("*")):
        if file.is_file() and file.suffix != ".pyc":
            digest.update(f"{file.relative_to(package)}\0".encode() + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def request_of(member: Committed, evidence: Path, cache: Path | None, checks: Sequence[str] = CHECKS) -> Request:
    """What the verifier is asked about a case."""
    change = member.case.change
    return Request(
        member.repository,
        member.base,
        member.head,
        evidence,
        list(change.scope) if change.scope is not None else None,
        list(checks),
        cache,
        change.timeout_s,
        kind=change.kind,
        report=change.report,
        operations=list(member.operations),
    )


def _judged(member: Committed, evidence: Path, cache: Path, checks: Sequence[str] = CHECKS) -> Verification:
    return asyncio.run(judge_apart(request_of(member, evidence, cache, checks)))


def _outcome(member: Committed, verification: Verification | None, accepted: bool | None) -> Outcome:
    case = member.case
    known = (case.name, case.group.name, case.group.honest, case.expect)
    if verification is None:
        return Outcome(*known, gate=accepted)
    commands = [command for check in verification.checks for command in check.commands if not command.cached]
    tests = [command.duration_s for command in commands if command.label.startswith("pytest")]
    return Outcome(
        *known,
        verification.verdict,
        verification.reasons,
        accepted,
        verification.duration_s,
        round(sum(command.duration_s for command in commands), 3),
        max(tests, default=0.0),
        member.base,
        member.head,
        str(member.repository),
        verification.evidence,
    )


def gated(member: Committed, checkout: Path) -> bool:
    """Whether the gate of today accepts the change: all four commands exit with 0 in its own checkout."""
    checkout.mkdir(parents=True)
    git = ["git", "-C", str(member.repository)]
    archive = subprocess.run([*git, "archive", member.head], check=True, capture_output=True)
    subprocess.run(["tar", "-x"], cwd=checkout, input=archive.stdout, check=True)
    try:
        python = str(Path(os.environ["VIRTUAL_ENV"]) / "bin" / "python")
        return all(_succeeds([python, "-m", *command], checkout) for command in GATE)
    finally:
        subprocess.run(["rm", "-rf", str(checkout)], check=False)


def _succeeds(argv: list[str], folder: Path) -> bool:
    env = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "VIRTUAL_ENV") if name in os.environ}
    quiet = subprocess.DEVNULL
    started = subprocess.Popen(
        argv, cwd=folder, env=env, stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True
    )
    try:
        return started.wait(GATE_TIMEOUT_S) == 0
    except subprocess.TimeoutExpired:
        return False
    finally:
        # The group is the command's own: nothing that it started is left running.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(started.pid, signal.SIGKILL)
        started.wait()


def speed(folder: Path) -> Iterator[tuple[str, str]]:
    """Cold and cached, at once and one after the other, on one honest change of each project."""
    cases = [case for case in corpus(["honest-fix-with-test"]) if case.change.kind == "fix"]
    first = {case.project: case for case in reversed(cases)}
    for project, case in first.items():
        if project == "weathered":
            continue
        (member,) = committed([case], folder / "speed")
        place = folder / "speed-runs" / project
        cold, again = (_judged(member, place / name, place / "cache") for name in ("cold", "again"))
        if not cold.passed or not again.passed:
            yield f"{project}: not measured, the change did not pass", cold.verdict
            continue
        outcome = _outcome(member, cold, None)
        yield f"{project}: cold / cached, s", f"{cold.duration_s:.2f} / {again.duration_s:.2f}"
        yield f"{project}: all at once / one command after the other", f"{cold.duration_s / outcome.summed_s:.2f}"
        slowest = outcome.slowest_test_run_s
        yield (
            f"{project}: cold / its slowest test run (aim: 1.3)",
            f"{cold.duration_s / slowest:.2f}" if slowest else "?",
        )
        yield f"{project}: cached / cold (aim: 0.1)", f"{again.duration_s / cold.duration_s:.2f}"


def measure(folder: Path) -> Iterator[tuple[str, str]]:
    """One case of each class, for ``python -m benchmarks``; the whole corpus has a command of its own."""
    _have_lean_python(folder)
    members = in_rounds(committed(corpus(), folder / "repositories"), 1)
    outcomes = run(members, folder, 1, gate=False, checks=CHECKS)
    for line in totals(outcomes):
        yield line[:62].rstrip(), line[62:].strip()


if __name__ == "__main__":
    sys.exit(main())

"""What the judging process does: find the commits, compose the trees, have every grader judge, say what came out."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
import uuid
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from claude_orchestrator.config import Settings, load_settings
from claude_orchestrator.errors import OrchestratorError, VerificationError
from claude_orchestrator.graders.base import CheckResult, Grader, graders_for, guards_for
from claude_orchestrator.graders.cache import ResultCache
from claude_orchestrator.graders.interpreter import Interpreter, locate
from claude_orchestrator.graders.probing import Interpreters
from claude_orchestrator.orchestrator.known import CONFIGURATION_DIFF, Judged, Memory
from claude_orchestrator.orchestrator.records import keep_records, trees_of
from claude_orchestrator.orchestrator.verification import Request, Verification, verdict_of
from claude_orchestrator.plans.checks import KNOWN_CHECKS
from claude_orchestrator.workspace import process, walls
from claude_orchestrator.workspace.git import Repository

if TYPE_CHECKING:
    from claude_orchestrator.graders.bench import Bench
    from claude_orchestrator.graders.change import JudgedChange

Progress = Callable[[str], None]


class Judgement:
    """One judgement, in the private folder ``work``."""

    def __init__(self, request: Request, work: Path, progress: Progress) -> None:
        self._request = request
        self._work = work
        self._progress = progress
        self._settings: Settings = load_settings()
        self._trying: asyncio.Task[walls.Rung] | None = None
        self._limits = walls.Limits.of_megabytes(
            self._settings.check_memory_mb, self._settings.check_processes, self._settings.check_disk_mb
        )

    async def verification(self, started: float) -> Verification:
        """Judge. ``started`` is when, by the monotonic clock. Raises what keeps it from judging anything."""
        if self._request.checks:
            # What the sandbox can do is tried out while git works.
            self._trying = asyncio.create_task(asyncio.to_thread(walls.reached, self._settings.sandbox))
        repository = await Repository.open(self._request.repository)
        commits = await repository.commits(self._request.base, self._request.head)
        interpreters = Interpreters(
            repository.root, self._work, self._rung, uuid.uuid4().hex, self._request.check_timeout_s
        )
        memory = Memory(self._request, repository.root, commits, (self._settings.sandbox, str(self._limits)))
        try:
            judged = await memory.recall(interpreters)
            if judged:
                self._say_known(judged)
            else:
                judged = await self._judged(repository, commits, interpreters, memory)
        finally:
            await process.kill_marked(interpreters.marker)
        (base, base_tree), (head, head_tree) = commits
        reached = await self._rung() if self._request.checks else None
        return Verification(
            verdict_of(judged.checks),
            base,
            head,
            base_tree,
            head_tree,
            judged.checks,
            tuple(f"{check.name}: {reason}" for check in judged.checks for reason in check.reasons),
            round(time.monotonic() - started, 3),
            reached or "",
            self._environment(reached, judged.target),
            judged.rerun,
            str(self._request.evidence),
            judged.trees,
        )

    async def _rung(self) -> walls.Rung:
        """What stands around commands. Raises SandboxError."""
        if self._trying is None:
            raise walls.SandboxError("nothing is run where nothing is checked")
        return await asyncio.shield(self._trying)

    def _say_known(self, judged: Judged) -> None:
        for check in judged.checks:
            for command in check.commands:
                self._progress(f"{command.label}: known from an earlier verification")

    async def _judged(
        self, repository: Repository, commits: list[tuple[str, str]], interpreters: Interpreters, memory: Memory
    ) -> Judged:
        # Not at the top: what is known needs none of it.
        from claude_orchestrator.orchestrator.scratch import private_repository

        request = self._request
        guessing = asyncio.create_task(self._guess(interpreters))
        # Our graders take a moment to import; those of others may insist on the main thread.
        ours = [check for check in request.checks if check in KNOWN_CHECKS]
        importing = asyncio.create_task(asyncio.to_thread(graders_for, ours))
        objects = await private_repository(repository, self._work, [commit for commit, _ in commits])
        change, message = await self._composed(objects, commits)
        await importing
        graders = graders_for(request.checks)

        from claude_orchestrator.graders.bench import Bench, Claims
        from claude_orchestrator.graders.generated import only_generated
        from claude_orchestrator.graders.scope import check_scope
        from claude_orchestrator.graders.seed import SeedCache
        from claude_orchestrator.orchestrator.rerun import rerun_commands

        checks: tuple[CheckResult, ...] = (check_scope(change),)
        if not graders:
            return Judged(checks, trees_of(change))
        await self._rung()
        bench = Bench(
            objects, repository.root, change, self._work, request.evidence, ResultCache(request.cache),
            SeedCache(request.cache / "mypy" if request.cache else None),
            request.check_timeout_s, interpreters.marker, request.python, self._progress,
            Claims(request.kind, request.report, tuple(request.operations), message),
            self._settings.sandbox, self._limits, tuple(request.private), interpreters,
            tuple(grader.name for grader in graders), only_generated(request.generated or {}),
        )  # fmt: skip
        checks += await _graded(bench, graders)
        rerun = tuple(rerun_commands(repository.git_dir, change, checks, bench.generated))
        await keep_records(bench)
        target = None
        with contextlib.suppress(VerificationError):
            target = await bench.interpreter()
        judged = Judged(checks, trees_of(change), rerun, target)
        await memory.keep(judged, bench)
        await guessing
        return judged

    async def _composed(self, objects: Repository, commits: list[tuple[str, str]]) -> tuple[JudgedChange, str]:
        """The change, and the message of its commit."""
        from claude_orchestrator.graders.change import prepare

        (base, base_tree), (head, head_tree) = commits
        change, message = await asyncio.gather(
            prepare(objects, base, head, self._request.scope, self._work, (base_tree, head_tree)),
            objects.message_of(head),
        )
        if change.configuration_diff:
            file = self._request.evidence / CONFIGURATION_DIFF
            file.write_text(change.configuration_diff, errors="surrogateescape")
        return change, message

    async def _guess(self, interpreters: Interpreters) -> None:
        """Ask the Python that will most likely be the one, while it is not known yet; only behind walls that hold."""
        with contextlib.suppress(OrchestratorError):
            if guards_for(self._request.checks) and await interpreters.rung() in walls.OWN_PROCESSES:
                await interpreters.at(locate(interpreters.project, None, self._request.python))

    def _environment(self, rung: walls.Rung | None, target: Interpreter | None) -> dict[str, str]:
        if rung is None:
            return {}
        found = {"platform": _platform()}
        if target is None:
            return found
        return {
            **found,
            "python": target.executable,
            "python_version": ".".join(map(str, target.version)),
            "installed_distributions": str(target.installed),
            "fingerprint": target.fingerprint,
            **asdict(walls.abilities(rung)),
            "limits": str(self._limits),
        }


async def _graded(bench: Bench, graders: list[Grader]) -> tuple[CheckResult, ...]:
    async def one(grader: Grader) -> CheckResult:
        try:
            result: object = await grader.grade(bench)
            if isinstance(result, CheckResult) and result.name == grader.name:
                return result
            return CheckResult(
                grader.name, "error", reasons=("the check answered with something that is no result of it",)
            )
        except OrchestratorError as error:
            return CheckResult(grader.name, "error", reasons=(str(error),))
        except Exception as error:  # noqa: BLE001 - whatever happens in a check, it has not passed
            return CheckResult(grader.name, "error", reasons=(f"the check broke: {type(error).__name__}: {error}",))
        finally:
            if grader.name == "pytest" and not bench.suite.done():
                bench.suite.set_result({})

    if all(grader.name != "pytest" for grader in graders):
        bench.suite.set_result({})
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(grader)) for grader in graders]
    return tuple(task.result() for task in tasks)


def _platform() -> str:
    """System, release, machine and C library; without the program that the standard library starts to ask."""
    system = os.uname()
    parts = [system.sysname, system.release, system.machine]
    with contextlib.suppress(ValueError, OSError):
        parts.append("-".join((os.confstr("CS_GNU_LIBC_VERSION") or "").split()))
    return "-".join(filter(None, parts))

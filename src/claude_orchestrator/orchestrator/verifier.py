"""The verifier: judges a change from its commits alone, whoever made it and whatever they say about it.

:func:`judge` does the work, :func:`judge_apart` has it done in a process of its own, which is what
everybody should use: ``python -m claude_orchestrator.orchestrator.verifier REQUEST RESULT``.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from claude_orchestrator.errors import NotReadyError, OrchestratorError, VerificationError
from claude_orchestrator.orchestrator.records import PACKAGES, TESTS, write_json
from claude_orchestrator.orchestrator.scratch import remove_abandoned, work_folder
from claude_orchestrator.orchestrator.verification import Request, Verification
from claude_orchestrator.workspace import process, sandbox
from claude_orchestrator.workspace.git import Repository

if TYPE_CHECKING:
    from claude_orchestrator.orchestrator.delegator import Delegator
    from claude_orchestrator.orchestrator.merging import Merger
    from claude_orchestrator.orchestrator.signing import Keys
    from claude_orchestrator.state.database import Database

__all__ = ["Request", "Verification", "Verifier", "judge", "judge_apart"]

Progress = Callable[[str], None]
"""Called with what goes on, line by line."""

_PROGRESS_INTERVAL_S: Final = 0.2


class Verifier:
    """Judges what was done in the worktree of a task that this process has delegated (the Python API)."""

    def __init__(self, db: Database, delegator: Delegator, merger: Merger, worker: str) -> None:
        self._db = db
        self._delegator = delegator
        self._merger = merger
        self._worker = worker

    async def verify(
        self,
        *,
        checks: Sequence[str] | None = None,
        files_changed: Sequence[str] = (),
        task_id: str | None = None,
    ) -> Verification:
        """Judge the worktree as it is now, merged onto the run's head; the evidence is stored.

        ``checks`` are names of graders (default: the task's own). ``files_changed`` is a report and believed only as
        far as git agrees. ``task_id`` may be left out while one task is delegated. Raises NotReadyError when it
        is not clear which task is meant, VerificationError when there is no candidate to judge (a merge conflict).
        """
        from claude_orchestrator.state import tasks  # not at the top: the judging process needs no database

        claim = await tasks.claimed_by(self._db, self._worker, task_id)
        if claim is None:
            raise NotReadyError(
                f"task '{task_id}' is not delegated to this process: call delegate_task first"
                if task_id
                else "not exactly one task is delegated to this process: say which with task_id"
            )
        delegated = await self._delegator.prepare(claim)
        commit = await self._delegator.keep(delegated)
        found = await self._merger.candidate(claim, delegated.run, commit)
        if isinstance(found, str):
            raise VerificationError(found)
        wanted = list(checks) if checks is not None else claim.definition["checks"]
        return await self._merger.verify(claim, delegated.run, found, wanted, files_changed)


async def judge(request: Request, progress: Progress = lambda _: None) -> Verification:
    """Judge a change. Everything that goes wrong is a verdict: nothing but cancellation is raised.

    The evidence folder then holds ``request.json``, ``verification.json``, the output of each command
    (``<check>-<tree>.out`` and ``.err``), its result (``.json``), the logs of the test runs (``.jsonl``)
    and, where configuration was changed, ``configuration.diff``.
    """
    started = time.monotonic()
    try:
        request.evidence.mkdir(parents=True, exist_ok=True)
        write_json(request.evidence / "request.json", request.to_json())
        # Not at the top: who has it judged in another process needs none of it.
        from claude_orchestrator.orchestrator.judging import Judgement

        with work_folder() as work:
            verification = await Judgement(request, work, progress).verification(started)
        write_json(request.evidence / "verification.json", verification.to_json())
    except Exception as error:  # noqa: BLE001 - whatever happens here, nothing was found to be good
        reason = str(error) if isinstance(error, OrchestratorError) else f"{type(error).__name__}: {error}"
        verification = Verification.impossible(request, reason, _since(started))
        with contextlib.suppress(OSError):
            write_json(request.evidence / "verification.json", verification.to_json())
    return verification


async def judge_apart(request: Request, progress: Progress | None = None, keys: Keys | None = None) -> Verification:
    """Judge a change in a process of its own, which ends with us: nothing it starts is left running.

    That process gets no secret of ours, because code of the change may read what its parents know. When all of it is
    gone, the evidence is made a bundle and signed with ``keys``. Without a bundle there is no verdict but ``error``.
    """
    from claude_orchestrator.orchestrator.bundle import seal
    from claude_orchestrator.orchestrator.signing import SigningError

    # What the sandbox can do is tried out while the key is looked for, or made.
    trying = asyncio.create_task(asyncio.to_thread(sandbox.level))
    if keys is not None:
        with contextlib.suppress(SigningError):
            await asyncio.to_thread(keys.ready)
        request = replace(request, private=[*request.private, keys.folder])
    _, request = await asyncio.gather(trying, _with_generated(request))
    verification = await _judge_apart(request, progress)
    try:
        await seal(request, verification, keys)
    except OSError as error:
        return Verification.impossible(request, f"the evidence cannot be kept: {error}", verification.duration_s)
    return verification


async def _with_generated(request: Request) -> Request:
    """The request with the generated modules of the user's checkout, where a check needs them and nobody gave them."""
    if request.generated is not None or not request.checks:
        return request
    from claude_orchestrator.graders.generated import generated_modules

    try:
        found = await generated_modules(await Repository.open(request.repository))
    except OrchestratorError:
        return request  # whatever is wrong with the repository is said by who judges
    return replace(request, generated=found)


async def _judge_apart(request: Request, progress: Progress | None) -> Verification:
    evidence = request.evidence
    question, answer, log = (evidence / name for name in ("question.json", "answer.json", "verifier.log"))
    marker = uuid.uuid4().hex
    follower = _Follower(log, progress or (lambda _: None))
    following = asyncio.create_task(follower.follow())
    # -P: nothing in the current folder may stand in for our own modules.
    argv = [sys.executable, "-P", "-m", __name__, str(question), str(answer)]
    python_path = {"PYTHONPATH": os.environ["PYTHONPATH"]} if "PYTHONPATH" in os.environ else {}
    try:
        evidence.mkdir(parents=True, exist_ok=True)
        for file in (answer, log, *(evidence / name for name in (TESTS, PACKAGES))):
            file.unlink(missing_ok=True)
        write_json(question, request.to_json())
        await process.run(
            argv, cwd=evidence, env=process.scrubbed_environment(python_path), timeout_s=None, stdout=log, marker=marker
        )
        return Verification.from_json(json.loads(answer.read_bytes()))
    except (OrchestratorError, OSError, ValueError, KeyError, TypeError) as error:
        return Verification.impossible(request, f"the verifier gave no answer ({error}): see {log}")
    finally:
        following.cancel()
        follower.catch_up()
        await process.kill_marked(marker)
        remove_abandoned()
        with contextlib.suppress(OSError):
            for file in (question, answer):
                file.unlink(missing_ok=True)


class _Follower:
    """Passes on the lines of a growing file, for people who look on: five times a second is enough."""

    def __init__(self, file: Path, progress: Progress) -> None:
        self._file = file
        self._progress = progress
        self._seen = 0

    async def follow(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(_PROGRESS_INTERVAL_S)
            self.catch_up()

    def catch_up(self) -> None:
        """Pass on the whole lines that are new."""
        text = self._file.read_text(errors="replace") if self._file.is_file() else ""
        whole = text.rfind("\n") + 1
        for line in text[self._seen : whole].splitlines():
            self._progress(line)
        self._seen = whole


def _since(started: float) -> float:
    return round(time.monotonic() - started, 3)


def main(arguments: list[str]) -> int:
    """Read a request, judge it, write the verification; progress goes to standard output."""
    question, answer = map(Path, arguments)
    request = Request.from_json(json.loads(question.read_bytes()))
    verification = asyncio.run(judge(request, lambda line: print(line, flush=True)))  # noqa: T201
    write_json(answer, verification.to_json())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Replaying a bundle: the same verification once more, here, and whether its verdict stands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from claude_orchestrator.errors import RepositoryError, VerificationError
from claude_orchestrator.graders.base import CheckResult, Finding
from claude_orchestrator.orchestrator.bundle_document import Bundle, read_bundle
from claude_orchestrator.orchestrator.packing import OBJECTS, has_commits, unpack
from claude_orchestrator.orchestrator.scratch import work_folder
from claude_orchestrator.orchestrator.signing import Keys
from claude_orchestrator.orchestrator.verifier import judge_apart
from claude_orchestrator.workspace.git import Repository

_MACHINE = ("duration_s", "fingerprint")


@dataclass(frozen=True)
class Replay:
    """How a second verification compares with the recorded one.

    ``stands``: the verdict and the status of every check are the same. ``differences`` are those that count,
    ``details`` say which tests and findings differ, ``environment`` what is different where it ran.
    """

    stands: bool
    recorded: str
    now: str
    differences: tuple[str, ...]
    details: tuple[str, ...]
    environment: tuple[str, ...]
    evidence: str

    def to_json(self) -> dict[str, Any]:
        """As plain values for ``json.dumps``."""
        return asdict(self)


async def replay(
    folder: Path, project: Path, evidence: Path, keys: Keys | None, progress: Callable[[str], None] | None = None
) -> Replay:
    """Verify again what a bundle tells of: in the repository ``project`` if it has the commits, else from the bundle.

    The code of both commits is run. Raises VerificationError when it cannot be judged here.
    """
    bundle = read_bundle(folder)
    if not bundle.checks:
        raise VerificationError(f"nothing was judged: {'; '.join(bundle.reasons) or 'no reason is recorded'}")
    with work_folder() as work:
        repository = await _repository(folder, project, bundle, work)
        request = bundle.request_for(repository.root, evidence)
        if repository.root != project and (python := project / ".venv" / "bin" / "python").exists():
            request = replace(request, python=str(python.absolute()))
        now = await judge_apart(request, progress, keys)
    broken = [reason for check in now.checks if check.status == "error" for reason in check.reasons]
    if now.verdict == "error" and bundle.verdict != "error":
        raise VerificationError(f"it cannot be judged here: {'; '.join(broken or now.reasons)}")
    return _compared(bundle, read_bundle(evidence), str(evidence))


async def _repository(folder: Path, project: Path, bundle: Bundle, work: Path) -> Repository:
    commits = (bundle.change.base, bundle.change.head)
    try:
        found = await Repository.open(project)
    except RepositoryError:
        return await unpack(folder / OBJECTS, work / "replay", commits)
    if await has_commits(found, commits):
        return found
    return await unpack(folder / OBJECTS, work / "replay", commits, found)


def _compared(then: Bundle, now: Bundle, evidence: str) -> Replay:
    differences: list[str] = []
    details: list[str] = []
    if then.change != now.change:
        details.append("other trees: the commits are the same, what was made of them for the runs is not")
    old, new = ({check.name: check for check in bundle.checks} for bundle in (then, now))
    for name in dict.fromkeys((*old, *new)):
        was, is_now = (checks[name].status if name in checks else "not run" for checks in (old, new))
        if was != is_now:
            differences.append(f"{name}: recorded {_words(was)}, now {_words(is_now)}")
        if name in old and name in new:
            details += _finding_differences(old[name], new[name])
    details += _test_differences(then, now)
    if then.verdict != now.verdict:
        differences.insert(0, f"the verdict: recorded {_words(then.verdict)}, now {_words(now.verdict)}")
    environment = tuple(_environment(then, now))
    return Replay(not differences, then.verdict, now.verdict, tuple(differences), tuple(details), environment, evidence)


def _words(status: str) -> str:
    return status.replace("_", " ")


def _finding_differences(then: CheckResult, now: CheckResult) -> Iterable[str]:
    was, is_now = Counter(map(_identity, then.findings)), Counter(map(_identity, now.findings))
    for rule, path, message in (was - is_now).elements():
        yield f"{then.name}: not found any more: {path}: {rule}: {message}"
    for rule, path, message in (is_now - was).elements():
        yield f"{then.name}: found only now: {path}: {rule}: {message}"


def _identity(found: Finding) -> tuple[str, str, str]:
    return found.rule, found.path, found.message


def _test_differences(then: Bundle, now: Bundle) -> Iterable[str]:
    for name in dict.fromkeys((*then.tests, *now.tests)):
        if name not in now.tests or name not in then.tests:
            yield f"tests: the run {name} was made only {'then' if name in then.tests else 'now'}"
            continue
        old, new = then.tests[name], now.tests[name]
        if old.trouble != new.trouble:
            yield f"tests: {name}: recorded {old.trouble or 'no trouble'!r}, now {new.trouble or 'no trouble'!r}"
        for test in dict.fromkeys((*old.tests, *new.tests)):
            was, is_now = old.tests.get(test, "not there"), new.tests.get(test, "not there")
            if was != is_now:
                yield f"tests: {name}: {test}: recorded {was}, now {is_now}"


def _environment(then: Bundle, now: Bundle) -> Iterable[str]:
    for name in dict.fromkeys((*then.environment, *now.environment)):
        was, is_now = then.environment.get(name, "unknown"), now.environment.get(name, "unknown")
        if was != is_now and name not in _MACHINE:
            yield f"{name}: {was} → {is_now}"
    if then.sandbox != now.sandbox:
        yield f"sandbox: {then.sandbox or 'none'} → {now.sandbox or 'none'}"
    old, new = ({(check.name, check.tool and check.version) for check in bundle.checks} for bundle in (then, now))
    yield from (f"{name}: not version {version} here" for name, version in sorted(old - new) if version)
    yield from (f"package gone: {name}" for name in sorted(set(then.packages) - set(now.packages)))
    yield from (f"package new: {name}" for name in sorted(set(now.packages) - set(then.packages)))

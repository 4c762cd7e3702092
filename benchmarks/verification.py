"""The verifier on the demo's package with all four checks: one after the other, at once, and again from the cache."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

from claude_orchestrator.orchestrator.verifier import Request, Verification, judge_apart

CHECKS = ["pytest", "ruff", "mypy", "bandit"]


def measure(folder: Path) -> Iterator[tuple[str, str]]:
    """Seconds of wall clock; the ratios are what is worth comparing between machines."""
    repository = _repository(folder / "project")
    request = Request(repository=repository, base="HEAD~1", head="HEAD", evidence=folder / "none", checks=CHECKS)
    alone = {}
    for check in CHECKS:
        alone[check], _ = asyncio.run(_judge(request, folder, check, [check], folder / f"cache-{check}"))
        yield f"{check} alone, cold: s", f"{alone[check]:.2f}"
    cold, first = asyncio.run(_judge(request, folder, "cold", CHECKS, folder / "cache"))
    warm, again = asyncio.run(_judge(request, folder, "warm", CHECKS, folder / "cache"))
    scope, _ = asyncio.run(_judge(request, folder, "scope", [], folder / "cache"))
    if not first.passed or not again.passed:
        raise SystemExit(f"the change did not pass: {first.reasons + again.reasons}")
    sequential = sum(alone.values())
    yield "all four, one after the other (sum), cold: s", f"{sequential:.2f}"
    yield "all four at once, cold: s", f"{cold:.2f}"
    yield "at once / one after the other", f"{cold / sequential:.2f}"
    yield "the same again, from the cache: s", f"{warm:.2f}"
    yield "cached / cold", f"{warm / cold:.2f}"
    yield "scope only (no checks): s", f"{scope:.2f}"


def _repository(folder: Path) -> Path:
    """The demo's package in git, with one honest change on top."""
    source = resources.files("claude_orchestrator.demo").joinpath("repository")
    _copy(Path(str(source)), folder)
    _commit(folder, "base")
    readme = folder / "README.md"
    readme.write_text(readme.read_text() + "\nOne more line.\n")
    module = folder / "src" / "tally" / "extra.py"
    module.write_text(
        '"""One more module."""\n\n\ndef twice(cents: int) -> int:\n    """Double an amount."""\n    return 2 * cents\n'
    )
    _commit(folder, "change")
    return folder


def _copy(source: Path, target: Path) -> None:
    for file in sorted(source.rglob("*")):
        if file.is_file() and not {"__pycache__", ".mypy_cache", ".ruff_cache"} & set(file.parts):
            place = target / file.relative_to(source)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(file.read_bytes())


def _commit(folder: Path, message: str) -> None:
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-qm", message]):
        subprocess.run(["git", "-c", "user.name=b", "-c", "user.email=b@localhost", *arguments], cwd=folder, check=True)


async def _judge(
    request: Request, folder: Path, name: str, checks: list[str], cache: Path
) -> tuple[float, Verification]:
    started = time.perf_counter()
    verification = await judge_apart(
        Request(request.repository, request.base, request.head, folder / f"evidence-{name}", None, checks, cache)
    )
    return time.perf_counter() - started, verification

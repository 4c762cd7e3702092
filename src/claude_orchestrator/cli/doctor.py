"""``doctor``: everything that this program needs of the machine and of its own state, each as one line."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from claude_orchestrator.cli import output
from claude_orchestrator.errors import ConfigError

if TYPE_CHECKING:
    from claude_orchestrator.cli.equipment import Available, InEffect
    from claude_orchestrator.config import Settings
    from claude_orchestrator.config.keys import Key
    from claude_orchestrator.state.database import Database

GIT_NEEDED: Final = (2, 38)
"""The first git with ``merge-tree --write-tree``."""

PYTHON_NEEDED: Final = (3, 11)
SPACE_NEEDED: Final = 1_000_000_000
"""Bytes on the disk of the home below which we complain."""

TOOLS: Final = ("pytest", "ruff", "mypy", "bandit")
_ACTIVE: Final = ("delegated", "in_progress", "verifying")


@dataclass(frozen=True)
class Check:
    """One line: ``ok``, what was found, and (when it is not ok) what to do."""

    name: str
    ok: bool
    found: str
    repair: str = ""


def doctor(
    project: Annotated[
        Path | None, typer.Option(help="The project whose settings count too.", show_default="the current folder's")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Check git, Python, tools, home, database, sandbox, workers and attempts; exit 1 if any is not fine.

    Shows which settings are in effect and where each comes from, which keys are found, and which agents could work.
    """
    import asyncio

    from claude_orchestrator.cli import equipment
    from claude_orchestrator.cli.policies import project_of
    from claude_orchestrator.config import load_settings

    settings = load_settings()
    root = Path(project_of(str((project or Path()).absolute())))
    in_effect, wrong = _in_effect(root)
    keys, unusable = equipment.keys_found(settings, root)
    agents = equipment.agents_found(keys)
    checks = [*_machine(), _sandbox(settings), *_passed_on(settings), *_home(settings), *asyncio.run(_state(settings))]
    checks += [Check("settings", ok=False, found=said, repair="nothing runs here before") for said in wrong]
    checks += [Check("keys", ok=False, found=unusable, repair="agents wait until then")] if unusable else []
    fine = all(check.ok for check in checks)
    if as_json:
        output.say_json(
            {
                "ok": fine,
                "home": str(settings.home),
                "project": str(root),
                "checks": [asdict(check) for check in checks],
                "settings": {name: asdict(setting) for name, setting in in_effect.items()},
                "keys": {name: key.origin for name, key in sorted(keys.items())},
                "agents": {name: asdict(agent) for name, agent in agents.items()},
            }
        )
    else:
        output.say(*[line for check in checks for line in _lines(check)])
        output.say(*_equipment(in_effect, keys, agents))
    raise typer.Exit(output.COMPLETED if fine else output.NOT_COMPLETED)


def _lines(check: Check) -> Iterator[str]:
    mark = output.paint("✓", "green") if check.ok else output.paint("✗", "red")
    yield f"{mark} {check.name}: {check.found}"
    if check.repair:
        yield f"    {check.repair}"


def _in_effect(root: Path) -> tuple[dict[str, InEffect], list[str]]:
    """The settings, and what is wrong with those of the project."""
    from claude_orchestrator.cli import equipment

    try:
        return equipment.settings_in_effect(root), []
    except ConfigError as error:
        return equipment.settings_in_effect(None), [str(error)]


def _equipment(settings: dict[str, InEffect], keys: dict[str, Key], agents: dict[str, Available]) -> Iterator[str]:
    yield ""
    yield "Agents"
    for name, agent in agents.items():
        yield f"  {output.paint('✓', 'green') if agent.ok else '-'} {name}: {agent.found}"
        if agent.repair:
            yield f"      {agent.repair}"
    yield "Keys"
    yield from [f"  {name}: from {key.origin}" for name, key in sorted(keys.items())] or ["  none"]
    yield "Settings that are not the defaults"
    changed = [(name, setting) for name, setting in settings.items() if setting.origin != "default"]
    yield from [f"  {name} = {setting.value}  ({setting.origin})" for name, setting in changed] or ["  none"]


# -- the machine ---------------------------------------------------------------------------------


def _machine() -> Iterator[Check]:
    yield _git()
    version = ".".join(str(part) for part in sys.version_info[:3])
    fine = sys.version_info[:2] >= PYTHON_NEEDED
    yield Check("python", fine, f"{version} ({sys.executable})", "" if fine else "install Python 3.11 or newer")
    yield from (_tool(name) for name in TOOLS)
    yield from _graders()


def _graders() -> Iterator[Check]:
    """The checks that other distributions bring, where there are any."""
    from claude_orchestrator.plans.checks import RESERVED, third_party

    for name, point in sorted(third_party().items()):
        origin = f"{point.dist.name} {point.dist.version}" if point.dist else "an unknown distribution"
        taken = name in RESERVED
        found = f"from {origin} ({point.value})" + (", but that is a name of ours" if taken else "")
        yield Check(f"check {name}", not taken, found, "give the entry point another name" if taken else "")


def _sandbox(settings: Settings) -> Check:
    """What stands around the verifier's commands, and what holds all the others together."""
    from claude_orchestrator.workspace import sandbox, walls

    limits = walls.Limits.of_megabytes(settings.check_memory_mb, settings.check_processes, settings.check_disk_mb)
    try:
        rung = walls.reached(settings.sandbox)
    except walls.SandboxError as error:
        return Check("sandbox", ok=False, found=str(error), repair="correct CLAUDE_ORCHESTRATOR_SANDBOX or unset it")
    return Check("sandbox", ok=True, found=f"{walls.explain(rung, limits)}. Other commands: {sandbox.explain()}")


def _passed_on(settings: Settings) -> Iterator[Check]:
    """The variables that the user lets agents see, where there are any; names only, never values."""
    names = [name.strip() for name in settings.agent_env.split(",") if name.strip()]
    missing = [name for name in names if name not in os.environ]
    repair = f"set {', '.join(missing)}, or take it out of CLAUDE_ORCHESTRATOR_AGENT_ENV" if missing else ""
    if names:
        yield Check("agents may see", not missing, ", ".join(names), repair)


def _git() -> Check:
    import re

    said = _version_of(["git", "--version"])
    found = re.search(r"(\d+)\.(\d+)", said or "")
    if said is None or found is None:
        return Check("git", ok=False, found="not found", repair="install git 2.38 or newer")
    fine = (int(found[1]), int(found[2])) >= GIT_NEEDED
    return Check("git", fine, said, "" if fine else "install git 2.38 or newer: merges need it")


def _tool(name: str) -> Check:
    said = _version_of([sys.executable, "-m", name, "--version"])
    if said is None:
        return Check(name, ok=False, found="not found", repair=f"{sys.executable} -m pip install {name}")
    return Check(name, ok=True, found=said.split()[-1] if name == "bandit" else said.removeprefix(name).strip())


def _version_of(argv: list[str]) -> str | None:
    """The first line that a program says of itself, or None where it does not work."""
    import subprocess

    try:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    lines = (done.stdout or done.stderr).strip().splitlines()
    return lines[0] if lines else None


# -- the home ------------------------------------------------------------------------------------


def _home(settings: Settings) -> Iterator[Check]:
    import shutil
    import tempfile

    place = _existing(settings.home)
    try:
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        repair = "make it writable, or set CLAUDE_ORCHESTRATOR_HOME to a folder that is"
        yield Check("home", ok=False, found=f"{settings.home} cannot be written: {error.strerror}", repair=repair)
    else:
        new = "" if place == settings.home else " (made by the first run)"
        yield Check("home", ok=True, found=f"{settings.home}{new}")
    free = shutil.disk_usage(place).free
    fine = free >= SPACE_NEEDED
    yield Check("disk", fine, f"{free / 1e9:.1f} GB free", "" if fine else f"free some space on the disk of {place}")


def _existing(folder: Path) -> Path:
    """The folder, or its nearest parent that exists."""
    return next(place for place in (folder, *folder.parents) if place.is_dir())


# -- the state -----------------------------------------------------------------------------------


async def _state(settings: Settings) -> list[Check]:
    from claude_orchestrator.errors import StateError
    from claude_orchestrator.state.database import Database

    if not settings.database.exists():
        return [Check("database", ok=True, found="none yet")]
    try:
        async with Database.open(settings.database) as db:
            return [check async for check in _rows(db, settings)]
    except StateError as error:
        return [Check("database", ok=False, found=str(error), repair="nothing else of the state can be looked at")]


async def _rows(db: Database, settings: Settings) -> AsyncIterator[Check]:
    from claude_orchestrator.state import runs

    integrity = await db.integrity()
    found = f"{settings.database}, schema {await db.schema()}, integrity {integrity}"
    repair = "" if integrity == "ok" else "stop all runs, and restore the file from a backup; git still has all work"
    yield Check("database", integrity == "ok", found, repair)
    alive = await _alive_workers(db, settings)
    yield Check("workers", ok=True, found=_counted_workers(alive))
    living = {worker for worker, lives in alive.items() if lives}
    unfinished = [await runs.progress(db, row["id"]) for row in await runs.unfinished(db)]
    yield _stale(unfinished, living)
    yield _leftovers(settings, unfinished)


async def _alive_workers(db: Database, settings: Settings) -> dict[str, bool]:
    from claude_orchestrator.state import workers
    from claude_orchestrator.workspace.liveness import is_held

    return {row["id"]: is_held(settings.workers / f"{row['id']}.lock") for row in await workers.listed(db)}


def _counted_workers(alive: dict[str, bool]) -> str:
    dead = sum(not lives for lives in alive.values())
    died = f"; {dead} died without a word, which loses nothing" if dead else ""
    return f"{len(alive) - dead} alive{died}"


def _stale(unfinished: list[dict[str, Any]], living: set[str]) -> Check:
    """Attempts whose owner has died: nobody looks after them."""
    stale = [
        (progress["run"]["id"], task["id"])
        for progress in unfinished
        for task in progress["tasks"]
        if task["status"] in _ACTIVE and task["owner"] not in living
    ]
    if not stale:
        return Check("attempts", ok=True, found="none without an owner")
    names = ", ".join(f"{run_id}/{task_id}" for run_id, task_id in stale)
    stopped = dict.fromkeys(run_id for run_id, _ in stale)
    repair = "; ".join(f"{output.program()} resume {run_id}" for run_id in stopped)
    return Check("attempts", ok=False, found=f"nobody looks after {names}", repair=repair)


def _leftovers(settings: Settings, unfinished: list[dict[str, Any]]) -> Check:
    """Worktrees of attempts that are over; their commits are under git refs, so they may go."""
    import shlex

    in_use = {
        task["attempt_id"]
        for progress in unfinished
        for task in progress["tasks"]
        if task["status"] in _ACTIVE or task["attempt_status"] in ("parked", "approved", "waiting")
    }
    folders = sorted(settings.worktrees.iterdir()) if settings.worktrees.is_dir() else []
    left = [folder for folder in folders if folder.name not in in_use]
    if not left:
        return Check("worktrees", ok=True, found="none left behind")
    repair = "their commits are kept; remove with: " + shlex.join(["rm", "-r", *[str(folder) for folder in left[:5]]])
    return Check("worktrees", ok=False, found=f"{len(left)} left behind in {settings.worktrees}", repair=repair)

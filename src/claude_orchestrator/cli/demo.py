"""``demo``: a real plan on a real, small repository, in a folder of its own, and then the truth about it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from claude_orchestrator.cli import output
from claude_orchestrator.errors import ConfigError, RepositoryError

if TYPE_CHECKING:
    from claude_orchestrator.config import Settings
    from claude_orchestrator.telling.words import Incident, Story


def demo(
    keep: Annotated[
        Path | None, typer.Option(metavar="DIR", help="An empty or new folder for it.", show_default="a temporary one")
    ] = None,
) -> None:
    """Run an example plan on an example repository: no key, no network, about 20 seconds."""
    import asyncio

    folder = _folder(keep)
    settings = _settings(folder)
    _use_our_python()
    project = folder / "tally"
    _make_repository(project)
    output.say(
        "The repository 'tally' and everything that happens to it is in",
        f"  {folder}",
        "Delete that when you are done.",
        "",
    )
    raise typer.Exit(asyncio.run(_run(settings, project)))


def _folder(keep: Path | None) -> Path:
    import tempfile

    if keep is None:
        return Path(tempfile.mkdtemp(prefix="claude-orchestrator-demo-"))
    if keep.exists() and (not keep.is_dir() or any(keep.iterdir())):
        raise ConfigError(f"{keep} is not an empty folder: give --keep a new one")
    keep.mkdir(parents=True, exist_ok=True)
    return keep.resolve()


def _settings(folder: Path) -> Settings:
    """A home beside the repository, so that everything of the demo is in one folder."""
    import os

    from claude_orchestrator.config import load_settings

    home = folder / "home"
    output.show_home(home)
    return load_settings({**os.environ, output.HOME: str(home)})


def _use_our_python() -> None:
    """The demo's repository has no environment of its own: ``python`` is ours, whatever venv is active."""
    import os
    import sys

    os.environ.pop("VIRTUAL_ENV", None)
    path = os.environ.get("PATH", os.defpath)
    output.show_path(path)
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), path])


def _make_repository(project: Path) -> None:
    """Copy the package's repository and make it one, with an identity of its own and none of the user's hooks."""
    import shutil
    from importlib import resources

    if shutil.which("git") is None:
        raise RepositoryError("git is not installed, or not on PATH: install git (2.38 or newer) first")
    with resources.as_file(resources.files("claude_orchestrator") / "demo" / "repository") as source:
        shutil.copytree(source, project, ignore=shutil.ignore_patterns("__pycache__", ".*_cache"))
    _git(project, "init", "--quiet", "--initial-branch=main")
    _git(project, "add", "--all")
    _git(project, "commit", "--quiet", "--message=A small ledger")


def _git(project: Path, *arguments: str) -> str:
    import os
    import subprocess

    identity = ["-c", "user.name=Demo", "-c", "user.email=demo@localhost", "-c", "commit.gpgsign=false"]
    alone = ["-c", "core.hooksPath=/dev/null", "-c", "core.autocrlf=false"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    done = subprocess.run(
        ["git", *identity, *alone, *arguments],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RepositoryError(f"git {arguments[0]} failed in {project}: {done.stderr.strip()}")
    return done.stdout.rstrip("\n")


async def _run(settings: Settings, project: Path) -> int:
    from importlib import resources

    from claude_orchestrator.cli.moving import move_runs
    from claude_orchestrator.cli.views import choose_view
    from claude_orchestrator.orchestrator.session import Orchestrator
    from claude_orchestrator.plans.files import load_plan
    from claude_orchestrator.state import runs
    from claude_orchestrator.state.database import Database
    from claude_orchestrator.telling.documents import story_of

    with resources.as_file(resources.files("claude_orchestrator") / "demo" / "plan.yaml") as file:
        plan = load_plan(file)
    run_id = await Orchestrator(project, settings).start(plan)
    code = await move_runs(settings, [run_id], choose_view(several=False, as_json=False))
    async with Database.open(settings.database) as db:
        progress, story = await runs.progress(db, run_id), await story_of(db, run_id)
    output.say(*_truth(progress, story, project))
    return code


def _truth(progress: dict[str, Any], story: Story, project: Path) -> Iterator[str]:
    """What happened, from the database and from git, and the commands that show more of it."""
    from claude_orchestrator.telling.words import branch, short

    run = progress["run"]
    name = branch(run["target_ref"])
    yield from _heading("What was merged, each commit verified as it stands")
    log = _git(project, "log", "--oneline", "--no-decorate", f"{run['base_commit']}..{name}")
    yield from (f"  {line}" for line in log.splitlines())
    yield from _heading("What was refused, and why")
    yield from _incidents(story.refusals)
    yield from _heading("What waited, because another task held the same files")
    yield from _incidents(story.lock_waits)
    yield from _heading("What found the branch moved on, and was merged onto its new head and verified there")
    yield from _moved(story.moved_heads)
    yield from _heading("Look for yourself")
    yield f"  {output.program()} status {run['id']}"
    for task_id in dict.fromkeys(refusal.task_id for refusal in story.refusals):
        yield f"  {output.program()} evidence {run['id']} {task_id}"
    yield f"  git -C {_quoted(project)} log --patch {short(run['base_commit'])}..{name}"


def _heading(text: str) -> Iterator[str]:
    yield ""
    yield output.paint(text, "bold")


def _incidents(incidents: Iterable[Incident]) -> Iterator[str]:
    told = False
    for incident in incidents:
        told = True
        attempt = f" attempt {incident.number}" if incident.number else ""
        yield f"  {incident.task_id}{attempt}: {' '.join(incident.text.split())}"
    if not told:
        yield "  nothing"


def _moved(heads: Iterable[Incident]) -> Iterator[str]:
    from claude_orchestrator.telling.words import short

    for head in heads:
        yield f"  {head.task_id} attempt {head.number}: onto {short(head.text)}"


def _quoted(path: Path) -> str:
    import shlex

    return shlex.quote(str(path))

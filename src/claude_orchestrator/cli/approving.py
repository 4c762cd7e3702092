"""``plan review``, ``plan approve``, ``plan export`` and ``plan import``."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import typer

from claude_orchestrator.cli import output
from claude_orchestrator.errors import ConfigError, NotReadyError, PlanError

if TYPE_CHECKING:
    from claude_orchestrator.config import Settings
    from claude_orchestrator.orchestrator.planning.ground import Ground
    from claude_orchestrator.orchestrator.planning.models import Session
    from claude_orchestrator.plans.models import Plan
    from claude_orchestrator.state.database import Database

_SESSION: Final = re.compile(r"s[0-9]+")

AsJson = Annotated[bool, typer.Option("--json", help="One JSON document.")]
Project = Annotated[
    Path | None,
    typer.Option(help="A folder of the git repository that the plan is for.", show_default="the session's, else here"),
]
Version = Annotated[int | None, typer.Option(help="The version of a stored plan.", show_default="the newest")]


def register(app: typer.Typer) -> None:
    """Add the commands to ``plan``."""
    app.command()(review)
    app.command()(approve)
    app.command()(export)
    app.command("import")(import_plan)


def review(
    what: Annotated[
        str,
        typer.Argument(metavar="PLAN", help="A planning session, a stored plan, or a plan file (YAML or Markdown)."),
    ],
    project: Project = None,
    version: Version = None,
    as_json: AsJson = False,
) -> None:
    """Look a plan over before it is approved; exit 1 when it has errors. Nothing is changed."""
    import asyncio

    raise typer.Exit(asyncio.run(_review(what, project, version, as_json=as_json)))


def approve(
    what: Annotated[str, typer.Argument(metavar="PLAN", help="A planning session, or a stored plan.")],
    project: Project = None,
    version: Version = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether you mean it.")] = False,
    as_json: AsJson = False,
) -> None:
    """Approve a plan that has no errors, and write down which files its tasks rest on. Only a human can."""
    import asyncio

    asyncio.run(_approve(what, project, version, yes=yes, as_json=as_json))


def export(
    plan_id: Annotated[str, typer.Argument(metavar="PLAN", help="A stored plan.")],
    form: Annotated[
        Literal["yaml", "markdown"] | None,
        typer.Option("--format", help="yaml or markdown.", show_default="what the name of --output says, else yaml"),
    ] = None,
    to: Annotated[
        Path | None, typer.Option("--output", metavar="FILE", help="Where to.", show_default="standard output")
    ] = None,
    version: Version = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite a file that is there.")] = False,
) -> None:
    """Write a stored plan as a plan file or as a Markdown document; 'plan import' takes both back unchanged."""
    import asyncio

    markdown = form == "markdown" if form else to is not None and to.suffix == ".md"
    text = asyncio.run(_exported(plan_id, version, markdown=markdown))
    if to is None:
        output.say(text.rstrip("\n"))
        return
    if to.exists() and not force:
        raise ConfigError(f"{to} is there already: choose another name, or say --force")
    try:
        to.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{to} cannot be written ({error.strerror}): choose another place") from error
    output.say(f"{plan_id} is in {to}")


def import_plan(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A plan file (YAML) or a Markdown document.")],
    as_json: AsJson = False,
) -> None:
    """Store a plan without running it; a file that names a stored plan's id becomes that plan's next version."""
    import asyncio

    asyncio.run(_import(file, as_json=as_json))


@asynccontextmanager
async def _opened() -> AsyncIterator[tuple[Settings, Database]]:
    from claude_orchestrator.config import load_settings
    from claude_orchestrator.state.database import Database

    settings = load_settings()
    async with Database.open(settings.database) as db:
        yield settings, db


# -- review ----------------------------------------------------------------------------------------------------


async def _review(what: str, project: Path | None, version: int | None, *, as_json: bool) -> int:
    from claude_orchestrator.config import within
    from claude_orchestrator.orchestrator.planner import Planner
    from claude_orchestrator.orchestrator.planning import approving
    from claude_orchestrator.plans.models import Plan
    from claude_orchestrator.telling.planning import review_document, review_lines
    from claude_orchestrator.workspace.git import Repository

    async with _opened() as (settings, db):
        if _SESSION.fullmatch(what):
            session = await Planner(db, settings, "cli").get(what)
            if session.plan is None:
                raise NotReadyError(f"{what} has no draft yet: 'claude-orchestrator plan draft {what}' makes one")
            plan, where = Plan.model_validate(session.plan), Path(session.project)
        else:
            plan, where = await _plan(db, what, version), project or Path()
        repository = await Repository.open(where)
        found = (await approving.reviewed(db, within(settings, repository.root), repository, plan)).review
    if as_json:
        output.say_json(
            {"plan": what, "version": plan.version, "repository": str(repository.root)} | review_document(found)
        )
    else:
        output.say(*review_lines(found))
    return output.COMPLETED if found.approvable else output.NOT_COMPLETED


async def _plan(db: Database, what: str, version: int | None) -> Plan:
    """The plan that is meant on the command line: in a file, or stored."""
    from claude_orchestrator.cli.run import is_plan_file
    from claude_orchestrator.plans.store import PlanStore

    if is_plan_file(what) or what.endswith(".md"):
        return read_plan(Path(what))
    return await PlanStore(db).load(what, version)


def read_plan(path: Path) -> Plan:
    """The plan in a YAML file or in a Markdown document. Raises PlanError, which names the first problem."""
    from claude_orchestrator.orchestrator.planning.markdown import from_markdown
    from claude_orchestrator.plans.files import load_plan

    if path.suffix != ".md":
        return load_plan(path)
    try:
        return from_markdown(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        said = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise PlanError(f"{path} cannot be read ({said}): give the path of a plan") from error


# -- approve ---------------------------------------------------------------------------------------------------


async def _approve(what: str, project: Path | None, version: int | None, *, yes: bool, as_json: bool) -> None:
    async with _opened() as (settings, db):
        if _SESSION.fullmatch(what):
            await _approve_session(db, settings, what, yes=yes, as_json=as_json)
        else:
            await _approve_stored(db, settings, what, project, version, yes=yes, as_json=as_json)


async def _approve_session(db: Database, settings: Settings, name: str, *, yes: bool, as_json: bool) -> None:
    from claude_orchestrator.cli.interview import draft_lines, next_lines
    from claude_orchestrator.orchestrator.planner import Planner

    planner = Planner(db, settings, "cli")
    session = await planner.get(name)
    if session.plan_id is None:
        if session.plan is None and session.stage.value != "abandoned":
            go_on = f"{output.program()} plan resume {name}"
            raise PlanError(f"{name} has no draft yet: '{go_on}' asks what is open and makes one")
        if session.plan is not None and session.review is None:
            session = await planner.review(name)
        ready = session.stage.value != "abandoned" and session.review is not None and session.review.approvable
        if not as_json:
            output.say(*draft_lines(session), *(() if ready else next_lines(session)))
        _confirm(f"approve the plan of {name}?", yes=yes)
        await planner.approve_plan(name, session.revision)
        session = await planner.get(name)
    await _say_approved(db, session, as_json=as_json)


async def _say_approved(db: Database, session: Session, *, as_json: bool) -> None:
    from claude_orchestrator.state import grounds

    assert session.plan_id is not None
    assert session.plan_version is not None
    files = await grounds.count(db, session.plan_id, session.plan_version)
    _said(session.plan_id, session.plan_version, session.base_commit, files, session.id, as_json=as_json)


async def _approve_stored(
    db: Database, settings: Settings, what: str, project: Path | None, version: int | None, *, yes: bool, as_json: bool
) -> None:
    from claude_orchestrator.cli.run import is_plan_file
    from claude_orchestrator.config import within
    from claude_orchestrator.orchestrator.planning import approving
    from claude_orchestrator.plans.store import PlanStore
    from claude_orchestrator.state import grounds
    from claude_orchestrator.telling.planning import plan_lines, review_lines
    from claude_orchestrator.workspace.git import Repository

    if is_plan_file(what):
        raise PlanError(f"{what} is a file: store it first with '{output.program()} plan import {what}'")
    await approving.only_humans(db, settings, what, "cli")
    plan = await PlanStore(db).load(what, version)
    assert plan.id is not None
    assert plan.version is not None
    repository = await Repository.open(project or Path())
    seen = await approving.reviewed(db, within(settings, repository.root), repository, plan)
    if not as_json:
        document: dict[str, Any] = plan.model_dump(mode="json", exclude_none=True)
        output.say(f"{plan.id} version {plan.version}: {' '.join(plan.goal.split())}")
        output.say(*(f"  {line}" for line in plan_lines(document)))
        output.say(
            f"review, for {repository.root} at {seen.commit[:9]}", *(f"  {line}" for line in review_lines(seen.review))
        )
    if seen.review.approvable:
        _confirm(f"approve {plan.id} version {plan.version}?", yes=yes)
    ground: Ground = await approving.approve(db, settings, repository, seen, channel="cli")
    files = await grounds.count(db, plan.id, plan.version)
    _said(plan.id, plan.version, ground.commit, files, None, as_json=as_json)


def _confirm(question: str, *, yes: bool) -> None:
    """Raises NotReadyError where nobody can be asked, typer.Exit where somebody says no."""
    import sys

    if yes:
        return
    if not sys.stdin.isatty():
        raise NotReadyError("nothing is approved: there is no terminal to ask at, so say --yes if you mean it")
    if not typer.confirm(question):
        raise typer.Exit(output.NOT_COMPLETED)


def _said(plan_id: str, version: int, commit: str, files: int, session: str | None, *, as_json: bool) -> None:
    from claude_orchestrator.telling.words import counted, short

    if as_json:
        document = {"plan": plan_id, "version": version, "base": commit, "files": files, "session": session}
        output.say_json({**document, "approved": True})
        return
    output.say(
        f"{plan_id} version {version} is approved; its tasks rest on {counted(files, 'file')} as of {short(commit)}",
        f"  run: {output.program()} run {plan_id}",
    )


# -- export and import ---------------------------------------------------------------------------------------


async def _exported(plan_id: str, version: int | None, *, markdown: bool) -> str:
    from claude_orchestrator.orchestrator.planning.markdown import to_markdown
    from claude_orchestrator.plans.files import dump_plan
    from claude_orchestrator.plans.store import PlanStore

    async with _opened() as (_, db):
        plan = await PlanStore(db).load(plan_id, version)
    return to_markdown(plan) if markdown else dump_plan(plan)


async def _import(file: Path, *, as_json: bool) -> None:
    from claude_orchestrator.plans.store import PlanStore

    plan = read_plan(file)
    async with _opened() as (_, db):
        store = PlanStore(db)
        stored = await store.save(plan)
        assert stored.id is not None
        assert stored.version is not None
        approved = await store.approved_at(stored.id, stored.version) is not None
    if as_json:
        output.say_json({"plan": stored.id, "version": stored.version, "approved": approved})
        return
    output.say(
        f"{file} is stored as {stored.id} version {stored.version} ({'approved' if approved else 'not approved'})"
    )
    if not approved:
        output.say(f"  look it over: {output.program()} plan review {stored.id}")
        output.say(f"  approve it:   {output.program()} plan approve {stored.id}")

"""``setup``: claude-orchestrator as a part of Claude Code, put in, looked at and taken out again.

Claude Code is changed by its own commands only, and nothing in its settings but our own entries.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from claude_orchestrator.cli import output
from claude_orchestrator.errors import ConfigError

if TYPE_CHECKING:
    from claude_orchestrator.cli.claude_code import ClaudeCode, Registered


class Scope(StrEnum):
    """Where in Claude Code something is registered."""

    user = "user"
    project = "project"
    local = "local"


@dataclass(frozen=True)
class Step:
    """One change: in words, and what makes it. A step without a deed only says how things are."""

    says: str
    do: Callable[[], object] | None = None


@dataclass(frozen=True)
class Found:
    """What of ours is registered with Claude Code, as it is used in one folder."""

    claude: ClaudeCode
    servers: list[Registered]
    plugins: list[Registered]
    marketplace: str
    staged: Path
    """Where the plugin's folder is, or would be."""


def setup(
    scope: Annotated[
        Scope | None,
        typer.Option(
            help="Where: for you everywhere, for this repository and its people, for you in this repository.",
            show_default="user",
        ),
    ] = None,
    plugin: Annotated[
        bool, typer.Option("--plugin", help="The server, and with it the skills and hooks, as a plugin.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing: say what is registered, and whether the server starts.")
    ] = False,
    remove: Annotated[
        bool, typer.Option("--remove", help="Take out all that setup has put in; with --scope, only from there.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be changed.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Register the MCP server (or the whole plugin) with Claude Code; check it; remove it."""
    if sum((check, remove, plugin)) > 1:
        raise typer.BadParameter("--plugin, --check and --remove are for themselves: choose one")
    found = _found()
    if check:
        raise typer.Exit(_checked(found, as_json=as_json))
    if remove:
        steps = list(_removal(found, scope))
    elif plugin:
        steps = list(_plugin(found, scope or Scope.user))
    else:
        steps = list(_server(found, scope or Scope.user))
    for step in steps:
        if step.do is not None and not dry_run:
            step.do()
        if not as_json:
            mood = ("would: " if dry_run else "done: ") if step.do else ""
            output.say(f"{mood}{step.says}")
    if as_json:
        changes = [step.says for step in steps if step.do]
        output.say_json({"claude": str(found.claude.program), "dry_run": dry_run, "changes": changes})


def _found() -> Found:
    from claude_orchestrator.cli.claude_code import ClaudeCode
    from claude_orchestrator.cli.policies import project_of
    from claude_orchestrator.config import load_settings

    # Claude Code keeps what is local by the folder that it was started in, and people start it at the top.
    claude = ClaudeCode.found(Path(project_of(str(Path.cwd()))))
    staged = load_settings().home / "claude-code" / "plugin"
    return Found(claude, claude.servers(), claude.plugins(), claude.marketplace(), staged)


# -- putting it in ------------------------------------------------------------------------------------------


def _server(found: Found, scope: Scope) -> Iterator[Step]:
    from claude_orchestrator.cli.claude_code import SERVER

    if live := next((plugin for plugin in found.plugins if plugin.enabled), None):
        yield Step(f"the plugin is installed ({live.scope}) and brings the server: nothing to register")
        return
    program = _ourselves(scope)
    there = next((server for server in found.servers if server.scope == scope), None)
    if there is not None:
        if (there.command, there.arguments) == (program, ("serve",)):
            yield Step(f"the server '{SERVER}' is registered ({scope}): {program} serve")
            yield from _next_steps(scope)
            return
        if not there.ours:
            raise ConfigError(
                f"there is another MCP server named '{SERVER}' ({scope}: {there.command}): remove or rename it first"
            )
        yield _without(found, there)
    yield Step(
        f"register the server '{SERVER}' ({scope}): {program} serve",
        lambda: found.claude.call("mcp", "add", "--scope", scope, SERVER, "--", program, "serve"),
    )
    yield from _next_steps(scope)


def _next_steps(scope: Scope) -> Iterator[Step]:
    if scope is Scope.project:
        yield Step("  Claude Code asks everybody once whether this repository's server may start")
    yield Step("  see it: 'setup --check', or /mcp in a new session; take it out: 'setup --remove'")


def _plugin(found: Found, scope: Scope) -> Iterator[Step]:
    from claude_orchestrator.cli import plugin_folder
    from claude_orchestrator.cli.claude_code import MARKETPLACE, PLUGIN

    if scope is Scope.project:
        raise ConfigError(
            "the plugin names a folder of this machine, which a repository must not: use --scope user or local"
        )
    program, call, staged = _ourselves(scope), found.claude.call, str(found.staged)
    yield Step(f"keep the plugin's files in {staged}", lambda: plugin_folder.stage(found.staged, program))
    if found.marketplace not in {"", staged}:
        yield Step(
            f"forget the marketplace '{MARKETPLACE}' at {found.marketplace}, and what was installed from it",
            lambda: call("plugin", "marketplace", "remove", MARKETPLACE),
        )
    if found.marketplace != staged:
        yield Step(
            f"add the marketplace '{MARKETPLACE}' ({scope})",
            lambda: call("plugin", "marketplace", "add", staged, "--scope", scope),
        )
    there = next((one for one in found.plugins if one.scope == scope and one.enabled), None)
    if there is not None and found.marketplace == staged:
        yield Step(f"the plugin is installed ({scope})")
    else:
        yield Step(
            f"install the plugin '{PLUGIN}' ({scope}): server, skills, hooks",
            lambda: call("plugin", "install", PLUGIN, "--scope", scope),
        )
    for server in found.servers:
        if server.ours and server.scope != Scope.project:
            yield _without(found, server)
    yield Step("  in a new session: /orchestrator:plan GOAL; see it: 'setup --check'; take it out: 'setup --remove'")


def _ourselves(scope: Scope) -> str:
    """How Claude Code starts us: by our whole path; for a repository's people by our name."""
    called = Path(sys.argv[0])
    beside = Path(sys.executable).with_name(output.PROGRAM)
    on_path = shutil.which(output.PROGRAM)
    if scope is Scope.project:
        if on_path is None:
            output.warn(f"note: {output.PROGRAM} is not on your PATH, where Claude Code will look for it")
        return output.PROGRAM
    for path in (called if called.name == output.PROGRAM else beside, beside):
        if os.access(path, os.X_OK):
            return str(path.absolute())
    if on_path is not None:
        return on_path
    raise ConfigError(f"{output.PROGRAM} is not installed as a program: pip install it, then call it by its name")


# -- taking it out ------------------------------------------------------------------------------------------


def _without(found: Found, server: Registered) -> Step:
    from claude_orchestrator.cli.claude_code import SERVER

    return Step(
        f"take out the server '{SERVER}' ({server.scope}: {server.command})",
        lambda: found.claude.call("mcp", "remove", "--scope", server.scope, SERVER),
    )


def _removal(found: Found, scope: Scope | None) -> Iterator[Step]:
    steps = [_without(found, one) for one in found.servers if one.ours and scope in {None, one.scope}]
    plugins = [one for one in found.plugins if scope in {None, one.scope}]
    if len(plugins) < len(found.plugins):
        steps += [_uninstalled(found, one) for one in plugins]
    elif found.marketplace or plugins or (scope is None and found.staged.exists()):
        steps += _all_of_the_plugin(found)
    yield from steps or [Step("nothing of claude-orchestrator is registered with Claude Code here")]


def _uninstalled(found: Found, plugin: Registered) -> Step:
    from claude_orchestrator.cli.claude_code import PLUGIN

    return Step(
        f"uninstall the plugin ({plugin.scope})",
        lambda: found.claude.call("plugin", "uninstall", PLUGIN, "--scope", plugin.scope),
    )


def _all_of_the_plugin(found: Found) -> list[Step]:
    from claude_orchestrator.cli.claude_code import MARKETPLACE

    steps = []
    if found.marketplace:
        steps.append(
            Step(
                f"forget the marketplace '{MARKETPLACE}', and uninstall the plugin",
                lambda: found.claude.call("plugin", "marketplace", "remove", MARKETPLACE),
            )
        )
    return [*steps, _deleted(found.claude.left_over), _deleted(found.staged.parent)]


def _deleted(folder: Path) -> Step:
    return Step(f"delete {folder}", lambda: shutil.rmtree(folder, ignore_errors=True))


# -- looking at it ------------------------------------------------------------------------------------------


def _checked(found: Found, *, as_json: bool) -> int:
    from claude_orchestrator.cli.claude_code import tools_of

    live = [one for one in [*found.plugins, *found.servers] if one.enabled]
    checks: list[dict[str, Any]] = []
    for one in live:
        tools, wrong = tools_of(one) if one.trusted else ([], "it is not what setup registers, so it is not started")
        checks.append(
            {
                "what": "plugin" if one.plugin else "server",
                "scope": one.scope,
                "command": [one.command, *one.arguments],
                "tools": tools,
                "problem": wrong or None,
            }
        )
    good = bool(checks) and not any(check["problem"] for check in checks)
    version = found.claude.version()
    if as_json:
        document = {"claude": str(found.claude.program), "version": version, "good": good, "registered": checks}
        output.say_json(document)
    else:
        output.say(f"Claude Code {version}: {found.claude.program}")
        for check in checks:
            what = f"{check['what']} ({check['scope']}): {' '.join(check['command'])}"
            output.say(f"✗ {what}", f"    {check['problem']}") if check["problem"] else output.say(
                f"✓ {what}", f"    starts, and lists {len(check['tools'])} tools"
            )
        if not checks:
            output.say("✗ nothing of claude-orchestrator is registered: run 'claude-orchestrator setup'")
        elif len(checks) > 1:
            output.say("note: it is registered more than once; 'setup --remove' takes all of it out")
    return output.COMPLETED if good else output.NOT_COMPLETED

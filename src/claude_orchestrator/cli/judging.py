"""The whole command lines of ``classify`` and ``hook``; plain ones never come here (:mod:`.entry`)."""

from __future__ import annotations

from typing import Annotated

import typer

from claude_orchestrator.cli.classify import Request, problem, run
from claude_orchestrator.cli.hook import WAIT_S

hook_app = typer.Typer(help="Answer the hooks of coding agents.", no_args_is_help=True)


def classify(
    operation: Annotated[
        str | None, typer.Argument(metavar="OPERATION", help="What is wanted, in the form of its kind.")
    ] = None,
    kind: Annotated[
        str,
        typer.Option(
            help="shell, git, file_write, file_edit, file_delete, file_move, file_read, mcp_tool, agent_tool or http."
        ),
    ] = "shell",
    cwd: Annotated[str, typer.Option(metavar="DIR", help="Where it would happen; not looked at.")] = ".",
    workspace: Annotated[
        str | None, typer.Option(metavar="DIR", help="The folder that the work is about.", show_default="the cwd")
    ] = None,
    policy: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="A policy file in place of the user's.", show_default="the user's"),
    ] = None,
    preset: Annotated[str | None, typer.Option(help="A preset in place of all files.", show_default="standard")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
    jsonl: Annotated[
        bool, typer.Option("--jsonl", help="Judge every line of standard input, a JSON object with `op`.")
    ] = False,
) -> None:
    """Say what the policy thinks of an operation: safe, requires_approval or blocked. Nothing is run or looked at."""
    given = {"kind": kind, "cwd": cwd, "workspace": workspace, "policy": policy, "preset": preset}
    values = {
        name: value for name, value in given.items() if value is not None and not (name == "cwd" and value == ".")
    }
    flags = {name for name, wanted in (("json", as_json), ("jsonl", jsonl)) if wanted}
    request = Request(operation, values, flags)
    if wrong := problem(request):
        raise typer.BadParameter(wrong)
    raise typer.Exit(run(request))


@hook_app.command("pre-tool-use")
def pre_tool_use(
    gate: Annotated[
        bool, typer.Option("--gate", help="Ask through the inbox, not in the session, what needs approval.")
    ] = False,
    wait: Annotated[
        float, typer.Option(min=0.0, help="With --gate: seconds to wait for the answer; then the call is refused.")
    ] = WAIT_S,
) -> None:
    """Answer Claude Code's PreToolUse hook: allow, ask or deny the call on standard input, by this machine's policy."""
    from claude_orchestrator.cli.hook import answer

    raise typer.Exit(answer(gate=gate, wait_s=wait))


@hook_app.command("session-start")
def session_start() -> None:
    """Answer Claude Code's SessionStart hook: how the plans, runs and questions of this project stand."""
    from claude_orchestrator.cli import hook_context

    raise typer.Exit(hook_context.session_start())


@hook_app.command("post-compact")
def post_compact() -> None:
    """Answer Claude Code's PostCompact hook: tell the user what is kept in the context."""
    from claude_orchestrator.cli import hook_context

    raise typer.Exit(hook_context.post_compact())


@hook_app.command("stop")
def stop() -> None:
    """Answer Claude Code's Stop hook: a word, once, when it says that tests pass and none ran since the last change."""
    from claude_orchestrator.cli import hook_stop

    raise typer.Exit(hook_stop.stop())

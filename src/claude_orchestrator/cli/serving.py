"""The whole command line of ``serve``; plain ones never come here (:mod:`.entry`)."""

from __future__ import annotations

from typing import Annotated

import typer

from claude_orchestrator.cli.serve import Request, problem, run


def serve(
    address: Annotated[
        str | None,
        typer.Argument(metavar="[HOST:PORT]", help="With --http: where to listen.", show_default="127.0.0.1:8577"),
    ] = None,
    tools: Annotated[
        str,
        typer.Option(
            metavar="LIST",
            help="What is listed: core, standard, all, or dynamic (core, which grows where that is allowed).",
        ),
    ] = "all",
    read_only: Annotated[
        bool, typer.Option("--read-only", help="Leave out every tool that changes something.")
    ] = False,
    project: Annotated[
        str, typer.Option(metavar="DIR", help="The repository that calls are about when they name none.")
    ] = ".",
    http: Annotated[
        bool, typer.Option("--http", help="Listen for HTTP in place of standard input; callers need tokens.")
    ] = False,
    no_auth: Annotated[
        bool,
        typer.Option(
            "--no-auth", help="With --http on this machine only: ask for no tokens, and let callers only look."
        ),
    ] = False,
) -> None:
    """Serve MCP clients: on standard input and output, or over HTTP. Ending the server never touches a run."""
    if address is not None and not http:
        raise typer.BadParameter(f"'{address}' is an address to listen on: say --http as well")
    request = Request(tools, read_only, project, (address or "") if http else None, no_auth)
    if wrong := problem(request):
        raise typer.BadParameter(wrong)
    raise typer.Exit(run(request))

"""``python -m claude_orchestrator.server``: the MCP server on standard input and output."""

from __future__ import annotations

import argparse
from pathlib import Path


def main() -> None:
    """Read the options and serve until the client goes."""
    parser = argparse.ArgumentParser(prog="python -m claude_orchestrator.server", description=__doc__)
    parser.add_argument("--tools", choices=("core", "standard", "all", "dynamic"), default="all", help="what is listed")
    parser.add_argument("--read-only", action="store_true", help="leave out everything that changes something")
    parser.add_argument("--project", type=Path, default=Path(), help="the repository that calls are about")
    given = parser.parse_args()

    from claude_orchestrator.config import load_settings
    from claude_orchestrator.server.app import make_app
    from claude_orchestrator.server.stdio import run_stdio

    dynamic = given.tools == "dynamic"
    run_stdio(
        make_app(
            load_settings(),
            project=given.project.absolute(),
            tools="core" if dynamic else given.tools,
            read_only=given.read_only,
            dynamic=dynamic,
        )
    )


if __name__ == "__main__":
    main()

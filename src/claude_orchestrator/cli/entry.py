"""Where ``claude-orchestrator`` starts: commands that are called thousands of times go past the command line's library.

``hook`` runs before every call of an interactive session's tools, and ``classify`` in loops and pipes, so both must
cost little more than starting Python. What this does not recognise at once (help, a wrong option) is the library's.
"""

from __future__ import annotations

import gc
import os
import sys


def main() -> None:
    """Run the command line and exit."""
    words = sys.argv[1:]
    if words == ["hook", "pre-tool-use"]:
        gc.disable()  # the process lives for milliseconds: nothing has to be tidied up, now or at its end
        from claude_orchestrator.cli.hook import answer

        code = answer()
        os._exit(code)
    if words[:1] == ["classify"]:
        from claude_orchestrator.cli.classify import parsed, run

        if (request := parsed(words[1:])) is not None:
            sys.exit(run(request))
    from claude_orchestrator.cli.main import main as whole

    whole()

"""Where ``claude-orchestrator`` starts: commands that are called thousands of times go past the command line's library.

``hook`` runs before every call of an interactive session's tools, and ``classify`` in loops and pipes, so both must
cost little more than starting Python; and an MCP client waits for ``serve``. What this does not recognise at once
(help, a wrong option) is the library's.
"""

from __future__ import annotations

import gc
import os
import sys


def _fill_streams() -> None:
    """A stream that our caller has closed is one that says nothing and that nobody reads; its number is no file's."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115  (light; for good)


def _told(event: str) -> int:
    """Answer a hook that only tells a session something."""
    if event == "stop":
        from claude_orchestrator.cli.hook_stop import stop

        return stop()
    from claude_orchestrator.cli import hook_context

    return hook_context.session_start() if event == "session-start" else hook_context.post_compact()


def main() -> None:
    """Run the command line and exit."""
    words = sys.argv[1:]
    _fill_streams()
    if words[:2] == ["hook", "pre-tool-use"] and words[2:] in ([], ["--gate"]):
        gc.disable()  # the process lives for milliseconds: nothing has to be tidied up, now or at its end
        from claude_orchestrator.cli.hook import answer

        code = answer(gate=words[2:] == ["--gate"])
        os._exit(code)
    if words[:1] == ["hook"] and len(words) == 2 and words[1] in {"session-start", "post-compact", "stop"}:
        gc.disable()
        os._exit(_told(words[1]))
    if words[:1] == ["classify"]:
        from claude_orchestrator.cli.classify import parsed, run

        if (request := parsed(words[1:])) is not None:
            sys.exit(run(request))
    if words[:1] == ["serve"]:
        from claude_orchestrator.cli.serve import parsed as plainly
        from claude_orchestrator.cli.serve import run as serve

        if (serving := plainly(words[1:])) is not None:
            sys.exit(serve(serving))
    try:
        from claude_orchestrator.cli.main import main as whole

        whole()
    except KeyboardInterrupt:
        sys.exit(130)  # while all this is still being loaded: nothing was begun

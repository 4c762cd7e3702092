"""A process that plans: started by tests, several at once, and killed where they say.

Arguments: the project, the number of the statement, counted from the first step on, before which it kills itself (0:
none), the session, and steps: ``start``, ``answer:ID=VALUE``, ``defaults``, ``research``, ``draft``, ``review``,
``approve``, ``abandon``. Before the first step it says ``ready`` and waits for a line. It prints what every step came
to, as JSON, and at the end how many statements were executed.
"""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import aiosqlite

from claude_orchestrator.config import load_settings
from claude_orchestrator.errors import OrchestratorError
from claude_orchestrator.orchestrator.planner import Planner
from claude_orchestrator.state.database import Database

executed: list[str] = []


def kill_before(number: int) -> None:
    """Let this process die, as of a power failure, when it is about to execute that statement."""
    execute = aiosqlite.Connection.execute

    def counted(self: aiosqlite.Connection, *arguments: Any, **more: Any) -> Any:
        executed.append(str(arguments[0]))
        if len(executed) == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return execute(self, *arguments, **more)

    aiosqlite.Connection.execute = counted  # type: ignore[method-assign]


async def step(planner: Planner, project: Path, session_id: str, what: str) -> str:
    name, _, rest = what.partition(":")
    if name == "start":
        return (await planner.start_planning_session(project, "Add a currency to the report")).id
    if name == "answer":
        question, _, value = rest.partition("=")
        await planner.answer(session_id, question, value)
    elif name == "approve":
        print(json.dumps({"plan": await planner.approve_plan(session_id)}), flush=True)
    else:
        steps = {"defaults": planner.accept_defaults, "research": planner.research, "abandon": planner.abandon}
        await {**steps, "draft": planner.draft, "review": planner.review}[name](session_id)
    return session_id


async def main(project: Path, session_id: str, steps: list[str]) -> None:
    settings = load_settings()
    async with Database.open(settings.database) as db:
        planner = Planner(db, settings)
        kill_before(int(sys.argv[2]))
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        for what in steps:
            try:
                session_id = await step(planner, project, session_id, what)
                print(json.dumps({"step": what, "session": session_id}), flush=True)
            except OrchestratorError as error:
                print(json.dumps({"step": what, "error": str(error)}), flush=True)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[3], sys.argv[4:]))
    print(json.dumps({"statements": len(executed)}), flush=True)

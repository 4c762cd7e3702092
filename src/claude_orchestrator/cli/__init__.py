"""The command line: parses, calls what is below, and shows the answer.

Nothing is decided here. Start-up is part of the interface: a module of this room imports typer and the
standard library's light modules at most; whatever is heavier (rich, pydantic, yaml, aiosqlite, asyncio, the
orchestrator) is imported inside the command that needs it.
"""

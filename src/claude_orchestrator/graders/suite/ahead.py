"""Runs that will most likely be asked for when all others are done, made while those still go on."""

from __future__ import annotations

import ast
import asyncio
from collections.abc import Iterator

from claude_orchestrator.graders.bench import Bench
from claude_orchestrator.graders.parsing import parsed
from claude_orchestrator.graders.suite.independence import own_word_findings
from claude_orchestrator.graders.suite.run_log import COLLECTION, SuiteRun, file_of
from claude_orchestrator.graders.suite.runs import Done, SuiteRuns
from claude_orchestrator.graders.suite.telling import ask_idle_ahead


async def ask_ahead(bench: Bench, suite: SuiteRuns, done: Done) -> None:
    """Have the tests that fail on the base's code (in the run ``done``) run with other words and with idle functions.

    It is done as if all of them passed with the change.

    What that says is not looked at: when it is asked for these tests, ``suite`` knows the answer.
    """
    witness = done.run
    names = [name for name, ending in witness.tests.items() if ending.outcome == "failed"]
    broken = [file_of(name) for name in names if name.endswith(COLLECTION)]
    for path, content in (await bench.files("head", broken)).items():
        tree = parsed(content)
        names += [f"{path}::{name}" for name in _functions(tree)] if tree else []
    shown = [name for name in names if not name.endswith(COLLECTION)]
    if shown and not witness.trouble:
        await asyncio.gather(
            own_word_findings(bench, suite, shown, SuiteRun("")),
            ask_idle_ahead(bench, suite, shown, done.command.duration_s),
        )


def _functions(tree: ast.Module) -> Iterator[str]:
    """The tests of a module as pytest calls them."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test"):
            yield node.name
        elif isinstance(node, ast.ClassDef):
            inside = (one for one in node.body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef))
            yield from (f"{node.name}::{one.name}" for one in inside if one.name.startswith("test"))

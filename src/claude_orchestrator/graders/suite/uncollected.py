"""New files of tests that no run collects."""

from __future__ import annotations

import ast

from claude_orchestrator.graders.bench import Bench
from claude_orchestrator.graders.parsing import parsed
from claude_orchestrator.graders.semantics.sides import is_code
from claude_orchestrator.graders.suite.outcomes import Tests
from claude_orchestrator.graders.suite.run_log import file_of


async def never_collected(bench: Bench, own: Tests) -> frozenset[str]:
    """The new files of the change whose functions are named like tests and that are in no run.

    Code that is data of other tests (below ``fixtures``, ``snippets`` and the like) does not count.
    """
    change = bench.change
    collected = {file_of(name) for name in own}
    fresh = [
        path
        for path in change.touched - change.base_entries.keys() - collected
        if path.endswith(".py") and change.is_test(path) and is_code(path) and path not in change.overrides
    ]
    return frozenset(path for path, content in (await bench.files("head", fresh)).items() if _has_tests(content))


def _has_tests(content: bytes) -> bool:
    """Whether a file has tests at its top, or in a class that is named like one, and imports what it tests."""
    tree = parsed(content)
    body = tree.body if tree else []
    inside = [one for node in body if isinstance(node, ast.ClassDef) and "Test" in node.name for one in node.body]
    is_asking = any(
        isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test")
        for node in (*body, *inside)
    )
    return is_asking and any(isinstance(node, ast.Import | ast.ImportFrom) for node in body)

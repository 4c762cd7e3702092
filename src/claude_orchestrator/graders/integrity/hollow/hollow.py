"""The part of the guard that looks for code which only looks like work."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from claude_orchestrator.graders import configuration as rules
from claude_orchestrator.graders.base import Finding
from claude_orchestrator.graders.integrity.hollow.constants import constant_findings, constants_in
from claude_orchestrator.graders.integrity.hollow.expected import NOTHING, Shown, shown_by
from claude_orchestrator.graders.integrity.hollow.handlers import handler_findings
from claude_orchestrator.graders.integrity.hollow.kept import kept_findings, kept_parameters, unread_parameters
from claude_orchestrator.graders.integrity.hollow.loosened import loosened_findings
from claude_orchestrator.graders.integrity.hollow.mirrors import mirror_findings
from claude_orchestrator.graders.integrity.hollow.parameters import parameter_findings
from claude_orchestrator.graders.integrity.hollow.stubs import stub_findings
from claude_orchestrator.graders.integrity.hollow.unasked import unasked_findings
from claude_orchestrator.graders.integrity.hollow.unguarded import unguarded_findings
from claude_orchestrator.graders.integrity.hollow.unrefused import unrefused_findings
from claude_orchestrator.graders.integrity.hollow.unwired import new_options, unread_options, unwired_findings
from claude_orchestrator.graders.integrity.judges.harness import role_of

if TYPE_CHECKING:
    from claude_orchestrator.graders.bench import Bench

_WRITING: Final = ("feature", "fix")


async def hollow_findings(bench: Bench) -> list[Finding]:
    """The new findings of the change."""
    change = bench.change
    paths = {
        path
        for path in change.touched
        if path.endswith(".py") and not change.is_test(path) and not rules.is_configuration(path)
    }
    if not paths:
        return []
    old = paths | {change.old_names.get(path, path) for path in paths}
    base, head = await asyncio.gather(bench.files("base", old), bench.files("head", paths))
    is_feature = bench.claims.kind in _WRITING
    needs_tests = is_feature and (
        any(True for _ in constants_in(base, head))
        or bool(stub_findings(base, head, is_feature=True) or parameter_findings(base, head))
    )
    told = await shown_by(bench) if needs_tests else NOTHING
    found = hollow_in(
        base, head, is_feature=is_feature, told=told, said=bench.claims.message, old_names=change.old_names
    )
    ours = {path: content for path, content in head.items() if role_of(path, change.is_test) == "source"}
    if is_feature:
        found += unwired_findings(base, ours, change.old_names, bench.claims.kind)
        if options := new_options(base, ours):
            code = [path for path in change.own_paths if path.endswith(".py") and not change.is_test(path)]
            found += unread_options(options, (await bench.files("head", code)).values())
        if kept := kept_parameters(base, ours):
            code = [path for path in change.own_paths if path.endswith(".py")]
            files = await bench.files("head", code)
            tests = [content for path, content in files.items() if change.is_test(path)]
            found += unread_parameters(kept, [one for path, one in files.items() if not change.is_test(path)], tests)
    elif bench.claims.kind is not None:
        found += await loosened_findings(bench, base, head)
        found += unasked_findings(base, ours, change.old_names, bench.claims.kind)
    return found


def hollow_in(
    base: Mapping[str, bytes],
    head: Mapping[str, bytes],
    *,
    is_feature: bool = False,
    told: Shown = NOTHING,
    said: str = "",
    old_names: Mapping[str, str] | None = None,
) -> list[Finding]:
    """What is hollow in ``head`` and was not there in ``base``.

    ``is_feature``: the task was to write it. ``told`` is what the tests say that show the change, ``said`` what its
    author says of it. ``old_names`` are the names that renamed files had.
    """
    found = stub_findings(base, head, is_feature=is_feature, told=told)
    if is_feature:
        found += parameter_findings(base, head, told)
        found += kept_findings(base, head)
        found += mirror_findings(base, head)
        found += unrefused_findings(base, head, said)
        known = {(one.path, one.symbol) for one in found if one.severity == "problem"}
        found += [one for one in constant_findings(base, head, told) if (one.path, one.symbol) not in known]
    return found + handler_findings(base, head) + unguarded_findings(base, head, old_names or {})

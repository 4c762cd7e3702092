"""All that is known of one attempt, as a JSON document and as lines of text."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from claude_orchestrator.cli.output import paint
from claude_orchestrator.telling.words import Row, clip, duration, moment, short

_COLOURS = {"passed": "green", "failed": "red", "error": "red", "needs_review": "yellow"}
_FINDINGS = 20


def attempt_lines(document: Mapping[str, Any], run: Row) -> Iterator[str]:
    """An attempt for people: what it did, what was checked, why it was refused, where everything is."""
    took = (
        f", {duration(document['finished_at'] - document['started_at'])}" if document["finished_at"] is not None else ""
    )
    yield (
        f"{paint('attempt ' + str(document['number']), 'bold')} ({document['id']}) {document['status']}"
        f"  started {moment(document['started_at'])}{took}"
    )
    if document["reason"]:
        yield (
            f"  {paint('refused', 'red')}: {document['reason']}"
            if document["status"] == "failed"
            else f"  {document['reason']}"
        )
    yield "  what the agent did (from the journal):"
    yield from _operation_lines(document["operations"]) if document["operations"] else ["    nothing is on record"]
    for verdict in document["evidence"]:
        yield from _verdict_lines(verdict)
    git = f"git -C {shlex.quote(run['repository'])}"
    if document["commit"]:
        yield "  look at its change, for ever:"
        yield f"    {git} diff {short(document['base'])} {document['ref']}"
    yield f"  logs and files: {document['folder']}"
    if document["feedback"]:
        yield "  what the next attempt was told:"
        yield from (f"    | {line}" for line in document["feedback"].splitlines())


def _operation_lines(operations: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for operation in operations:
        done = operation["done"]
        result = "not done" if done is None else f"exit {done.get('exit_code')}"
        if operation.get("verdict", "SAFE") != "SAFE" and done is None:
            result = f"{operation['verdict']}: {operation.get('reason')}"
        elif operation.get("kind") == "report":
            result = "not believed"
        yield f"    {operation.get('kind'):<8} {clip(str(operation.get('target')), 90)}  ({result})"


def _verdict_lines(verdict: Mapping[str, Any]) -> Iterator[str]:
    document = verdict["document"]
    word = paint(verdict["verdict"].replace("_", " "), _COLOURS.get(verdict["verdict"], "bold"))
    what = f"tree {short(verdict['tree'])}, against {short(document['base'])}"
    yield f"  verified {moment(verdict['at'])}: {word}  ({what})"
    yield from (f"    because {reason}" for reason in document["reasons"])
    for check in document["checks"]:
        yield from _check_lines(check)
    for waiver in document.get("waivers", ()):
        because = waiver["reason"] or "no reason given"
        yield f"    {paint('approved', 'yellow')} by {waiver['by']} {waiver['at']} ({waiver['gate']}): {because}"
    yield f"    bundle and outputs: {verdict['folder']}"
    if document["rerun"]:
        yield "    check it again by hand, in an empty folder:"
        yield from (f"      {line}" for line in document["rerun"])


def _check_lines(check: Mapping[str, Any]) -> Iterator[str]:
    word = paint(check["status"].replace("_", " "), _COLOURS.get(check["status"], "bold"))
    known = f", {check['known']} known before" if check.get("known") else ""
    version = f" {check['version']}" if check.get("version") else ""
    yield f"    {check['name']}{version}: {word}, {len(check['findings'])} new{known}"
    said = [finding["message"] for finding in check["findings"]]
    for finding in check["findings"][:_FINDINGS]:
        place = f"{finding['path']}:{finding['line']}" if finding["line"] else finding["path"]
        yield f"      {place}: {finding['rule']}: {clip(finding['message'], 160)}"
    if len(said) > _FINDINGS:
        yield f"      … and {len(said) - _FINDINGS} more"
    yield from (f"      {reason}" for reason in check["reasons"] if not any(message in reason for message in said))
    yield from (f"      note: {note}" for note in check.get("notes", ()))
    for by_hand, results in _grouped(check["commands"]).items():
        yield f"      $ {by_hand}"
        yield f"        {'; '.join(results)}"


def _grouped(commands: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Shell command → how it ended in each of the trees that it was run in."""
    groups: dict[str, list[str]] = {}
    for command in commands:
        tree = command["label"].rpartition("-")[2]
        ended = "timed out" if command["timed_out"] else command.get("stopped") or f"exit {command['exit_code']}"
        earlier = ", from an earlier run" if command["cached"] else ""
        groups.setdefault(command["by_hand"], []).append(f"{tree}: {ended} in {command['duration_s']:.1f} s{earlier}")
    return groups

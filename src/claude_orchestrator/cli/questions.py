"""A question that waits for a human, as lines of text; pure functions of its row."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from claude_orchestrator.cli.output import paint, program
from claude_orchestrator.telling.visible import visible
from claude_orchestrator.telling.words import Row, moment, one_line, short

_FILES: Final = 20
"""Files of a drift that are shown one by one."""


def answered_line(row: Row) -> str:
    """A question that is answered (or withdrawn), on one line."""
    because = f": {one_line(row['reason'])}" if row["reason"] else ""
    how = f" ({row['way']})" if row.get("way") in ("pattern", "edited", "expired") else ""
    by = f" by {row['answered_by']} {moment(row['answered_at'])}" if row["answered_by"] else ""
    return f"  {row['id']} {row['run_id']}/{row['task_id']} ({row['kind']}) {row['status']}{how}{by}{because}"


def question_lines(row: Row) -> Iterator[str]:
    """Everything that an answer depends on."""
    yield (
        f"{paint(row['id'], 'bold')} {row['status']}  {row['run_id']}/{row['task_id']} ({row['kind']})"
        f"  asked {moment(row['created_at'])}"
    )
    yield f"  {one_line(row['question'])}"
    if row["kind"] == "operation":
        yield from _operation_lines(row)
    elif row["kind"] == "drift":
        yield from _drift_lines(row)
    elif row["kind"] == "budget":
        yield f"  look:   {program()} cost {row['run_id']} --by task"
    else:
        yield f"  look:   {program()} evidence {row['run_id']} {row['task_id']}"
    if row["status"] != "open":
        yield answered_line(row)
        return
    yield f"  answer: {program()} approve {row['id']}   or   {program()} deny {row['id']} --reason TEXT"


def _drift_lines(row: Row) -> Iterator[str]:
    files = row["files"]
    yield "  changed since the plan was approved:"
    for file in files[:_FILES]:
        gone = "" if file["was"] and file["blob"] else "  (is there now)" if file["blob"] else "  (is gone)"
        yield f"    {visible(file['path'])}{gone}"
    if len(files) > _FILES:
        yield f"    … and {len(files) - _FILES} more"
    yield "  an approval covers these files as they were when it was asked, for this task in this run"
    for since in dict.fromkeys(file["since"] for file in files):
        same = [file for file in files if file["since"] == since]
        paths = " ".join(shlex.quote(file["path"]) for file in same[:_FILES])
        commits = f"{short(since)} {short(same[0]['head'])}"
        yield f"  look:   git -C {shlex.quote(row['repository'])} diff {commits} -- {paths}"


def _operation_lines(row: Row) -> Iterator[str]:
    operation = row["operation"]
    yield f"  rule {row['rule']}, risk {row['risk']}, in {operation['cwd']}"
    yield "  effects:"
    for effect in row["effects"]:
        command = f"   [{one_line(' '.join(effect['argv']))}]" if effect["argv"] else ""
        yield f"    {effect['rule']:<4} {one_line(effect['what'])}{command}"
    yield "  in full:"
    yield from (f"    | {visible(line)}" for line in row["shown"].splitlines())
    yield "  an approval covers exactly this operation, once"
    if row["suggestion"]:
        yield f"  with --pattern, for the rest of {row['run_id']}: {pattern_words(row['suggestion'])}"
    if row["expires_at"] is not None:
        yield f"  denied by itself at {moment(row['expires_at'])}"


def pattern_words(pattern: Sequence[Mapping[str, Any]] | None) -> str:
    """A pattern for people: what it lets happen."""
    return " and ".join(dict.fromkeys(_rule_words(rule) for rule in pattern or ())) or "nothing: there is no pattern"


def _rule_words(rule: Mapping[str, Any]) -> str:
    if rule.get("line"):
        return "exactly this command line"
    if rule.get("argv"):
        return one_line(" ".join(rule["argv"]))
    return one_line(str(rule.get("tool") or f"{rule.get('effect', '')} {rule.get('path', '')}"))

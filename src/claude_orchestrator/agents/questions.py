"""An operation as a question to a human: its key, its JSON form, and what is shown of it."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from claude_orchestrator.errors import NotReadyError
from claude_orchestrator.safety.operations import Effect, Operation, Verdict

SHOWN_LIMIT: Final = 20_000
"""Characters of a diff or a command that are kept with a gate."""

_READ_LIMIT: Final = 1_000_000
_PARTS: Final = ("kind", "target", "content", "old", "count")


def to_document(operation: Operation) -> dict[str, Any]:
    """An operation as JSON; :func:`from_document` reads it."""
    return {
        **{name: getattr(operation, name) for name in _PARTS},
        "argv": list(operation.argv),
        "cwd": str(operation.cwd),
        "workspace": str(operation.workspace),
        "arguments": dict(operation.arguments),
    }


def from_document(document: Mapping[str, Any]) -> Operation:
    """The operation that :func:`to_document` wrote down."""
    return Operation(
        document["kind"],
        Path(document["cwd"]),
        document["target"],
        argv=tuple(document["argv"]),
        content=document["content"],
        old=document["old"],
        count=document["count"],
        workspace=Path(document["workspace"]),
        arguments=document["arguments"],
    )


def edited(operation: Operation, text: str) -> Operation:
    """The operation with ``text`` in place of its command line, its content, or (a deletion) its path.

    Raises NotReadyError for an operation that has nothing of the kind, or a command line that is none.
    """
    if operation.kind in ("write", "replace"):
        return _changed(operation, content=text)
    if operation.kind == "delete":
        return _changed(operation, target=text)
    if operation.kind != "run" or not text.strip():
        raise NotReadyError(f"this cannot be edited into '{text}': approve or deny it as it is")
    if not operation.argv:  # the line is for a shell, and stays so
        return _changed(operation, target=text)
    if operation.argv[2:] == (operation.target,):
        return _changed(operation, target=text, argv=[*operation.argv[:2], text])
    try:
        return _changed(operation, target=text, argv=shlex.split(text))
    except ValueError as error:
        raise NotReadyError(f"'{text}' is no command line: {error}") from error


def _changed(operation: Operation, **changes: Any) -> Operation:
    return from_document({**to_document(operation), **changes})


def key_of(operation: Operation, *, run_id: str, task_id: str, position: int) -> str:
    """Equal for the same operation at the same place of the same task, in whatever worktree and launch."""
    document = to_document(operation)
    places = {"cwd": os.path.relpath(document["cwd"], document["workspace"]), "workspace": ""}
    whole = json.dumps([run_id, task_id, position, {**document, **places}], sort_keys=True, default=str)
    return hashlib.sha256(whole.encode(errors="backslashreplace")).hexdigest()


def question_of(operation: Operation, verdict: Verdict) -> str:
    """The question in one line."""
    wants = " ".join(f"{operation.kind} {operation.target}".split())
    wants = wants if len(wants) <= 200 else wants[:199] + "…"
    return f"wants to {wants}: {verdict.reason}"


def effects_of(verdict: Verdict) -> list[dict[str, Any]]:
    """The effects as JSON."""
    return [_effect(effect) for effect in verdict.effects]


def _effect(effect: Effect) -> dict[str, Any]:
    return {
        "rule": effect.rule,
        "what": effect.what,
        "argv": list(effect.argv),
        "span": list(effect.span) if effect.span else None,
        "paths": list(effect.paths),
    }


def shown_of(operation: Operation) -> str:
    """What an approver has to see: the diff of a change, else the operation in full."""
    if operation.kind in ("write", "replace"):
        return _cut(_diff(operation))
    if operation.arguments:
        return _cut(f"{operation.target} {json.dumps(operation.arguments, indent=2, default=str)}")
    return _cut(f"{operation.kind} {operation.target}")


def _diff(operation: Operation) -> str:
    from difflib import unified_diff

    before = _content(operation)
    after = operation.content
    if operation.kind == "replace":
        after = before.replace(operation.old, operation.content)
    lines = unified_diff(
        before.splitlines(), after.splitlines(), f"a/{operation.target}", f"b/{operation.target}", lineterm=""
    )
    return "\n".join(lines)


def _content(operation: Operation) -> str:
    """What the file holds now; nothing when it is no plain file, or too large to be shown."""
    try:
        place = operation.place()
        if place.is_file() and place.stat().st_size <= _READ_LIMIT:
            return place.read_bytes().decode(errors="replace")
    except (OSError, RuntimeError, ValueError):
        return ""
    return ""


def _cut(text: str) -> str:
    return (
        text
        if len(text) <= SHOWN_LIMIT
        else f"{text[:SHOWN_LIMIT]}\n… {len(text) - SHOWN_LIMIT} more characters, which 'inbox show --json' has"
    )

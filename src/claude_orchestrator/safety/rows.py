"""Operations and verdicts as rows of JSON: ``{"op", "kind", "cwd", "workspace"}`` in, the same with a verdict out."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, Final

from claude_orchestrator.safety.classifier import classify
from claude_orchestrator.safety.operations import Decision, Effect, Operation, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from claude_orchestrator.safety.policy import Policy

KINDS: Final = {
    "shell": "a command line, as `bash -c` gets it",
    "git": "a git command line",
    "file_write": 'JSON `{"path": …, "content": …}`',
    "file_edit": 'JSON `{"path": …, "old": …, "new": …}`',
    "file_delete": "a path",
    "file_move": 'JSON `{"path": …, "to": …}`',
    "file_read": "a path",
    "mcp_tool": "`server.tool {json arguments}`",
    "agent_tool": "`Name {json arguments}`, a coding agent's own tool",
    "http": "`METHOD URL [body]`",
}
"""Kind of a row → form of its operation."""

_CALL: Final = re.compile(r"\s*(\S+)\s*(.*)", re.DOTALL)


class RowError(ValueError):
    """A row is no operation; the message says why."""


def operation_of(row: Mapping[str, Any], *, cwd: str = "") -> Operation:
    """The operation in a row. Where it does not say, it is a shell command in ``cwd`` (ours if that is empty, too).

    Raises RowError.
    """
    kind = row.get("kind")
    kind = "shell" if kind is None or kind == "" else kind
    make = _MAKERS.get(kind) if isinstance(kind, str) else None
    if make is None:
        raise RowError(f"there is no kind {kind!r}: choose from {', '.join(KINDS)}")
    op = row.get("op")
    if op is None:
        raise RowError("there is no 'op'")
    here = _folder(row, "cwd", cwd or os.getcwd())  # noqa: PTH109  (light)
    workspace = _folder(row, "workspace", here)
    if "cwd" not in row and "workspace" in row:
        here = workspace
    annotations = row.get("annotations")
    read_only = isinstance(annotations, dict) and annotations.get("readOnlyHint") is True
    return make(op, {"cwd": here, "workspace": workspace}, read_only)


def judge_row(row: object, policy: Policy, *, cwd: str = "") -> dict[str, Any]:
    """The row with ``verdict``, ``rule``, ``effects`` and ``reason``. Never raises: a bad row needs approval."""
    if not isinstance(row, dict):
        return {"op": row, **verdict_row(refusal("a row is a JSON object", policy))}
    try:
        verdict = classify(operation_of(row, cwd=cwd), policy)
    except RowError as error:
        verdict = refusal(str(error), policy)
    return {**row, **verdict_row(verdict)}


def judge_line(line: str, policy: Policy, *, cwd: str = "") -> dict[str, Any]:
    """As :func:`judge_row` for a line of text; what is no JSON comes back as ``op``."""
    import json

    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        return {"op": line, **verdict_row(refusal(f"the line is no JSON: {error}", policy))}
    return judge_row(row, policy, cwd=cwd)


def refusal(why: str, policy: Policy) -> Verdict:
    """The verdict on what is no operation."""
    decision = Decision.BLOCKED if policy.nobody else policy.table["A0"]
    return Verdict(decision, f"A0: {why}", "A0", (Effect("A0", why),))


def verdict_row(verdict: Verdict) -> dict[str, Any]:
    """A verdict as JSON has it."""
    return {
        "verdict": verdict.decision.lower(),
        "rule": verdict.rule,
        "effects": [effect_row(effect) for effect in verdict.effects],
        "reason": verdict.reason,
    }


def effect_row(effect: Effect) -> dict[str, Any]:
    """An effect as JSON has it: what is empty is left out."""
    row: dict[str, Any] = {"rule": effect.rule, "what": effect.what}
    if effect.argv:
        row["argv"] = list(effect.argv)
    if effect.span is not None:
        row["span"] = list(effect.span)
    if effect.paths:
        row["paths"] = list(effect.paths)
    return row


def _folder(row: Mapping[str, Any], key: str, default: str) -> str:
    value = row.get(key)
    if value is None or value == "":
        return default
    if not isinstance(value, str) or "\0" in value:
        raise RowError(f"{key} is no path")
    if value == "/":
        return value
    return os.path.normpath(os.path.join(default, value))  # noqa: PTH118  (light)


def _text(op: object) -> str:
    if not isinstance(op, str):
        raise RowError("op is no text")
    return op


def _fields(op: object) -> dict[str, Any]:
    """The object in ``op``, written as JSON or given as it is."""
    if isinstance(op, dict):
        return op
    import json

    try:
        fields = json.loads(_text(op), object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise RowError(f"op is no JSON: {error}") from None
    if not isinstance(fields, dict):
        raise RowError("op is no JSON object")
    return fields


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object; of a key that stands there twice, nobody knows which value its reader takes."""
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a key stands there twice")
    return fields


def _field(fields: Mapping[str, Any], *names: str, default: str | None = None) -> str:
    for name in names:
        if name in fields:
            if not isinstance(fields[name], str):
                raise RowError(f"{name} is no text")
            return str(fields[name])
    if default is None:
        raise RowError(f"there is no '{names[0]}' in op")
    return default


def _shell(op: object, where: dict[str, Any], _read_only: bool) -> Operation:
    return Operation("run", target=_text(op), **where)


def _write(op: object, where: dict[str, Any], _read_only: bool) -> Operation:
    fields = _fields(op)
    path = _field(fields, "path", "file_path")
    if "content" not in fields:
        return Operation("replace", target=path, **where)
    content = fields["content"]
    if not isinstance(content, str):
        import json

        content = json.dumps(content)
    return Operation("write", target=path, content=content, **where)


def _edit(op: object, where: dict[str, Any], _read_only: bool) -> Operation:
    fields = _fields(op)
    old, new = _field(fields, "old", "old_string", default=""), _field(fields, "new", "new_string", default="")
    return Operation("replace", target=_field(fields, "path", "file_path"), content=new, old=old, **where)


def _path_of(op: object) -> str:
    if isinstance(op, dict) or (isinstance(op, str) and op.lstrip().startswith("{")):
        return _field(_fields(op), "path", "file_path")
    return _text(op)


def _delete(op: object, where: dict[str, Any], _read_only: bool) -> Operation:
    return Operation("delete", target=_path_of(op), **where)


def _read(op: object, where: dict[str, Any], _read_only: bool) -> Operation:
    return Operation("read", target=_path_of(op), **where)


def _move(op: object, where: dict[str, Any], _read_only: bool) -> Operation:
    fields = _fields(op)
    path, new = _field(fields, "path", "from", "source"), _field(fields, "to", "destination")
    return Operation("move", target=path, content=new, **where)


def _http(op: object, where: dict[str, Any], _read_only: bool) -> Operation:
    parts = _text(op).strip().split(None, 2)
    if len(parts) == 1 and "://" in parts[0]:
        parts = ["GET", parts[0]]
    if len(parts) < 2:
        raise RowError("an http operation is 'METHOD URL [body]'")
    return Operation("http", target=f"{parts[0]} {parts[1]}", content=parts[2] if len(parts) > 2 else "", **where)


def _call(op: object) -> tuple[str, dict[str, Any]]:
    match = _CALL.fullmatch(_text(op))
    if match is None:
        raise RowError("op names no tool")
    name, rest = match[1], match[2].strip()
    if "{" in name:
        name, brace, inside = name.partition("{")
        rest = f"{brace}{inside}{match[2]}"
    if not name:
        raise RowError("op names no tool")
    return name, _fields(rest) if rest else {}


def _mcp(op: object, where: dict[str, Any], read_only: bool) -> Operation:
    name, arguments = _call(op)
    return Operation("mcp", target=name, arguments=arguments, read_only=read_only, **where)


def _tool(op: object, where: dict[str, Any], read_only: bool) -> Operation:
    name, arguments = _call(op)
    return Operation("tool", target=name, arguments=arguments, read_only=read_only, **where)


_MAKERS: Final[dict[str, Callable[[object, dict[str, Any], bool], Operation]]] = {
    "shell": _shell,
    "git": _shell,
    "file_write": _write,
    "file_edit": _edit,
    "file_delete": _delete,
    "file_move": _move,
    "file_read": _read,
    "mcp_tool": _mcp,
    "agent_tool": _tool,
    "http": _http,
}

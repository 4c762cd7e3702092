"""Reading what the command line says of a change: its report, the journal of its work, conditions on its texts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import typer

_MAX_BYTES: Final = 20_000_000


def known_kind(kind: str | None) -> str | None:
    """The kind of change, in one spelling. Raises typer.BadParameter for one that nobody knows."""
    if kind is None:
        return None
    from claude_orchestrator.plans.fields import KNOWN_KINDS, whole_kind

    known = whole_kind(kind)
    if known not in KNOWN_KINDS:
        raise typer.BadParameter(f"unknown kind '{kind}': use one of {', '.join(KNOWN_KINDS)}", param_hint="--kind")
    return known


def text_in(file: Path, option: str) -> str:
    """The text of a file. Raises typer.BadParameter when it cannot be used."""
    try:
        with file.open("rb") as stream:
            content = stream.read(_MAX_BYTES + 1)
        if len(content) > _MAX_BYTES:
            raise typer.BadParameter(f"{file} is larger than {_MAX_BYTES // 1_000_000} MB", param_hint=option)
        return content.decode("utf-8-sig")
    except OSError as error:
        raise typer.BadParameter(f"{file} cannot be read: {error.strerror}", param_hint=option) from None
    except UnicodeDecodeError:
        raise typer.BadParameter(f"{file} is not UTF-8 text", param_hint=option) from None


def journal_in(file: Path, option: str) -> list[dict[str, Any]]:
    """The operations in a file: a JSON list, or one JSON document a line. Raises typer.BadParameter.

    Of events as ``run --json`` prints them, those of kind ``operation.done`` count, with their ``data``.
    """
    text = text_in(file, option)
    try:
        if text.lstrip().startswith("["):
            found: list[Any] = json.loads(text)
        else:
            found = [json.loads(line) for line in text.splitlines() if line.strip()]
    except (ValueError, RecursionError) as error:
        raise typer.BadParameter(f"{file} is no JSON list or JSON lines ({error})", param_hint=option) from None
    if any("data" in entry for entry in found if isinstance(entry, dict)):
        found = [
            entry.get("data") for entry in found if isinstance(entry, dict) and entry.get("kind") == "operation.done"
        ]
    if not all(isinstance(entry, dict) for entry in found):
        raise typer.BadParameter(f"{file} has an entry that is no mapping", param_hint=option)
    return found


def condition(text: str) -> dict[str, Any]:
    """A condition on a text from its YAML. Raises typer.BadParameter."""
    from pydantic_core import PydanticCustomError

    from claude_orchestrator.plans.checks import known_check
    from claude_orchestrator.plans.document import read_document

    document = read_document(text)
    said = f"{document.mistakes[0].message}; {document.mistakes[0].hint}" if document.mistakes else "it is no mapping"
    if document.mistakes or not isinstance(document.data, dict):
        raise typer.BadParameter(f"{text!r}: {said}", param_hint="--text-check")
    try:
        known = known_check(document.data)
    except PydanticCustomError as error:
        said = f"{error.message()}: {(error.context or {}).get('hint', '')}"
        raise typer.BadParameter(said, param_hint="--text-check") from None
    return dict(known) if isinstance(known, dict) else {}

"""JSON documents with everything that looks like a key redacted."""

from __future__ import annotations

from typing import Any

from claude_orchestrator.safety.redaction import redact


def redacted(value: Any) -> Any:
    """The same JSON value, every text in it redacted; the names of mappings stay."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, dict):
        return {name: redacted(part) for name, part in value.items()}
    return [redacted(part) for part in value] if isinstance(value, (list, tuple)) else value

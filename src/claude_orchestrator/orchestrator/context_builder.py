"""The prompt of an attempt: the task's own words, then what the agent needs to know, each under its heading."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from claude_orchestrator.safety.redaction import redact


def build(definition: Mapping[str, Any], feedback: str) -> str:
    """Compose the prompt of one attempt from the task's definition and the evidence of the failed attempt.

    Sections without content are left out; the task's prompt comes first and verbatim. Only what looks like a key is
    redacted, wherever it comes from.
    """
    sections = [definition.get("prompt") or definition.get("title") or definition["id"]]
    if files := definition.get("files"):
        sections.append("## Files you may change\n\n" + _list(files))
    if criteria := definition.get("success_criteria"):
        sections.append("## Success criteria\n\n" + _list(criteria))
    if feedback:
        sections.append("## Why the previous attempt was refused\n\n" + feedback)
    return redact("\n\n".join(sections) + "\n")


def _list(items: list[str]) -> str:
    return "\n".join(f"- {item}" for item in items)

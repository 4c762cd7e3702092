"""``hook stop``: a word to the model when it says that tests pass and the session's transcript knows of no such run.

It is a nudge, not the verdict: that is the verifier's, outside the session. It speaks once for each change, and only
when it is sure of what it saw; in any doubt or trouble the turn ends as it would have.
"""

from __future__ import annotations

import json
import re
import sys
from typing import Any, Final

MOST_READ: Final = 16 * 1024 * 1024
"""Bytes of the transcript's end that are looked at."""

NUDGE: Final = "claude-orchestrator: you say that tests pass, but"
"""How the nudge begins; what has been said once is found by it."""

_EDITS: Final = frozenset({"Edit", "MultiEdit", "Write", "NotebookEdit"})
_SHELLS: Final = frozenset({"Bash", "PowerShell", "BashOutput", "TaskOutput", "REPL"})
_ELSEWHERE: Final = frozenset({"Agent", "Task", "Workflow", "Skill", "SendMessage"})
"""Tools behind which tests may have run without a line in this transcript."""
_TOLD_IN: Final = frozenset({"user", "attachment", "system"})
"""Kinds of entries in which the client writes down what its hooks have said."""

_TESTING: Final = re.compile(
    r"(?i)test|spec\b|check|verify|\btox\b|\bnox\b|\bjust\b|\bmake\b|\bci\b|jest|ruff|tsc\b|build"
)
"""What a command that may have run tests says; wide, because a wrong nudge costs more than a missed one."""
_CLAIM: Final = re.compile(
    r"""(?ix)
    \btests?\b [^.!?\n]{0,40}? \b(?:pass|passes|passed|passing|succeed|succeeds|succeeded|green)\b
    | \b(?:pass|passes|passed|passing)\b [^.!?\n]{0,20} \btests?\b
    | \btest\ suite\b [^.!?\n]{0,30} \b(?:pass|passes|passed|passing|succeeds|succeeded|green)\b
    | \b(?:ran|re-?ran|executed)\b [^.!?\n]{0,30} \btests?\b
    | \b\d+\ passed\b
    """
)
_HEDGED: Final = re.compile(
    r"(?i)\b(?:not|n't|never|no|none|without|cannot|should|would|will|could|may|might|must|if|once|until|when|unless|whether"
    r"|before|ensure|make|let|please|expect\w*|want|need\w*|fail\w*|to (?:see|get|have|keep|pass))\b|n't\b|\?"
)
_SENTENCE: Final = re.compile(r"(?<=[.!?])\s+|\n+")


def stop() -> int:
    """Answer the hook on standard input; the exit code is always 0."""
    try:
        said = json.loads(sys.stdin.buffer.read())
        missing = _missing(said) if isinstance(said, dict) else ""
        if missing:
            sys.stdout.write(json.dumps({"decision": "block", "reason": missing}) + "\n")
            sys.stdout.flush()
    except Exception:  # noqa: BLE001  (a nudge is never worth a session's trouble)
        return 0
    return 0


def _missing(said: dict[str, Any]) -> str:
    """What to tell the model; empty when its turn may end."""
    if said.get("stop_hook_active") or said.get("background_tasks"):
        return ""
    last = said.get("last_assistant_message")
    if not isinstance(last, str) or not claims_tests(last):
        return ""
    path = said.get("transcript_path")
    return unproven(*_tail(path)) if isinstance(path, str) else ""


def claims_tests(message: str) -> bool:
    """Whether a message says that tests ran or pass, plainly: not that they should, would, or did not."""
    prose = re.sub(r"(?s)```.*?(?:```|\Z)|`[^`\n]*`|^>[^\n]*", " ", message, flags=re.MULTILINE)
    return any(_CLAIM.search(part) and not _HEDGED.search(part) for part in _SENTENCE.split(prose))


def unproven(lines: list[bytes], whole: bool = True) -> str:
    """What a transcript, as lines of JSON, does not show of tests; empty when it may show them, or was told before.

    Of one that is not ``whole``, nothing is said about what was before its first change.
    """
    edited, failed = "", ""
    tested: dict[str, bool] = {}
    told = ran = False
    for entry in _entries(lines):
        told = told or (entry.get("type") in _TOLD_IN and NUDGE in json.dumps(entry, ensure_ascii=False))
        for block in _blocks(entry):
            kind, name = block.get("type"), str(block.get("name"))
            if kind == "tool_use" and name in _EDITS:
                edited, told, ran, failed, tested = _edited(block), False, False, "", {}
            elif kind == "tool_use" and _may_test(name, block.get("input")):
                ran, failed = True, ""
                tested[str(block.get("id"))] = name in _SHELLS
            elif kind == "tool_result" and tested.get(str(block.get("tool_use_id"))) and block.get("is_error") is True:
                failed = "the last command that ran them ended with an error"
    if told or (ran and not failed) or not (whole or edited or failed):
        return ""
    since = f"since your last change ({edited}) " if edited else "in this session "
    why = failed or f"{since}no command ran them"
    return f"{NUDGE} {why}. Run them now and report what they say, or say plainly that they were not run."


def _edited(block: dict[str, Any]) -> str:
    given = block.get("input")
    path = given.get("file_path") or given.get("notebook_path") if isinstance(given, dict) else None
    return str(path or "a file").rpartition("/")[2][:80]


def _may_test(name: str, given: Any) -> bool:
    if name in _SHELLS:
        return bool(_TESTING.search(json.dumps(given)))
    return name in _ELSEWHERE or (
        name.startswith("mcp__") and re.search(r"(?i)test|run|exec|verify|check", name) is not None
    )


def _tail(path: str) -> tuple[list[bytes], bool]:
    """The last lines of a file, and whether they are all."""
    with open(path, "rb") as file:  # noqa: PTH123  (light)
        size = file.seek(0, 2)
        file.seek(max(0, size - MOST_READ))
        lines = file.read(MOST_READ).splitlines()
    return (lines, True) if size <= MOST_READ else (lines[1:], False)


def _entries(lines: list[bytes]) -> list[dict[str, Any]]:
    found = []
    for line in lines:
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict) and not entry.get("isSidechain"):
            found.append(entry)
    return found


def _blocks(entry: dict[str, Any]) -> list[dict[str, Any]]:
    message = entry.get("message")
    content = message.get("content") if isinstance(message, dict) else entry.get("content")
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return [block for block in content if isinstance(block, dict)] if isinstance(content, list) else []

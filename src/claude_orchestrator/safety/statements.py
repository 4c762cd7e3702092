"""What statements of databases do: SQL, and the commands of Redis and MongoDB that matter."""

from __future__ import annotations

import re
from typing import Final

from claude_orchestrator.safety.operations import Effect

_PIECES: Final = re.compile(
    r"(?P<text>'(?:[^'\\]|''|\\.)*'|\$(?P<tag>\w*)\$.*?\$(?P=tag)\$)"
    r"|(?P<name>\"(?:[^\"]|\"\")*\"|`[^`]*`|\[[^\]]*\])"
    r"|(?P<comment>--[^\n]*|/\*(?!!).*?(?:\*/|\Z))|(?P<hint>/\*!\d*|\*/)",
    re.DOTALL,
)
_DESTROYS: Final = re.compile(
    r"(?i)\bdrop\s+(?:database|schema)\b|\bflush(?:all|db)\b|\bdropDatabase\b|\bdropAllDatabases\b|\bdrop_database\b"
)
_INDIRECT: Final = re.compile(r"(?i)\b(?:execute|exec|prepare|sp_executesql|do|eval|format|xp_cmdshell|program)\b")
_TOOL_DESTROYS: Final = re.compile(r"(?i)drop[-_]?(?:database|schema|db)|flush[-_]?(?:all|db)|delete[-_]?database")


def statement_effects(statement: str, where: str = "a database") -> list[Effect]:
    """The effects of SQL (or what looks like it) that a database gets: B3 when a database is destroyed, else A11."""
    if destroys_database(statement):
        return [Effect("B3", f"destroys a database: {_short(statement)}")]
    return [Effect("A11", f"sends to {where}: {_short(statement)}")]


def destroys_database(statement: str) -> bool:
    """Whether a statement drops a database or schema. Texts in it count only where they can be executed."""
    code = _PIECES.sub(_code, statement)
    if _DESTROYS.search(code):
        return True
    return _INDIRECT.search(code) is not None and _DESTROYS.search(_PIECES.sub(_everything, statement)) is not None


def tool_destroys_database(name: str) -> bool:
    """Whether the name of a database server's tool says that it destroys a database."""
    return _TOOL_DESTROYS.search(name) is not None


def _code(match: re.Match[str]) -> str:
    """What remains of a piece where only code counts: a quoted name stays a word, MySQL executes ``/*! … */``."""
    if match["text"]:
        return " '' "
    return " x " if match["name"] else " "


def _everything(match: re.Match[str]) -> str:
    return " " if match["comment"] or match["hint"] else match[0]


def _short(statement: str) -> str:
    line = " ".join(statement.split())
    return line if len(line) <= 120 else f"{line[:117]}..."

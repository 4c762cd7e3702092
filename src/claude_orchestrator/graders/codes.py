"""Linter codes: which are about taste and which about mistakes."""

from __future__ import annotations

import re
from typing import Final

_STYLE: Final = re.compile(
    r"(?:E1|E2|E3|E4|E5|E70|E731|E741|W1|W2|W3|W5|I|D|DOC|Q|COM|ISC|ANN|TC|TCH|UP|FIX|TD|ERA|CPY|PT|EM|TRY|N|C4|SIM"
    r"|PLR|PLC|FURB"
    r"|PYI|RET|PERF|FA|ICN|PIE|INP|RUF|YTT|RSE|SLOT|FLY|NPY|PD|AIR|ARG|FBT|G|LOG|DJ|EXE|TID|PTH|SLF|INT|A|YESQA)\d*$"
)

_HABITS: Final = frozenset(
    {
        "BLE001", "S101", "S105", "S106", "S107", "S110", "S112", "S311", "S404", "S603", "S607", "B008", "B009",
        "B010", "B017",
        "B904", "T201", "T203", "C901", "PLW0602", "PLW0603", "PLW2901", "E721", "F403", "PLE0604",
    }
)  # fmt: skip


def is_style(code: str) -> bool:
    """Whether a code of ruff or flake8 is about form, names and idioms: what it reports is hardly ever a mistake."""
    return bool(_STYLE.match(code.strip().upper()))


def is_habit(code: str) -> bool:
    """Whether what a code reports is often meant: a broad except, a print, a long function. Style counts, too."""
    return code.strip().upper() in _HABITS or is_style(code)

"""Real agents, or their real protocols, through the whole way. What an extra is needed for is skipped without it."""

from __future__ import annotations

import sys
from pathlib import Path

_TESTS = Path(__file__).parents[1]

# The worlds of the other groups, which have their own folders.
sys.path[:0] = [str(_TESTS / name) for name in ("integration", "acceptance") if str(_TESTS / name) not in sys.path]

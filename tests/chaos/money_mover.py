"""A ``mover.py`` whose runners know the agent that only spends money; run by the chaos tests only."""

from __future__ import annotations

import sys
from pathlib import Path

from mover import main

sys.path.append(str(Path(__file__).parent.parent / "integration"))

from spending_world import use_spending_agents

if __name__ == "__main__":
    use_spending_agents()
    sys.exit(main())

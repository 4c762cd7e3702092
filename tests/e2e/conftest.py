"""Agents with the real client libraries, against scripted providers on loopback."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "scripted"))

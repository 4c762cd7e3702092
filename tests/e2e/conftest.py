"""Agents with the real client libraries, against scripted providers on loopback."""

import sys
from pathlib import Path

TESTS = Path(__file__).parent.parent
sys.path[:0] = [str(TESTS / "scripted"), str(TESTS / "acceptance")]

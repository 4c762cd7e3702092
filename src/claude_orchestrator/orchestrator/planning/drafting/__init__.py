"""A plan from a goal, the answers and the map, without any model: pure, and the same every time.

It names what the map shows, and says openly what a person has to fill in. Only ``draft_from`` and ``Draft`` are for
others.
"""

from claude_orchestrator.orchestrator.planning.drafting.assembling import Draft, draft_from

__all__ = ["Draft", "draft_from"]

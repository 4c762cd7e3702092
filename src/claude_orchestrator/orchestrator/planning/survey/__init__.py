"""The map of a repository at one commit, as far as its files say it.

Everything is read from git's objects, so what is mapped is the commit and never somebody's checkout; nothing of the
repository is imported or run, and how much is read is bounded. What cannot be read (broken, binary, too large) is
left out, and the map says so. ``survey`` and ``render`` are for others, and what the names of files say
(``languages``).
"""

from claude_orchestrator.orchestrator.planning.survey.mapping import survey
from claude_orchestrator.orchestrator.planning.survey.rendering import render

__all__ = ["render", "survey"]

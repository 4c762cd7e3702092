"""The one small hierarchy of errors.

Every message is one line for a person and says what to do next; a face prints it and exits.
"""

from __future__ import annotations


class OrchestratorError(Exception):
    """Base of every error that a user may see; ``str(error)`` is what they read."""


class ConfigError(OrchestratorError):
    """A setting is unusable (a bad number, an unwritable home)."""


class PlanError(OrchestratorError):
    """A plan cannot be read, checked, stored or run as it stands."""


class RepositoryError(OrchestratorError):
    """Git, or the repository, cannot do what is asked of it."""


class BlockedError(RepositoryError):
    """The run cannot go on until a person puts something outside right; no attempt is to blame."""


class StateError(OrchestratorError):
    """The database cannot be used: newer than this program, damaged, read-only or the disk full."""


class StaleFenceError(StateError):
    """Somebody else owns the task by now; whoever gets this error must stop working on it."""


class NotReadyError(OrchestratorError):
    """A task, run or gate is not in the state that the request needs."""


class ForbiddenError(OrchestratorError):
    """Only a human may do this, and the process that tries belongs to an agent."""


class AgentError(OrchestratorError):
    """An agent cannot be started or its assignment is unusable."""


class VerificationError(OrchestratorError):
    """The verifier could not judge at all (as opposed to: judged and found wanting)."""

"""claude-orchestrator: the durable, verifying layer under coding agents."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from claude_orchestrator.orchestrator.session import Orchestrator

__version__ = "0.1.0"
__all__ = ["Orchestrator", "__version__"]


def __getattr__(name: str) -> object:
    """``Orchestrator`` is imported when it is used: the package itself must cost nothing."""
    if name == "Orchestrator":
        from claude_orchestrator.orchestrator.session import Orchestrator

        return Orchestrator
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

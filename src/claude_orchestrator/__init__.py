"""claude-orchestrator: the durable, verifying layer under coding agents."""

__version__ = "0.1.0"

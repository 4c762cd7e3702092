"""What the user, the environment and the project have set. Everybody may read it; nothing is decided here."""

from claude_orchestrator.config.settings import PREFIX, Settings, load_settings, within

__all__ = ["PREFIX", "Settings", "load_settings", "within"]

"""Which variables of the environment an agent needs to reach its provider; nothing else of it reaches the agent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

CLAUDE: Final = (
    "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_BASE_URL", "CLAUDE_CODE_OAUTH_TOKEN", "CLAUDE_CONFIG_DIR",
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "CLAUDE_CODE_MAX_RETRIES", "CLAUDE_ORCHESTRATOR_CLAUDE",
)  # fmt: skip
"""What Claude Code reads to find its account; names, in the order in which people know them."""

LOGIN: Final = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN")
"""Which of them are keys."""

PROVIDERS: Final = {
    "anthropic": ("ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL"),
    "google": ("GEMINI_API_KEY", "GOOGLE_API_KEY", "GOOGLE_GEMINI_BASE_URL"),
    "openai": ("OPENAI_API_KEY", "OPENAI_BASE_URL"),
    "openai-chat": ("OPENAI_API_KEY", "OPENAI_BASE_URL"),
    "ollama": ("OLLAMA_BASE_URL", "OLLAMA_API_KEY"),
}
"""Provider → the variables that its client reads: first the keys, one of which is enough, then where it is.

``openai-chat`` is any server that speaks OpenAI's Chat Completions; it and ``ollama`` need no key."""

KEYLESS: Final = frozenset({"ollama", "openai-chat"})
"""Providers that may be servers of one's own, which ask for no key."""

OWN: Final = "claude_orchestrator.providers"
"""The group of entry points that name providers of the user's own."""


def environment_of(agent: str, environment: Mapping[str, str]) -> dict[str, str]:
    """The variables of ``environment`` that an agent of that kind needs."""
    return {name: environment[name] for name in _names_for(agent) if name in environment}


def available(environment: Mapping[str, str]) -> tuple[str, ...]:
    """The providers that the environment has an account for: a key, or the address of a server that needs none."""
    return tuple(name for name in PROVIDERS if any(map(environment.get, _signs(name))))


def keys_of(provider: str) -> tuple[str, ...]:
    """The variables that may hold the provider's key; one is enough."""
    return tuple(name for name in _variables(provider) if not name.endswith("_BASE_URL"))


def places_of(provider: str) -> tuple[str, ...]:
    """The variables that say where the provider is."""
    return tuple(name for name in _variables(provider) if name.endswith("_BASE_URL"))


@cache
def own_providers() -> dict[str, EntryPoint]:
    """The providers that installed packages bring along, by name; none of them is loaded."""
    from importlib.metadata import entry_points

    return {found.name: found for found in entry_points(group=OWN) if found.name not in PROVIDERS}


def _names_for(agent: str) -> Iterable[str]:
    if agent == "claude":
        return CLAUDE
    if agent != "model":
        return ()
    return dict.fromkeys(name for provider in (*PROVIDERS, *own_providers()) for name in _variables(provider))


def _variables(provider: str) -> tuple[str, ...]:
    """Those of :data:`PROVIDERS`; a provider of one's own has them named after it."""
    prefix = provider.upper().replace("-", "_")
    return PROVIDERS.get(provider, (f"{prefix}_API_KEY", f"{prefix}_BASE_URL"))


def _signs(provider: str) -> tuple[str, ...]:
    """The variables any of which says that there is an account."""
    return _variables(provider) if provider in KEYLESS else keys_of(provider)

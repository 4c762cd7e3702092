"""Which variables of the environment an agent needs to reach its provider; nothing else of it reaches the agent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

CLAUDE: Final = (
    "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_BASE_URL", "CLAUDE_CODE_OAUTH_TOKEN", "CLAUDE_CONFIG_DIR",
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "CLAUDE_CODE_MAX_RETRIES", "CLAUDE_CODE_TMPDIR",
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

_BY_AGENT: Final = {
    "claude": CLAUDE,
    "model": tuple(dict.fromkeys(name for names in PROVIDERS.values() for name in names)),
}


def environment_of(agent: str, environment: Mapping[str, str]) -> dict[str, str]:
    """The variables of ``environment`` that an agent of that kind needs."""
    return {name: environment[name] for name in _BY_AGENT.get(agent, ()) if name in environment}


def available(environment: Mapping[str, str]) -> tuple[str, ...]:
    """The providers that the environment has an account for: a key, or the address of a server that needs none."""
    return tuple(name for name, variables in PROVIDERS.items() if any(map(environment.get, _signs(name, variables))))


def _signs(provider: str, variables: tuple[str, ...]) -> tuple[str, ...]:
    """The variables any of which says that there is an account."""
    keys = tuple(name for name in variables if not name.endswith("_BASE_URL"))
    return variables if provider in KEYLESS else keys

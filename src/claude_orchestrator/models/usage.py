"""What calls to a model have used."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Usage:
    """The tokens of one call, or of several together, and their price where it is known."""

    provider: str
    """The account that pays: ``anthropic``, ``openai``, ``google``, ``ollama``, the name of an ACP agent's program …"""
    model: str
    """As the provider calls it."""
    input_tokens: int = 0
    """Without those read from or written to a cache."""
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    usd: float | None = None
    """What the client says that it cost, in US dollars; None: to be reckoned from a table of prices, or unknown."""

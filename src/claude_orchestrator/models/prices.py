"""What a call costs: as its client says, else by the table of genai-prices; what neither knows is unknown, not free."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from claude_orchestrator.models.usage import Usage

FREE: Final = frozenset({"ollama"})
"""Providers that are programs on one's own machine."""

_MICRO: Final = 1_000_000


@dataclass(frozen=True)
class Price:
    """What a call costs."""

    micro_usd: int | None
    """Millionths of a US dollar, rounded up; None: unknown."""
    table: str
    """Where it is from: ``client``, ``free``, ``genai-prices 0.2.3``; empty where nobody knows it."""


UNKNOWN: Final = Price(None, "")


def price_of(usage: Usage) -> Price:
    """The price of a call. The first one that is looked up reads the table, which takes about a second."""
    if usage.usd is not None:
        return Price(_rounded_up(usage.usd), "client")
    if usage.provider in FREE:
        return Price(0, "free")
    if not usage.model:
        return UNKNOWN
    return _looked_up(usage)


def _looked_up(usage: Usage) -> Price:
    try:
        import genai_prices
    except ImportError:
        return UNKNOWN
    tokens = genai_prices.Usage(
        input_tokens=usage.input_tokens + usage.cache_read_tokens + usage.cache_write_tokens,
        cache_read_tokens=usage.cache_read_tokens,
        cache_write_tokens=usage.cache_write_tokens,
        output_tokens=usage.output_tokens,
    )
    # An account that the table has no name for may still sell a model that it knows.
    for provider in dict.fromkeys((usage.provider or None, None)):
        try:
            found = genai_prices.calc_price(tokens, usage.model, provider_id=provider)
        except (LookupError, ValueError):
            continue
        return Price(_rounded_up(float(found.total_price)), f"genai-prices {_version()}")
    return UNKNOWN


def _version() -> str:
    from importlib.metadata import version

    return version("genai-prices")


def _rounded_up(usd: float) -> int:
    return -int(-round(usd * _MICRO, 3) // 1)

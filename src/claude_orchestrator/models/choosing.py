"""Which model a task gets: the one that it names, else one of the size that its difficulty asks for.

Pure: who has an account and how much money is left is told, nothing is looked up.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

Size = Literal["small", "medium", "large"]


class Named(NamedTuple):
    """One model of the table."""

    model: str
    """As its provider calls it."""
    least_usd: float
    """US dollars that an attempt should have left: with less, a smaller model gets further."""


MODELS: Final[dict[str, dict[Size, Named]]] = {
    "anthropic": {
        "small": Named("claude-haiku-5-5", 0.03),
        "medium": Named("claude-sonnet-5-5", 0.50),
        "large": Named("claude-opus-5-5", 1.00),
    },
    "openai": {
        "small": Named("gpt-6-luna", 0.03),
        "medium": Named("gpt-6.1-terra", 0.25),
        "large": Named("gpt-6.1-sol", 0.50),
    },
    "google": {
        "small": Named("gemini-3.5-flash-lite", 0.09),
        "medium": Named("gemini-3.8-flash", 0.38),
        "large": Named("gemini-4-argon", 1.00),
    },
}
"""Provider → size → model; providers in the order in which they are tried.

The names are those that pydantic-ai 2.68 lists, looked up on 2026-11-26. ``least_usd`` is what 200,000 tokens in and
10,000 out cost by the table of genai-prices 0.2.3, rounded up: some twenty small turns without a cache."""

_SIZES: Final[tuple[Size, ...]] = ("small", "medium", "large")
_BY_DIFFICULTY: Final[dict[str, Size]] = {"easy": "small", "medium": "medium", "hard": "large"}
_FAMILIES: Final = {
    "anthropic": re.compile(r"claude-"),
    "google": re.compile(r"gemini-|gemma-"),
    "openai": re.compile(r"gpt-|chatgpt-|codex-|o\d"),
}
"""Provider → how the names of its models begin."""


def candidates(
    definition: Mapping[str, Any], available: Sequence[str], left_usd: Mapping[str, float | None] | None = None
) -> list[tuple[str, str]]:
    """Who may do the task, as (provider, model), the first choice first; the others are for when that one cannot.

    ``definition`` is the task's, of which ``model`` and ``difficulty`` count. ``available`` are the providers that
    there is an account for (:func:`~claude_orchestrator.models.accounts.available`). ``left_usd`` says what an attempt
    may still spend at a provider, in US dollars; None or nothing said: no limit.

    A named model (``provider:name``, a ``name`` whose family tells the provider, or several with commas between)
    is the choice, whatever the money; a provider that nobody can tell is empty. Otherwise it is the model of the
    difficulty's size of every available provider, then smaller ones. A model for which too little money is left is
    left out, unless nothing else is there. The list is empty only when no named provider is available.
    """
    if model := str(definition.get("model") or "").strip():
        return [_named(part.strip(), available) for part in model.split(",") if part.strip()]
    wanted = _SIZES.index(_BY_DIFFICULTY.get(str(definition.get("difficulty")), "medium"))
    left = left_usd or {}
    ordered = [
        (provider, MODELS[provider][size])
        for size in reversed(_SIZES[: wanted + 1])
        for provider in MODELS
        if provider in available
    ]
    affordable = [found for found in ordered if _is_enough(left.get(found[0]), found[1])]
    smallest = [found for found in ordered if found[1] is MODELS[found[0]]["small"]]
    return [(provider, named.model) for provider, named in affordable or smallest]


def _is_enough(left_usd: float | None, named: Named) -> bool:
    return left_usd is None or left_usd >= named.least_usd


def _named(text: str, available: Sequence[str]) -> tuple[str, str]:
    """Provider and model that one name stands for."""
    provider, colon, model = text.partition(":")
    if colon:
        return provider.strip(), model.strip()
    family = next((provider for provider, names in _FAMILIES.items() if names.match(text)), "")
    # A server of one's own has models of any name.
    return family or ("ollama" if "ollama" in available else ""), text

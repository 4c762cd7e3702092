"""How a provider, or the client that speaks to it, fails: what kind of failure it is decides what may help."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["rate_limit", "overloaded", "network", "authentication", "request", "budget", "turns", "setup"]
"""``rate_limit``: too much for now (429, a plan's limit) · ``overloaded``: the provider's trouble (5xx, 529) ·
``network``: no connection, a stream that was cut · ``authentication``: no key, a wrong one, no right to use the model
(401, 403) · ``request``: the provider refuses the request as it is (400, an unknown model, a prompt that is too long) ·
``budget``: what the attempt may spend is spent · ``turns``: the agent's limit of turns is reached ·
``setup``: the client is missing or cannot be used."""

PASSING: Final = frozenset({"rate_limit", "overloaded", "network"})
"""Kinds that waiting helps against: the attempt goes on later, and is not to blame."""

HOPELESS: Final = frozenset({"authentication", "setup"})
"""Kinds that only a person can put right: another attempt would fail as well."""

BLAMELESS: Final = PASSING | HOPELESS
"""Kinds that say nothing of the work."""


@dataclass(frozen=True)
class Fault:
    """Why an agent could not go on, when it was not the work's fault."""

    kind: Kind
    provider: str
    detail: str
    """One line that says what happened and, where somebody can do something, what."""
    retry_at: float | None = None
    """When it may work again (seconds since the epoch), where the provider has said so."""

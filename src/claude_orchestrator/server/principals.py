"""Who calls, and what they may do: every tool names the one scope that it needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, get_args

Scope = Literal["read", "write", "approve", "admin"]
"""Looking; making plans and moving runs; answering for a person; limits of spending. None contains another."""

SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)


@dataclass(frozen=True)
class Principal:
    """Somebody who calls tools."""

    name: str
    """As it is kept with what they do: ``local``, or the subject of a token."""
    scopes: frozenset[Scope]

    def may(self, scope: Scope) -> bool:
        """Whether tools of this scope are listed for them, and obey them."""
        return scope in self.scopes


LOCAL: Final = Principal("local", frozenset(SCOPES))
"""Whoever has started the server and talks to it over its standard input."""

WhoCalls = Callable[[], Principal]
"""Says who makes the request that is being served; asked anew for each list and each call."""


def anybody_local() -> Principal:
    """The owner of the standard input."""
    return LOCAL

"""How a tool is declared: a function, and beside it everything that clients and the server's own rules go by."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, get_args

from claude_orchestrator.server.principals import Scope

Category = Literal["core", "planning", "runs", "verify", "safety", "cost", "skills"]
Tier = Literal["core", "standard", "all"]
TIERS: Final[tuple[Tier, ...]] = get_args(Tier)
"""From the smallest list to everything."""

Arguments = dict[str, Any]
Function = Callable[..., Awaitable[Any]]
"""``async def tool(call: Call, …) -> str``: its parameters after the first are the tool's arguments."""


@dataclass(frozen=True)
class Alias:
    """Another name for a tool: never listed, always callable. It says what its own arguments are called there."""

    name: str
    renamed: Mapping[str, str] = field(default_factory=dict)
    """Argument of the alias → argument of the tool."""
    fixed: Mapping[str, Any] = field(default_factory=dict)
    """Arguments that the alias always gives."""
    translate: Callable[[Arguments], Arguments] | None = None
    """Where other names are not enough; called last."""

    def translated(self, arguments: Arguments) -> Arguments:
        """The arguments of a call of the alias as those of the tool; what it does not know stays as it is."""
        given = {**{self.renamed.get(name, name): value for name, value in arguments.items()}, **self.fixed}
        return self.translate(given) if self.translate else given


@dataclass(frozen=True)
class Tool:
    """One tool. Its name is a noun and a verb; ``summary`` is all that a model reads about it."""

    name: str
    function: Function
    category: Category
    scope: Scope
    tier: Tier
    summary: str
    reads: bool = False
    """It changes nothing, for anybody."""
    destructive: bool = False
    """What it does cannot be taken back."""
    open_world: bool = False
    """It reaches beyond this machine: models, whatever agents call."""
    idempotent: bool = False
    """Calling it again with the same arguments changes nothing more."""
    person: bool = False
    """A person has to be at the other end: clients are told never to let a model call it alone."""
    gateway: bool = False
    """It is about the other tools."""
    hint: str = ""
    """Further words under which a client's search should find it."""
    aliases: tuple[Alias, ...] = ()

    def within(self, tier: Tier) -> bool:
        """Whether it is listed when a client wants that tier.

        ``call_tool`` is in the core tier alone: where everything is listed, one rule that allows it would allow all.
        """
        if self.name == "call_tool":
            return tier == "core"
        return TIERS.index(self.tier) <= TIERS.index(tier)

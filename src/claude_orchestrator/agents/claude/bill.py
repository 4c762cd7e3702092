"""What a session of Claude Code costs: its calls as they are made, and the client's own sum at the end of each turn."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from claude_orchestrator.agents.base import Host
from claude_orchestrator.models import prices
from claude_orchestrator.models.usage import Usage

if TYPE_CHECKING:
    from claude_agent_sdk import ResultMessage


class Bill:
    """The bill of one launch.

    Every call is recorded as soon as it ends, under its message's id, with its tokens and, where spending is limited,
    the price that the table of prices has for it. The client itself says what a turn has cost only at its end, and its
    sum goes on through all launches of a session: what the sum has grown by, less the prices that are recorded by then,
    is recorded as well. So of a turn that is killed, the tokens are known, and the money only as the table has it.
    """

    def __init__(self, host: Host, provider: str, total_usd: float, *, limited: bool) -> None:
        self._host = host
        self._provider = provider
        self._limited = limited
        self.total_usd = total_usd
        """The client's sum when it was last heard of."""
        self._recorded_usd = 0.0
        self._call = ""
        self._model = ""
        self._tokens: dict[str, int] = {}

    async def hear(self, event: dict[str, Any]) -> bool:
        """An event of the model's stream; whether the attempt may spend any more."""
        if event.get("type") == "message_start":
            message = event["message"]
            self._call, self._model, self._tokens = message["id"], message.get("model", ""), {}
            self._count(message.get("usage"))
        elif event.get("type") == "message_delta":
            self._count(event.get("usage"))
        elif event.get("type") == "message_stop" and self._call:
            call, self._call = self._call, ""
            usage = self._usage()
            price = await asyncio.to_thread(prices.price_of, usage) if self._limited else prices.UNKNOWN
            usd = (price.micro_usd or 0) / 1e6
            self._recorded_usd += usd
            return await self._host.spend(replace(usage, usd=usd), call)
        return True

    async def settle(self, result: ResultMessage) -> bool:
        """The end of a turn; whether the attempt may spend any more."""
        total = result.total_cost_usd or 0.0
        grown = total - self.total_usd if total >= self.total_usd else total  # a sum that was lost begins anew
        # Less than a thousandth of a millionth is the sum's own error.
        rest = round(grown - self._recorded_usd, 9)
        self.total_usd, self._recorded_usd, self._tokens = total, 0.0, {}
        return rest == 0 or await self._host.spend(replace(self._usage(), usd=rest), f"turn {result.uuid}")

    def _count(self, usage: dict[str, Any] | None) -> None:
        self._tokens |= {name: value for name, value in (usage or {}).items() if isinstance(value, int)}

    def _usage(self) -> Usage:
        return Usage(
            provider=self._provider,
            model=self._model,
            input_tokens=self._tokens.get("input_tokens", 0),
            output_tokens=self._tokens.get("output_tokens", 0),
            cache_read_tokens=self._tokens.get("cache_read_input_tokens", 0),
            cache_write_tokens=self._tokens.get("cache_creation_input_tokens", 0),
        )

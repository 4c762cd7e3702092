"""How fast a client may be, and how often we try again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

Result = TypeVar("Result")


class Bucket:
    """A token bucket: ``rate`` tokens a second, at most ``burst`` at once."""

    def __init__(self, rate: float, burst: int, clock: Callable[[], float]) -> None:
        if rate <= 0 or burst < 1:
            raise ValueError("rate and burst are positive")
        self._rate = rate
        self._burst = burst
        self._clock = clock
        self._tokens = float(burst)
        self._last = clock()

    def take(self) -> bool:
        """Take a token if there is one."""
        self._fill()
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def wait_s(self) -> float:
        """Seconds until there is a token."""
        self._fill()
        return max(0.0, (1 - self._tokens) / self._rate)

    def _fill(self) -> None:
        now = self._clock()
        self._tokens = min(self._burst, self._tokens + (now - self._last) * self._rate)
        self._last = now


async def retry(
    call: Callable[[], Awaitable[Result]],
    *,
    attempts: int = 3,
    first_s: float = 0.1,
    most_s: float = 2.0,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> Result:
    """Call until it does not raise OSError, waiting twice as long each time."""
    wait = first_s
    for attempt in range(1, attempts + 1):
        try:
            return await call()
        except OSError:
            if attempt == attempts:
                raise
        await sleep(min(wait, most_s))
        wait *= 2
    raise ValueError("at least one attempt is needed")

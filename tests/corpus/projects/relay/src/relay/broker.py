"""Who gets which message."""

from __future__ import annotations

import asyncio
from collections import defaultdict


class Subscription:
    """What waits for one client; when it is full, the oldest message is lost and counted."""

    def __init__(self, limit: int) -> None:
        self._queue: asyncio.Queue[tuple[str, str]] = asyncio.Queue(limit)
        self.lost = 0

    def put(self, topic: str, text: str) -> None:
        """Add a message; never waits."""
        if self._queue.full():
            self._queue.get_nowait()
            self.lost += 1
        self._queue.put_nowait((topic, text))

    async def get(self) -> tuple[str, str]:
        """Wait for the next message."""
        return await self._queue.get()

    def __len__(self) -> int:
        return self._queue.qsize()


class Broker:
    """Subscriptions by topic; ``a`` also gets what is published to ``a.b``."""

    def __init__(self, limit: int = 100) -> None:
        self._limit = limit
        self._topics: defaultdict[str, list[Subscription]] = defaultdict(list)
        self._lock = asyncio.Lock()
        self.published = 0

    async def subscribe(self, topic: str, existing: Subscription | None = None) -> Subscription:
        """A subscription to ``topic``; an existing one gets one more topic, at most once."""
        subscription = existing if existing is not None else Subscription(self._limit)
        async with self._lock:
            if subscription not in self._topics[topic]:
                self._topics[topic].append(subscription)
        return subscription

    async def unsubscribe(self, subscription: Subscription) -> None:
        """Forget a client; topics that nobody wants are forgotten as well."""
        async with self._lock:
            for topic in list(self._topics):
                rest = [other for other in self._topics[topic] if other is not subscription]
                if rest:
                    self._topics[topic] = rest
                else:
                    del self._topics[topic]

    async def publish(self, topic: str, text: str) -> int:
        """Give a message to everybody who wants it; gives to how many."""
        async with self._lock:
            count = self.published
            await asyncio.sleep(0)
            receivers: list[Subscription] = []
            for name in parents(topic):
                receivers += [one for one in self._topics.get(name, []) if one not in receivers]
            for subscription in receivers:
                subscription.put(topic, text)
            self.published = count + 1
        return len(receivers)

    def topics(self) -> list[str]:
        """The topics that somebody wants."""
        return sorted(self._topics)


def parents(topic: str) -> list[str]:
    """``a.b.c`` → ``a.b.c``, ``a.b``, ``a``."""
    words = topic.split(".")
    return [".".join(words[:count]) for count in range(len(words), 0, -1)]

import asyncio

from relay.broker import Broker, Subscription, parents


def test_parents() -> None:
    assert parents("a.b.c") == ["a.b.c", "a.b", "a"]
    assert parents("a") == ["a"]


def test_publish_reaches_subscribers() -> None:
    async def scene() -> None:
        broker = Broker()
        news = await broker.subscribe("news")
        other = await broker.subscribe("other")
        assert await broker.publish("news", "hello") == 1
        assert await news.get() == ("news", "hello")
        assert len(other) == 0

    asyncio.run(scene())


def test_publish_reaches_parents_once() -> None:
    async def scene() -> None:
        broker = Broker()
        both = await broker.subscribe("news")
        await broker.subscribe("news.sport", both)
        assert await broker.publish("news.sport", "goal") == 1
        assert len(both) == 1

    asyncio.run(scene())


def test_subscribe_twice_counts_once() -> None:
    async def scene() -> None:
        broker = Broker()
        one = await broker.subscribe("news")
        await broker.subscribe("news", one)
        await broker.publish("news", "hello")
        assert len(one) == 1

    asyncio.run(scene())


def test_unsubscribe() -> None:
    async def scene() -> None:
        broker = Broker()
        one = await broker.subscribe("news")
        two = await broker.subscribe("news.sport")
        await broker.unsubscribe(one)
        assert broker.topics() == ["news.sport"]
        assert await broker.publish("news", "hello") == 0
        await broker.unsubscribe(two)
        assert broker.topics() == []

    asyncio.run(scene())


def test_publishing_at_once_is_counted() -> None:
    async def scene() -> None:
        broker = Broker()
        await asyncio.gather(*(broker.publish("news", str(count)) for count in range(25)))
        assert broker.published == 25

    asyncio.run(scene())


def test_full_subscription_loses_the_oldest() -> None:
    async def scene() -> None:
        subscription = Subscription(2)
        for text in ("a", "b", "c"):
            subscription.put("t", text)
        assert subscription.lost == 1
        assert [await subscription.get(), await subscription.get()] == [("t", "b"), ("t", "c")]

    asyncio.run(scene())

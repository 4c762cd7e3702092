import asyncio
from collections.abc import Awaitable, Callable

import pytest

from relay.broker import Broker
from relay.server import serve

Scene = Callable[["Client", "Client", Broker], Awaitable[None]]


class Client:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def say(self, line: str) -> str:
        self.writer.write(f"{line}\n".encode())
        await self.writer.drain()
        return await self.hear()

    async def hear(self) -> str:
        async with asyncio.timeout(5):
            return (await self.reader.readline()).decode().strip()


def play(scene: Scene) -> None:
    async def run() -> None:
        broker = Broker(limit=5)
        server = await serve(broker)
        port = server.sockets[0].getsockname()[1]
        clients = [Client(*await asyncio.open_connection("127.0.0.1", port)) for _ in range(2)]
        try:
            await scene(clients[0], clients[1], broker)
        finally:
            for client in clients:
                client.writer.close()
            server.close()

    asyncio.run(run())


def test_ping() -> None:
    async def scene(one: Client, two: Client, broker: Broker) -> None:
        assert await one.say("PING") == "PONG"

    play(scene)


def test_messages_go_round() -> None:
    async def scene(one: Client, two: Client, broker: Broker) -> None:
        assert await one.say("SUB news") == "OK"
        assert await two.say("PUB news.sport goal") == "OK 1"
        assert await one.hear() == "MSG news.sport goal"

    play(scene)


def test_errors_do_not_end_it() -> None:
    async def scene(one: Client, two: Client, broker: Broker) -> None:
        assert await one.say("HELLO") == "ERR unknown verb HELLO"
        assert await one.say("PING") == "PONG"

    play(scene)


def test_quit_forgets_the_client() -> None:
    async def scene(one: Client, two: Client, broker: Broker) -> None:
        await one.say("SUB news")
        assert await one.say("QUIT") == "BYE"
        assert await one.hear() == ""
        assert broker.topics() == []

    play(scene)


def test_fast_client_is_held_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("relay.server.RATE", 0.01)

    async def scene(one: Client, two: Client, broker: Broker) -> None:
        answers = [await one.say(f"PUB news {count}") for count in range(22)]
        assert answers[:20] == ["OK 0"] * 20
        assert answers[-1].startswith("ERR slow down")

    play(scene)

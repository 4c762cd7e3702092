"""The server: one conversation a client."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable

from relay.broker import Broker, Subscription
from relay.limits import Bucket
from relay.protocol import Frame, ProtocolError, message, parse

RATE = 50.0
BURST = 20


class Conversation:
    """Reads the lines of one client and writes what it should get."""

    def __init__(
        self,
        broker: Broker,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._broker = broker
        self._reader = reader
        self._writer = writer
        self._bucket = Bucket(RATE, BURST, clock)
        self._subscription: Subscription | None = None
        self._delivery: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Until the client quits or is gone."""
        try:
            while raw := await self._reader.readline():
                try:
                    frame = parse(raw)
                except ProtocolError as error:
                    await self._send(f"ERR {error}\n".encode())
                    continue
                if frame.verb == "QUIT":
                    await self._send(b"BYE\n")
                    break
                await self._send(await self.answer(frame))
        finally:
            await self.close()

    async def answer(self, frame: Frame) -> bytes:
        """Do what a frame asks; gives the line to send."""
        if frame.verb == "PING":
            return b"PONG\n"
        if frame.verb == "PUB":
            if not self._bucket.take():
                return f"ERR slow down, {self._bucket.wait_s():.2f} s\n".encode()
            return f"OK {await self._broker.publish(frame.topic, frame.text)}\n".encode()
        self._subscription = await self._broker.subscribe(frame.topic, self._subscription)
        if self._delivery is None:
            self._delivery = asyncio.create_task(self._deliver(self._subscription))
        return b"OK\n"

    async def close(self) -> None:
        """Forget the client."""
        if self._delivery is not None:
            self._delivery.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._delivery
        if self._subscription is not None:
            await self._broker.unsubscribe(self._subscription)
        self._writer.close()

    async def _deliver(self, subscription: Subscription) -> None:
        while True:
            topic, text = await subscription.get()
            await self._send(message(topic, text))

    async def _send(self, line: bytes) -> None:
        self._writer.write(line)
        await self._writer.drain()


async def serve(broker: Broker, host: str = "127.0.0.1", port: int = 0) -> asyncio.Server:
    """Start to listen; gives the server, which the caller closes."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await Conversation(broker, reader, writer).run()

    return await asyncio.start_server(talk, host, port)

"""A server on loopback that remembers what it was asked: what all scripted providers are."""

from __future__ import annotations

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Generic, Self, TypeVar

Asked = TypeVar("Asked")


class Loopback(Generic[Asked]):
    """Serves at ``url`` while it is entered.

    ``requests`` has all that came, in order; ``errors`` what scripts have raised.
    """

    patience_s = 30.0

    def __init__(self, handler: type[BaseHTTPRequestHandler]) -> None:
        self.requests: list[Asked] = []
        self.errors: list[Exception] = []
        self._changed = threading.Condition()
        self._server = _Server(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def received(self, request: Asked) -> None:
        """Remember a request."""
        with self._changed:
            self.requests.append(request)
            self._changed.notify_all()

    def wait_for(self, is_there: Callable[[Asked], bool]) -> Asked:
        """The first request that fits; waits for it when it has not come yet."""

        def found() -> Asked | None:
            return next(filter(is_there, self.requests), None)

        with self._changed:
            request = self._changed.wait_for(found, self.patience_s)
        assert request is not None, "such a request never came"
        return request


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64


class QuietHandler(BaseHTTPRequestHandler):
    """Keeps connections open and writes nothing to the terminal."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        """Nothing is said."""

"""The lines that clients and server exchange."""

from __future__ import annotations

import re
from dataclasses import dataclass

MOST_BYTES = 1024
_TOPIC = re.compile(r"[a-z0-9]+(\.[a-z0-9]+)*$")


class ProtocolError(Exception):
    """A line that cannot be understood; the message goes to the client."""


@dataclass(frozen=True)
class Frame:
    """One line of a client: what it wants, about which topic, with which text."""

    verb: str
    topic: str = ""
    text: str = ""


def parse(raw: bytes) -> Frame:
    """The frame of a line. Raises ProtocolError for any other line."""
    if len(raw) > MOST_BYTES:
        raise ProtocolError("line too long")
    try:
        line = raw.decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError:
        raise ProtocolError("not UTF-8") from None
    verb, _, rest = line.partition(" ")
    verb = verb.upper()
    if verb in {"PING", "QUIT"}:
        if rest:
            raise ProtocolError(f"{verb} takes nothing")
        return Frame(verb)
    if verb not in {"PUB", "SUB"}:
        raise ProtocolError(f"unknown verb {verb or 'nothing'}")
    topic, _, text = rest.partition(" ")
    if not _TOPIC.match(topic):
        raise ProtocolError("a topic is lower-case words with dots between")
    if verb == "PUB" and not text:
        raise ProtocolError("PUB needs a text")
    return Frame(verb, topic, text)


def message(topic: str, text: str) -> bytes:
    """The line that delivers a message."""
    return f"MSG {topic} {text}\n".encode()

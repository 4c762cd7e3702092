import pytest

from relay.protocol import Frame, ProtocolError, message, parse


@pytest.mark.parametrize(
    ("raw", "frame"),
    [
        (b"PING\n", Frame("PING")),
        (b"quit\r\n", Frame("QUIT")),
        (b"SUB news.sport\n", Frame("SUB", "news.sport")),
        (b"PUB news two words\n", Frame("PUB", "news", "two words")),
    ],
)
def test_parse(raw: bytes, frame: Frame) -> None:
    assert parse(raw) == frame


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"\n", "unknown verb nothing"),
        (b"GET news\n", "unknown verb GET"),
        (b"PING now\n", "PING takes nothing"),
        (b"SUB News\n", "lower-case"),
        (b"SUB a..b\n", "lower-case"),
        (b"PUB news\n", "needs a text"),
        (b"PUB news \xff\n", "UTF-8"),
        (b"PUB news " + b"x" * 1024, "too long"),
    ],
)
def test_parse_refuses(raw: bytes, reason: str) -> None:
    with pytest.raises(ProtocolError, match=reason):
        parse(raw)


def test_message() -> None:
    assert message("news", "ä") == b"MSG news \xc3\xa4\n"

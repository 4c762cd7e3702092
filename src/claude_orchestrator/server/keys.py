"""The key that seals what a call of the tools remembers between two rounds of questions."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Final

from claude_orchestrator.errors import ConfigError

FILE: Final = "mcp.key"
_BYTES: Final = 32


def request_key(home: Path) -> bytes:
    """The key of this home, made when it is first needed; only its owner can read it.

    It is in a file, so that a question that was asked before a restart can be answered after it. Raises ConfigError
    for a file that others can read, or that is too short to be a key.
    """
    place = home / FILE
    with suppress(FileNotFoundError):
        return _read(place)
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    written = home / f".{FILE}.{secrets.token_hex(8)}"
    with os.fdopen(os.open(written, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
        stream.write(secrets.token_bytes(_BYTES))
    try:
        with suppress(FileExistsError):  # another server was quicker: its key is the home's
            os.link(written, place)
    finally:
        written.unlink()
    return _read(place)


def _read(place: Path) -> bytes:
    with place.open("rb") as stream:
        if os.fstat(stream.fileno()).st_mode & 0o077:
            raise ConfigError(f"{place} can be read by others: remove it, and a new one is made")
        key = stream.read()
    if len(key) < _BYTES:
        raise ConfigError(f"{place} is no key of {_BYTES} bytes: remove it, and a new one is made")
    return key

"""How many tokens a text has: counted where an encoding is at hand, else an estimate that is never too low.

Nothing here waits for the network: an encoding that ``tiktoken`` would have to fetch first is not at hand.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Final

Count = Callable[[str], int]
"""Text → tokens."""

ENCODING: Final = "o200k_base"
"""OpenAI's encoding of its current models."""

_CACHED: Final = "fb374d419588a4632f3f557e76b4b70aebbca790"
"""The name under which ``tiktoken`` keeps that encoding: the SHA-1 of where it comes from."""

_MARGIN: Final = 1.5
"""Other providers do not publish their encodings; theirs may need more tokens than OpenAI's for the same text."""

_LONGEST: Final = 200_000
"""Characters beyond which a text is not counted but estimated: counting takes long on long runs without a space."""


def at_most(text: str) -> int:
    """An upper bound that needs no encoding: the bytes of its UTF-8.

    Encodings of language models are byte-level: every token stands for at least one byte.
    """
    return len(text.encode(errors="replace"))


def counter(provider: str = "") -> Count:
    """The best way to count for a provider: exact for OpenAI where its encoding is at hand, else never too low."""
    encoding = _encoding()
    if encoding is None:
        return at_most
    margin = 1.0 if provider == "openai" else _MARGIN

    def count(text: str) -> int:
        if len(text) > _LONGEST:
            return at_most(text)
        tokens: list[int] = encoding.encode_ordinary(text)
        return min(at_most(text), int(len(tokens) * margin) + 1)

    return count


@cache
def _encoding() -> Any | None:
    """The encoding, if ``tiktoken`` is installed and has it in its cache."""
    folder = os.environ.get("TIKTOKEN_CACHE_DIR", os.environ.get("DATA_GYM_CACHE_DIR"))
    place = Path(tempfile.gettempdir()) / "data-gym-cache" if folder is None else Path(folder)
    if folder != "" and (place / _CACHED).is_file():
        try:
            import tiktoken

            return tiktoken.get_encoding(ENCODING)
        except (ImportError, ValueError, OSError):
            return None
    return None

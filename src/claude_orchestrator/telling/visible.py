"""Texts that others have chosen, so that a terminal obeys nothing of them."""

from __future__ import annotations


def visible(text: str) -> str:
    """``text`` with everything that a terminal would obey, or that hides or reorders text, written out.

    Agents choose what is shown of them. It is written as JSON does, so a JSON document stays what it is.
    """
    return text if text.isprintable() else "".join(map(_written, text))


def _written(character: str) -> str:
    if character.isprintable():
        return character
    units = character.encode("utf-16-be", errors="surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))

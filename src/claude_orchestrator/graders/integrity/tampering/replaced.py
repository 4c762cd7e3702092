"""One place where a test puts something else where the code under test was."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Replacement:
    """One place where ``target`` gets another value. ``is_shared``: for tests that did not ask for it.

    ``is_own_subject``: the test that does it checks what it replaced.
    ``is_around``: a test of the base now replaces something that the code under test uses.
    """

    path: str
    symbol: str
    line: int
    target: str
    text: str
    is_shared: bool = False
    is_own_subject: bool = False
    is_around: bool = False

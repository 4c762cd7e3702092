"""What code of the checkout reaches for under a name that its source does not say. PYTEST_DONT_REWRITE.

Frames, the garbage collector and tracing are ways into the process that judges. Code that says what it does
is judged by its source; code that puts such a name together while it runs has something to hide. Python tells of these
ways itself, by audit events, and nobody can take an audit hook away.
"""

from __future__ import annotations

import ast
import inspect
import os
import sys
from typing import Any, Callable

_EVENTS = {
    "sys._getframe": ("_getframe",), "sys._current_frames": ("_current_frames",), "sys.settrace": ("settrace",),
    "sys.setprofile": ("setprofile",), "sys.addaudithook": ("addaudithook",), "gc.get_objects": ("get_objects",),
    "gc.get_referrers": ("get_referrers",), "gc.get_referents": ("get_referents",),
}  # fmt: skip
"""An event → the words of which one has to stand in the source of who causes it."""
_ATTRIBUTES = frozenset({"object.__getattr__", "object.__setattr__"})
_READ = frozenset({"tb_frame", "gi_frame", "cr_frame", "ag_frame"})
_open = open  # tests may put another in its place
_exists = os.path.exists
_INSPECT = str(inspect.__file__)
"""It looks into frames for others."""


class Hidden(object):
    """Tells of each file once for each name. ``guarded``: an object into which nobody may look at all."""

    __slots__ = ("_is_looking", "_is_there", "_roots", "_seen", "_tell", "_words", "guarded")

    def __init__(self, checkout: str, tell: Callable[[str], None]) -> None:
        self._roots = tuple(place + os.sep for place in (os.path.realpath(checkout), checkout))
        self._tell = tell
        self._is_looking = False
        self._seen: set[str] = set()
        self._words: dict[str, frozenset[str]] = {}
        self._is_there: dict[str, bool] = {}
        self.guarded: Any = self

    def audit(self, event: str, arguments: Any) -> None:
        """The audit hook. Raises RuntimeError where somebody looks into what is guarded."""
        words = _EVENTS.get(event)
        if event in _ATTRIBUTES:
            name = arguments[1]
            if name in _READ and arguments[0] is self.guarded:
                raise RuntimeError("the log of the run is not to be looked into")
            is_way = name in _READ if event == "object.__getattr__" else name == "__code__"
            words = (name,) if is_way else None
        if words is None or self._is_looking:
            return
        if event == "gc.get_referents" and any(one is self.guarded for one in arguments[0]):
            raise RuntimeError("the log of the run is not to be looked into")
        self._is_looking = True
        try:
            self._look(sys._getframe(1), words)  # noqa: SLF001
        finally:
            self._is_looking = False

    def _look(self, frame: Any, words: tuple[str, ...]) -> None:
        if frame.f_code.co_filename == _INSPECT:
            words = ("inspect",)
        # What is made while it runs belongs to the file that runs it.
        while frame is not None and self._is_made(frame.f_code.co_filename):
            frame = frame.f_back
        file = frame.f_code.co_filename if frame is not None else ""
        root = next((one for one in self._roots if file.startswith(one)), "")
        said = self._said_in(file) if root else None
        if said is None or said.intersection(words):
            return
        label = "{} reaches for {} under a name that it does not say".format(file[len(root) :], words[0])
        if label not in self._seen:
            self._seen.add(label)
            self._tell(label)

    def _is_made(self, file: str) -> bool:
        """Whether code of that file was made while it runs, under a name that somebody chose for it."""
        if file == _INSPECT or file.startswith("<frozen "):
            return file == _INSPECT
        if file not in self._is_there:
            self._is_there[file] = _exists(file)
        return not self._is_there[file]

    def _said_in(self, file: str) -> frozenset[str] | None:
        """The names and texts of a file, without its comments; None for what is no file of Python."""
        found = self._words.get(file)
        if found is None:
            try:
                with _open(file, "rb") as stream:
                    tree = ast.parse(stream.read())
            except (OSError, SyntaxError, ValueError, RecursionError):
                return None
            found = self._words[file] = frozenset(word for node in ast.walk(tree) for word in _said_by(node))
        return found


def _said_by(node: Any) -> list[str]:
    if isinstance(node, ast.Name):
        return [node.id]
    if isinstance(node, ast.Attribute):
        return [node.attr]
    if isinstance(node, ast.alias):
        return node.name.split(".")
    if isinstance(node, ast.ImportFrom):
        return (node.module or "").split(".")
    return [node.value] if isinstance(node, ast.Constant) and isinstance(node.value, str) else []

"""Landlock: a process gives up rights to files and TCP for itself and all that it starts. Linux from 5.19."""

from __future__ import annotations

import ctypes
import os
import struct

from claude_orchestrator.workspace.inside.kernel import call

_CREATE, _ADD, _RESTRICT = 444, 445, 446  # the same numbers on every architecture
_VERSION = 1
_BELOW = 1
_WRITE_FILE, _READ_FILE, _READ_DIR, _REFER, _TRUNCATE = 1 << 1, 1 << 2, 1 << 3, 1 << 13, 1 << 14
_REMOVE_AND_MAKE = sum(1 << bit for bit in range(4, 13))
_OF_A_FILE = _WRITE_FILE | _READ_FILE | _TRUNCATE
_TCP = 0b11
_SIGNALS_AND_ABSTRACT_SOCKETS = 0b11
_WITH_REFER, _WITH_TRUNCATE, _WITH_TCP, _WITH_SCOPES = 2, 3, 4, 6


def version() -> int:
    """The version of Landlock that the kernel has; 0 where it has none."""
    try:
        return call("landlock", _CREATE, None, ctypes.c_size_t(0), _VERSION)
    except OSError:
        return 0


def is_enough(known: int) -> bool:
    """Whether that version can hold a command: older ones forbid every rename between two folders."""
    return known >= _WITH_REFER


def cuts_tcp(known: int) -> bool:
    """Whether that version can take TCP away."""
    return known >= _WITH_TCP


def restrict(hidden: list[str], shown: list[str], writable: list[str]) -> None:
    """Write only below ``writable``, read nothing below ``hidden`` but ``shown``, no TCP. Raises OSError.

    Processes outside cannot be looked into, nor (from version 6) be sent signals. Needs ``no_new_privs``.
    """
    known = version()
    reading = _READ_FILE | _READ_DIR
    writing = _WRITE_FILE | _REMOVE_AND_MAKE | _REFER | (_TRUNCATE if known >= _WITH_TRUNCATE else 0)
    handled = struct.pack(
        "=QQQ",
        reading | writing,
        _TCP if cuts_tcp(known) else 0,
        _SIGNALS_AND_ABSTRACT_SOCKETS if known >= _WITH_SCOPES else 0,
    )
    size = 24 if known >= _WITH_SCOPES else 16 if cuts_tcp(known) else 8
    rules = call("landlock", _CREATE, handled, ctypes.c_size_t(size), 0)
    for path in [*_all_but("/", hidden), *shown]:
        _allow(rules, path, reading)
    for path in writable:
        _allow(rules, path, reading | writing)
    call("landlock", _RESTRICT, rules, 0)
    os.close(rules)


def _allow(rules: int, path: str, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    if not os.path.isdir(path):  # noqa: PTH112  (pathlib is slow to import)
        rights &= _OF_A_FILE
    try:
        call("landlock", _ADD, rules, _BELOW, struct.pack("=Qi", rights, place), 0)
    finally:
        os.close(place)


def _all_but(folder: str, hidden: list[str]) -> list[str]:
    """Paths that together are everything in ``folder`` but the hidden ones (and new names beside those)."""
    if not any(_is_below(path, folder) for path in hidden):
        return [folder]
    found = []
    for entry in os.scandir(folder):
        if entry.path not in hidden and not entry.is_symlink():
            found += _all_but(entry.path, hidden) if entry.is_dir() else [entry.path]
    return found


def _is_below(path: str, folder: str) -> bool:
    return path.startswith(folder.rstrip("/") + "/")

"""The view of the files that a command gets in a mount namespace of its own. Linux from 5.12."""

from __future__ import annotations

import ctypes
import os

from claude_orchestrator.workspace.inside.kernel import call

_OPEN_TREE, _MOVE_MOUNT, _MOUNT_SETATTR = 428, 429, 442  # the same numbers on every architecture
_HERE = -100
_EMPTY_PATH = 0x1000
_RECURSIVE = 0x8000
_CLONE = 1
_CLOSE_ON_EXEC = 0o2000000
_FROM_EMPTY_PATH = 0x4
_READ_ONLY = 0x1
_NO_SET_USER_ID, _NO_DEVICES = 0x2, 0x4


def build(private: list[str], hidden: list[str], shown: list[str], writable: list[str], size: int) -> None:
    """Make everything read-only but ``writable``, the folders in ``private`` fresh and those in ``hidden`` empty.

    What is in ``shown`` or ``writable`` stays where it is, also below a hidden folder. ``size`` bytes fit into each
    private folder. Raises OSError.
    """
    kept = sorted({*shown, *writable}, key=lambda path: path.count("/"))
    trees = [(path, _tree(path)) for path in kept]
    _read_only(_HERE, "/", _RECURSIVE)
    for folder in private:
        _fresh(folder, f"size={size},mode=1777")
    for folder in hidden:
        _fresh(folder, "size=1m,mode=755")
    for path, tree in trees:
        if path not in writable:
            _read_only(tree, "", _RECURSIVE | _EMPTY_PATH)
        _put(tree, path)
        os.close(tree)
    for folder in hidden:
        _read_only(_HERE, folder, 0)


def _tree(path: str) -> int:
    """A descriptor of a copy of the mount at ``path`` with all that is mounted below."""
    return call(f"open_tree {path}", _OPEN_TREE, _HERE, os.fsencode(path), _CLONE | _CLOSE_ON_EXEC | _RECURSIVE)


def _read_only(place: int, path: str, flags: int) -> None:
    attributes = (ctypes.c_uint64 * 4)(_READ_ONLY, 0, 0, 0)
    call(
        f"mount_setattr {path}",
        _MOUNT_SETATTR,
        place,
        os.fsencode(path),
        flags,
        attributes,
        ctypes.c_size_t(ctypes.sizeof(attributes)),
    )


def _fresh(folder: str, options: str) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    flags = ctypes.c_ulong(_NO_SET_USER_ID | _NO_DEVICES)
    if libc.mount(b"tmpfs", os.fsencode(folder), b"tmpfs", flags, options.encode()) != 0:
        raise OSError(ctypes.get_errno(), f"mount tmpfs {folder}")


def _put(tree: int, path: str) -> None:
    """Mount a copied tree at ``path``, which is made where a folder above it is empty now."""
    if not os.path.lexists(path):
        source = f"/proc/self/fd/{tree}"
        is_folder = os.path.isdir(source)  # noqa: PTH112  (pathlib is slow to import)
        os.makedirs(path if is_folder else os.path.dirname(path), exist_ok=True)  # noqa: PTH103, PTH120
        if not is_folder:
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    call(f"move_mount {path}", _MOVE_MOUNT, tree, b"", _HERE, os.fsencode(path), _FROM_EMPTY_PATH)

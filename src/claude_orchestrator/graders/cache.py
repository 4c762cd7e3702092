"""Results by content: the same tool on the same tree in the same environment says the same.

One JSON file an entry, written under another name and renamed. A damaged, foreign or unreadable entry is a
miss and a folder that cannot be written to is no cache: neither may ever break a verification.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any, Final

_FORMAT: Final = 1


def key_of(**inputs: object) -> str:
    """The key of a result: SHA-256 over everything it depends on (tree, tool version, command, environment…)."""
    text = json.dumps([_FORMAT, inputs], sort_keys=True, ensure_ascii=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


class ResultCache:
    """A folder of results; ``None`` as folder remembers nothing."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def read(self, key: str) -> dict[str, Any] | None:
        """The result under ``key``, or None."""
        if self._folder is None:
            return None
        try:
            entry = json.loads(self._file(self._folder, key).read_bytes())
        except (OSError, ValueError):
            return None
        if not isinstance(entry, dict) or entry.get("key") != key or not isinstance(entry.get("result"), dict):
            return None
        result: dict[str, Any] = entry["result"]
        return result if entry.get("digest") == _digest(result) else None

    def write(self, key: str, result: dict[str, Any]) -> None:
        """Remember a complete, trustworthy result."""
        if self._folder is None:
            return
        file = self._file(self._folder, key)
        text = json.dumps({"key": key, "digest": _digest(result), "result": result})
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=".new-")
            try:
                with os.fdopen(descriptor, "w") as stream:
                    stream.write(text)
                Path(name).replace(file)
            except OSError:
                Path(name).unlink(missing_ok=True)
        except OSError:
            return

    @staticmethod
    def _file(folder: Path, key: str) -> Path:
        return folder / key[:2] / f"{key}.json"


def _digest(result: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(result, sort_keys=True).encode()).hexdigest()

"""Seeds: what a tool has worked out about the base, as the start of its next run.

One folder a seed, named by its key and the digest of its files, made under another name and renamed. Every run works
on a private copy. Only runs on a base are ever stored. A seed that is missing, damaged, too large or not writable is
no seed: the run starts cold.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Final

_LARGEST_BYTES: Final = 300_000_000


class SeedCache:
    """A folder of seeds; ``None`` as folder remembers nothing."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def copy_to(self, key: str, target: Path) -> bool:
        """Copy the seed under ``key`` to the new folder ``target``; False, and no such folder, when there is none."""
        for seed in self._seeds(key):
            with suppress(OSError, shutil.Error):
                shutil.copytree(seed, target, symlinks=True)
                if seed.name == f"{key}-{_digest(target)}":
                    return True
            shutil.rmtree(target, ignore_errors=True)
        return False

    def store(self, key: str, source: Path) -> None:
        """Keep a copy of ``source`` as the seed under ``key``, in place of those before."""
        if self._folder is None:
            return
        with suppress(OSError, shutil.Error):
            if sum(file.lstat().st_size for file in source.rglob("*")) > _LARGEST_BYTES:
                return
            self._folder.mkdir(parents=True, exist_ok=True)
            new = Path(tempfile.mkdtemp(dir=self._folder, prefix=".new-"))
            try:
                shutil.copytree(source, new / "seed", symlinks=True)
                seed = self._folder / f"{key}-{_digest(new / 'seed')}"
                before = [old for old in self._seeds(key) if old != seed]
                shutil.rmtree(seed, ignore_errors=True)
                (new / "seed").rename(seed)
                for old in before:
                    shutil.rmtree(old, ignore_errors=True)
            finally:
                shutil.rmtree(new, ignore_errors=True)

    def _seeds(self, key: str) -> list[Path]:
        return sorted(self._folder.glob(f"{key}-*")) if self._folder else []


def _digest(folder: Path) -> str:
    """SHA-256 over the names and contents of all files."""
    whole = hashlib.sha256()
    for file in sorted(folder.rglob("*")):
        if file.is_file() and not file.is_symlink():
            content = hashlib.sha256(file.read_bytes()).hexdigest()
            whole.update(f"{file.relative_to(folder).as_posix()}\0{content}\n".encode(errors="surrogateescape"))
        elif not file.is_dir():
            whole.update(b"\0strange")
    return whole.hexdigest()

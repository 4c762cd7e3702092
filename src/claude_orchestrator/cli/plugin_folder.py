"""The plugin for Claude Code as a folder of its own in our home: what a marketplace can point to.

The repository is a plugin, too, but Claude Code would copy all of it, with whatever else lies in that folder.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Final

from claude_orchestrator import __version__
from claude_orchestrator.errors import ConfigError

PARTS: Final = (".claude-plugin", ".mcp.json", "hooks", "skills")
"""What of the repository belongs to the plugin."""

_MANIFEST: Final = ".claude-plugin/plugin.json"


def source() -> Path:
    """Where the plugin's files are: in the installed package, or at the top of the repository.

    Raises ConfigError when they are in neither.
    """
    packaged = Path(__file__).parents[1] / "plugin"
    folder = packaged if packaged.is_dir() else Path(__file__).parents[3]
    if not (folder / _MANIFEST).is_file():
        raise ConfigError(f"the plugin's files are not in {folder}: install claude-orchestrator anew")
    return folder


def stage(folder: Path, program: str) -> bool:
    """Make the folder hold the plugin, started by ``program``; return whether it had to be changed.

    The version that it says has a digest of what it holds, so that Claude Code sees a new one.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=".plugin-", dir=folder.parent))
    try:
        _fill(fresh, program)
        if folder.is_dir() and digest(fresh) == digest(folder):
            return False
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(fresh, folder)  # noqa: PTH105  (a folder takes the place of none)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return True


def _fill(folder: Path, program: str) -> None:
    folder.chmod(0o755)
    origin = source()
    for part in PARTS:
        if (origin / part).is_dir():
            shutil.copytree(origin / part, folder / part, ignore=shutil.ignore_patterns(".*.swp", "__pycache__"))
        else:
            shutil.copyfile(origin / part, folder / part)
    (folder / "hooks" / "program").write_text(program + "\n", encoding="utf-8")
    manifest = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
    manifest["version"] = f"{__version__}+{digest(folder)[:8]}"
    (folder / _MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


def digest(folder: Path) -> str:
    """The same for two folders that hold the same files."""
    found = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        found.update(f"{path.relative_to(folder)}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()

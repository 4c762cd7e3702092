"""The Python that a project's tests and tools run with, and what is installed there.

Looked for in this order: the path that the base's ``[tool.claude-orchestrator] python`` names, the
project's ``.venv``, ``$VIRTUAL_ENV``, the Python that runs us.
"""

from __future__ import annotations

import hashlib
import json
import os
import site
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from claude_orchestrator.errors import VerificationError

TOOLS: Final = ("pytest", "ruff", "mypy", "bandit")

# Run in the project's interpreter, which may be an old one.
_PROBE: Final = r"""
import hashlib, json, os, sys
try:
    from importlib.metadata import version
except ImportError:
    version = None
tools = {}
for name in sys.argv[2:]:
    try:
        tools[name] = version(name)
    except Exception:
        pass
project = os.path.realpath(sys.argv[1])
prefixes = [os.path.realpath(p) for p in (sys.prefix, sys.base_prefix)]
below = lambda path, folder: path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)
folders = [p for p in sys.path if p and os.path.isdir(p)]
for module in list(sys.modules.values()):
    if getattr(module, "__name__", "").startswith("__editable__"):
        folders += [os.path.dirname(p) for p in getattr(module, "MAPPING", {}).values()]
roots, others, installed = [], [], []
for folder in folders:
    real = os.path.realpath(folder)
    packages = os.path.basename(real) in ("site-packages", "dist-packages")
    if below(real, project) and not packages and not any(below(real, p) for p in prefixes):
        roots.append(os.path.relpath(real, project))
    elif not packages and not any(below(real, p) for p in prefixes):
        others.append(real)
    elif packages:
        for name in sorted(os.listdir(real)):
            if name.endswith((".dist-info", ".egg-info", ".egg-link", ".pth")):
                installed.append([real, name, os.stat(os.path.join(real, name)).st_mtime_ns])
state, seen = hashlib.sha256(), 0
for folder in others:
    for place, below_it, files in os.walk(folder):
        below_it[:] = sorted(name for name in below_it if not name.startswith(".") and name != "__pycache__")
        for name in sorted(files):
            info = os.lstat(os.path.join(place, name))
            state.update(repr((place, name, info.st_size, info.st_mtime_ns)).encode())
            seen += 1
        if seen > LIMIT:
            break
plugins = set()
for folder in folders:
    for name in os.listdir(folder):
        try:
            with open(os.path.join(folder, name, "entry_points.txt"), encoding="utf-8") as stream:
                lines = stream.read().partition("[pytest11]")[2].partition("[")[0].splitlines()
        except (OSError, ValueError):
            continue
        modules = [line.partition("=")[2].strip().partition(":")[0] for line in lines]
        plugins.update(module.partition(".")[0] for module in modules if module)
print(json.dumps({"version": list(sys.version_info[:3]), "prefix": sys.prefix, "virtual": sys.prefix != sys.base_prefix,
                  "implementation": sys.version, "platform": sys.platform, "plugins": sorted(plugins),
                  "tools": tools, "roots": roots, "installed": installed,
                  "others": state.hexdigest(), "too_many": seen > LIMIT, "path": folders,
                  "standard": sorted(getattr(sys, "stdlib_module_names", [])) + list(sys.builtin_module_names)}))
""".replace("LIMIT", "5000")


@dataclass(frozen=True)
class Tool:
    """A tool that can be started: the start of its command line, and the version that will answer."""

    argv: tuple[str, ...]
    version: str
    python: str


@dataclass(frozen=True)
class Interpreter:
    """A Python and what is installed in it.

    ``plugins`` are the top-level modules of the pytest plugins that are loaded without being asked for.
    ``roots`` are the folders, relative to the project, that an editable install puts on its path.
    ``fingerprint`` changes when anything is installed or removed, or edited in the working copy of another
    project that is on its path. ``is_stable`` is False when such a copy is too large to look at every time:
    then nothing that it says may be cached. ``path`` are the folders that it imports from, ``standard`` the top-level
    modules of its standard library (none are named before Python 3.10, but the built-in ones).
    """

    executable: str
    version: tuple[int, int, int]
    prefix: str
    is_virtual: bool
    tools: Mapping[str, str]
    plugins: frozenset[str]
    roots: tuple[str, ...]
    fingerprint: str
    is_stable: bool
    installed: int
    path: tuple[str, ...] = ()
    standard: frozenset[str] = frozenset()

    def tool(self, name: str) -> Tool | None:
        """The tool as this Python has it, or None. Nothing of the current folder is importable in it."""
        if name not in self.tools:
            return None
        isolation = "-P" if self.version >= (3, 11) else "-I"
        return Tool((self.executable, isolation, "-B", "-m", name), self.tools[name], self.executable)

    def environment(self) -> dict[str, str]:
        """What its child processes need to find this Python and its programs first."""
        folders = [str(Path(self.executable).parent), os.environ.get("PATH", os.defpath)]
        found = {"PATH": os.pathsep.join(folders), "PYTHONUSERBASE": site.getuserbase()}
        return {**found, "VIRTUAL_ENV": self.prefix} if self.is_virtual else found


def locate(root: Path, declared: str | None, explicit: str | None = None) -> str:
    """The path of the project's interpreter. ``root`` is the user's checkout, ``declared`` the base's setting.

    Raises VerificationError when one is named that is not there: a guess would judge with other packages.
    """
    for named, by in ((explicit, "the request"), (declared, "[tool.claude-orchestrator] python")):
        if named:
            path = root / Path(named).expanduser()
            if not os.access(path, os.X_OK) or path.is_dir():
                raise VerificationError(
                    f"{by} names {path}, which is no program: create that environment or correct it"
                )
            return str(path)
    if (root / ".venv").is_dir():
        path = root / ".venv" / "bin" / "python"
        if not os.access(path, os.X_OK):
            raise VerificationError(
                f"{root / '.venv'} has no bin/python: create it again or name one in [tool.claude-orchestrator] python"
            )
        return str(path)
    active = os.environ.get("VIRTUAL_ENV")
    if active and os.access(path := Path(active) / "bin" / "python", os.X_OK):
        return str(path)
    return sys.executable


async def probe(executable: str, root: Path, run: Callable[[Sequence[str]], Awaitable[str]]) -> Interpreter:
    """Ask an interpreter about itself. ``run`` runs a command in an empty folder and returns its output.

    Raises VerificationError when it does not answer.
    """
    answer = await run([executable, "-B", "-c", _PROBE, str(root), *TOOLS])
    try:
        said = json.loads(answer)
        major, minor, micro = said["version"]
    except (ValueError, KeyError, TypeError):
        raise VerificationError(
            f"{executable} does not answer as a Python does: create that environment again"
        ) from None
    identity = json.dumps(
        [executable, said["implementation"], said["platform"], said["installed"], said["roots"], said["others"]]
    )
    return Interpreter(
        executable=executable,
        version=(major, minor, micro),
        prefix=said["prefix"],
        is_virtual=said["virtual"],
        tools=said["tools"],
        plugins=frozenset(said["plugins"]),
        roots=tuple(dict.fromkeys(said["roots"])),
        fingerprint=hashlib.sha256(identity.encode()).hexdigest(),
        is_stable=not said["too_many"],
        installed=sum(1 for _, name, _ in said["installed"] if name.endswith((".dist-info", ".egg-info"))),
        path=tuple(dict.fromkeys(said["path"])),
        standard=frozenset(said["standard"]),
    )

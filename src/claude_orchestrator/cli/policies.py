"""The policy that a face judges by: which files are its layers, and what of the machine it may know."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from claude_orchestrator.safety.policy import Policy, load_policy

if TYPE_CHECKING:
    from claude_orchestrator.safety.policy_file import Layer


def text_policy(file: str = "", preset: str = "") -> Policy:
    """The policy for operations that are judged from their text alone.

    The user's layer counts, or ``file`` in its place; with ``preset`` none does. Raises ConfigError for a layer that is
    wrong, KeyError for an unknown preset.
    """
    home = os.environ.get("HOME") or "/home/dev"
    if preset:
        return Policy(preset, home=home)
    return load_policy(user=_layer(file, must_exist=True) if file else user_layer(), home=home)


def live_policy(workspace: str, file: str = "", preset: str = "") -> Policy:
    """The policy for what is about to happen in a folder: with the project's layer, and a look at the file system.

    ``file`` is read in place of the user's layer; with ``preset`` no layer counts. Raises ConfigError, KeyError.
    """
    home, root = os.environ.get("HOME") or "/home/dev", os.geteuid() == 0
    if preset:
        return load_policy(preset, home=home, root=root, live=True)
    user = _layer(file, must_exist=True) if file else user_layer()
    return load_policy(user=user, project=project_layer(workspace), home=home, root=root, live=True)


def user_layer() -> Layer | None:
    """The user's layer; None when there is none."""
    path = os.environ.get("CLAUDE_ORCHESTRATOR_POLICY")
    if not path:
        folder = os.environ.get("XDG_CONFIG_HOME", "").strip() or os.path.expanduser("~/.config")  # noqa: PTH111  (light)
        path = f"{folder}/claude-orchestrator/policy.toml"
        import sys

        if sys.platform != "darwin" and not os.path.exists(path):  # noqa: PTH110
            return None  # the usual case, without loading anything that reads policies
    from claude_orchestrator.safety.policy_file import user_file

    return _layer(user_file(), must_exist="CLAUDE_ORCHESTRATOR_POLICY" in os.environ)


def project_layer(workspace: str) -> Layer | None:
    """The layer in a project's folder; None when there is none."""
    path = f"{workspace}/.claude-orchestrator/policy.toml"
    return _layer(path) if os.path.exists(path) else None  # noqa: PTH110


def project_of(cwd: str) -> str:
    """The folder that the work is about: the top of the git repository around ``cwd``, else ``cwd``."""
    folder = cwd
    while True:
        if os.path.exists(f"{folder.rstrip('/')}/.git"):  # noqa: PTH110
            return folder
        parent = os.path.dirname(folder)  # noqa: PTH120
        if parent == folder:
            return cwd
        folder = parent


def _layer(path: str, *, must_exist: bool = False) -> Layer | None:
    from claude_orchestrator.safety.policy_file import read_layer

    return read_layer(path, must_exist=must_exist)

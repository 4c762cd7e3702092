"""Pythons with what a user has and nothing else, for the projects that tests have judged.

What helps to test us (pytest's plugins for coverage, time limits, several workers and random inputs) is no business of
theirs, and loading it would take a third of each of their many short runs.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import sysconfig
import venv
from collections.abc import Sequence
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path


def make_lean_python(folder: Path, distributions: Sequence[str]) -> Path:
    """A virtual environment in ``folder`` that has our own copies of some distributions and what they need.

    Gives the folder.
    """
    venv.create(folder, symlinks=True, with_pip=False)
    site = folder / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
    scripts = Path(sysconfig.get_path("scripts")).resolve()
    for package in _needed_by(distributions):
        for file in package.files or ():
            place = Path(str(package.locate_file(file))).resolve()
            if place.parent == scripts:
                _install_script(place, folder / "bin")
            elif file.parts[0] not in ("..", "__pycache__"):
                _place(site / file.parts[0], Path(str(package.locate_file(file.parts[0]))))
    return folder


def _install_script(script: Path, folder: Path) -> None:
    """Have a script started by the Python of ``folder``; a program is as it is."""
    name, content = folder / script.name, script.read_bytes()
    if not content.startswith(b"#!"):
        _place(name, script)
        return
    name.write_bytes(b"#!%s\n%s" % (str(folder / "python").encode(), content.partition(b"\n")[2]))
    name.chmod(0o755)


def _place(name: Path, original: Path) -> None:
    """Have a file or folder a second time. A symbolic link would lead to where a sandbox may let nobody look."""
    if name.exists() or not original.exists():
        return
    if original.is_dir():
        shutil.copytree(original, name, copy_function=_hard_link)
    else:
        _hard_link(original, name)


def _hard_link(original: str | Path, name: str | Path) -> None:
    try:
        os.link(original, name)
    except OSError:  # on another disk
        shutil.copy2(original, name)


def _needed_by(names: Sequence[str]) -> list[Distribution]:
    found: dict[str, Distribution] = {}
    seen: set[tuple[str, frozenset[str]]] = set()
    left = [(name, frozenset[str]()) for name in names]
    while left:
        name, extras = left.pop()
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        try:
            package = found[name] = distribution(name)
        except PackageNotFoundError:  # for another platform or an older Python
            continue
        for requirement in package.requires or ():
            what, _, condition = requirement.partition(";")
            of_extra = re.search(r"extra == ['\"]([\w.-]+)", condition)
            if of_extra is None or of_extra[1] in extras:
                chosen = re.search(r"\[(.*)\]", what)
                asked = frozenset(map(str.strip, chosen[1].split(","))) if chosen else frozenset[str]()
                left.append((re.split(r"[^\w.-]", what)[0], asked))
    return list(found.values())

"""Where modules are: in the tree that is judged, in the folders of the project's Python, in its standard library.

Nothing is imported and no code of the project runs: files are listed and read. What cannot be told from them is
unknown, and nobody is accused of it.
"""

from __future__ import annotations

import ast
import functools
import importlib.util
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from claude_orchestrator.graders.interpreter import Interpreter
from claude_orchestrator.graders.semantics.bindings import Summary, summary
from claude_orchestrator.graders.semantics.places import MACHINE, STUBS, Place, Tree, names_in

Answer = Literal["yes", "no", "unknown"]

_DEPTH: Final = 8


@dataclass(frozen=True)
class Module:
    """A module that was found. ``file`` is empty for one without a source (compiled, or a folder alone)."""

    name: str
    place: Place
    folder: str = ""
    """Where its submodules are; empty together with ``is_package`` False for a plain module."""
    file: str = ""
    is_package: bool = False
    is_opaque: bool = False
    """Whether it is there, but nobody can read what it has."""
    is_standard: bool = False

    @property
    def in_tree(self) -> bool:
        """Whether it belongs to the judged tree."""
        return isinstance(self.place, Tree)

    def summary(self) -> Summary | None:
        """What its source binds; None: unknown."""
        content = self.place.read(self.file) if self.file else None
        return summary(content) if content is not None else None


@dataclass(frozen=True)
class Located:
    """Every module that a dotted name may mean.

    ``missing`` is the part of the name that is certainly not there; then ``modules`` are what comes before it.
    """

    modules: tuple[Module, ...] = ()
    missing: str = ""

    @property
    def in_tree(self) -> bool:
        """Whether the tree has it (also) itself."""
        return any(module.in_tree for module in self.modules)


class Modules:
    """Finds modules and their names as one side of the change sees them."""

    def __init__(self, tree: Tree, target: Interpreter, project: Path | None = None) -> None:
        self.tree = tree
        self._standard = target.standard
        own = os.path.realpath(project) if project else None
        self._roots = frozenset(("", "src", *(root if root != "." else "" for root in target.roots)))
        self._path = [folder for folder in target.path if own is None or not _is_own(folder, own)]

    @property
    def folders(self) -> tuple[str, ...]:
        """The folders of the machine that modules come from."""
        return tuple(self._path)

    # -- modules ----------------------------------------------------------------------------------

    def locate(self, name: str, importer: str = "", level: int = 0) -> Located:
        """Find a module by its name as the file ``importer`` writes it, with the number of leading dots."""
        if level:
            folder = importer.rpartition("/")[0]
            for _ in range(level - 1):
                if not folder:
                    return Located((self._opaque(name),))
                folder = folder.rpartition("/")[0]
            start = self._at(self.tree, folder, "." * level) or Module("." * level, self.tree, folder, is_package=True)
            return self._down((start,), name.split(".") if name else [], "." * level)
        top, *rest = name.split(".")
        return self._down(self._tops(top, importer), rest, top)

    def _down(self, modules: tuple[Module, ...], parts: list[str], said: str) -> Located:
        if not modules:
            return Located(missing=said)
        for part in parts:
            said = f"{said}{part}" if said.endswith(".") else f"{said}.{part}"
            found = [child for module in modules if (child := self.child(module, part))]
            if not found:
                if any(self._may_have_children(module) for module in modules):
                    return Located((self._opaque(said, all(module.is_standard for module in modules)),))
                return Located(modules, missing=said)
            modules = tuple(found)
        return Located(modules)

    def child(self, module: Module, name: str) -> Module | None:
        """A submodule of a package, or None."""
        if not module.is_package:
            return None
        path = f"{module.folder}/{name}" if module.folder else name
        return self._at(module.place, path, f"{module.name}.{name}", module.is_standard)

    def _may_have_children(self, module: Module) -> bool:
        if module.is_opaque:
            return True
        if not module.file:
            return False
        found = module.summary()
        return (
            found is None
            or found.changes_path
            or (found.is_dynamic and b"sys.modules" in (module.place.read(module.file) or b""))
        )

    def _tops(self, top: str, importer: str) -> tuple[Module, ...]:
        roots = self.tree.roots(top)
        around = {"/".join(parts[:at]) for parts in [importer.split("/")] for at in range(len(parts))}
        found = self._in_tree(top, roots & (around | self._roots))
        if top not in self._standard and any(module.file for module in found):
            return tuple(found)
        found = self._in_tree(top, roots)
        for folder in self._path:
            standard = top in self._standard and "-packages" not in folder
            module = self._at(MACHINE, f"{folder}/{top}", top, standard)
            found += [module] if module else []
        if not found and (top in self._standard or top == "__future__"):
            found = [Module(top, MACHINE, is_opaque=True, is_standard=True)]
        return tuple(found)

    def _in_tree(self, top: str, roots: Iterable[str]) -> list[Module]:
        found = []
        for root in sorted(roots):
            if self.tree.is_file(f"{root}/__init__.py"):
                # Modules are not imported from within a package, unless a script there is run in place.
                found.append(self._opaque(top))
            elif module := self._at(self.tree, f"{root}/{top}" if root else top, top):
                found.append(module)
        return found

    def _at(self, place: Place, path: str, name: str, standard: bool = False) -> Module | None:
        """The module that ``path`` (without an ending) is, or None."""
        if place.is_folder(path) or path == "":
            start = f"{path}/__init__.py" if path else "__init__.py"
            if place.is_file(start):
                return Module(name, place, path, start, is_package=True, is_standard=standard)
            is_compiled = place.has_binary(f"{path}/__init__")
            plain = place.is_file(f"{path}.py") or place.has_binary(path)
            if is_compiled or not plain:
                return Module(name, place, path, is_package=True, is_opaque=is_compiled, is_standard=standard)
        if place.is_file(f"{path}.py"):
            return Module(name, place, file=f"{path}.py", is_standard=standard)
        if place.has_binary(path):
            return Module(name, place, is_opaque=True, is_standard=standard)
        return None

    def _opaque(self, name: str, is_standard: bool = False) -> Module:
        return Module(name, self.tree, is_opaque=True, is_standard=is_standard)

    # -- names ------------------------------------------------------------------------------------

    def has(self, modules: Iterable[Module], name: str) -> Answer:
        """Whether one of those modules (that the same import may mean) has a name, submodules included."""
        answers = {self._has(module, name, _DEPTH) for module in modules}
        return "yes" if "yes" in answers else "no" if answers == {"no"} else "unknown"

    def _has(self, module: Module, name: str, depth: int) -> Answer:
        if name.startswith("__") and name.endswith("__"):
            return "yes"
        if module.is_package and self.child(module, name):
            return "yes"
        answer = self._bound(module, name, depth)
        if module.is_standard and answer != "yes":
            stub = stub_of(module.name)
            said = self._bound(stub, name, depth) if stub else "unknown"
            private = name.startswith("_")
            return "yes" if said == "yes" else answer if private or answer == "no" else said
        return answer

    def _bound(self, module: Module, name: str, depth: int) -> Answer:
        if module.is_opaque or depth == 0:
            return "unknown"
        if not module.file:
            return "no"
        found = module.summary()
        if found is None:
            return "unknown"
        if name in found.names:
            return "yes"
        answer: Answer = "unknown" if found.is_dynamic else "no"
        for star in found.stars:
            said = self._starred(module, star.module, star.level, name, depth)
            if said == "yes":
                return "yes"
            answer = "unknown" if said == "unknown" else answer
        return answer

    def _starred(self, module: Module, target: str, level: int, name: str, depth: int) -> Answer:
        located = self.related(module, target, level)
        if located.missing or not located.modules:
            return "unknown"
        answers = {self._has(found, name, depth - 1) for found in located.modules if found != module}
        return "yes" if "yes" in answers else "no" if answers == {"no"} else "unknown"

    def related(self, module: Module, target: str, level: int) -> Located:
        """What an import in the source of ``module`` means."""
        if not level:
            if module.place is STUBS:
                stub = stub_of(target)
                return Located((stub,)) if stub else Located()
            return self.locate(target, module.file if module.in_tree else "")
        folder = module.file.rpartition("/")[0]
        for _ in range(level - 1):
            folder = folder.rpartition("/")[0]
        start = self._at(module.place, folder, "." * level, module.is_standard)
        return self._down((start,) if start else (), target.split(".") if target else [], "." * level)

    def imported_as(self, module: Module, nodes: Iterable[ast.AST], name: str) -> tuple[Module, ...]:
        """The modules that a name of a module means when nothing but ``import … as name`` binds it, else none."""
        meant = [
            alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names if alias.asname == name
        ]
        if len(meant) != len(tuple(nodes)):
            return ()
        located = [self.related(module, target, 0) for target in meant]
        return tuple(found for one in located if not one.missing for found in one.modules)

    def names_of(self, modules: Iterable[Module]) -> set[str]:
        """Names that an import of those modules could have meant, for a hint."""
        found: set[str] = set()
        for module in modules:
            said = module.summary()
            found |= set(said.names) if said else set()
            found |= set(module.place.siblings(module.folder)) if module.is_package else set()
        return {name for name in found if not name.startswith("__")}

    def top_names(self) -> set[str]:
        """Names of packages that could have been meant, for a hint."""
        found = set(self._standard)
        for folder in self._path:
            found |= {name.removesuffix(".py") for name in names_in(folder) if name.endswith(".py") or "." not in name}
        for root in ("", "src", "lib"):
            found |= set(self.tree.siblings(root))
        return found


@functools.cache
def _stub_folder() -> str:
    spec = importlib.util.find_spec("mypy")
    found = Path(spec.origin).parent / "typeshed" / "stdlib" if spec and spec.origin else None
    return str(found) if found and found.is_dir() else ""


@functools.cache
def stub_of(name: str) -> Module | None:
    """How the stubs that mypy brings describe a module of the standard library, or None where there are none."""
    path = f"{_stub_folder()}/{name.replace('.', '/')}"
    if not _stub_folder():
        return None
    if STUBS.is_file(f"{path}/__init__.py"):
        return Module(name, STUBS, path, f"{path}/__init__.py", is_package=True)
    return Module(name, STUBS, file=f"{path}.py") if STUBS.is_file(f"{path}.py") else None


def _is_own(folder: str, project: str) -> bool:
    """Whether a folder of the path leads into the user's own checkout, which is not what is judged."""
    real = os.path.realpath(folder)
    below = real == project or real.startswith(project.rstrip("/") + "/")
    return below and "site-packages" not in real and "dist-packages" not in real

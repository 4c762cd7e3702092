"""Imports of packages, modules and names that do not exist."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

from claude_orchestrator.graders.base import Finding, Severity
from claude_orchestrator.graders.bench import Side
from claude_orchestrator.graders.semantics import dependencies
from claude_orchestrator.graders.semantics.modules import Module, Modules
from claude_orchestrator.graders.semantics.places import names_in
from claude_orchestrator.graders.semantics.sides import Sides
from claude_orchestrator.graders.semantics.uses import Use, uses

_BUILD_FILES: Final = re.compile(
    r"(^|/)(pyproject\.toml|setup\.(py|cfg)|meson\.build|CMakeLists\.txt|Cargo\.toml|MANIFEST\.in|Makefile|\.gitignore)$"
)
_GENERATED: Final = re.compile(r"(_pb2|_pb2_grpc|_version|__version__|_generated)$")
_OTHER_ENVIRONMENT: Final = re.compile(
    r"^(noxfile|setup|fabfile|tasks|dodo|conanfile|wscript)\.py$|(^|/)docs?/|(^|/)conf\.py$|(^|/)\.github/|(^|/)ci/"
)
_TOOLING: Final = frozenset({"pytest", "_pytest", "setuptools", "pkg_resources", "pip", "wheel"})
_BESIDE: Final = re.compile(r"(^|/)(examples?|scripts?|tools?|benchmarks?|bench|demos?|notebooks?|contrib|playground)/")


@dataclass(frozen=True)
class Missing:
    """Something that a use speaks of and that is certainly not there.

    ``what``: a top-level package, a module of one, a name of a module, or a name taken as ``module.name``. ``known``
    are the modules that come before it.
    """

    use: Use
    what: Literal["package", "module", "name", "attribute"]
    said: str
    known: tuple[Module, ...] = ()

    @property
    def in_tree(self) -> bool:
        """Whether the judged tree itself should have it."""
        return any(module.in_tree for module in self.known)

    @property
    def key(self) -> tuple[str, str]:
        """The same for the same mistake, wherever it is made."""
        return self.what, self.said


async def import_findings(sides: Sides) -> list[Finding]:
    """What the change imports, or leaves others to import, that does not exist."""
    changed = sides.changed_python()
    if not changed and not any(path.endswith(".py") for path in sides.touched):
        return []
    await sides.prepare()
    await sides.load_changed()
    removed = sides.removed_names()
    users = await sides.users(removed)
    await sides.read("base", users)
    missing = await sides.settle(lambda: list(_new_missing(sides, changed, users, removed)))
    return await _judged(sides, missing, removed) if missing else []


def _new_missing(
    sides: Sides, changed: Iterable[str], users: Iterable[str], removed: frozenset[str]
) -> Iterator[tuple[str, Missing]]:
    for path in [*changed, *users]:
        old = sides.before(path)
        before, after = sides.trees["base"].contents.get(old, b""), sides.trees["head"].contents.get(path, b"")
        known = {use.key for use in uses(before)} if path == old else set()
        looked_at = [use for use in uses(after) if use.key not in known or _speaks_of(use, removed)]
        found = [missing for use in looked_at if (missing := missing_of(sides.modules("head"), path, use))]
        if not found:
            continue
        old_ones = {missing.key for use in uses(before) if (missing := missing_of(sides.modules("base"), old, use))}
        seen = set()
        for missing in found:
            if missing.key not in old_ones and missing.key not in seen:
                seen.add(missing.key)
                yield path, missing


def _speaks_of(use: Use, names: frozenset[str]) -> bool:
    return not names.isdisjoint((*use.module.split("."), *use.name.split(".")))


def missing_of(modules: Modules, path: str, use: Use) -> Missing | None:
    """What a use speaks of that is certainly not there, or None."""
    if use.is_guarded:
        return None
    located = modules.locate(use.module, path, use.level)
    if use.is_attribute:
        return None if located.missing else _missing_attribute(modules, located.modules, use)
    if located.missing:
        is_top = not located.modules and not use.level
        return Missing(use, "package" if is_top else "module", located.missing, located.modules)
    if use.name and modules.has(located.modules, use.name) == "no":
        return Missing(use, "name", f"{use.spelled}:{use.name}", located.modules)
    return None


def _missing_attribute(modules: Modules, known: tuple[Module, ...], use: Use) -> Missing | None:
    said = use.module
    for name in filter(None, use.name.split(".")):
        if modules.has(known, name) == "no":
            return Missing(use, "attribute", f"{said}:{name}", known)
        below = tuple(child for module in known if (child := modules.child(module, name)))
        bound = [nodes for module in known if (summary := module.summary()) and (nodes := summary.names.get(name))]
        if bound and not below:
            below = modules.imported_as(known[0], bound[0], name)
        elif bound:
            return None
        if not below:
            return None
        known, said = below, f"{said}.{name}"
    return None


# -- what it means ------------------------------------------------------------------------------------


async def _judged(sides: Sides, missing: list[tuple[str, Missing]], removed: frozenset[str]) -> list[Finding]:
    wanted: dict[Side, dict[str, bytes]] = {}
    for side in ("base", "head"):
        paths = [
            path
            for path in sides.trees[side].paths
            if dependencies.says_dependencies(path) or _BUILD_FILES.search(path)
        ]
        wanted[side] = await sides.read(side, paths)
    build = b"\n".join(
        content for files in wanted.values() for path, content in files.items() if _BUILD_FILES.search(path)
    ).decode(errors="replace")
    needs: dict[Side, frozenset[str]] = {
        side: dependencies.declared(
            {path: content for path, content in files.items() if dependencies.says_dependencies(path)}
        )
        for side, files in wanted.items()
    }
    elsewhere = await _used_elsewhere(sides, [found for _, found in missing])
    found = []
    for path, one in missing:
        if one.in_tree and _is_generated(sides, one, build):
            continue
        if one.key in elsewhere and not _was_removed(one, removed):
            continue
        severity, why = _meaning(sides, path, one, needs)
        message = f"{_said(sides, path, one)}{_hint(sides, one)}{why}"
        rule = f"semantics/{'missing-import' if one.what != 'attribute' else 'missing-attribute'}"
        found.append(Finding(rule, path, one.use.line, message, severity, symbol=one.use.symbol, text=one.said))
    return found


def _was_removed(one: Missing, removed: frozenset[str]) -> bool:
    return one.said.rpartition(":")[2].rpartition(".")[2] in removed


async def _used_elsewhere(sides: Sides, missing: Iterable[Missing]) -> set[tuple[str, str]]:
    """What other files of the base use as well: then the environment lacks it, or we do not see it."""
    words = {one.said.rpartition(":")[2].rpartition(".")[2] for one in missing}
    paths = (await sides.with_words("base", words))[:50]
    contents = await sides.read("base", paths)
    modules = sides.modules("base")

    def look() -> set[tuple[str, str]]:
        found = set()
        for path, content in contents.items():
            for use in uses(content):
                top = use.module.partition(".")[0]
                if use.level == 0 and top in words and not modules.locate(top, path).modules:
                    found.add(("package", top))  # also where it is guarded: an optional dependency
                elif _speaks_of(use, frozenset(words)) and (one := missing_of(modules, path, use)):
                    found.add(one.key)
        return found

    return await sides.settle(look)


def _is_generated(sides: Sides, one: Missing, build: str) -> bool:
    """Whether something that is not in git may provide it: a build step, or a file that is ignored."""
    name = one.said.rpartition(":")[2].rpartition(".")[2]
    if one.what in ("name", "attribute") and not any(module.is_package for module in one.known):
        return False
    if _GENERATED.search(name) or re.search(
        rf"[./]{re.escape(name)}\b|\b{re.escape(name)}\.(py|pyx|c|so|pyd)\b", build
    ):
        return True
    folders = {module.folder for module in one.known if module.in_tree}
    return sides.project is not None and any(
        (sides.project / folder / f"{name}{ending}").exists()
        for folder in folders
        for ending in (".py", "/__init__.py")
    )


def _meaning(sides: Sides, path: str, one: Missing, needs: dict[Side, frozenset[str]]) -> tuple[Severity, str]:
    if one.what != "package":
        return "problem", ""
    if dependencies.provides(needs["base"], one.said):
        return "note", " (the project declares it)"
    if dependencies.provides(needs["head"], one.said):
        return "review", ": the change declares it, but it is not installed, so nothing that uses it can have been run"
    if one.said in _TOOLING or _OTHER_ENVIRONMENT.search(path):
        return "note", " (this usually has an environment of its own)"
    folders = [names_in(folder) for folder in sides.modules("head").folders]
    if new := needs["head"] - needs["base"] - dependencies.installed(folders):
        return "review", f" (the change declares {', '.join(sorted(new)[:3])}, which may bring it but is not installed)"
    return ("review" if _BESIDE.search(path) else "problem"), ""


def _said(sides: Sides, path: str, one: Missing) -> str:
    if one.what == "package":
        in_tree = "neither installed in the project's Python nor in the repository"
        return f"imports '{one.use.spelled}', but there is no '{one.said}': {in_tree}"
    if one.what == "module":
        return f"imports '{one.use.spelled}', but there is no module '{one.said}'"
    module, _, name = one.said.rpartition(":")
    changed = "" if path in sides.touched else " any more, although this file (unchanged) uses it"
    verb = "uses" if one.what == "attribute" else "imports"
    return f"{verb} '{name}' of '{module}', which has no such name{changed}"


def _hint(sides: Sides, one: Missing) -> str:
    modules = sides.modules("head")
    name = one.said.rpartition(":")[2].rpartition(".")[2]
    known = modules.names_of(one.known) if one.known else modules.top_names()
    near = difflib.get_close_matches(name, sorted(known - {name}), 1, 0.75)
    return f" (did you mean '{near[0]}'?)" if near else ""

"""Which tests a change can reach, by the import graph; only what is proven counts.

A test file is out of reach when nothing that it may import, by name or by a string, on either side of the change, was
touched, and when nothing on that way can do what the text does not show (start programs, list folders, load by a
computed name). Files of documentation count as touched for those that mention their names.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Final

from claude_orchestrator.graders import configuration as rules
from claude_orchestrator.graders.bench import Bench
from claude_orchestrator.graders.parsing import parsed
from claude_orchestrator.graders.scope import in_test_area
from claude_orchestrator.graders.suite.imports import Facts, Modules, facts_of
from claude_orchestrator.graders.suite.outward import pushes

_PLAIN: Final = ("100644", "100755")
_DOCUMENTATION: Final = (".md", ".rst", ".txt", ".adoc")
_MOST_FILES: Final = 4000
_MOST_TOUCHED: Final = 150
_COLLECTS: Final = re.compile(rb"\bpytest_(?:collect_file|pycollect_\w+|collection_modifyitems|generate_tests)\b")
_PLUGIN_OPTION: Final = re.compile(r"-p[\s=]*([\w.]+)")
_DOTTED: Final = re.compile(r"\b[A-Za-z_]\w*(?:\.\w+)+")

Contents = Mapping[str, bytes]


async def affected_tests(bench: Bench) -> frozenset[str] | None:
    """The test files of the base that the changed files can reach, or None when nothing can be proven."""
    change = bench.change
    entries = (*change.base_entries.items(), *change.head_entries.items())
    python = {path for path, entry in entries if path.endswith(".py") and entry.mode in _PLAIN}
    if len(python) > _MOST_FILES or len(change.touched) > _MOST_TOUCHED:
        return None
    if any(entry.mode not in _PLAIN and not _is_documentation(path, python) for path, entry in entries):
        return None
    if any(rules.is_configuration(path) for path in change.touched):
        return None
    head = await bench.files("head", python | change.touched)
    base = await bench.files("base", change.touched | (python - change.head_entries.keys()))
    tests = [path for path in change.base_entries if path in python and rules.is_test_name(path, change.test_names)]
    setup = {"setup.py": head["setup.py"]} if "setup.py" in head else {}
    globally = _loaded_by_configuration({**change.base_files, **setup})
    if globally is None:
        return None
    return affected(base, head, change.touched, tests, globally)


def affected(
    base: Contents, head: Contents, touched: Iterable[str], tests: Iterable[str], globally: Iterable[str] = ()
) -> frozenset[str] | None:
    """The ``tests`` that the ``touched`` files can reach, or None.

    ``head`` has every Python file of the change, ``base`` those that it touches. ``globally`` are names of modules
    that every test loads.
    """
    touched = frozenset(touched)
    python = {path for path in base.keys() | head.keys() if path.endswith(".py")}
    if any(path not in python and not _is_documentation(path, python) for path in touched):
        return None
    if any(PurePosixPath(path).name == "conftest.py" and _COLLECTS.search(head.get(path, b"")) for path in python):
        return None
    versions = {path: {side[path] for side in (base, head) if path in side} for path in python}
    facts = {path: [facts_of(content) for content in contents] for path, contents in versions.items()}
    moved = any(fact.moves_search_path for path in python for fact in facts[path])
    modules = Modules(python, any_root=moved)
    imports = {path: {file for fact in facts[path] for file in modules.imported(path, fact)} for path in python}
    pushed = _pushed(base, head, touched, modules, imports)
    if pushed is None:
        return None

    importers: dict[str, set[str]] = defaultdict(set)
    for path, targets in imports.items():
        for target in targets:
            importers[target].add(path)
    everywhere = {file for name in globally for file in modules.imported("", _named(name))}
    tests = frozenset(tests)
    for test in tests:
        for target in {*everywhere, *_conftests(test, python)}:
            importers[target].add(test)
    mentions = _Mentions(touched)
    reached = {path for path in touched if path in python} | pushed
    reached |= {
        path
        for path in python
        if any(fact.is_dynamic for fact in facts[path]) or any(map(mentions.found_in, versions[path]))
    }
    return tests & _closure(reached, importers)


def _closure(start: Iterable[str], edges: Mapping[str, set[str]]) -> set[str]:
    reached: set[str] = set()
    todo = list(start)
    while todo:
        path = todo.pop()
        if path not in reached:
            reached.add(path)
            todo.extend(edges.get(path, ()))
    return reached


def _conftests(test: str, python: set[str]) -> set[str]:
    folders = [parent.as_posix() for parent in PurePosixPath(test).parents]
    return {name for folder in folders if (name := f"{folder}/conftest.py".removeprefix("./")) in python}


def _named(name: str) -> Facts:
    return Facts(absolute=frozenset({name}), named=frozenset({name}))


def _pushed(
    base: Contents, head: Contents, touched: Iterable[str], modules: Modules, imports: Mapping[str, set[str]]
) -> set[str] | None:
    """The modules that touched files do something to; None: to something that is not the project's, as never before."""
    reached: set[str] = set()
    for path in touched:
        if not path.endswith(".py"):
            continue
        sides = [parsed(side[path]) if path in side else ast.Module([], []) for side in (base, head)]
        before, after = (pushes(side) if side else None for side in sides)
        if before is None or after is None:
            return None
        targets = {origin: _loaded(path, origin, modules) for origin, _ in before + after}
        if any(not targets[origin] for origin, _ in after - before):
            return None
        reached |= _closure({file for files in targets.values() for file in files}, imports)
    return reached


def _loaded(path: str, name: str, modules: Modules) -> set[str]:
    plain = name.lstrip(".")
    relative = Facts(relative=frozenset({(len(name) - len(plain), plain)}))
    return modules.imported(path, relative) if plain != name else modules.imported("", _named(name))


class _Mentions:
    """Whether a text speaks of a touched file: by its name, or as an attribute of its package."""

    def __init__(self, touched: Iterable[str]) -> None:
        paths = [PurePosixPath(path) for path in touched]
        self._names = {path.name.encode() for path in paths if path.name != "__init__.py"}
        self._attributes = {
            (
                path.parent.name.encode(),
                b"." + path.stem.encode(),
                re.compile(rb"\." + re.escape(path.stem.encode()) + rb"\b"),
            )
            for path in paths
            if path.suffix == ".py" and path.parent.name
        }

    def found_in(self, content: bytes) -> bool:
        return any(name in content for name in self._names) or any(
            attribute in content and package in content and pattern.search(content)
            for package, attribute, pattern in self._attributes
        )


def _is_documentation(path: str, python: Iterable[str]) -> bool:
    """Whether a file is for readers only: by its name, and because it lies neither in a package nor among tests."""
    place = PurePosixPath(path)
    is_prose = place.suffix.lower() in _DOCUMENTATION or place.stem.upper() in (
        "LICENSE",
        "COPYING",
        "AUTHORS",
        "NOTICE",
    )
    folders = {parent.as_posix() for parent in place.parents} - {"."}
    return (
        is_prose
        and not place.name.lower().startswith("requirements")
        and not in_test_area(path)
        and place.parts[0] != "src"
        and not any(f"{folder}/__init__.py" in python for folder in folders)
    )


def _loaded_by_configuration(files: Mapping[str, bytes]) -> list[str] | None:
    """The modules that pytest loads for every test because the configuration says so; None: that cannot be told."""
    settings = rules.pytest_settings(dict(files))[1]
    text = " ".join(str(value) for value in settings.values())
    if "doctest" in text:
        return None
    named = _PLUGIN_OPTION.findall(str(settings.get("addopts", "")).replace("'", " ").replace(",", " "))
    named += [str(value) for key, value in settings.items() if key.upper() == "DJANGO_SETTINGS_MODULE"]
    named += _DOTTED.findall(str(settings.get("filterwarnings", "")))
    for path, content in files.items():
        if PurePosixPath(path).name in ("setup.cfg", "pyproject.toml") and re.search(
            rb"entry[-_]points|plugins", content
        ):
            named += _DOTTED.findall(_without_scripts(content.decode(errors="replace")))
    if b"entry_points" in files.get("setup.py", b""):
        named += _DOTTED.findall(files["setup.py"].decode(errors="replace"))
    return named


def _without_scripts(text: str) -> str:
    kept, keeps = [], False
    for line in text.splitlines():
        if line.startswith("["):
            keeps = ("entry-points" in line or "entry_points" in line or "plugins" in line) and "scripts" not in line
        elif keeps:
            kept.append(line)
    return "\n".join(kept)

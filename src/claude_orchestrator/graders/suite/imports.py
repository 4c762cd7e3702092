"""What a Python file may import or look at, read off its text: too much rather than too little, and quickly.

A scan by regular expressions instead of a parse, because it looks at every Python file of a project. What looks like an
import in a comment or a string counts as one.
"""

from __future__ import annotations

import functools
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

_IMPORT: Final = re.compile(
    r"""\bfrom\b(?P<module>[ \t\f.\w]*?)\bimport\b[ \t\f]*(?:\((?P<many>(?:[^()#]|\#[^\n]*)*)\)|(?P<names>[^\n;\#]*))
    |\bimport\b[ \t\f]+(?P<modules>[\w. \t\f,]+)""",
    re.VERBOSE,
)
_COMMENT: Final = re.compile(r"#[^\n]*")
_STRING: Final = re.compile(
    r"""(?P<harmless>\b(?:getLogger|version|distribution)\(\s*
    |\b__(?:title|author|uri|url|license|copyright|email|summary|description)__\s*(?::\s*str\s*)?=\s*)?
    ["'](?P<name>[A-Za-z_][\w.]*)""",
    re.VERBOSE,
)
_CODING: Final = re.compile(r"\A(?:[^\n]*\n)?[ \t\f]*#[^\n]*coding[:=][ \t]*([-\w.]+)")
_DYNAMIC: Final = re.compile(
    r"""\b(?:__import__|import_module|load_module|exec_module|importlib(?!\.(?:metadata|resources)\b|\s+import\s+(?:metadata|resources)\b)
    |execfile|runpy|pkgutil|zipimport|entry_points|iter_entry_points|pkg_resources
    |sys\.modules|meta_path|path_hooks|__subclasses__|__init_subclass__|get_objects|get_referrers
    |pickle|cPickle|dill|cloudpickle|shelve|marshal|joblib
    |getsource\w*|linecache|listdir|scandir|iterdir|i?r?glob|walk|fwalk
    |subprocess|Popen|popen|create_subprocess_\w+|pexpect|pytester|testdir|runpytest\w*
    |os\.(?:system|spawn\w+|exec\w+|posix_spawn\w*|chdir)|django)\b
    |(?<![.\w])(?:exec|eval|compile)\s*\(
    |["'}*]\.py\b
    |\bcelery\b""",
    re.VERBOSE,
)
_SEARCH_PATH: Final = re.compile(r"\bsys\.path\b|\bsyspath_prepend\b|\baddsitedir\b")


@dataclass(frozen=True)
class Facts:
    """What the text of one file says.

    ``absolute`` are dotted names, ``relative`` pairs of the number of dots and a dotted name; a last part ``*`` means
    everything in there. ``named`` are dotted names in strings. ``is_dynamic``: what it imports,
    starts or reads cannot be told.
    """

    absolute: frozenset[str] = frozenset()
    relative: frozenset[tuple[int, str]] = frozenset()
    named: frozenset[str] = frozenset()
    is_dynamic: bool = False
    moves_search_path: bool = False


@functools.lru_cache(maxsize=16384)
def facts_of(content: bytes) -> Facts:
    """The facts of one file."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return Facts(is_dynamic=True)
    coding = _CODING.match(text)
    if coding and coding[1].lower().replace("_", "-") not in ("utf-8", "utf8", "ascii", "us-ascii"):
        return Facts(is_dynamic=True)
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\\\n", " ")
    absolute: set[str] = set()
    relative: set[tuple[int, str]] = set()
    for found in _IMPORT.finditer(text):
        if found["modules"] is not None:
            absolute.update(_names(found["modules"]))
            continue
        module = "".join(found["module"].split())
        dots = len(module) - len(module.lstrip("."))
        names = _names(_COMMENT.sub("", found["many"] if found["many"] is not None else found["names"]))
        full = {".".join(part for part in (module[dots:], name) if part) for name in names or [""]}
        if dots:
            relative.update((dots, name) for name in full)
        else:
            absolute.update(full)
    named = {found["name"] for found in _STRING.finditer(text) if not found["harmless"]}
    is_odd = any(not name.isascii() for name in absolute) or any(not name.isascii() for _, name in relative)
    return Facts(
        frozenset(absolute),
        frozenset(relative),
        frozenset(named),
        is_odd or _DYNAMIC.search(text) is not None,
        _SEARCH_PATH.search(text) is not None,
    )


def _names(listed: str) -> list[str]:
    """``a.b as c, d`` → ``a.b``, ``d``."""
    parts = (part.replace(" . ", ".").split() for part in listed.split(","))
    return [part[0] for part in parts if part]


class Modules:
    """The Python files of a project, found by what an import calls them."""

    def __init__(self, paths: Iterable[str], *, any_root: bool) -> None:
        """``any_root``: the search path may be moved, so that files inside a package are top-level modules as well."""
        self._paths = frozenset(path for path in paths if path.endswith(".py"))
        self._packages = {path.rpartition("/")[0] for path in self._paths if path.rpartition("/")[2] == "__init__.py"}
        self._by_name: dict[str, set[str]] = defaultdict(set)
        self._below: dict[str, set[str]] = defaultdict(set)
        self._children: dict[str, set[str]] = defaultdict(set)
        for path in self._paths:
            self._add(path, any_root=any_root)

    def _add(self, path: str, *, any_root: bool) -> None:
        folder, _, name = path.rpartition("/")
        parts = folder.split("/") if folder else []
        for depth in range(1, len(parts) + 1):
            self._below["/".join(parts[:depth])].add(path)
        is_package = name == "__init__.py"
        self._children["/".join(parts[:-1]) if is_package else folder].add(path)
        module = parts if is_package else [*parts, name.removesuffix(".py")]
        for start in range(len(module)):
            if any_root or "/".join(module[:start]) not in self._packages:
                self._by_name[".".join(module[start:])].add(path)

    def imported(self, path: str, facts: Facts) -> set[str]:
        """The files that a file may load by its imports, those of the enclosing packages included."""
        found = set(self._chain(path))
        for name in facts.absolute:
            for target in self._absolute(name):
                found.add(target)
                found.update(self._chain(target))
        for dots, name in facts.relative:
            found.update(self._relative(path, dots, name))
        for name in facts.named:
            for target in self._named(name):
                found.add(target)
                found.update(self._chain(target))
        found.discard(path)
        return found

    def _chain(self, path: str) -> Iterator[str]:
        folder = path.rpartition("/")[0]
        while folder:
            if folder in self._packages:
                yield f"{folder}/__init__.py"
            folder = folder.rpartition("/")[0]

    def _absolute(self, name: str) -> set[str]:
        parts = name.split(".")
        found: set[str] = set()
        for depth in range(1, len(parts) + 1):
            if parts[depth - 1] == "*":
                for package in self._by_name.get(".".join(parts[: depth - 1]), ()):
                    found |= self._children[package.removesuffix("/__init__.py")]
            else:
                found |= self._by_name.get(".".join(parts[:depth]), set())
        return found

    def _relative(self, path: str, dots: int, name: str) -> set[str]:
        folder = path.rpartition("/")[0]
        for _ in range(dots - 1):
            folder = folder.rpartition("/")[0]
        found: set[str] = set()
        at = folder
        for part in name.split(".") if name else []:
            if part == "*":
                found |= self._children[at]
                break
            at = f"{at}/{part}" if at else part
            found |= {file for file in (f"{at}.py", f"{at}/__init__.py") if file in self._paths}
        if folder in self._packages:
            found.add(f"{folder}/__init__.py")
        return found | {package for file in found for package in self._chain(file)}

    def _named(self, name: str) -> set[str]:
        """What a string may stand for: a module, something in it, or a package with all that is below it."""
        whole = name.rstrip(".")
        found = set(self._absolute(whole))
        for file in self._by_name.get(whole, ()):
            if file.endswith("__init__.py"):
                found |= self._below[file.removesuffix("/__init__.py")]
        return found

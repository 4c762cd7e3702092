"""Files outside the folders of tests that only tests read: expected results, examples, golden files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import Final

_NO_DATA: Final = (
    ".py", ".pyi", ".md", ".rst", ".adoc", ".toml", ".cfg", ".ini", ".lock", ".in", ".sh", ".c", ".h", ".pyx", ".so",
)  # fmt: skip
_NO_DATA_NAMES: Final = re.compile(
    r"(?i)(readme|changes|changelog|history|news|license|licence|copying|authors|contributors|notice|requirements"
    r"|constraints|version|makefile|dockerfile|\.).*"
)
_SHORTEST: Final = 5
_NAME: Final = re.compile(rb"[\w.-]+")
_QUOTED: Final = re.compile(rb"(?<=[\"'/])[\w.-]+(?=[\"'/])")
_PATTERN: Final = re.compile(rb"\*(\.\w+)")
_LISTING: Final = re.compile(rb"\b(?:listdir|iterdir|scandir)\b")
_PAGES: Final = re.compile(rb"--doctest-glob(?:=|[ \t]+|[\"'],[ \t]*)[\"']?([^\s\"',]+)")
_USUAL: Final = frozenset({"test*.txt"})
"""The pages with examples that pytest collects where no option says otherwise (``--doctest-glob``)."""


def candidates(touched: frozenset[str], base: Iterable[str]) -> frozenset[str]:
    """The touched files of the base that may be data of tests, by their names."""
    return frozenset(
        path
        for path in touched & frozenset(base)
        if "." in (name := PurePosixPath(path).name)
        and not path.startswith(".")
        and not name.lower().endswith(_NO_DATA)
        and not _NO_DATA_NAMES.fullmatch(name)
    )


def read_only_by_tests(paths: Iterable[str], tests: Mapping[str, bytes], others: Mapping[str, bytes]) -> frozenset[str]:
    """Those ``paths`` that ``tests`` name (as a file, or a folder and a pattern) and that no other code names."""
    ours, theirs = b"\0".join(tests.values()), b"\0".join(others.values())
    return frozenset(path for path in paths if _is_named(path, ours) and not _is_named(path, theirs))


def doctest_pages(paths: Iterable[str], configuration: Iterable[bytes]) -> frozenset[str]:
    """Those ``paths`` that pytest takes for tests because of the examples in them, by the options in configuration."""
    globs = {found.decode(errors="replace") for text in configuration for found in _PAGES.findall(text)}
    return frozenset(
        path
        for path in paths
        if not path.endswith(".py") and any(fnmatchcase(PurePosixPath(path).name, glob) for glob in globs or _USUAL)
    )


def readers(data: Iterable[str], tests: Mapping[str, bytes]) -> tuple[str, ...]:
    """The ``tests`` (path → text) that name some ``data``: as a file, or a folder and a pattern or a stem."""
    places = [PurePosixPath(path) for path in data]
    found = []
    for test, text in tests.items():
        words = {word.strip(b".") for word in _NAME.findall(text)}
        quoted, patterns = set(_QUOTED.findall(text)), set(_PATTERN.findall(text))
        lists = _LISTING.search(text) is not None
        for place in places:
            name, stem, suffix, folder = (
                part.encode(errors="surrogateescape")
                for part in (place.name, place.stem, place.suffix, place.parent.name)
            )
            is_there = folder in quoted and (lists or suffix in patterns or stem in quoted)
            if (len(name) >= _SHORTEST and name in words) or (folder and is_there):
                found.append(test)
                break
    return tuple(found)


def _is_named(path: str, text: bytes) -> bool:
    place = PurePosixPath(path)
    name = place.name.encode()
    if len(name) >= _SHORTEST and re.search(rb"(?<![\w.-])" + re.escape(name) + rb"(?![\w-])", text):
        return True
    stem = re.escape(place.stem.encode())
    suffix = re.escape(place.suffix.encode())
    folder = re.escape(place.parent.name.encode())
    if not folder or not re.search(rb"[\"'/]" + folder + rb"[\"'/]", text):
        return False
    is_listed = re.search(rb"[\"'/]\*" + suffix + rb"[\"']", text) or re.search(rb"\b(listdir|iterdir|scandir)\b", text)
    return bool(is_listed) or re.search(rb"[\"']" + stem + rb"[\"']", text) is not None

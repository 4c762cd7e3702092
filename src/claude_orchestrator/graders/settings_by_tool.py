"""The settings of each tool as it would find them, whichever of its configuration files they are in."""

from __future__ import annotations

import configparser
import re
import tomllib
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import Any, Final

from claude_orchestrator.graders import configuration as rules

TOOLS: Final = ("pytest", "ruff", "mypy", "bandit", "coverage", "claude-orchestrator")
LOW_RISKS: Final = frozenset({"B101", "B110", "B112", "B311", "B404", "B603", "B607"})
USUAL_EXCLUSION: Final = re.compile(
    r"pragma|TYPE_CHECKING|NotImplementedError|__main__|overload|abstract|\.\.\.|Protocol|__repr__|__str__"
    r"|assert_never|AssertionError"
    r"|sys\.platform|version_info|ImportError|self\.debug|^\s*pass\b|defensive|no cover"
)
_LISTS_BY_LINE: Final = frozenset({"filterwarnings", "markers", "exclude_lines", "exclude_also", "partial_branches"})


def settings(tool: str, files: Mapping[str, bytes]) -> dict[str, Any]:
    """The settings of ``tool`` in these files, flat: ``lint.select``, ``[module] option``."""
    return dict(_READERS[tool](dict(files)))


def _pytest(files: dict[str, bytes]) -> Iterator[tuple[str, Any]]:
    found = rules.pytest_settings(files)[1]
    for name, value in found.items():
        if name != "ini_options":
            yield name, _by_line(name, value)


def _mypy(files: dict[str, bytes]) -> Iterator[tuple[str, Any]]:
    file, found = rules.mypy_settings(files)
    for name, value in found.items():
        if name == "overrides" and isinstance(value, list):
            for override in value:
                yield from _override(override)
        else:
            yield name, _value(value)
    if file and not file.endswith(".toml"):
        for section, table_ in _sections(files[file]):
            if section.startswith("mypy-"):
                yield from _override({"module": section[5:].split(","), **table_})


def _override(override: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(override, dict):
        for module in entries(override.get("module")):
            for option, value in override.items():
                if option != "module":
                    yield f"[{module}] {option}", _value(value)


def _ruff(files: dict[str, bytes]) -> Iterator[tuple[str, Any]]:
    """Each folder's own file replaces those above it; what a file extends counts under that file's name."""
    chosen: dict[str, tuple[str, dict[str, Any]]] = {}
    for path, content in sorted(files.items(), key=lambda item: _RUFF_FILES.get(PurePosixPath(item[0]).name, 3)):
        name, folder = PurePosixPath(path).name, str(PurePosixPath(path).parent)
        if not name.endswith(".toml") or name in ("pytest.toml", ".pytest.toml"):
            continue
        found = table(table(_toml(content).get("tool")).get("ruff")) if name == "pyproject.toml" else _toml(content)
        if name not in _RUFF_FILES:
            chosen[path] = (f"{path}: ", found)
        elif found or name != "pyproject.toml":
            chosen.setdefault(folder, ("" if folder == "." else f"{folder}: ", found))
    for prefix, found in chosen.values():
        if prefix:
            yield f"{prefix}ruff rules of its own", "yes"
        for key, value in _flat(found):
            yield f"{prefix}{'lint.' if key in _MOVED_TO_LINT else ''}{key}", value


def _flat(found: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in found.items():
        if isinstance(value, dict) and not key.endswith("per-file-ignores"):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _bandit(files: dict[str, bytes]) -> Iterator[tuple[str, Any]]:
    yield from _flat(_tool(files, "bandit"))
    for section, table_ in _sections(files.get(".bandit", b"")):
        if section == "bandit":
            yield from table_.items()


def _coverage(files: dict[str, bytes]) -> Iterator[tuple[str, Any]]:
    found = dict(_flat(_tool(files, "coverage")))
    for path, prefix in ((".coveragerc", ""), ("setup.cfg", "coverage:"), ("tox.ini", "coverage:")):
        for section, table_ in _sections(files.get(path, b"")):
            if section.startswith(prefix) and section.removeprefix(prefix) in ("run", "report", "html", "xml", "paths"):
                found |= {
                    f"{section.removeprefix(prefix)}.{name}": _by_line(name, value) for name, value in table_.items()
                }
    yield from found.items()


def _ours(files: dict[str, bytes]) -> Iterator[tuple[str, Any]]:
    yield from _flat(_tool(files, "claude-orchestrator"))


_RUFF_FILES: Final = {".ruff.toml": 0, "ruff.toml": 1, "pyproject.toml": 2}
_MOVED_TO_LINT: Final = frozenset(
    {"select", "ignore", "extend-select", "extend-ignore", "per-file-ignores", "extend-per-file-ignores"}
)
_READERS: Final = {
    "pytest": _pytest, "ruff": _ruff, "mypy": _mypy, "bandit": _bandit, "coverage": _coverage,
    "claude-orchestrator": _ours,
}  # fmt: skip


# -- values -----------------------------------------------------------------------------------------


def entries(value: Any) -> list[str]:
    """A list setting as strings, however it is written."""
    if value is None:
        return []
    if isinstance(value, str):
        return [entry for entry in re.split(r"[,\s]+", value) if entry]
    return [str(entry) for entry in value] if isinstance(value, list) else [str(value)]


def table(value: Any) -> dict[str, Any]:
    """A table setting, or an empty one."""
    return value if isinstance(value, dict) else {}


def canonical(value: Any) -> object:
    """A value in one spelling, whether TOML or an ini file has it."""
    if isinstance(value, list):
        return [str(entry) for entry in value]
    return value if value is None or isinstance(value, dict) else str(value).strip().lower()


def same(one: Any, other: Any) -> bool:
    """Whether two values of a setting mean the same."""
    if isinstance(one, list) != isinstance(other, list) and None not in (one, other):
        return entries(one) == entries(other)
    return canonical(one) == canonical(other)


def is_true(value: Any) -> bool:
    """A flag, in TOML or in an ini file."""
    return str(value).strip().lower() in ("true", "1", "yes", "on")


def number(value: Any) -> float:
    """A number; what is none counts as 0."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return 0.0


def covered(code: str, others: list[str]) -> bool:
    """Whether a code or family of codes is in a list already, itself or by its family."""
    return any(other == "ALL" or code.startswith(other) for other in others)


def refined(code: str, others: list[str]) -> bool:
    """Whether a list has most of a family by its parts: ``E4, E7, E9`` for ``E``."""
    return sum(other.startswith(code) for other in others) >= 2


def leaves_out(pattern: str, path: str, *, globs: bool) -> bool:
    """Whether an exclusion (a glob, or else a regular expression) fits a path."""
    if not globs:
        try:
            return bool(re.search(pattern, path))
        except re.error:
            return True
    plain = pattern.strip().removeprefix("./").rstrip("/")
    names = path.split("/")
    folders = ["/".join(names[: end + 1]) for end in range(len(names))]
    simple = plain.removeprefix("**/").removeprefix("*/").removesuffix("/**").removesuffix("/*")
    return (
        fnmatchcase(path, plain)
        or any(
            fnmatchcase(folder, plain) or fnmatchcase(folder, f"*/{simple}") or folder == simple for folder in folders
        )
        or ("/" not in simple and any(fnmatchcase(name, simple) for name in names))
    )


def _value(value: Any) -> Any:
    return value.strip() if isinstance(value, str) else value


def _by_line(name: str, value: Any) -> Any:
    if name in _LISTS_BY_LINE and isinstance(value, str):
        return [line.strip() for line in value.splitlines() if line.strip()]
    if name in (
        "testpaths",
        "python_files",
        "python_classes",
        "python_functions",
        "norecursedirs",
        "omit",
    ) and isinstance(value, str):
        return entries(value)
    return _value(value)


def _tool(files: Mapping[str, bytes], name: str) -> dict[str, Any]:
    found = _toml(files.get("pyproject.toml", b"")).get("tool", {})
    return table(table(found).get(name))


def _toml(content: bytes) -> dict[str, Any]:
    try:
        return tomllib.loads(content.decode())
    except ValueError:
        return {}


def _sections(content: bytes) -> Iterator[tuple[str, dict[str, str]]]:
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(content.decode())
    except (ValueError, configparser.Error):
        return
    for section in parser.sections():
        yield section, dict(parser[section])

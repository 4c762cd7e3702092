"""Examples that tests read from data: a change that leaves some out asks less than before."""

from __future__ import annotations

import csv
import io
import json
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final

from claude_orchestrator.graders.base import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Callable

    from claude_orchestrator.graders.bench import Bench

_MOST_BYTES: Final = 4_000_000


async def example_findings(bench: Bench) -> list[Finding]:
    """The new findings of the change."""
    change = bench.change
    paths = [path for path in change.touched if change.is_test(path) and PurePosixPath(path).suffix in _READERS]
    old = {path: change.old_names.get(path, path) for path in paths}
    base, head = await bench.files("base", old.values()), await bench.files("head", paths)
    found = []
    for path in sorted(paths):
        before, after = base.get(old[path]), head.get(path)
        if before is not None and after is not None and (said := fewer(path, before, after)):
            severity: Severity = "note" if change.is_allowed(path) else "review"
            found.append(Finding("integrity/test-data", path, 0, f"the data of tests {said}", severity))
    return found


def fewer(path: str, before: bytes, after: bytes) -> str:
    """How much less data there is, or how much of it is the same now; empty where nothing is, or nobody can tell."""
    if max(len(before), len(after)) > _MOST_BYTES:
        return ""
    count = _READERS[PurePosixPath(path).suffix]
    try:
        old, new = count(before), count(after)
        rows, fewer_rows = _different_rows(path, before), _different_rows(path, after)
    except (
        ValueError,
        LookupError,
        AttributeError,
        RecursionError,
        csv.Error,
    ):  # yaml's own of `!!int ""` and the like
        return ""
    if new < old:
        return f"has {new} values where it had {old}"
    return f"has {fewer_rows} different rows where it had {rows}" if fewer_rows < rows else ""


def _different_rows(path: str, content: bytes) -> int:
    """How many rows of a table, or entries of a list, say something of their own; 0 for all else."""
    suffix = PurePosixPath(path).suffix
    if suffix == ".json":
        data = json.loads(content)
        return len({json.dumps(one, sort_keys=True) for one in data}) if isinstance(data, list) else 0
    return len({line.strip() for line in content.splitlines()} - {b""}) if suffix in (".jsonl", ".csv", ".tsv") else 0


def _values(data: Any, counted: dict[int, int] | None = None) -> int:
    """How many values there are in something; what stands in many places by an alias is ``counted`` but once."""
    if not isinstance(data, dict | list):
        return 1
    counted = {} if counted is None else counted
    if id(data) not in counted:
        inner = data.values() if isinstance(data, dict) else data
        counted[id(data)] = sum(_values(one, counted) for one in inner)
    return counted[id(data)]


def _json(content: bytes) -> int:
    return _values(json.loads(content))


def _lines(content: bytes) -> int:
    return sum(_values(json.loads(line)) for line in content.splitlines() if line.strip())


def _yaml(content: bytes) -> int:
    import yaml

    try:
        return sum(_values(one) for one in yaml.load_all(content, getattr(yaml, "CSafeLoader", yaml.SafeLoader)))  # nosec B506 - a safe one
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error


def _rows(content: bytes) -> int:
    return sum(1 for row in csv.reader(io.StringIO(content.decode(errors="replace"))) if row)


_READERS: Final[dict[str, Callable[[bytes], int]]] = {
    ".json": _json, ".jsonl": _lines, ".yaml": _yaml, ".yml": _yaml, ".csv": _rows, ".tsv": _rows,
}  # fmt: skip

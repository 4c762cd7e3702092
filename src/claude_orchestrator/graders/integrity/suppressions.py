"""Comments and switches by which a change silences a tool."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import PurePosixPath
from typing import Final

from claude_orchestrator.graders.base import Finding, Severity
from claude_orchestrator.graders.bench import Bench
from claude_orchestrator.graders.codes import is_habit, is_style
from claude_orchestrator.graders.integrity.directives import Suppression, suppressions_in
from claude_orchestrator.graders.integrity.marks import new_marks

_TYPES: Final = frozenset({"type: ignore", "pyright: ignore", "type checker switch", "pyright switch", "no_type_check"})
_LIGHT: Final = frozenset({"formatting", "no branch", "no mutate", "other scanner", "warnings"})
_NOTES: Final = frozenset({"spelling", "warnings in a block"})
_LOW_RISKS: Final = frozenset({"B101", "B110", "B112", "B311", "B404", "B603", "B607"})
_MISSING_TYPES: Final = frozenset({"import", "import-untyped", "import-not-found"})
_ONLY_TYPED: Final = re.compile(r"[\w.]+\s*:[^=]+$")
"""A statement that gives a name a type and does nothing."""
_FALLBACKS: Final = frozenset({"no-redef", "assignment", "misc", *_MISSING_TYPES})
_LIMITS_OF_CHECKERS: Final = frozenset(
    {"attr-defined", "override", "misc", "method-assign", "prop-decorator", "valid-type", "type-arg", "no-any-return",
     "no-untyped-call", "no-untyped-def", "untyped-decorator", "unused-ignore", "comparison-overlap", *_MISSING_TYPES}
)  # fmt: skip
"""What mypy says of dynamic code that is right more often than of mistakes."""
_SIDE_BRANCH: Final = re.compile(r"(?:else|finally)\s*:|(?:except|raise|return|continue|break)\b")
_SILENCES: Final = {
    "noqa": "linters on its line", "noqa of the file": "linters in the whole file", "ruff switch": "ruff",
    "type: ignore": "the type checker on its line", "type: ignore of the file": "the type checker in the whole file",
    "pyright: ignore": "pyright on its line", "pyright switch": "pyright in the whole file",
    "mypy switch": "mypy in the whole file", "type checker switch": "the type checker", "pylint switch": "pylint",
    "nosec": "bandit on its line", "no cover": "the coverage check", "no branch": "the coverage check of a branch",
    "no mutate": "mutation testing", "other scanner": "a scanner", "formatting": "the formatter",
    "spelling": "a checker",
    "no_type_check": "the type checker in what it decorates", "warnings": "warnings", "warnings in a block": "warnings",
}  # fmt: skip
_RARELY_RUN: Final = re.compile(
    r"^(?:el)?if\s+(?:not\s+)?(?:typing\.|t\.)?TYPE_CHECKING\b|^if\s+__name__\s*==|^except\s*\(?\s*(?:ImportError"
    r"|ModuleNotFoundError)\b"
    r"|^raise\s+(?:NotImplementedError|AssertionError)\b|assert_never\(|^assert\s+(?:False|0)\b|^(?:\.\.\.|pass)$"
    r"|^@(?:\w+\.)*(?:overload|abstractmethod)\b|^class\s+\w+\(.*\bProtocol\b|^def\s+__(?:repr|str)__\b"
    r"|^(?:el)?if\b.*(?:sys\.platform|sys\.version_info|sys\.implementation|os\.name|platform\.system|\bPY_?\d"
    r"|WINDOWS|WIN\b)"
    r"|^def\s+\w+\(.*\).*:\s*\.\.\.$"
)
_PYLINT_STYLE: Final = re.compile(
    r"(?:too-|missing-|invalid-name|line-too|protected-|unused-|import-outside|wrong-import|unnecessary-|use-"
    r"|consider-|[CR]\d{4}$)"
)
_HIDE_TESTS: Final = frozenset({"F811", "F821", "F401", "E902", "E999", "F"})
"""Codes that say that a test is not what it seems: defined twice, or with names that nobody defines."""
_VENDORED: Final = re.compile(r"(?:^|/)_?(?:vendor|vendored|third_party|extern)/")


async def suppression_findings(bench: Bench) -> list[Finding]:
    """The new findings of the change."""
    change = bench.change
    paths = [path for path in change.touched if path.endswith((".py", ".pyi"))]
    base, head = await bench.files("base", paths), await bench.files("head", paths)
    return compare_suppressions(
        base, head, change.old_names, change.is_test, change.is_allowed, types_are_judged="mypy" in bench.checks
    )


def compare_suppressions(
    base: Mapping[str, bytes],
    head: Mapping[str, bytes],
    old_names: Mapping[str, str],
    is_test: Callable[[str], bool],
    is_allowed: Callable[[str], bool] = lambda _: False,
    *,
    types_are_judged: bool = True,
) -> list[Finding]:
    """What the files of ``head`` silence and those of ``base`` did not.

    ``old_names`` maps new paths to base paths, ``is_allowed`` says which files of tests the task may change.
    ``types_are_judged``: a checker of types is among those who judge the change.
    """
    before, after = _all(base), _all(head)
    new, gone = new_marks(before, after, old_names)
    opening = {(one.path, one.line) for one in after if one.kind == "no cover" and one.statement.endswith(":")}
    # Coverage leaves out the whole block that such a line opens.
    new = [one for one in new if one.kind != "no cover" or (one.path, one.line - 1) not in opening]
    found = [mark for mark in new if not _was_wider(mark, gone, old_names)]

    def severity(mark: Suppression) -> Severity:
        in_tests = is_test(mark.path) or PurePosixPath(mark.path).name == "conftest.py"
        said = severity_of(mark, in_tests)
        if in_tests and is_allowed(mark.path) and mark.kind == "type: ignore" and said == "review":
            return "note"
        # It does not keep anything from anybody here, and says what it is about.
        is_open = mark.kind in ("type: ignore", "pyright: ignore") and bool(mark.codes) and not types_are_judged
        return "review" if is_open and said == "problem" else said

    return [_finding(mark, severity(mark)) for mark in sorted(found, key=lambda mark: (mark.path, mark.line))]


def _all(files: Mapping[str, bytes]) -> list[Suppression]:
    return [mark for path, content in sorted(files.items()) for mark in suppressions_in(path, content)]


def _was_wider(mark: Suppression, gone: Iterable[Suppression], old_names: Mapping[str, str]) -> bool:
    """Whether the base silenced more at the same place."""
    home = old_names.get(mark.path, mark.path)
    return any(
        old.covers(mark)
        and ((old.path, old.symbol) == (home, mark.symbol) or (bool(mark.code) and old.code == mark.code))
        for old in gone
    )


def _finding(mark: Suppression, severity: Severity) -> Finding:
    what = mark.kind.removesuffix(" of the file") + (f" [{mark.text}]" if mark.codes else "")
    what = mark.text if mark.kind.startswith("warnings") else what
    where = f" in {mark.symbol}" if mark.symbol else ""
    extent = "" if mark.codes or mark.kind not in ("noqa", "type: ignore", "nosec") else ", whatever they find"
    message = f"new `{what}`{where} silences {_SILENCES[mark.kind]}{extent}"
    name = re.sub(r"\W+", "-", mark.kind).strip("-")
    return Finding(f"integrity/silenced-{name}", mark.path, mark.line, message, severity, mark.symbol, mark.statement)


def severity_of(mark: Suppression, is_test: bool) -> Severity:
    """What a new suppression means: a problem, unless it is usual at its place, or limited and explained."""
    if mark.kind in _NOTES or _is_usual(mark, is_test):
        return "note"
    if mark.kind in _LIGHT or _VENDORED.search(mark.path):
        return "note" if mark.kind == "formatting" and (mark.reason or is_test) else "review"
    if _is_mild(mark):
        return (
            "note" if (mark.reason or is_test) and mark.kind == "noqa" and all(map(is_style, mark.codes)) else "review"
        )
    if is_test and mark.kind in (*_TYPES, "noqa"):
        return "note" if mark.codes and not mark.codes & _HIDE_TESTS else "review"
    explained = mark.reason and (bool(mark.codes) or mark.kind in ("no cover", "no_type_check"))
    return "review" if explained else "problem"


def _is_mild(mark: Suppression) -> bool:
    """Whether what it silences can hardly hide a mistake."""
    if mark.kind == "type: ignore" and mark.codes:
        is_fallback = (mark.indented or _ONLY_TYPED.match(mark.statement)) and mark.codes <= _FALLBACKS
        return bool(is_fallback) or mark.codes <= _LIMITS_OF_CHECKERS
    if mark.kind == "no cover":
        return bool(_SIDE_BRANCH.match(mark.statement))
    if mark.kind == "pylint switch":
        return bool(mark.codes) and all(map(_PYLINT_STYLE.match, mark.codes))
    if mark.kind == "nosec":
        return bool(mark.codes) and mark.codes <= _LOW_RISKS
    if mark.kind in ("noqa", "noqa of the file", "ruff switch") and mark.codes:
        names_again = mark.codes == {"F401"} and mark.statement.startswith("from ")
        return names_again or all(map(is_habit, mark.codes))
    return False


def _is_usual(mark: Suppression, is_test: bool) -> bool:
    """Whether everybody does it there."""
    code = mark.statement
    if mark.kind in ("no cover", "no branch"):
        return is_test or bool(_RARELY_RUN.search(code))
    is_import = code.startswith(("import ", "from "))
    if mark.kind in ("noqa", "noqa of the file") and mark.codes and mark.codes <= {"F401", "E402"}:
        gathers = is_test or mark.path.endswith("__init__.py") or (mark.indented and not mark.symbol)
        return mark.codes == {"E402"} or (gathers and (is_import or mark.kind != "noqa"))
    if mark.kind == "type: ignore" and mark.codes:
        is_fallback = mark.codes <= {"assignment", "misc"} and code.endswith("= None")
        return is_fallback or (is_import and mark.codes <= _MISSING_TYPES)
    return mark.kind in ("nosec", "warnings") and is_test

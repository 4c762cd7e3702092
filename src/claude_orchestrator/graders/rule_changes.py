"""What a change of the judge's own rules does to them: stricter, looser, or something that a human has to weigh."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final

from claude_orchestrator.graders import settings_by_tool as by_tool
from claude_orchestrator.graders.base import Severity
from claude_orchestrator.graders.codes import is_style
from claude_orchestrator.graders.command_line import changed_arguments

Tree = Collection[str]
_BESIDE: Final = re.compile(r"(?:docs?|examples?|benchmarks?|scripts?|tools?|build|dist)/|(?:setup|noxfile|conf)\.py$")
_STRICT_FAMILY: Final = re.compile(
    r"disallow_|check_untyped|warn_(?:unused|redundant|return)|no_implicit|strict_|extra_checks|local_partial"
    r"|implicit_reexport"
)


@dataclass(frozen=True)
class RuleChange:
    """One setting that differs. ``severity``: problem is looser, review is unclear, note is stricter or harmless.

    ``is_usable`` says that the change's own version may be used for judging it.
    """

    tool: str
    setting: str
    severity: Severity
    text: str
    is_usable: bool = False


@dataclass(frozen=True)
class _Case:
    """One setting on both sides; ``paths`` are the Python files of the base, ``tests`` those of them that are tests.

    ``base`` and ``head`` are all settings of the tool.
    """

    tool: str
    setting: str
    before: Any
    after: Any
    paths: Tree
    tests: Tree
    base: Mapping[str, Any]
    head: Mapping[str, Any]

    @property
    def added(self) -> list[str]:
        """The entries that only the new list has."""
        return [entry for entry in by_tool.entries(self.after) if entry not in by_tool.entries(self.before)]

    @property
    def removed(self) -> list[str]:
        """The entries that only the old list has."""
        return [entry for entry in by_tool.entries(self.before) if entry not in by_tool.entries(self.after)]

    def change(self, severity: Severity, text: str, *, is_usable: bool = False) -> RuleChange:
        """What is said of it."""
        return RuleChange(self.tool, self.setting, severity, f"{self.tool}: {text}", is_usable)


Rule = Callable[[_Case], RuleChange]


def rule_changes(before: Mapping[str, bytes], after: Mapping[str, bytes], paths: Tree, tests: Tree) -> list[RuleChange]:
    """How the rules of ``after`` (configuration files by path) differ from those of ``before``.

    ``paths`` are the Python files of the base, ``tests`` those of them that belong to the tests: what an exclusion
    leaves out shows there.
    """
    found = []
    for tool in by_tool.TOOLS:
        old, new = by_tool.settings(tool, before), by_tool.settings(tool, after)
        for setting in sorted(old.keys() | new.keys()):
            if not by_tool.same(old.get(setting), new.get(setting)):
                case = _Case(tool, setting, old.get(setting), new.get(setting), paths, tests, old, new)
                found.append(_rule_for(tool, setting)(case))
    return found


def _rule_for(tool: str, setting: str) -> Rule:
    table = _RULES[tool]
    name = setting.rsplit(".", 1)[-1] if tool == "coverage" else setting
    for pattern, rule in table.items():
        if fnmatchcase(name, pattern) or fnmatchcase(setting, pattern):
            return rule
    return _unclear


# -- kinds of settings ------------------------------------------------------------------------------


def _unclear(case: _Case) -> RuleChange:
    return case.change("review", f"{case.setting} goes from {_shown(case.before)} to {_shown(case.after)}")


def _harmless(case: _Case) -> RuleChange:
    return case.change("note", f"{case.setting} is now {_shown(case.after)}")


def _usable(case: _Case) -> RuleChange:
    return case.change("note", f"{case.setting} is now {_shown(case.after)}", is_usable=True)


def _looser(case: _Case) -> RuleChange:
    return case.change("problem", f"{case.setting} goes from {_shown(case.before)} to {_shown(case.after)}")


def _strict_when_true(case: _Case) -> RuleChange:
    return _looser(case) if by_tool.is_true(case.before) and not by_tool.is_true(case.after) else _harmless(case)


def _strict_unless_false(case: _Case) -> RuleChange:
    """Flags that are on by themselves."""
    return _looser(case) if case.after is not None and not by_tool.is_true(case.after) else _harmless(case)


def _mypy_flag(case: _Case) -> RuleChange:
    """``strict`` stands for most flags; those that only warn of superfluous code decide little."""
    if case.after is None and by_tool.is_true(case.head.get("strict")) and _STRICT_FAMILY.match(case.setting):
        return _harmless(case)
    change = _strict_when_true(case)
    warns = case.setting.startswith(("warn_", "[")) and "warn_" in case.setting
    return (
        case.change("review", change.text.removeprefix("mypy: ")) if warns and change.severity == "problem" else change
    )


def _loose_when_true(case: _Case) -> RuleChange:
    return _looser(case) if by_tool.is_true(case.after) and not by_tool.is_true(case.before) else _harmless(case)


def _higher_is_stricter(case: _Case) -> RuleChange:
    return _looser(case) if by_tool.number(case.after) < by_tool.number(case.before) else _harmless(case)


def _lower_is_stricter(case: _Case) -> RuleChange:
    is_looser = None not in (case.before, case.after) and by_tool.number(case.after) > by_tool.number(case.before)
    return _looser(case) if is_looser else _harmless(case)


def _were_looked_for(case: _Case, codes: list[str]) -> list[str]:
    """The codes about mistakes among these that the base looks for."""
    names = [name for name in case.base if name.endswith(("lint.select", "lint.extend-select"))]
    chosen = [code for name in names for code in by_tool.entries(case.base[name])] or ["E4", "E7", "E9", "F"]
    return [
        code for code in codes
        if code.upper() == "ALL"
        or (not is_style(code) and (by_tool.covered(code, chosen) or any(one.startswith(code) for one in chosen)))
    ]  # fmt: skip


def _silenced_codes(case: _Case) -> RuleChange:
    added = [code for code in case.added if not by_tool.covered(code, by_tool.entries(case.before))]
    grave = _were_looked_for(case, added)
    if grave:
        return case.change("problem", f"{case.setting} now silences {', '.join(grave)}")
    return case.change("note", f"{case.setting} now {'silences ' + ', '.join(added) if added else 'silences less'}")


def _named_codes(case: _Case) -> RuleChange:
    if case.after is None and not all(map(is_style, case.removed)):
        return case.change("problem", f"{case.setting} is gone: {', '.join(case.removed)} are not looked for any more")
    left = [code for code in case.removed if not by_tool.covered(code, by_tool.entries(case.after))]
    grave = [code for code in left if not is_style(code) and not by_tool.refined(code, by_tool.entries(case.after))]
    if grave and case.before is not None:
        return case.change("problem", f"{case.setting} does not name {', '.join(grave)} any more")
    return case.change("note", f"{case.setting} is now {_shown(case.after)}")


def _error_codes(case: _Case) -> RuleChange:
    return case.change("problem", f"{case.setting} now has {', '.join(case.added)}") if case.added else _harmless(case)


def _must_keep(case: _Case) -> RuleChange:
    return case.change("problem", f"{case.setting} lost {', '.join(case.removed)}") if case.removed else _harmless(case)


def _per_file(case: _Case) -> RuleChange:
    before, after = (by_tool.table(value) for value in (case.before, case.after))
    found: list[tuple[Severity, str]] = []
    for pattern, value in after.items():
        added = [
            code for code in by_tool.entries(value) if not by_tool.covered(code, by_tool.entries(before.get(pattern)))
        ]
        grave = _were_looked_for(case, added)
        about_tests = re.search(r"tests?\b|conftest|docs|examples|scripts|benchmarks", pattern)
        only_reexports = pattern.endswith("__init__.py") and set(grave) <= {"F401", "F403", "F405"}
        usual = (
            only_reexports
            or not grave
            or bool(about_tests and set(grave) <= {"S", "S101", "B", "B018", "F401", "F811"})
        )
        severity: Severity = "note" if usual else "review" if about_tests else "problem"
        found += [(severity, f"{pattern} is now free of {', '.join(added)}")] if added else []
    worst = min(found, key=lambda one: ("problem", "review", "note").index(one[0]), default=("note", "silences less"))
    return case.change(worst[0], f"{case.setting}: {worst[1]}")


def _left_out(case: _Case) -> RuleChange:
    """Exclusions: what counts is which files of the base they leave out."""
    globs = case.setting != "exclude" or case.tool != "mypy"
    hidden = [path for path in case.paths for pattern in case.added if by_tool.leaves_out(pattern, path, globs=globs)]
    code = [path for path in hidden if path not in case.tests and not _BESIDE.match(path)]
    if not case.base:
        code, hidden = [], []
    if code or (hidden and case.tool == "pytest"):
        return case.change(
            "problem", f"{case.setting} now leaves out {(code or hidden)[0]} ({len(code or hidden)} files)"
        )
    return case.change("note", f"{case.setting} is now {_shown(case.after)}")


def _test_places(case: _Case) -> RuleChange:
    """``testpaths`` and ``files``: what lies in no named folder is not looked at."""
    judged = case.tests if case.tool == "pytest" else [path for path in case.paths if path not in case.tests]

    def inside(path: str, value: Any) -> bool:
        places = [place.rstrip("/") for place in by_tool.entries(value)]
        return not places or any(
            place in (".", "") or path == place or path.startswith(f"{place}/") or fnmatchcase(path, place)
            for place in places
        )

    lost = [path for path in judged if inside(path, case.before) and not inside(path, case.after)]
    if lost:
        return case.change("problem", f"{case.setting} does not cover {lost[0]} any more ({len(lost)} files)")
    return case.change("note", f"{case.setting} is now {_shown(case.after)}", is_usable=case.tool == "pytest")


def _test_names(case: _Case) -> RuleChange:
    defaults = {"python_files": ["test_*.py", "*_test.py"], "python_classes": ["Test"], "python_functions": ["test"]}
    before = by_tool.entries(case.before) or defaults.get(case.setting, [])
    after = by_tool.entries(case.after) or defaults.get(case.setting, [])
    lost = [name for name in before if not any(fnmatchcase(name, f"{other}*") for other in after)]
    if lost:
        return case.change("problem", f"{case.setting} does not name {', '.join(lost)} any more")
    return case.change("note", f"{case.setting} is now {_shown(case.after)}")


def _warnings(case: _Case) -> RuleChange:
    if any(entry == "error" or entry.startswith("error:") for entry in case.removed):
        return case.change("problem", f"{case.setting}: warnings are no errors any more ({', '.join(case.removed)})")
    strict = "error" in by_tool.entries(case.before)
    broad = [entry for entry in case.added if entry.startswith(("ignore", "default", "once")) and entry.count(":") < 1]
    if strict and broad:
        return case.change("problem", f"{case.setting} now has {', '.join(broad)}")
    ignored = [entry for entry in case.added if entry.startswith("ignore")]
    return case.change("note", f"{case.setting}: {_shown(case.added)} is new", is_usable=not ignored)


def _arguments(case: _Case) -> RuleChange:
    severity, text = changed_arguments(case.before, case.after)
    return case.change(severity, f"{case.setting} {text}")


def _excluded_lines(case: _Case) -> RuleChange:
    new = [line for line in case.added if not by_tool.USUAL_EXCLUSION.search(line)]
    return case.change("problem", f"{case.setting} now has {', '.join(new)}") if new else _harmless(case)


def _risks(case: _Case) -> RuleChange:
    grave = [code for code in case.added if code not in by_tool.LOW_RISKS]
    if grave:
        return case.change("problem", f"{case.setting} now has {', '.join(grave)}")
    return case.change("review", f"{case.setting} now has {', '.join(case.added)}") if case.added else _harmless(case)


def _risks_looked_for(case: _Case) -> RuleChange:
    narrower = case.before is None or (case.after is not None and case.removed)
    return _looser(case) if narrower else _harmless(case)


def _override(case: _Case) -> RuleChange:
    """Mypy's settings of single modules: those of others' packages are nobody's concern here."""
    module = case.setting.partition("]")[0].removeprefix("[")
    option = case.setting.partition("] ")[2]
    own = {path.removeprefix("src/").split("/")[0].removesuffix(".py") for path in case.paths if path not in case.tests}
    about_tests = module.split(".")[0] in ("tests", "test", "conftest") or ".tests" in module
    if module.split(".")[0] not in own and module != "*" and not module.startswith("*"):
        return _harmless(case)
    verdict = _rule_for("mypy", option)(case)
    return case.change("note", f"{case.setting} is now {_shown(case.after)}") if about_tests else verdict


def _own_rules(case: _Case) -> RuleChange:
    """A configuration below the top replaces the one above it for its folder."""
    if case.before is None:
        return case.change("problem", f"{case.setting} take the place of the project's")
    return _unclear(case)


def _follow(case: _Case) -> RuleChange:
    return _looser(case) if case.after in ("skip", "silent") else _harmless(case)


def _shown(value: Any) -> str:
    text = (
        "unset"
        if value is None
        else ", ".join(value)
        if isinstance(value, list) and all(isinstance(one, str) for one in value)
        else str(value)
    )
    return text if len(text) <= 100 else f"{text[:99]}…"


_RULES: Final[dict[str, dict[str, Rule]]] = {
    "pytest": {
        "addopts": _arguments, "testpaths": _test_places, "python_files": _test_names, "python_classes": _test_names,
        "python_functions": _test_names, "norecursedirs": _left_out, "filterwarnings": _warnings, "markers": _usable,
        "xfail_strict": _strict_when_true, "strict*": _strict_when_true, "empty_parameter_set_mark": _unclear,
        "minversion": _harmless, "log_*": _harmless, "junit_*": _harmless, "timeout*": _harmless,
        "cache_dir": _harmless,
        "console_output_style": _harmless, "asyncio_*": _usable, "anyio_mode": _usable, "pythonpath": _unclear,
        "doctest_*": _harmless, "faulthandler_*": _harmless, "tmp_path_*": _harmless, "verbosity_*": _harmless,
        "truncation_*": _harmless, "trio_mode": _usable, "required_plugins": _harmless, "mypy_*": _harmless,
        "django_*": _unclear, "DJANGO_*": _unclear, "python_paths": _unclear, "norecursedir": _left_out,
    },
    "ruff": {
        "*ruff rules of its own": _own_rules, "format.*": _harmless, "*per-file-ignores": _per_file,
        "*ignore": _silenced_codes, "*select": _named_codes, "*exclude": _left_out,
        "include": _unclear, "extend": _unclear, "*max-complexity": _lower_is_stricter,
        "lint.pylint.*": _lower_is_stricter,
        "preview": _harmless, "*.preview": _harmless, "*": _harmless,
    },
    "mypy": {
        "[[]*": _override,
        "ignore_errors": _loose_when_true, "ignore_missing_imports": _loose_when_true, "follow_imports*": _follow,
        "disable_error_code": _error_codes, "enable_error_code": _must_keep, "exclude": _left_out,
        "exclude_gitignore": _loose_when_true,
        "files": _test_places, "packages": _must_keep, "modules": _must_keep, "plugins": _unclear,
        "strict": _strict_when_true, "strict_equality*": _mypy_flag, "disallow_*": _mypy_flag, "check_*": _mypy_flag,
        "warn_*": _mypy_flag,
        "no_implicit_*": _mypy_flag, "extra_checks": _mypy_flag, "local_partial_types": _mypy_flag,
        "implicit_*": _loose_when_true, "allow_*": _loose_when_true, "no_site_packages": _unclear,
        "strict_optional": _strict_unless_false,
        "python_version": _harmless, "show_*": _harmless, "pretty": _harmless, "color_output": _harmless,
        "cache*": _harmless,
        "sqlite_cache": _harmless, "incremental": _harmless, "error_summary": _harmless, "mypy_path": _harmless,
        "namespace_packages": _harmless, "explicit_package_bases": _harmless, "hide_*": _harmless, "platform": _unclear,
    },
    "bandit": {
        "skips": _risks, "tests": _risks_looked_for, "exclude_dirs": _left_out, "exclude": _left_out,
        "targets": _unclear,
        "assert_used.skips": _harmless, "assert_used*": _harmless,
    },
    "coverage": {
        "omit": _left_out, "fail_under": _higher_is_stricter, "exclude_lines": _excluded_lines,
        "exclude_also": _excluded_lines,
        "partial_branches": _excluded_lines, "source": _must_keep, "source_pkgs": _must_keep, "source_dirs": _must_keep,
        "include": _unclear, "branch": _strict_when_true, "*": _harmless,
    },
    "claude-orchestrator": {"*": _unclear},
}  # fmt: skip
"""Tool → setting → rule; the first pattern that fits counts. What is not named goes to a human."""


def by_path(
    before: Mapping[str, bytes], after: Mapping[str, bytes], changed: Collection[str], paths: Tree, tests: Tree
) -> dict[str, list[RuleChange]]:
    """The changes of rules by the changed file that brings each of them."""
    found: dict[str, list[RuleChange]] = {path: [] for path in changed}
    for change in rule_changes(before, after, paths, tests):
        homes = [path for path in changed if _differs(change.tool, path, before, after)]
        for path in homes[:1] or list(changed)[:1]:
            found[path].append(change)
    return found


def _differs(tool: str, path: str, before: Mapping[str, bytes], after: Mapping[str, bytes]) -> bool:
    old, new = ({path: files[path]} if path in files else {} for files in (before, after))
    return by_tool.settings(tool, old) != by_tool.settings(tool, new)

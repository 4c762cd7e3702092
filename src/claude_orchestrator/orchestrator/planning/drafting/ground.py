"""What a draft stands on: the files that a goal is about, their tests, the answers, and what the map cannot tell."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any, Final

from claude_orchestrator.orchestrator.planning.matching import stems_of
from claude_orchestrator.orchestrator.planning.models import Answered, GoalKind, Module, Survey, Value
from claude_orchestrator.orchestrator.planning.situation import Situation, covers
from claude_orchestrator.orchestrator.planning.survey.languages import in_tests, is_foreign, is_test
from claude_orchestrator.plans.paths import path_fault

MOST_MODULES: Final = 40
"""Modules that one plan changes by name; beyond them it names folders."""

_OUTSIDE_MODULE: Final = re.compile(r"[A-Za-z_][\w-]*")
_NAMES: Final = re.compile(r"(?<![\w-])--[a-z][\w-]+|(?<![\w./])[A-Za-z]+_\w+(?![\w./])|(?<=`)[A-Za-z_]\w+(?=`)")
_CHANGELOG: Final = re.compile(
    r"(?:.*/)?(?:CHANGELOG|CHANGES|HISTORY|NEWS|RELEASES?)(?:\.(?:md|rst|txt))?\Z", re.IGNORECASE
)


@dataclass
class Ground:
    """A goal, its answers and the map, read for a draft."""

    situation: Situation
    given: Mapping[str, Answered]
    notes: list[str] = field(default_factory=list)
    """What the map does not tell, and a person should look at."""

    @property
    def goal(self) -> str:
        """The goal on one line, without its full stop."""
        return " ".join(self.situation.goal.split()).rstrip(".")

    @property
    def kind(self) -> GoalKind:
        """What the goal is about."""
        return self.situation.kind

    @property
    def survey(self) -> Survey:
        """The map."""
        return self.situation.survey

    def note(self, text: str) -> None:
        """Tell the person who reads the draft, once."""
        if text not in self.notes:
            self.notes.append(text)

    # -- answers -------------------------------------------------------------------------------------------------

    def answer(self, name: str) -> Value | None:
        """The answer to a question; None where it was not asked."""
        return self.given[name].value if name in self.given else None

    def says(self, name: str, *values: str) -> bool:
        """Whether a question has one of these answers."""
        return self.answer(name) in values

    def text(self, name: str) -> str:
        """An answer in words; empty where there is none."""
        value = self.answer(name)
        return value.strip() if isinstance(value, str) else ""

    def listed(self, name: str) -> tuple[str, ...]:
        """An answer of several values."""
        value = self.answer(name)
        return value if isinstance(value, tuple) else (value,) if isinstance(value, str) and value else ()

    # -- files ---------------------------------------------------------------------------------------------------

    @cached_property
    def modules(self) -> tuple[Module, ...]:
        """The modules that it is about: as answered, else as the goal's words fit, in the order of the dependencies."""
        found = [module for module in self._about() if self._may_touch(module.path)]
        return tuple(_in_order(found[:MOST_MODULES]))

    def _about(self) -> list[Module]:
        code = [module for module in self.survey.modules if path_fault(module.path) is None]
        where = self.given.get("where")
        if where is not None and where.by in ("person", "host") and where.value:
            return [module for module in code if any(covers(path, module.path) for path in self.listed("where"))]
        if self.kind == "migration" and (users := self._users(code)):
            return users
        wanted = self.situation.paths
        found = [module for module in code if any(covers(path, module.path) for path in wanted)]
        package = self.text("package")
        inside = [module for module in found if not package or covers(package, module.path)]
        return inside or found

    def _users(self, code: Iterable[Module]) -> list[Module]:
        """The modules that import what the goal names and the repository does not define: what a migration leaves."""
        named = {word.casefold().replace("-", "_") for word in _OUTSIDE_MODULE.findall(self.situation.goal)}
        target = {word.casefold() for word in _OUTSIDE_MODULE.findall(self.text("migrate-to"))}
        left = named - target
        return [module for module in code if any(name.casefold() in left for name in module.uses)]

    def _may_touch(self, path: str) -> bool:
        return not any(covers(pattern, path) for pattern in self.listed("leave-alone"))

    @cached_property
    def new_files(self) -> tuple[str, ...]:
        """Files that the answer names and that are not there yet."""
        found = []
        for path in self.listed("where"):
            if any(covers(path, known) for known in self.survey.paths):
                continue
            name = PurePosixPath(path).name
            if path_fault(path) is None and "." in name.lstrip(".") and not re.search(r"[*?\[\s]", path):
                found.append(str(PurePosixPath(path)))
            else:
                self.note(f"'{path}' of the answer to 'where' names no file of the repository: it is left out")
        return tuple(dict.fromkeys(found))

    @cached_property
    def other_files(self) -> tuple[str, ...]:
        """Files named by the answer or the goal that are no source code: documents, configuration, tests."""
        code = {module.path for module in self.survey.modules}
        named = [path for path in self.situation.paths if path in self.survey.paths and path not in code]
        return tuple(path for path in named if path_fault(path) is None and self._may_touch(path))[:8]

    @cached_property
    def folders(self) -> tuple[str, ...]:
        """Where the code is, for a goal whose files are not known: folders, not the whole repository where possible."""
        package = self.text("package").strip("/")
        if path_fault(package or ".", pattern=True) is None and any(
            path.startswith(f"{package}/") for path in self.survey.paths
        ):
            return (package,)
        counted: Counter[str] = Counter()
        for module in self.survey.modules:
            counted[_home(module.path)] += module.lines
        homes = [home for home, _ in counted.most_common(4) if path_fault(home) is None]
        if not homes or "." in homes:
            return ()
        tests = [folder for folder in self.survey.tests.folders[:2] if folder != "." and path_fault(folder) is None]
        return tuple(_apart([*homes, *tests]))

    def importers(self, module: Module) -> list[str]:
        """The modules that import one."""
        return [other.path for other in self.survey.modules if module.path in other.imports]

    # -- tests ---------------------------------------------------------------------------------------------------

    @cached_property
    def has_tests(self) -> bool:
        """Whether there are tests, or will be."""
        return self.situation.has_tests or self.says("tests-setup", "add")

    def tests_of(self, module: Module, among: Sequence[Module] = ()) -> tuple[str, ...]:
        """The tests that a change of a module belongs to: its own; one that it shares where it has none."""
        present = [path for path in module.tests if path_fault(path) is None and self._may_touch(path)]
        shared = {path for other in among if other.path != module.path for path in other.tests}
        stem, wanted = _stem(module.path), stems_of(self.situation.goal)
        own = [path for path in present if stem in PurePosixPath(path).name.casefold()]
        fitting = [path for path in present if stems_of(PurePosixPath(path).stem) & wanted]
        particular = [path for path in present if path not in shared]
        return tuple(own[:2]) or tuple(dict.fromkeys([*fitting[:2], *particular[:1]])) or tuple(present[:1])

    def new_test(self, module: Module) -> str:
        """Where the tests of a module that has none would go, as others of this repository do; empty: unknown."""
        place, stem = PurePosixPath(module.path), _stem(module.path)
        name = {
            "Python": f"{stem}_test.py" if self._named_behind else f"test_{stem}.py",
            "Go": f"{place.stem}_test.go",
            "TypeScript": f"{place.stem}.{self._js_word}{place.suffix}",
            "JavaScript": f"{place.stem}.{self._js_word}{place.suffix}",
        }.get(module.language)
        if name is None:
            return ""
        path = f"{self._home_of_tests(module)}/{name}".removeprefix("./")
        return path if path_fault(path) is None else ""

    def _home_of_tests(self, module: Module) -> str:
        folder = str(PurePosixPath(module.path).parent)
        if module.language == "Go":
            return folder
        near: Counter[str] = Counter()
        for other in self.survey.modules:
            if other.tests and str(PurePosixPath(other.path).parent) == folder:
                near[str(PurePosixPath(other.tests[0]).parent)] += 1
        if near:
            return near.most_common(1)[0][0]
        return next(iter(self.survey.tests.folders), "tests" if module.language == "Python" else folder)

    @cached_property
    def _named_behind(self) -> bool:
        names = [PurePosixPath(path).name for path in self.survey.paths if path.endswith(".py") and is_test(path)]
        behind = sum(1 for name in names if name.endswith("_test.py"))
        return behind * 2 > len(names)

    @cached_property
    def _js_word(self) -> str:
        return "spec" if any(re.search(r"\.spec\.[cm]?[jt]sx?$", path) for path in self.survey.paths) else "test"

    # -- what else a plan has to do with ---------------------------------------------------------------------------

    @cached_property
    def checks(self) -> list[Any]:
        """What the verifier runs after a change of code: as answered, else as the repository is checked."""
        if "checks" in self.given:
            return list(self.listed("checks"))
        if not self.situation.is_python:
            return []
        found = ["pytest"] if self.has_tests and self.survey.tests.framework in ("", "pytest", "unittest") else []
        values = {convention.value.casefold().split(",")[0].split()[0] for convention in self.survey.conventions}
        return [*found, *(name for name in ("ruff", "mypy", "bandit") if name in values)]

    @cached_property
    def changelog(self) -> str:
        """The changelog, or the folder of its fragments; empty where there is none."""
        convention = self.situation.convention("changelog")
        if convention is not None and convention.because.endswith("/") and path_fault(convention.because) is None:
            return convention.because.rstrip("/")
        found = [path for path in self.survey.paths if _CHANGELOG.fullmatch(path) and path.count("/") <= 1]
        usable = (path for path in found if path_fault(path) is None and not in_tests(path) and self._may_touch(path))
        return next((path for path in usable if not is_foreign(path)), "")

    def documents(self, most: int = 3) -> tuple[str, ...]:
        """The documents that the goal's words and files fit; the README where none does; none where there is none."""
        wanted = stems_of(f"{self.situation.goal} {' '.join(_stem(module.path) for module in self.modules)}")
        fit = []
        for path in self.situation.documents():
            common = stems_of(str(PurePosixPath(path).with_suffix("")).replace("/", " ")) & wanted
            if common and path_fault(path) is None and self._may_touch(path):
                fit.append((-len(common), path.count("/"), path))
        named = [path for path in self.other_files if path in self.survey.documents]
        found = list(dict.fromkeys([*named, *(path for _, _, path in sorted(fit))]))
        readme = next(
            (path for path in self.survey.documents if PurePosixPath(path).name.upper().startswith("README")), ""
        )
        usable = readme and path_fault(readme) is None and self._may_touch(readme)
        return tuple(found[:most]) or ((readme,) if usable else ())

    @cached_property
    def new_names(self) -> tuple[str, ...]:
        """Names that the goal writes like code and the repository does not have yet: ``--json``, ``retry_after``."""
        known = {part for module in self.survey.modules for name in module.symbols for part in name.split(".")}
        found = _NAMES.findall(self.situation.goal)
        return tuple(name for name in dict.fromkeys(found) if name not in known and "/" not in name)

    @cached_property
    def migrations(self) -> tuple[str, ...]:
        """The folders of database migrations."""
        named = (re.match(r"migrations in (.+) \(\d+\)\Z", one) for one in self.survey.databases)
        return tuple(match[1] for match in named if match and path_fault(match[1]) is None)

    @cached_property
    def manifests(self) -> tuple[str, ...]:
        """The manifests that a new dependency would go into, with their lock files."""
        main = [path for path in self.survey.manifests if "/" not in path and self._may_touch(path)][:2]
        locks = [
            path
            for path in self.survey.paths
            if re.fullmatch(r"[\w.-]+\.lock|package-lock\.json|pnpm-lock\.yaml", path)
        ]
        return tuple(path for path in (*main, *locks) if path_fault(path) is None)


def _stem(path: str) -> str:
    place = PurePosixPath(path)
    stem = place.parent.name if place.stem in ("__init__", "index", "mod") and place.parent.name else place.stem
    return stem.casefold().lstrip("_") or "it"


def _home(path: str) -> str:
    """The folder that a file's package begins in: ``src/shop``, ``shop``; ``.`` for a file at the root."""
    folders = PurePosixPath(path).parts[:-1]
    if not folders:
        return "."
    deeper = folders[0] in ("src", "lib", "packages", "apps", "crates") and len(folders) > 1
    return "/".join(folders[: 2 if deeper else 1])


def _apart(folders: Sequence[str]) -> list[str]:
    """The folders without those that lie in another of them."""
    return [one for one in dict.fromkeys(folders) if not any(one.startswith(f"{other}/") for other in folders)]


def _in_order(modules: Sequence[Module]) -> list[Module]:
    """What others import first, as far as imports have an order; else by path."""
    left = sorted(modules, key=lambda module: module.path)
    names = {module.path for module in left}
    done: dict[str, Module] = {}
    while left:
        ready = [
            one for one in left if all(path in done or path == one.path for path in names.intersection(one.imports))
        ]
        for one in ready or left[:1]:  # in a cycle somebody has to begin
            done[one.path] = one
        left = [one for one in left if one.path not in done]
    return list(done.values())

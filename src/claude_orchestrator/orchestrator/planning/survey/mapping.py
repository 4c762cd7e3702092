"""From a commit to its map: read, parse, put together."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Final

from claude_orchestrator.orchestrator.planning.models import Language, Module, Survey
from claude_orchestrator.orchestrator.planning.survey.habits import conventions_of
from claude_orchestrator.orchestrator.planning.survey.history import Log, commit_style, read_log
from claude_orchestrator.orchestrator.planning.survey.languages import (
    MARKUP,
    PROSE,
    in_tests,
    is_config,
    is_foreign,
    is_test,
    language_of,
)
from claude_orchestrator.orchestrator.planning.survey.manifests import Manifests
from claude_orchestrator.orchestrator.planning.survey.python_modules import Facts, Index, facts_of
from claude_orchestrator.orchestrator.planning.survey.reading import Tree, read_tree
from claude_orchestrator.orchestrator.planning.survey.suite import ci_files, suite_of, tests_by_name
from claude_orchestrator.workspace.git import Repository

MOST_PARSED: Final = 3_000
"""Python files whose syntax tree is looked at."""

_MOST_TESTS: Final = 30
_MOST_PUBLIC: Final = 200
_MOST_DOCUMENTS: Final = 300
_DOCUMENT: Final = re.compile(
    r"(?:README|CHANGELOG|CHANGES|HISTORY|NEWS|CONTRIBUTING|ARCHITECTURE|DESIGN|CLAUDE|AGENTS|GEMINI|SECURITY)[^/]*"
    r"|(?:.*/)?(?:CLAUDE|AGENTS)\.md|\.github/copilot-instructions\.md|(?:.*/)?(?:docs?|adrs?|decisions)/.*\.(?:md|rst|adoc|txt)",
    re.IGNORECASE,
)


async def survey(repository: Repository, commit: str) -> Survey:
    """The map of ``repository`` at ``commit``.

    Raises RepositoryError when there is no such commit, or an object of it is missing.
    """
    commit = await repository.resolve(commit)
    tree = await read_tree(repository, commit)
    log = await read_log(repository, commit, tree.known)
    return await asyncio.to_thread(_mapped, tree, log)


def _mapped(tree: Tree, log: Log) -> Survey:
    facts, left_out = _parsed(tree)
    manifests = Manifests(tree)
    counted = _counted(tree)
    index = Index((path for path in tree.paths if path.endswith((".py", ".pyi"))), facts)
    languages = _languages(counted)
    main = next((one.name for one in languages if one.name not in MARKUP | PROSE), "")
    outside = _imported_from_outside(facts)
    style = commit_style(log.subjects)
    return Survey(
        commit=tree.commit,
        files=tree.files,
        lines=sum(one.lines for one in languages if one.name not in PROSE),
        languages=languages,
        frameworks=manifests.frameworks(outside),
        manifests=manifests.paths,
        modules=_modules(tree, counted, facts, index),
        tests=suite_of(tree, manifests, facts, main),
        ci=ci_files(tree),
        public_api=tuple(dict.fromkeys(_public(manifests, facts, index)))[:_MOST_PUBLIC],
        databases=manifests.databases(outside),
        conventions=(*conventions_of(tree, manifests, facts), *([style] if style else ())),
        churn=log.churn,
        documents=_documents(tree),
        paths=tree.paths,
        left_out=(*tree.left_out, *left_out),
    )


def _parsed(tree: Tree) -> tuple[dict[str, Facts], list[str]]:
    """The facts of the Python files, and what could not be parsed."""
    python = [path for path in tree.texts if path.endswith((".py", ".pyi")) and not is_foreign(path)]
    facts, broken = {}, []
    for path in python[:MOST_PARSED]:
        found = facts_of(tree.texts[path])
        if found is None:
            broken.append(path)
        else:
            facts[path] = found
    named = f"{', '.join(broken[:5])}{' …' if broken[5:] else ''}"
    left_out = [f"{named}: syntax errors in {len(broken)} Python file{'s' if broken[1:] else ''}"]
    more = [
        f"the syntax of {len(python) - MOST_PARSED} of {len(python)} Python files: at most {MOST_PARSED} are parsed"
    ]
    return facts, [*(left_out if broken else []), *(more if len(python) > MOST_PARSED else [])]


def _counted(tree: Tree) -> dict[str, int]:
    """Path → lines, of what is written in a language that we know."""
    return {
        path: text.count("\n") + (not text.endswith("\n") and bool(text))
        for path, text in tree.texts.items()
        if language_of(path) and not is_foreign(path)
    }


def _languages(counted: Mapping[str, int]) -> tuple[Language, ...]:
    files: Counter[str] = Counter()
    lines: Counter[str] = Counter()
    for path, count in counted.items():
        files[language_of(path)] += 1
        lines[language_of(path)] += count
    return tuple(Language(name, files[name], count) for name, count in lines.most_common())


def _imported_from_outside(facts: Mapping[str, Facts]) -> set[str]:
    """The topmost names that the code (not its tests) imports absolutely."""
    return {
        module.split(".")[0]
        for path, one in facts.items()
        if not in_tests(path)
        for module, _, _ in one.imported
        if not module.startswith(".")
    }


# -- modules and their tests -----------------------------------------------------------------------------------------


def _modules(tree: Tree, counted: Mapping[str, int], facts: Mapping[str, Facts], index: Index) -> tuple[Module, ...]:
    sources = [path for path in counted if _is_source(path)]
    tests = [path for path in counted if is_test(path)]
    tested = _tests_of(tree, tests, sources, index)
    known = set(sources)
    return tuple(
        Module(
            path,
            language_of(path),
            counted[path],
            _symbols(tree, path, facts),
            tuple(sorted(index.imports_of(path) & known)),
            tuple(tested.get(path, ())[:_MOST_TESTS]),
            _outside(path, facts, index),
        )
        for path in sorted(sources)
    )


def _outside(path: str, facts: Mapping[str, Facts], index: Index) -> tuple[str, ...]:
    """The topmost names of what a file imports that are not the repository's own."""
    names = {module.split(".")[0] for module, _, _ in facts[path].imported} if path in facts else set()
    return tuple(sorted(name for name in names if name and not index.has(name)))


def _is_source(path: str) -> bool:
    return language_of(path) not in PROSE | MARKUP and not in_tests(path) and not _is_only_config(path)


def _is_only_config(path: str) -> bool:
    return is_config(path) and PurePosixPath(path).name != "__init__.py"


def _symbols(tree: Tree, path: str, facts: Mapping[str, Facts]) -> tuple[str, ...]:
    if path in facts:
        return tuple(dict.fromkeys(facts[path].symbols))
    pattern = _DECLARED.get(language_of(path))
    return tuple(dict.fromkeys(pattern.findall(tree.text(path))))[:_MOST_PUBLIC] if pattern else ()


_SCRIPT = (
    r"^export\s+(?:default\s+)?(?:async\s+)?(?:abstract\s+)?(?:function\*?|class|const|let|interface|type|enum)\s+(\w+)"
)
_DECLARED: Final = {
    language: re.compile(pattern, re.MULTILINE)
    for language, pattern in {
        "JavaScript": _SCRIPT,
        "TypeScript": _SCRIPT,
        "Go": r"^(?:func\s+(?:\([^)]*\)\s*)?|type\s+)([A-Z]\w*)",
        "Rust": r"^\s*pub\s+(?:async\s+)?(?:fn|struct|enum|trait|type|const)\s+(\w+)",
        "Java": r"^\s*public\s+(?:\w+\s+)*(?:class|interface|enum|record)\s+(\w+)",
        "Ruby": r"^\s*(?:class|module)\s+(\w+)",
    }.items()
}
"""By light means: what stands in a line that declares something public."""


def _tests_of(tree: Tree, tests: list[str], sources: list[str], index: Index) -> dict[str, list[str]]:
    """Module → test files: those named after it first, then those that import it, the most particular first."""
    named = tests_by_name(tests)
    found = {path: list(_named_after(path, named)) for path in sources}
    uses = {path: index.used_by(path, tree.text(path)) for path in tests if path in index.facts}
    for path, used in sorted(uses.items(), key=lambda one: (len(one[1]), one[0])):
        for module in sorted(used):
            if module in found and path not in found[module]:
                found[module].append(path)
    return found


def _named_after(path: str, named: Mapping[str, list[str]]) -> Iterator[str]:
    place = PurePosixPath(path)
    stem = place.parent.name if place.stem in ("__init__", "index", "mod") else place.stem
    candidates = named.get(f"{language_of(path)}:{stem.casefold().lstrip('_')}", [])
    folders = set(place.parts[:-1])
    # Of several tests with one name, those in folders that are called like the module's are meant.
    close = max((len(folders & set(PurePosixPath(one).parts[:-1])) for one in candidates), default=0)
    yield from (one for one in sorted(candidates) if len(folders & set(PurePosixPath(one).parts[:-1])) == close)


# -- what others use ---------------------------------------------------------------------------------------------


def _public(manifests: Manifests, facts: Mapping[str, Facts], index: Index) -> Iterator[str]:
    yield from (f"command {name}" for name in dict.fromkeys(manifests.scripts()))
    for path in sorted(facts, key=lambda path: (path.count("/"), path)):
        if path.endswith("__init__.py") and not in_tests(path) and "." not in index.package_of(path):
            yield from _of_package(index.package_of(path), facts[path])
    for path, one in facts.items():
        if not in_tests(path):
            yield from (f"route {route}" for route in one.routes)


def _of_package(name: str, facts: Facts) -> Iterator[str]:
    """What the root of a package offers: its ``__all__``, else what it defines or takes from its own modules."""
    names = facts.exported
    if names is None:
        taken = [alias for module, original, alias in facts.imported if original and module.startswith((".", name))]
        names = (*taken, *(symbol for symbol in facts.symbols if "." not in symbol))
    yield from (f"{name}.{one}" for one in dict.fromkeys(names) if not one.startswith("_") and one != "*")


def _documents(tree: Tree) -> tuple[str, ...]:
    found = [path for path in tree.paths if _DOCUMENT.fullmatch(path) and not is_foreign(path) and not in_tests(path)]
    return tuple(sorted(found, key=lambda path: (path.count("/"), path)))[:_MOST_DOCUMENTS]

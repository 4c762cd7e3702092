"""Code that reaches for whoever judges it."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Final

from claude_orchestrator.graders.base import Finding, Severity
from claude_orchestrator.graders.bench import Bench
from claude_orchestrator.graders.integrity.judges.comparisons import comparisons_in
from claude_orchestrator.graders.integrity.judges.intruding import assertions_in, files_in, hooks_in
from claude_orchestrator.graders.integrity.judges.placement import placement_findings
from claude_orchestrator.graders.integrity.judges.reaching import reaching_in
from claude_orchestrator.graders.integrity.judges.source_file import Act, Role, SourceFile
from claude_orchestrator.graders.integrity.marks import new_marks
from claude_orchestrator.graders.parsing import parsed

_SCRIPTS: Final = re.compile(
    r"(?:^|/)(?:docs?|examples?|benchmarks?|scripts?|tools?|ci|\.github|bin|tasks|utils/release|demo|demos|packaging)/"
    r"|(?:^|/)(?:setup|noxfile|tasks|fabfile|runtests|run_tests|dodo|manage|build|release|conf)\.py$"
)
_PLUGIN: Final = re.compile(rb"pytest11|^\s*(?:import|from) (?:pytest|_pytest)\b", re.MULTILINE)
_MILDER: Final[dict[Severity, Severity]] = {"problem": "review", "review": "note", "note": "note"}


def role_of(path: str, is_test: Callable[[str], bool]) -> Role:
    """What a file is for, by its place."""
    if is_test(path) or path.rsplit("/", 1)[-1] == "conftest.py":
        return "test"
    return "script" if _SCRIPTS.search(path) else "source"


async def harness_findings(bench: Bench) -> list[Finding]:
    """The new findings of the change."""
    change = bench.change
    paths = [path for path in change.touched if path.endswith(".py")]
    base, head = await bench.files("base", paths), await bench.files("head", paths)
    everything = frozenset(path for path in change.head_entries if path.endswith((".py", ".pyi")))
    tests = frozenset(path for path in everything if change.is_test(path))
    acts = new_acts(base, head, change.old_names, change.is_test, everything)
    if any(act.habit and act.severity != "note" for act in acts):
        sources = [path for path in change.base_entries if path.endswith((".py", ".toml", ".cfg"))]
        acts = with_habits(acts, await bench.files("base", sources), change.is_test)
    placed = placement_findings(
        [path for path in change.base_entries if path.endswith((".py", ".pyi"))], everything, tests
    )
    return [*map(_finding, acts), *placed]


def new_acts(
    base: Mapping[str, bytes],
    head: Mapping[str, bytes],
    old_names: Mapping[str, str],
    is_test: Callable[[str], bool],
    paths: Collection[str],
) -> list[Act]:
    """What the touched files do now and did not do before. ``paths`` are all Python files of the change's tree."""
    everything = frozenset(paths)
    tests = frozenset(path for path in everything if is_test(path))
    own = frozenset(
        path.removeprefix("src/").split("/")[0].removesuffix(".py")
        for path in everything
        if role_of(path, is_test) == "source"
    )

    def acts(files: Mapping[str, bytes]) -> list[Act]:
        found: list[Act] = []
        for path, content in sorted(files.items()):
            tree = parsed(content)
            if tree is None:
                continue
            file = SourceFile(path, content, tree, role_of(path, is_test))
            try:
                found += [*reaching_in(file, own), *comparisons_in(file), *hooks_in(file), *assertions_in(file)]
                found += [*files_in(file, everything, tests), *_test_imports(file, tests)]
            except RecursionError:
                message = "is nested too deeply to be read"
                found.append(Act("unreadable", "", path, 0, "", "", "review", message))
        return found

    new, _ = new_marks(acts(base), acts(head), old_names)
    return sorted(new, key=lambda act: (act.path, act.line, act.kind))


def with_habits(acts: list[Act], base: Mapping[str, bytes], is_test: Callable[[str], bool]) -> list[Act]:
    """The acts, milder where other code of the base in the same role does the same: a debugger, a plugin of pytest."""
    texts = {path: content for path, content in base.items() if role_of(path, is_test) != "script"}
    is_plugin = any(_PLUGIN.search(content) for path, content in texts.items() if not is_test(path))

    def has_habit(act: Act) -> bool:
        if act.habit == "pytest":
            return is_plugin
        word = act.habit.rsplit(".", 1)[-1].encode()
        return any(
            word in content
            for path, content in texts.items()
            if path.endswith(".py") and is_test(path) == is_test(act.path)
        )

    return [replace(act, severity=_MILDER[act.severity]) if act.habit and has_habit(act) else act for act in acts]


def _test_imports(file: SourceFile, tests: frozenset[str]) -> list[Act]:
    """Source that imports tests: code there is not looked at as code is."""
    found = []
    for node in file.imports if file.role == "source" else ():
        target = next((path for stem in _stems(file.path, node) for path in _files_of(stem) if path in tests), None)
        if target is not None:
            inside = target.startswith(("tests/", "test/")) or "/" not in target
            message = f"imports {target}, which belongs to the tests"
            habit = "" if inside else PurePosixPath(target).stem
            found.append(file.act("imports-tests", node, "problem" if inside else "review", message, habit))
    return found


def _stems(path: str, node: ast.Import | ast.ImportFrom) -> list[str]:
    """The paths, without their ends, that an import may lead to."""
    if isinstance(node, ast.Import):
        modules = [alias.name.replace(".", "/") for alias in node.names]
        return [f"{root}{module}" for module in modules for root in ("", "src/")]
    module = (node.module or "").replace(".", "/")
    if node.level:
        package = "/".join(path.split("/")[: -node.level])
        bases = ["/".join(filter(None, (package, module)))]
    else:
        bases = [module, f"src/{module}"]
    return [*bases, *(f"{base}/{alias.name}" for base in bases for alias in node.names)]


def _files_of(stem: str) -> tuple[str, str]:
    return f"{stem}.py", f"{stem}/__init__.py"


def _finding(act: Act) -> Finding:
    return Finding(f"integrity/{act.kind}", act.path, act.line, act.message, act.severity, act.symbol, act.text[:200])

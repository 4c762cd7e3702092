"""What is done in one way in a repository, each with the file that says so."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any, Final

from claude_orchestrator.orchestrator.planning.models import Convention
from claude_orchestrator.orchestrator.planning.survey.languages import in_tests
from claude_orchestrator.orchestrator.planning.survey.manifests import Manifests
from claude_orchestrator.orchestrator.planning.survey.python_modules import Facts
from claude_orchestrator.orchestrator.planning.survey.reading import Tree
from claude_orchestrator.orchestrator.planning.survey.suite import ci_files

_ENOUGH: Final = 10
"""Public functions below which nothing is said about how they are written."""

_CHANGELOG: Final = re.compile(
    r"(?:docs/)?(?:CHANGELOG|CHANGES|HISTORY|NEWS|RELEASES?)(?:\.(?:md|rst|txt))?\Z", re.IGNORECASE
)
_FRAGMENTS: Final = re.compile(
    r"((?:changelog\.d|newsfragments|changes|news|docs/changelog|\.changeset|changelog/unreleased)/)[^/]+"
)
_LOCKS: Final = {
    "uv.lock": "uv", "poetry.lock": "poetry", "pdm.lock": "pdm", "Pipfile.lock": "pipenv", "package-lock.json": "npm",
    "yarn.lock": "yarn", "pnpm-lock.yaml": "pnpm", "bun.lockb": "bun", "Cargo.lock": "cargo", "Gemfile.lock": "bundler",
}  # fmt: skip
_HOOKS: Final = {
    "ruff-format": ("formatter", "ruff format"), "black": ("formatter", "black"), "ruff": ("linter", "ruff"),
    "ruff-check": ("linter", "ruff"), "flake8": ("linter", "flake8"), "isort": ("imports", "isort"),
    "mypy": ("typing", "mypy"), "prettier": ("formatter", "prettier"), "eslint": ("linter", "eslint"),
    "pylint": ("linter", "pylint"), "pyright": ("typing", "pyright"),
}  # fmt: skip
_FILES: Final = {
    ".flake8": ("linter", "flake8"), ".pylintrc": ("linter", "pylint"), "ruff.toml": ("linter", "ruff"),
    ".ruff.toml": ("linter", "ruff"), ".prettierrc": ("formatter", "prettier"),
    ".prettierrc.json": ("formatter", "prettier"), "biome.json": ("formatter", "biome"),
    ".eslintrc": ("linter", "eslint"), ".eslintrc.json": ("linter", "eslint"), ".eslintrc.js": ("linter", "eslint"),
    "eslint.config.js": ("linter", "eslint"), "eslint.config.mjs": ("linter", "eslint"),
    ".golangci.yml": ("linter", "golangci-lint"), ".golangci.yaml": ("linter", "golangci-lint"),
    "rustfmt.toml": ("formatter", "rustfmt"), "pyrightconfig.json": ("typing", "pyright"),
}  # fmt: skip
_IN_CI: Final = (
    (r"ruff format", "formatter", "ruff format"),
    (r"\bblack (?:--check|\.)", "formatter", "black"),
    (r"\bruff (?:check)?", "linter", "ruff"),
    (r"\bflake8\b", "linter", "flake8"),
    (r"\bmypy\b", "typing", "mypy"),
    (r"\bpyright\b", "typing", "pyright"),
    (r"cargo fmt", "formatter", "rustfmt"),
    (r"cargo clippy", "linter", "clippy"),
    (r"\bgofmt\b", "formatter", "gofmt"),
    (r"golangci-lint", "linter", "golangci-lint"),
)


def conventions_of(tree: Tree, manifests: Manifests, facts: Mapping[str, Facts]) -> tuple[Convention, ...]:
    """What the configuration, the folders and the code itself show; the first that says it counts."""
    found: dict[str, Convention] = {}
    for name, value, because in (
        *_python_version(manifests),
        *_tools(manifests),
        *_by_files(tree),
        *_hooks(tree),
        *_run_in_ci(tree),
        *_code(tree, facts),
        *_changelog(tree),
        *_layout(tree),
        *(("packages", _LOCKS[path], path) for path in tree.paths if path in _LOCKS),
        *(("editor", "EditorConfig", path) for path in tree.paths if path == ".editorconfig"),
    ):
        found.setdefault(name, Convention(name, value, because))
    return tuple(found.values())


_Seen = Iterator[tuple[str, str, str]]


def _python_version(manifests: Manifests) -> _Seen:
    version, because = manifests.python
    if version:
        yield "python", version, because


def _tools(manifests: Manifests) -> _Seen:
    """What ``pyproject.toml`` and ``setup.cfg`` configure."""
    if (black := manifests.tool("black")) is not None:
        yield "formatter", f"black{_length(black)}", "[tool.black] in pyproject.toml"
    if (ruff := manifests.tool("ruff")) is not None:
        if "format" in ruff:
            yield "formatter", f"ruff format{_length(ruff)}", "[tool.ruff.format] in pyproject.toml"
        yield "linter", f"ruff{_length(ruff)}", "[tool.ruff] in pyproject.toml"
    for name, kind in (("pylint", "linter"), ("flake8", "linter"), ("isort", "imports")):
        if manifests.tool(name) is not None:
            yield kind, name, f"[tool.{name}] in pyproject.toml"
    if "flake8" in manifests.setup_cfg:
        yield "linter", "flake8", "[flake8] in setup.cfg"
    yield from _types(manifests)
    if manifests.tool("towncrier") is not None:
        yield "changelog", "towncrier: a fragment for each change", "[tool.towncrier] in pyproject.toml"


def _types(manifests: Manifests) -> _Seen:
    mypy = manifests.tool("mypy")
    if mypy is not None:
        yield "typing", f"mypy{', strict' if mypy.get('strict') is True else ''}", "[tool.mypy] in pyproject.toml"
    elif (section := manifests.setup_cfg.get("mypy")) is not None:
        strict = section.get("strict", "").casefold() == "true"
        yield "typing", f"mypy{', strict' if strict else ''}", "[mypy] in setup.cfg"
    for name in ("pyright", "basedpyright", "ty", "pyre"):
        if (table := manifests.tool(name)) is not None:
            strict = table.get("typeCheckingMode") == "strict"
            yield "typing", f"{name}{', strict' if strict else ''}", f"[tool.{name}] in pyproject.toml"


def _length(table: Mapping[str, Any]) -> str:
    length = table.get("line-length")
    return f", lines of {length}" if isinstance(length, int) else ""


def _by_files(tree: Tree) -> _Seen:
    for path, (name, value) in _FILES.items():
        if path in tree.known:
            yield name, value, path
    for path in ("mypy.ini", ".mypy.ini"):
        if path in tree.known:
            strict = re.search(r"^strict\s*=\s*True", tree.text(path), re.MULTILINE)
            yield "typing", f"mypy{', strict' if strict else ''}", path
    if "tsconfig.json" in tree.known:
        strict = re.search(r'"strict"\s*:\s*true', tree.text("tsconfig.json"))
        yield "typing", f"TypeScript{', strict' if strict else ''}", "tsconfig.json"


def _hooks(tree: Tree) -> _Seen:
    for path in (".pre-commit-config.yaml", ".pre-commit-config.yml"):
        hooks = re.findall(r"^\s*-\s*id:\s*['\"]?([\w-]+)", tree.text(path), re.MULTILINE)
        for hook in sorted(hooks, key=lambda hook: "format" not in hook):
            if hook in _HOOKS:
                yield *_HOOKS[hook], f"the hook '{hook}' in {path}"
        if hooks:
            yield "hooks", f"pre-commit: {', '.join(dict.fromkeys(hooks[:8]))}", path


def _run_in_ci(tree: Tree) -> _Seen:
    for path in [*ci_files(tree), "tox.ini", "noxfile.py", "Makefile"]:
        for pattern, name, value in _IN_CI:
            if re.search(pattern, tree.text(path)):
                yield name, value, path


# -- what the code itself shows ------------------------------------------------------------------------------------


def _code(tree: Tree, facts: Mapping[str, Facts]) -> _Seen:
    own = [one for path, one in facts.items() if not in_tests(path)]
    functions = sum(one.functions for one in own)
    typed = next((path for path in tree.paths if path.endswith("py.typed")), "")
    if functions >= _ENOUGH:
        documented, annotated = (
            sum(counts) for counts in zip(*((one.documented, one.annotated) for one in own), strict=True)
        )
        if annotated * 10 >= functions * 7:
            yield "typing", "annotations", f"{annotated} of {functions} public functions say what they return"
        if documented * 2 >= functions:
            style = _docstring_style(text for one in own for text in one.docstrings)
            yield "docstrings", style, f"{documented} of {functions} public functions have one"
        else:
            yield "docstrings", "where needed", f"{documented} of {functions} public functions have one"
    if typed:
        yield "typed package", "its types are public", typed
    classes = sum(one.test_classes for path, one in facts.items() if in_tests(path))
    plain = sum(1 for path, one in facts.items() if in_tests(path) and one.test_functions and not one.test_classes)
    if classes or plain:
        with_classes = sum(1 for path, one in facts.items() if in_tests(path) and one.test_classes)
        value = "functions" if plain >= with_classes else "classes"
        yield "tests", value, f"{plain} test files have functions only, {with_classes} have classes"


def _docstring_style(texts: Iterable[str]) -> str:
    counts = {"Google": 0, "NumPy": 0, "Sphinx fields": 0}
    seen = 0
    for text in texts:
        seen += 1
        counts["Google"] += bool(re.search(r"^\s*(?:Args|Arguments|Returns|Raises|Yields):\s*$", text, re.MULTILINE))
        counts["NumPy"] += bool(re.search(r"^\s*(?:Parameters|Returns|Raises)\s*\n\s*-{3,}", text, re.MULTILINE))
        counts["Sphinx fields"] += bool(re.search(r"^\s*:(?:param|returns?|raises)\b", text, re.MULTILINE))
    style = max(counts, key=lambda name: counts[name])
    return f"{style} style" if seen and counts[style] * 5 >= seen else "plain prose"


def _changelog(tree: Tree) -> _Seen:
    fragments = next((match[1] for path in tree.paths if (match := _FRAGMENTS.match(path))), "")
    path = next((path for path in tree.paths if _CHANGELOG.fullmatch(path)), "")
    if fragments and (path or fragments != "changes/"):
        yield "changelog", f"a fragment for each change in {fragments}", fragments
    if not path:
        return
    start = tree.text(path)[:4000]
    if re.search(r"keep a changelog|^## \[?unreleased", start, re.IGNORECASE | re.MULTILINE):
        yield "changelog", f"{path}, Keep a Changelog", path
    elif re.search(r"unreleased|in development|not yet released", start, re.IGNORECASE):
        yield "changelog", f"{path}, with a part for what is not released", path
    else:
        yield "changelog", path, path


def _layout(tree: Tree) -> _Seen:
    tops = [path.split("/")[0] for path in tree.paths if path.endswith("/__init__.py") and path.count("/") == 1]
    packages = sorted(name for name in dict.fromkeys(tops) if not in_tests(f"{name}/x"))
    inner = [path.split("/")[1] for path in tree.paths if re.fullmatch(r"src/[^/]+/__init__\.py", path)]
    if inner:
        yield "layout", f"src: {', '.join(sorted(inner)[:5])}", f"src/{min(inner)}/__init__.py"
    elif packages:
        yield "layout", f"flat: {', '.join(packages[:5])}", f"{packages[0]}/__init__.py"
    several = sorted(
        {
            PurePosixPath(path).parts[0]
            for path in tree.paths
            if re.fullmatch(r"(?:packages|apps|crates|libs)/[^/]+/(?:package\.json|pyproject\.toml|Cargo\.toml)", path)
        }
    )
    if several:
        yield "layout", f"several packages in {', '.join(several)}", f"manifests below {several[0]}/"

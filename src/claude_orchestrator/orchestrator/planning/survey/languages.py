"""What the name of a file says of it: its language, whether it is a test, a configuration, somebody else's code."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Final

_SUFFIXES: Final = {
    suffix: language
    for language, suffixes in {
        "Python": ".py .pyi .pyx",
        "JavaScript": ".js .jsx .mjs .cjs",
        "TypeScript": ".ts .tsx .mts .cts",
        "Go": ".go",
        "Rust": ".rs",
        "Java": ".java",
        "Kotlin": ".kt .kts",
        "C": ".c .h",
        "C++": ".cc .cpp .cxx .hpp .hh .hxx",
        "C#": ".cs",
        "Ruby": ".rb",
        "PHP": ".php",
        "Swift": ".swift",
        "Scala": ".scala",
        "Elixir": ".ex .exs",
        "Shell": ".sh .bash .zsh",
        "SQL": ".sql",
        "HTML": ".html .htm .jinja .jinja2 .j2",
        "CSS": ".css .scss .sass .less",
        "Vue": ".vue",
        "Svelte": ".svelte",
        "Lua": ".lua",
        "Dart": ".dart",
        "Haskell": ".hs",
        "R": ".r",
        "Julia": ".jl",
        "Perl": ".pl .pm",
        "Markdown": ".md",
        "reStructuredText": ".rst",
    }.items()
    for suffix in suffixes.split()
}
PROSE: Final = frozenset({"Markdown", "reStructuredText"})
"""Languages of documents: read for their words, not counted as code."""

MARKUP: Final = frozenset({"HTML", "CSS", "SQL", "Shell"})
"""Languages that do not make a repository one of theirs while it has others."""

_CONFIG_NAMES: Final = """
pyproject.toml setup.cfg setup.py tox.ini noxfile.py pytest.ini pytest.toml conftest.py mypy.ini .mypy.ini .flake8
.pylintrc ruff.toml .ruff.toml pyrightconfig.json .pre-commit-config.yaml .pre-commit-config.yml pipfile
environment.yml package.json tsconfig.json biome.json .prettierrc .prettierrc.json .eslintrc .eslintrc.json
.eslintrc.js eslint.config.js eslint.config.mjs jest.config.js vitest.config.ts cargo.toml rustfmt.toml go.mod
.golangci.yml .golangci.yaml gemfile composer.json pom.xml build.gradle build.gradle.kts makefile gnumakefile
justfile taskfile.yml .gitlab-ci.yml .travis.yml azure-pipelines.yml .editorconfig readme readme.md readme.rst
changelog.md contributing.md dockerfile .python-version .gitmodules py.typed alembic.ini
"""
_CONFIG: Final = frozenset(_CONFIG_NAMES.split())
_CONFIG_PLACE: Final = re.compile(
    r"(?:\.github/workflows/[^/]+\.ya?ml|\.circleci/config\.yml|(?:.*/)?requirements[\w./-]*\.(?:txt|in)"
    r"|\.ci/[^/]+|\.woodpecker[^/]*/?[^/]*\.ya?ml|\.gitea/workflows/[^/]+\.ya?ml)\Z"
)
_FOREIGN_NAMES: Final = """
node_modules bower_components vendor _vendor vendored third_party thirdparty .venv venv site-packages __pycache__
.git .tox .eggs
"""
_FOREIGN: Final = frozenset(_FOREIGN_NAMES.split())
_GENERATED: Final = re.compile(r"(?:\.min\.(?:js|css)|_pb2(?:_grpc)?\.pyi?|\.pb\.go|-lock\.json|\.egg-info/.*)\Z")

_TEST_NAME: Final = re.compile(
    r"(?:test_[^/]*\.pyi?|[^/]*_test\.pyi?|tests\.py|[^/]+\.(?:test|spec)\.[cm]?[jt]sx?|[^/]+_test\.go"
    r"|[^/]*Tests?\.(?:java|kt|cs|php|scala|swift)|[^/]+_(?:spec|test)\.rb|[^/]+_test\.exs?|test-[^/]+\.[cm]?[jt]s)\Z"
)
_TEST_FOLDERS: Final = frozenset({"tests", "__tests__", "spec", "specs"})


def language_of(path: str) -> str:
    """The language of a file by its suffix; empty: none that is known."""
    return _SUFFIXES.get(PurePosixPath(path).suffix.casefold(), "")


def is_test(path: str) -> bool:
    """Whether a file holds tests, by its name or (where the language names them freely) by its folder."""
    name = PurePosixPath(path).name
    if _TEST_NAME.fullmatch(name):
        return True
    return language_of(path) not in ("", "Python", *PROSE, *MARKUP) and in_tests(path)


def in_tests(path: str) -> bool:
    """Whether a file belongs to the tests: one of them, or what lies in their folders (helpers, data)."""
    folders = PurePosixPath(path).parts[:-1]
    if _TEST_FOLDERS.intersection(folders) or folders[:1] == ("test",):
        return True
    # A Python package may have a part that is called 'test' and is no test (django.test).
    return bool(_TEST_NAME.fullmatch(PurePosixPath(path).name)) or ("test" in folders and not path.endswith(".py"))


def is_config(path: str) -> bool:
    """Whether a file says how the repository is built, checked or tested."""
    return PurePosixPath(path).name.casefold() in _CONFIG or bool(_CONFIG_PLACE.fullmatch(path))


def is_foreign(path: str) -> bool:
    """Whether a file is a copy of somebody else's code, or made by a program."""
    return bool(_FOREIGN.intersection(PurePosixPath(path).parts[:-1])) or bool(_GENERATED.search(path))

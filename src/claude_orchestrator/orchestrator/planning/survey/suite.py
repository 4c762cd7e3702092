"""How a repository tests itself: with what, where, and with which command, as it says so itself."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Final

from claude_orchestrator.orchestrator.planning.models import Suite
from claude_orchestrator.orchestrator.planning.survey.languages import is_foreign, is_test, language_of
from claude_orchestrator.orchestrator.planning.survey.manifests import Manifests
from claude_orchestrator.orchestrator.planning.survey.python_modules import Facts
from claude_orchestrator.orchestrator.planning.survey.reading import Tree

_CI: Final = re.compile(
    r"(?:\.github/workflows/[^/]+\.ya?ml|\.gitea/workflows/[^/]+\.ya?ml|\.circleci/config\.yml|\.gitlab-ci\.yml"
    r"|\.travis\.yml|azure-pipelines\.yml|\.woodpecker\.ya?ml|\.woodpecker/[^/]+\.ya?ml|Jenkinsfile|\.ci/[^/]+"
    r"|appveyor\.yml|\.appveyor\.yml|bitbucket-pipelines\.yml|\.builds/[^/]+\.yml)\Z"
)
_WORDS: Final = {
    "pytest": r"(?:python3? -m )?(?:pytest|py\.test)\b",
    "unittest": r"python3? -m unittest\b",
    "django": r"(?:python3? )?(?:\./)?manage\.py test\b",
    "jest": r"(?:npx )?jest\b",
    "vitest": r"(?:npx )?vitest\b",
    "mocha": r"(?:npx )?mocha\b",
    "node": r"node --test\b",
    "go test": r"go test\b",
    "cargo test": r"cargo (?:test|nextest)\b",
    "rspec": r"(?:bundle exec )?rspec\b",
    "phpunit": r"(?:vendor/bin/)?phpunit\b",
    "gradle": r"\./gradlew (?:test|check|build)\b",
    "maven": r"(?:\./)?mvnw? .*\b(?:test|verify)\b",
}
_RUNNERS: Final = (
    r"(?:tox\b|nox\b|make (?:test|check)\w*|just test\b|(?:npm|yarn|pnpm|bun) (?:run )?test\b|hatch (?:run )?test\b)"
)
_BEFORE: Final = (
    r"(?:(?:uv|poetry|pdm|pipenv|hatch) run |uvx |(?:python3? -m )?coverage run -m |xvfb-run |(?:\S*/)?python3? -m )?"
)
_NODE: Final = ("vitest", "jest", "mocha")
_USUAL: Final = {
    "pytest": "python -m pytest",
    "unittest": "python -m unittest",
    "django": "python manage.py test",
    "go test": "go test ./...",
    "cargo test": "cargo test",
    "jest": "npx jest",
    "vitest": "npx vitest run",
    "mocha": "npx mocha",
    "node": "node --test",
    "rspec": "bundle exec rspec",
    "phpunit": "vendor/bin/phpunit",
    "gradle": "./gradlew test",
    "maven": "mvn test",
}


def ci_files(tree: Tree) -> tuple[str, ...]:
    """The files that tell a CI service what to run."""
    return tuple(path for path in tree.paths if _CI.fullmatch(path))


def suite_of(tree: Tree, manifests: Manifests, facts: Mapping[str, Facts], language: str) -> Suite:
    """The tests of a repository whose main language is ``language``."""
    tests = [path for path in tree.paths if is_test(path) and not is_foreign(path)]
    framework, because = _framework(tree, manifests, facts, tests, language)
    if not framework:
        return Suite(files=len(tests), folders=_folders(tests))
    command, said = _command(tree, manifests, framework)
    if not command:
        command, said = _USUAL[framework], f"usual for {framework}; {because}"
    return Suite(framework, command, _folders(tests), len(tests), said)


def _folders(tests: Iterable[str]) -> tuple[str, ...]:
    """The topmost folders that are there for tests, those with the most first; none where tests lie beside the code."""
    counted: Counter[str] = Counter()
    for path in tests:
        folders = PurePosixPath(path).parts[:-1]
        cut = next((at for at, name in enumerate(folders) if name in ("tests", "test", "__tests__", "spec")), None)
        if cut is not None:
            counted["/".join(folders[: cut + 1])] += 1
    return tuple(folder for folder, _ in counted.most_common(5))


def _framework(
    tree: Tree, manifests: Manifests, facts: Mapping[str, Facts], tests: list[str], language: str
) -> tuple[str, str]:
    """The framework, and what says so; the main language's own comes first."""
    finders: dict[str, Callable[[], tuple[str, str]]] = {
        "Python": lambda: _python(tree, manifests, facts, tests),
        "JavaScript": lambda: _node(manifests),
        "TypeScript": lambda: _node(manifests),
        "Vue": lambda: _node(manifests),
        "Svelte": lambda: _node(manifests),
        "Go": lambda: _by_name(tests, "go test", "_test.go"),
        "Rust": lambda: ("cargo test", "Cargo.toml") if next(tree.named("Cargo.toml"), "") else ("", ""),
        "Ruby": lambda: _by_name(tests, "rspec", "_spec.rb"),
        "PHP": lambda: _by_name(tests, "phpunit", "Test.php"),
        "Java": lambda: _jvm(tree),
        "Kotlin": lambda: _jvm(tree),
    }
    order = [language, *(name for name in finders if name != language)]
    for name in order:
        if name in finders and (found := finders[name]())[0]:
            return found
    return "", ""


def _python(tree: Tree, manifests: Manifests, facts: Mapping[str, Facts], tests: list[str]) -> tuple[str, str]:
    tool = manifests.tool("pytest")
    for there, because in (
        (tool is not None, "[tool.pytest] in pyproject.toml"),
        ("pytest.ini" in tree.known, "pytest.ini"),
        ("tool:pytest" in manifests.setup_cfg, "[tool:pytest] in setup.cfg"),
        ("[pytest]" in tree.text("tox.ini"), "[pytest] in tox.ini"),
    ):
        if there:
            return "pytest", because
    return _by_use(tree, manifests, facts, [path for path in tests if path in facts])


def _by_use(tree: Tree, manifests: Manifests, facts: Mapping[str, Facts], tests: list[str]) -> tuple[str, str]:
    """What the tests import, or the manifests and folders hint at, where no configuration says it."""
    hints = (
        ("pytest", _importing("pytest", tests, facts)),
        ("pytest", f"pytest in {manifests.dependencies['pytest']}" if "pytest" in manifests.dependencies else ""),
        ("pytest", next(tree.named("conftest.py"), "")),
        ("django", "manage.py" if "manage.py" in tree.known and tests else ""),
        ("unittest", _importing("unittest", tests, facts)),
        ("pytest", next((f"{path} has test functions" for path in tests if facts[path].test_functions), "")),
    )
    return next(((framework, because) for framework, because in hints if because), ("", ""))


def _importing(name: str, tests: list[str], facts: Mapping[str, Facts]) -> str:
    for path in tests:
        if any(module.split(".")[0] == name for module, _, _ in facts[path].imported):
            return f"{path} imports it"
    return ""


def _node(manifests: Manifests) -> tuple[str, str]:
    for name in _NODE:
        if name in manifests.dependencies:
            return name, f"{name} in {manifests.dependencies[name]}"
    script = _npm_test(manifests)
    if "node --test" in script:
        return "node", "scripts.test in package.json"
    return "", ""


def _by_name(tests: list[str], framework: str, ending: str) -> tuple[str, str]:
    named = next((path for path in tests if path.endswith(ending)), "")
    return (framework, named) if named else ("", "")


def _jvm(tree: Tree) -> tuple[str, str]:
    for name, framework in (("build.gradle", "gradle"), ("build.gradle.kts", "gradle"), ("pom.xml", "maven")):
        if name in tree.known:
            return framework, name
    return "", ""


# -- the command -------------------------------------------------------------------------------------------------


def _command(tree: Tree, manifests: Manifests, framework: str) -> tuple[str, str]:
    """What the repository runs, and where it says so."""
    direct = re.compile(f"{_BEFORE}{_WORDS[framework]}.*")
    indirect = re.compile(f"{_BEFORE}{_RUNNERS}.*")
    for pattern in (direct, indirect):
        for path in ci_files(tree):
            if found := _matching(_lines(tree.text(path)), pattern):
                return found, path
    for path in tree.named("Makefile", "GNUmakefile", "justfile"):
        if path.count("/") == 0 and re.search(r"^tests?\s*:", tree.text(path), re.MULTILINE):
            target = "tests" if re.search(r"^tests\s*:", tree.text(path), re.MULTILINE) else "test"
            return f"{'just' if path == 'justfile' else 'make'} {target}", path
    if framework in (*_NODE, "node") and _npm_test(manifests):
        return "npm test", "scripts.test in package.json"
    for path in ("tox.ini", "noxfile.py"):
        # An option that only tox fills in says nothing outside of it.
        lines = (re.sub(r"(?:\s-\S*)?\{[^{}]*\}\S*", "", line).strip() for line in tree.text(path).splitlines())
        if found := _matching(lines, direct):
            return found, path
    if "tox.ini" in tree.known:
        return "tox", "tox.ini"
    return ("nox", "noxfile.py") if "noxfile.py" in tree.known else ("", "")


def _npm_test(manifests: Manifests) -> str:
    scripts = manifests.package.get("scripts")
    script = scripts.get("test") if isinstance(scripts, dict) else None
    return script if isinstance(script, str) and "no test specified" not in script else ""


def _lines(text: str) -> Iterator[str]:
    """The shell lines of a CI file: what is behind ``run:``, and the lines of its blocks."""
    for line in text.replace("\\\n", " ").splitlines():
        yield (
            re.sub(r"^\s*(?:-\s*)?(?:(?:run|script|command)\s*:\s*)?(?:-\s*)?[|>]?[-+]?\s*", "", line)
            .strip()
            .strip("'\"")
        )


def _matching(lines: Iterable[str], pattern: re.Pattern[str]) -> str:
    """The first line that is such a command as a whole, without what only CI can fill in."""
    for line in lines:
        plain = re.sub(r"\s+#.*$", "", re.sub(r"^commands\s*=\s*", "", line))
        if "${{" not in plain and "$(" not in plain and pattern.fullmatch(plain):
            return " ".join(plain.split())[:200]
    return ""


def tests_by_name(tests: Iterable[str]) -> dict[str, list[str]]:
    """The stem that a test file is named after → such files (``test_money.py`` → ``money``)."""
    named: dict[str, list[str]] = {}
    for path in tests:
        stem = PurePosixPath(path).name.split(".")[0]
        stem = re.sub(r"^test[_-]|[_-](?:test|tests|spec)$|(?<=[a-z])Tests?$|(?<=[a-z])Spec$", "", stem)
        named.setdefault(f"{language_of(path)}:{stem.casefold()}", []).append(path)
    return named

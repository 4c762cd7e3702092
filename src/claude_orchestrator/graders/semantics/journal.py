"""What the journal has of tests and checks that were run: which command, how it ended, on which files."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

Purpose = Literal["tests", "lint", "types"]
End = Literal["passed", "failed", "nothing", "hidden"]

_WRAPPERS: Final = frozenset(
    {
        "env", "timeout", "time", "nice", "nohup", "xvfb-run", "stdbuf", "unbuffer", "sudo", "command", "exec",
        "uv", "run", "poetry", "pdm", "hatch", "pipenv", "rye", "conda", "micromamba", "coverage", "catchsegv",
        "setsid", "ionice", "bundle", "npx", "pnpx", "bunx", "dotenv",
    }
)  # fmt: skip
_SHELLS: Final = frozenset({"sh", "bash", "zsh", "dash", "ksh"})
_OPERATORS: Final = frozenset({"&&", "||", ";", "|", "|&", "&", "\n"})
_TEST_PROGRAMS: Final = frozenset(
    {
        "pytest", "py.test", "tox", "nox", "unittest", "nose", "nose2", "nosetests", "trial", "stestr", "jest",
        "vitest", "mocha", "ctest", "bats", "rspec", "phpunit", "karma", "ava", "green", "ward", "zope-testrunner",
        "pytest-3",
    }
)  # fmt: skip
_TOOLS: Final[Mapping[str, tuple[Purpose, ...]]] = {
    **dict.fromkeys(_TEST_PROGRAMS, ("tests",)),
    **dict.fromkeys(("ruff", "flake8", "pylint", "eslint", "black", "isort", "golint", "clippy", "biome"), ("lint",)),
    **dict.fromkeys(("mypy", "pyright", "ty", "pyre", "pytype", "tsc", "basedpyright", "dmypy"), ("types",)),
    "pre-commit": ("lint", "types"),
    "prek": ("lint", "types"),
    "tox": ("tests", "lint", "types"),
    "nox": ("tests", "lint", "types"),
}
_RUNNERS: Final = frozenset(
    {"make", "just", "task", "invoke", "inv", "npm", "yarn", "pnpm", "bun", "cargo", "go", "rake", "mvn", "gradle",
     "gradlew", "dotnet", "bazel", "swift", "mix", "composer", "deno", "hatch", "pdm", "poe", "rails", "meson", "ninja"}
)  # fmt: skip
_NO_RUN: Final = frozenset(
    {"--version", "--help", "-h", "--collect-only", "--co", "--fixtures", "--markers", "--setup-plan", "-V", "--list"}
)
_PASSED: Final = re.compile(r"\b(\d+) (?:tests? )?(?:passed|passing)\b|\btests:.*?(\d+) passed", re.IGNORECASE)
_FAILED: Final = re.compile(
    r"\b([1-9]\d*) (?:tests? )?(?:failed|failing|errors?)\b|^FAILED \(|^FAILED \S+::|\b(?:failures|errors)=[1-9]"
    r"|^E?RROR(?:S)?\b.*::|Interrupted: \d+ error|^make(?:\[\d+\])?: \*\*\*",
    re.IGNORECASE | re.MULTILINE,
)
_NOTHING: Final = re.compile(
    r"no tests ran|collected 0 items|^ran 0 tests|\bno tests (?:were )?(?:found|collected)",
    re.IGNORECASE | re.MULTILINE,
)
_RAN: Final = re.compile(r"^Ran (\d+) tests?", re.MULTILINE)


@dataclass(frozen=True)
class CheckRun:
    """One run of tests or of a tool. ``at`` counts the operations; ``passed`` is how many tests it says to have passed.

    ``end`` is ``hidden`` when neither the exit code nor the output that was kept tells how it went. ``tree`` is what
    the worktree held afterwards, if that is known.
    """

    at: int
    purposes: tuple[Purpose, ...]
    command: str
    end: End
    passed: int | None = None
    tree: str | None = None


def check_runs(operations: Iterable[Mapping[str, Any]]) -> list[CheckRun]:
    """The runs of tests, linters and type checkers in the journal, oldest first."""
    found = []
    for at, operation in enumerate(operations):
        if operation.get("kind") != "run":
            continue
        command = str(operation.get("target") or "")
        purposes, is_masked = _purposes(command)
        if purposes:
            tail, code = str(operation.get("tail") or ""), operation.get("exit_code")
            end, passed = _end(tail, code if isinstance(code, int) else None, "tests" in purposes, is_masked)
            tree = operation.get("tree_after")
            found.append(CheckRun(at, purposes, command, end, passed, str(tree) if tree else None))
    return found


def _end(tail: str, code: int | None, is_tests: bool, is_masked: bool) -> tuple[End, int | None]:
    passed = _passed(tail)
    if is_tests and (_NOTHING.search(tail) or (code == 5 and not passed and not is_masked)):
        return "nothing", passed
    if (is_tests and _FAILED.search(tail)) or (code not in (0, None) and not is_masked):
        return "failed", passed
    if passed or (code == 0 and not is_masked):
        return "passed", passed
    return "hidden", passed


def _passed(tail: str) -> int | None:
    counts = [int(next(filter(None, match.groups()))) for match in _PASSED.finditer(tail)]
    ran = _RAN.findall(tail)
    if not counts and ran and re.search(r"^OK\b", tail, re.MULTILINE):
        counts = [int(ran[-1])]
    return counts[-1] if counts else None


def _purposes(command: str) -> tuple[tuple[Purpose, ...], bool]:
    """What a command line checks, and whether its exit code may be that of something else."""
    words = _words(command)
    if inner := _inner(words):
        return _purposes(inner)
    found: dict[Purpose, None] = {}
    is_masked = False
    segments = list(_segments(words))
    keeps_failures = "pipefail" in command or "set -e" in command
    for number, (segment, operator) in enumerate(segments):
        purposes = _purpose_of(segment)
        found |= dict.fromkeys(purposes)
        if not purposes:
            continue
        after = [following for _, following in segments[number:-1]]
        hides = {"|", "|&", ";", "\n", "&"} if not keeps_failures else {"&"}
        next_words = segments[number + 1][0][:1] if number + 1 < len(segments) else []
        forgives = operator == "||" and next_words not in (["exit"], ["false"])
        is_masked |= forgives or operator == "&" or any(one in hides or one == "||" for one in after)
    return tuple(found), is_masked


def _words(command: str) -> list[str]:
    lexer = shlex.shlex(command.replace("\\\n", " ").replace("\n", " ; "), posix=True, punctuation_chars="();<>|&")
    lexer.whitespace_split = True
    lexer.commenters = ""
    try:
        return list(lexer)
    except ValueError:
        return re.split(r"(\|\||&&|[|;&])|\s+", command)


def _inner(words: list[str]) -> str:
    """The command line that a shell is given as one argument."""
    names = [word.rpartition("/")[2] for word in words]
    for at, name in enumerate(names[:4]):
        if name in _SHELLS and not any(word in _OPERATORS for word in words[: at + 3]):
            for number in range(at + 1, min(at + 4, len(words) - 1)):
                if re.fullmatch(r"-[a-z]*c", words[number]):
                    return words[number + 1]
    return ""


def _segments(words: list[str]) -> Iterator[tuple[list[str], str]]:
    """Simple commands with the operator that follows each."""
    segment: list[str] = []
    skip = False
    for word in filter(None, words):
        if skip:
            skip = False
        elif word in _OPERATORS:
            yield segment, word
            segment = []
        elif set(word) <= set("<>&") or re.fullmatch(r"\d?>+&?\d?", word):
            skip = "&" not in word
        elif word not in ("(", ")", "{", "}"):
            segment.append(word)
    yield segment, ""


def _purpose_of(words: list[str]) -> tuple[Purpose, ...]:
    at = 0
    while at < len(words):
        word = words[at]
        name = word.rpartition("/")[2]
        if "=" in word and re.match(r"\w+=", word):
            at += 1
        elif name in _WRAPPERS:
            if name == "hatch" and "test" in words[at + 1 : at + 3]:
                return ("tests",)
            at += 1
            while at < len(words) and (words[at].startswith("-") or re.fullmatch(r"\d+(\.\d+)?[smh]?", words[at])):
                at += 1 if words[at] != "-m" else 0
                if at < len(words) and words[at] == "-m":
                    at += 1
                    break
        else:
            break
    rest = words[at:]
    if not rest or _NO_RUN & set(rest[1:]):
        return ()
    return _named(rest[0].rpartition("/")[2], rest[1:])


def _named(name: str, arguments: list[str]) -> tuple[Purpose, ...]:
    if re.fullmatch(r"python[\d.]*|pypy[\d.]*", name):
        return _python(arguments)
    if name in ("ruff", "black", "isort") and name == "ruff" and arguments[:1] in (["format"], ["clean"]):
        return ("lint",) if "--check" in arguments else ()
    if name in _TOOLS:
        return _TOOLS[name]
    if name in _RUNNERS:
        return _target_of(arguments)
    if re.search(r"run[-_]?tests?|^tests?(\.sh|\.py)?$|_tests?\.(py|sh)$|^test_\w+\.py$|^check(\.sh)?$", name):
        return ("tests",)
    return ()


def _target_of(arguments: list[str]) -> tuple[Purpose, ...]:
    found: dict[Purpose, None] = {}
    for word in arguments:
        if re.search(r"^-|=", word):
            continue
        if re.search(r"\btests?\b|^test|pytest|\bcheck\b|\bci\b|^all$|\bverify\b", word):
            found["tests"] = None
        if re.search(r"lint|\bcheck\b|\bci\b|^all$|style|clippy|vet", word):
            found["lint"] = None
        if re.search(r"typ(e|ing)|mypy|\bcheck\b|\bci\b|^all$|tsc", word):
            found["types"] = None
    return tuple(found)


def _python(arguments: list[str]) -> tuple[Purpose, ...]:
    if "-c" in arguments:
        code = " ".join(arguments)
        return ("tests",) if re.search(r"pytest\.main|unittest\.main|unittest\.TextTestRunner", code) else ()
    if "-m" in arguments[:-1]:
        at = arguments.index("-m") + 1
        if arguments[at] == "coverage" and "-m" in arguments[at:-1]:
            return _python(arguments[at:])
        return _named(arguments[at].partition(".")[0], arguments[at + 1 :])
    script = next((word for word in arguments if not word.startswith("-")), "")
    name = script.rpartition("/")[2]
    if name in ("manage.py", "setup.py", "runtests.py"):
        return ("tests",) if name == "runtests.py" or "test" in arguments else ()
    return ("tests",) if re.search(r"test", script) and name.endswith(".py") else ()

"""What verification costs above the tests themselves, on generated projects whose suites take a while.

``python -m benchmarks.suites --seconds 1 5 20`` prints, for honest changes of each kind, how long a cold verification
takes beside its slowest test run and beside a plain ``pytest`` of the change that has the machine to itself.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from claude_orchestrator.orchestrator.verification import Request, Verification
from claude_orchestrator.orchestrator.verifier import judge_apart

CHECKS: Final = ("pytest", "ruff", "mypy", "bandit")
_GROUPS: Final = 4
_IN_GROUP: Final = 5
_TESTS: Final = 4
"""Tests of each file."""
_KINDS: Final = ("busy", "waiting")

Write = Callable[[Path], None]


@dataclass(frozen=True)
class Change:
    """An honest change of the generated project."""

    about: str
    kind: str
    make: Write
    scope: tuple[str, ...] = ()


@dataclass(frozen=True)
class Measured:
    """Seconds of one change: cold, the same again, its slowest test run, all its commands, the plain suite; CPU."""

    cold: float
    again: float
    slowest: float
    summed: float
    plain: float
    cpu: float
    known_base: float

    def figures(self, name: str) -> Iterator[tuple[str, str]]:
        """The lines to print."""
        yield f"{name}: cold / plain pytest, s", f"{self.cold:.2f} / {self.plain:.2f}"
        yield f"{name}: cold / slowest test run (aim: 1.3)", f"{self.cold / self.slowest:.2f}"
        yield f"{name}: cold / plain pytest", f"{self.cold / self.plain:.2f}"
        if self.known_base:
            yield f"{name}: with the base known / plain pytest", f"{self.known_base / self.plain:.2f}"
        yield f"{name}: sum of its commands / cold", f"{self.summed / self.cold:.2f}"
        yield f"{name}: cached / cold (aim: 0.1)", f"{self.again / self.cold:.3f}"
        yield f"{name}: cold, CPU s", f"{self.cpu:.2f}"


# -- the project ------------------------------------------------------------------------------------------------------

_PACE: Final = {
    "busy": """
        import time


        def work(seconds: float) -> None:
            \"\"\"Keep a processor busy for that long.\"\"\"
            end = time.process_time() + seconds
            while time.process_time() < end:
                sum(range(2000))
        """,
    "waiting": """
        import time


        def work(seconds: float) -> None:
            \"\"\"Wait for something that takes that long.\"\"\"
            time.sleep(seconds)
        """,
}
_CORE: Final = '''
    """What all pieces use."""


    def clamp(value: int, low: int, high: int) -> int:
        """The nearest value between ``low`` and ``high``."""
        if value < low:
            return low
        return min(value, high)


    def total(values: list[int]) -> int:
        """The sum of some values."""
        result = 0
        for value in values:
            result += value
        return result
'''
_PIECE: Final = '''
    """One piece."""

    from pieces.core import clamp, total
    {before}

    def scaled(value: int) -> int:
        """A value of this piece."""
        return clamp(value * {factor}, 0, 1000)


    def joined(values: list[int]) -> int:
        """Some values of this piece."""
        return total([scaled(value) for value in values])


    def halved(value: int) -> int:
        """Half of a value, as a whole number."""
        return value // 2
'''
_CHAINED: Final = '''

    def chained(value: int) -> int:
        """A value of the piece before, and of this one."""
        return scaled(before(value))
'''
_TEST: Final = '''
    """Tests of one piece."""

    import pytest
    from pace import work
    {helper}
    from pieces.{name} import halved, joined, scaled


    def test_scaled(small: int) -> None:
        work({share})
        assert scaled(small) == small * {factor}


    def test_scaled_stays_in_its_limits() -> None:
        work({share})
        assert scaled(5000) == 1000
        assert scaled(-1) == 0


    @pytest.mark.parametrize("values", [[1, 2], [3]])
    def test_joined(values: list[int]) -> None:
        work({share} / 2)
        assert joined(values) == sum(values) * {factor}


    def test_halved() -> None:
        work({share})
        {check}
'''


def _names() -> list[str]:
    return [f"piece_{group}_{number}" for group in range(_GROUPS) for number in range(_IN_GROUP)]


def project(folder: Path, seconds: float, kind: str) -> None:
    """Write a project of 21 modules in four chains above one, with 21 test files that take ``seconds`` in all."""
    share = round(seconds / (len(_names()) + 1) / _TESTS, 4)
    _put(
        folder / "pyproject.toml",
        '[project]\nname = "pieces"\nversion = "1"\n\n[tool.pytest.ini_options]\ntestpaths = ["tests"]\n',
    )
    _put(folder / "README.md", "# Pieces\n")
    _put(folder / "pieces" / "__init__.py", '"""Pieces."""\n')
    _put(folder / "pieces" / "core.py", _CORE)
    _put(folder / "tests" / "pace.py", _PACE[kind])
    _put(folder / "tests" / "helpers.py", _HELPERS)
    _put(folder / "tests" / "conftest.py", _CONFTEST)
    _put(folder / "tests" / "test_core.py", _TEST_CORE.format(share=share))
    for place, name in enumerate(_names()):
        group, number = divmod(place, _IN_GROUP)
        before = f"from pieces.piece_{group}_{number - 1} import scaled as before" if number else ""
        content = textwrap.dedent(_PIECE).format(before=before, factor=number + 2).replace("\n\n\n\n", "\n\n\n")
        content += textwrap.dedent(_CHAINED) if number else ""
        _put(folder / "pieces" / f"{name}.py", content)
        helper, check = (
            ("from helpers import same\n", "assert same(halved(8), 4)") if place % 2 else ("", "assert halved(8) == 4")
        )
        test = textwrap.dedent(_TEST).format(
            name=name, share=share, factor=number + 2, helper=helper.strip(), check=check
        )
        _put(folder / "tests" / f"test_{name}.py", test.replace("work\n\nfrom", "work\nfrom"))


_HELPERS: Final = '''
    """What some tests share."""


    def same(left: int, right: int) -> bool:
        """Whether two results are equal."""
        return left == right
'''
_CONFTEST: Final = '''
    """Fixtures."""

    import pytest


    @pytest.fixture
    def small() -> int:
        """A small value."""
        return 7
'''
_TEST_CORE: Final = '''
    """Tests of what all pieces use."""

    from pace import work
    from pieces.core import clamp, total


    def test_clamp() -> None:
        work({share} * 2)
        assert clamp(5, 0, 3) == 3


    def test_total() -> None:
        work({share} * 2)
        assert total([1, 2, 3]) == 6
'''


def _put(file: Path, content: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(textwrap.dedent(content).lstrip("\n"))


def _edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    if old not in text:
        raise SystemExit(f"{file.name} has no {old!r}")
    file.write_text(text.replace(old, new))


# -- honest changes ---------------------------------------------------------------------------------------------------

_MIDDLE: Final = "piece_1_1"
"""A module in the middle: a fifth of the test files can reach it."""
_NEW_TEST: Final = (
    "\n\ndef test_halved_rounds_towards_zero() -> None:\n    assert halved(-3) == -1\n    assert halved(9) == 4\n"
)


def _fixed(folder: Path, new_test: str = _NEW_TEST) -> None:
    _edit(
        folder / "pieces" / f"{_MIDDLE}.py", "return value // 2", "return value // 2 if value >= 0 else -(-value // 2)"
    )
    file = folder / "tests" / f"test_{_MIDDLE}.py"
    file.write_text(file.read_text() + new_test)


def _fixed_core(folder: Path) -> None:
    _edit(
        folder / "pieces" / "core.py",
        "    if value < low:\n",
        "    if low > high:\n        low, high = high, low\n    if value < low:\n",
    )
    file = folder / "tests" / "test_core.py"
    file.write_text(
        file.read_text()
        + "\n\ndef test_clamp_takes_its_limits_in_any_order() -> None:\n    assert clamp(5, 3, 0) == 3\n"
    )


def _faster(folder: Path) -> None:
    _edit(
        folder / "pieces" / f"{_MIDDLE}.py",
        "total([scaled(value) for value in values])",
        "total(list(map(scaled, values)))",
    )


def _faster_core(folder: Path) -> None:
    _edit(
        folder / "pieces" / "core.py",
        "    result = 0\n    for value in values:\n        result += value\n    return result\n",
        "    return sum(values)\n",
    )


def _with_helper(folder: Path) -> None:
    _fixed(
        folder,
        "\n\ndef test_halved_rounds_towards_zero() -> None:\n    assert different(halved(-3), -2)\n",
    )
    helpers = folder / "tests" / "helpers.py"
    helpers.write_text(
        helpers.read_text()
        + '\n\ndef different(left: int, right: int) -> bool:\n    """Not same."""\n    return left != right\n'
    )
    file = folder / "tests" / f"test_{_MIDDLE}.py"
    text = file.read_text()
    new = text.replace("from helpers import same\n", "from helpers import different, same\n")
    file.write_text(new if new != text else text.replace("from pace", "from helpers import different, same\nfrom pace"))


def _with_conftest(folder: Path) -> None:
    _fixed(folder, "\n\ndef test_halved_rounds_towards_zero(below: int) -> None:\n    assert halved(below) == -1\n")
    file = folder / "tests" / "conftest.py"
    file.write_text(
        file.read_text() + '\n\n@pytest.fixture\ndef below() -> int:\n    """A value below zero."""\n    return -3\n'
    )


def _renamed(folder: Path) -> None:
    for file in (folder / "pieces" / f"{_MIDDLE}.py", folder / "tests" / f"test_{_MIDDLE}.py"):
        _edit(file, "halved", "half_of")


_TESTS_OF_IT: Final = (f"tests/test_{_MIDDLE}.py", f"pieces/{_MIDDLE}.py")
_WITH_HELPER: Final = (*_TESTS_OF_IT, "tests/helpers.py")
CHANGES: Final = {
    "fix": Change("a fix of a module that some tests reach, with a new test", "fix", _fixed),
    "fix-core": Change("a fix of the module that all tests reach, with a new test", "fix", _fixed_core),
    "source": Change("source only, a module that some tests reach", "refactor", _faster),
    "source-core": Change("source only, the module that all tests reach", "refactor", _faster_core),
    "helper": Change("a fix with an edited helper of half of the tests", "fix", _with_helper, _WITH_HELPER),
    "conftest": Change("a fix with a new fixture in the conftest of all tests", "fix", _with_conftest),
    "refactor": Change("a function renamed with its tests", "refactor", _renamed, _TESTS_OF_IT),
}  # fmt: skip


# -- measuring --------------------------------------------------------------------------------------------------------


def measured(folder: Path, change: Change, seconds: float, kind: str, *, known_base: bool = False) -> Measured:
    """Judge one change cold and again. Raises SystemExit when it does not pass."""
    repository = folder / "project"
    project(repository, seconds, kind)
    _commit(repository, "base")
    base = _git(repository, "rev-parse", "HEAD")
    readme = repository / "README.md"
    readme.write_text(readme.read_text() + "\nMore.\n")
    _commit(repository, "documentation")
    documented = _git(repository, "rev-parse", "HEAD")
    _git(repository, "reset", "-q", "--hard", base)
    change.make(repository)
    _commit(repository, "change")
    head = _git(repository, "rev-parse", "HEAD")
    _pytest(repository, "--collect-only")  # what is installed gets compiled, as it is where people run their tests
    started = time.perf_counter()
    _pytest(repository)
    plain = time.perf_counter() - started

    def judge(name: str, cache: str, head: str = head, kind: str | None = change.kind) -> tuple[Verification, float]:
        begun = time.perf_counter()
        verification = asyncio.run(
            judge_apart(
                Request(
                    repository,
                    base,
                    head,
                    folder / name,
                    list(change.scope) or None,
                    list(CHECKS),
                    folder / cache,
                    kind=kind,
                )
            )
        )
        return verification, time.perf_counter() - begun

    before = _cpu()
    first, cold = judge("cold", "cache")
    cpu = _cpu() - before
    second, again = judge("again", "cache")
    if not first.passed or not second.passed:
        raise SystemExit(f"the change did not pass: {first.reasons + second.reasons}")
    later = 0.0
    if known_base:
        judge("documented", "other", documented, None)
        _, later = judge("later", "other")
    commands = [command for check in first.checks for command in check.commands if not command.cached]
    slowest = max(command.duration_s for command in commands if command.label.startswith("pytest"))
    return Measured(cold, again, slowest, sum(one.duration_s for one in commands), plain, cpu, later)


def _pytest(repository: Path, *arguments: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    subprocess.run(
        command, cwd=repository, check=True, stdout=subprocess.DEVNULL, env={**environment, "PYTHONPATH": "."}
    )


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _git(folder: Path, *arguments: str) -> str:
    settings = ["-c", "user.name=b", "-c", "user.email=b@localhost"]
    done = subprocess.run(["git", *settings, *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def _commit(folder: Path, message: str) -> None:
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-qm", message]):
        _git(folder, *arguments)


def measure(folder: Path) -> Iterator[tuple[str, str]]:
    """A suite of five seconds, for ``python -m benchmarks``; the others have a command of their own."""
    for name in ("fix", "source"):
        yield from measured(folder / name, CHANGES[name], 5.0, "busy").figures(f"{name}, 5 s")


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table of what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.suites", description="Verification of longer suites.")
    parser.add_argument("--seconds", type=float, nargs="+", default=[5.0], help="how long the suites take (default: 5)")
    parser.add_argument("--only", nargs="+", choices=list(CHANGES), default=list(CHANGES), help="kinds of changes")
    parser.add_argument("--kind", nargs="+", choices=_KINDS, default=["busy"], help="what the tests do")
    parser.add_argument("--known-base", action="store_true", help="measure as well with the base's run in the cache")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep repositories and evidence (a new folder)")
    options = parser.parse_args(arguments)
    print(f"{os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}, Python {sys.version.split()[0]}")
    print(
        f"{'':<28} {'plain':>6} {'cold':>6} {'/slowest':>9} {'/plain':>7} {'known':>6} {'sum/':>5} {'again/':>7} "
        f"{'CPU':>6}  load"
    )
    for kind in options.kind:
        for seconds in options.seconds:
            for name in options.only:
                with tempfile.TemporaryDirectory(prefix="suites-") as temporary:
                    folder = options.keep / f"{name}-{kind}-{seconds:g}" if options.keep else Path(temporary)
                    found = measured(folder.absolute(), CHANGES[name], seconds, kind, known_base=options.known_base)
                known = f"{found.known_base / found.plain:.2f}" if found.known_base else ""
                print(
                    f"{name + ', ' + kind + f' {seconds:g} s':<28} {found.plain:>6.2f} {found.cold:>6.2f} "
                    f"{found.cold / found.slowest:>9.2f} {found.cold / found.plain:>7.2f} {known:>6} "
                    f"{found.summed / found.cold:>5.2f} {found.again / found.cold:>7.3f} {found.cpu:>6.2f}  "
                    f"{os.getloadavg()[0]:.1f}",
                    flush=True,
                )
    return 0


if __name__ == "__main__":
    sys.exit(main())

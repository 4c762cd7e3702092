"""Changes of the judge's rules: looser, stricter, or something in between."""

from __future__ import annotations

import pytest

from claude_orchestrator.graders.command_line import (
    changed_arguments,
    disarmed_commands,
    is_automation,
    weakened_commands,
)
from claude_orchestrator.graders.configuration import conftest_edits, new_plugins, new_powers
from claude_orchestrator.graders.rule_changes import by_path, rule_changes

CODE = ["src/calc/__init__.py", "src/calc/core.py", "tests/test_a.py", "tests/unit/test_b.py", "examples/demo.py"]
TESTS = ["tests/test_a.py", "tests/unit/test_b.py"]


def changes(before: str, after: str, file: str = "pyproject.toml") -> list[tuple[str, str]]:
    found = rule_changes({file: before.encode()}, {file: after.encode()}, CODE, TESTS)
    return [(change.setting, change.severity) for change in found]


def worst(before: str, after: str, file: str = "pyproject.toml") -> str:
    found = {severity for _, severity in changes(before, after, file)}
    return next((one for one in ("problem", "review", "note") if one in found), "nothing")


PYTEST = '[tool.pytest.ini_options]\ntestpaths = ["tests"]\naddopts = "-ra --strict-markers"\nxfail_strict = true\n'
PYTEST += 'filterwarnings = ["error"]\n'
RUFF = '[tool.ruff]\nline-length = 100\n[tool.ruff.lint]\nselect = ["E", "F", "B", "S"]\nignore = ["E501"]\n'
MYPY = "[tool.mypy]\nwarn_unreachable = true\ndisallow_untyped_defs = true\nno_implicit_reexport = true\n"
COVERAGE = "[tool.coverage.run]\nbranch = true\n[tool.coverage.report]\nfail_under = 90\n"
COVERAGE += 'exclude_also = ["if TYPE_CHECKING:"]\n'
BANDIT = '[tool.bandit]\nskips = ["B101"]\n'


@pytest.mark.parametrize(
    ("before", "after"),
    [
        *((PYTEST, PYTEST.replace("-ra", f"-ra {more}")) for more in (
            "--deselect tests/test_a.py::test_x", "--ignore=tests/unit", "--ignore-glob=*b.py", "-k 'not x'", "-k=x",
            "-m 'not slow'",
            "-p no:python", "--runxfail", "--noconftest", "--assert=plain", "--collect-only", "-o xfail_strict=0",
            "-W ignore",
            "--last-failed", "--reruns 3",
        )),
        (PYTEST, PYTEST.replace(" --strict-markers", "")),
        (PYTEST, PYTEST.replace('["tests"]', '["tests/unit"]')),
        (PYTEST.replace('testpaths = ["tests"]\n', ""), PYTEST.replace('["tests"]', '["tests/unit"]')),
        (PYTEST, PYTEST + 'python_files = ["check_*.py"]\n'),
        (PYTEST, PYTEST + 'python_functions = ["check_*"]\n'),
        (PYTEST, PYTEST + 'norecursedirs = ["unit"]\n'),
        (PYTEST, PYTEST.replace('["error"]', "[]")),
        (PYTEST, PYTEST.replace('["error"]', '["error", "ignore"]')),
        (PYTEST, PYTEST.replace("xfail_strict = true", "xfail_strict = false")),
        (PYTEST, ""),
        (RUFF, RUFF.replace('"E501"', '"E501", "F841"')),
        (RUFF, RUFF.replace('"E501"', '"E501", "F"')),
        (RUFF, RUFF.replace(', "S"', "")),
        (RUFF, ""),
        (RUFF, RUFF + '[tool.ruff.lint.per-file-ignores]\n"src/calc/core.py" = ["F841"]\n'),
        (RUFF, RUFF + '[tool.ruff.lint.per-file-ignores]\n"*" = ["S"]\n'),
        (RUFF, RUFF + '[tool.ruff.lint.per-file-ignores]\n"src/calc/*.py" = ["ALL"]\n'),
        (RUFF, RUFF.replace("line-length = 100", 'extend-exclude = ["src/calc/core.py"]')),
        (RUFF, RUFF.replace("line-length = 100", 'exclude = ["src"]')),
        (RUFF + "[tool.ruff.lint.mccabe]\nmax-complexity = 10\n",
        RUFF + "[tool.ruff.lint.mccabe]\nmax-complexity = 30\n"),
        (MYPY, MYPY + "ignore_errors = true\n"),
        (MYPY, MYPY + "ignore_missing_imports = true\n"),
        (MYPY, MYPY + 'follow_imports = "skip"\n'),
        (MYPY, MYPY + 'disable_error_code = ["arg-type"]\n'),
        (MYPY, MYPY + 'exclude = ["core\\\\.py$"]\n'),
        (MYPY, MYPY.replace("untyped_defs = true", "untyped_defs = false")),
        (MYPY, MYPY.replace("disallow_untyped_defs = true\n", "")),
        (MYPY, MYPY + '[[tool.mypy.overrides]]\nmodule = "calc.core"\nignore_errors = true\n'),
        (MYPY, MYPY + '[[tool.mypy.overrides]]\nmodule = "calc.*"\ndisable_error_code = ["misc"]\n'),
        (MYPY, MYPY + 'files = ["src/calc/__init__.py"]\n'),
        (MYPY + "strict = true\n", MYPY),
        (BANDIT, BANDIT.replace('"B101"', '"B101", "B602"')),
        (BANDIT, BANDIT + 'exclude_dirs = ["src"]\n'),
        (BANDIT, BANDIT + 'tests = ["B301"]\n'),
        (COVERAGE, COVERAGE.replace("90", "80")),
        (COVERAGE, COVERAGE.replace("fail_under = 90\n", "")),
        (COVERAGE, COVERAGE.replace("branch = true", "branch = false")),
        (COVERAGE, COVERAGE.replace("branch = true", 'branch = true\nomit = ["src/calc/core.py"]')),
        (COVERAGE, COVERAGE.replace('"if TYPE_CHECKING:"', '"if TYPE_CHECKING:", "def "')),
    ],
)  # fmt: skip
def test_looser(before: str, after: str) -> None:
    assert worst(before, after) == "problem"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (PYTEST, PYTEST + 'markers = ["slow: takes long"]\n'),
        (PYTEST, PYTEST.replace("-ra", "-ra -q --tb=short --cov=calc --strict-config --durations=5")),
        (PYTEST, PYTEST.replace("-ra", "-q")),
        (PYTEST, PYTEST.replace("--strict-markers", "--strict")),
        (PYTEST, PYTEST.replace('["tests"]', '["tests", "examples"]')),
        (PYTEST, PYTEST + 'asyncio_mode = "auto"\n'),
        (PYTEST, PYTEST + "minversion = 8\nlog_cli = true\n"),
        (PYTEST, PYTEST + 'python_files = ["test_*.py", "*_test.py", "check_*.py"]\n'),
        (PYTEST, PYTEST.replace('["error"]', '["error", "ignore:x is old:DeprecationWarning"]')),
        (PYTEST.replace("xfail_strict = true\n", ""), PYTEST),
        ("", PYTEST),
        (RUFF, RUFF.replace('"S"', '"S", "UP", "I"')),
        (RUFF, RUFF.replace("100", "120")),
        (RUFF, RUFF.replace('"E501"', '"E501", "D203", "PLR0913"')),
        (RUFF, RUFF.replace('["E501"]', "[]")),
        (RUFF, RUFF.replace('"E", ', '"E4", "E7", "E9", ')),
        (RUFF, RUFF.replace('["E", "F", "B", "S"]', '["ALL"]')),
        (RUFF, RUFF.replace("[tool.ruff]\n", '[tool.ruff]\ntarget-version = "py311"\n')),
        (RUFF, RUFF + '[tool.ruff.lint.per-file-ignores]\n"tests/*" = ["S101"]\n"__init__.py" = ["F401"]\n'),
        (RUFF, RUFF.replace("line-length = 100", 'extend-exclude = ["vendored", "examples", "docs"]')),
        (RUFF, RUFF + '[tool.ruff.lint.isort]\ncombine-as-imports = true\n[tool.ruff.format]\npreview = true\n'),
        ("", RUFF), ("", MYPY), ("", COVERAGE),
        (MYPY, MYPY + "strict = true\n"),
        (MYPY, "[tool.mypy]\nwarn_unreachable = true\nstrict = true\n"),
        (MYPY, MYPY + 'python_version = "3.11"\npretty = true\n'),
        (MYPY, MYPY + '[[tool.mypy.overrides]]\nmodule = ["yaml.*", "boto3"]\nignore_missing_imports = true\n'),
        (MYPY, MYPY + '[[tool.mypy.overrides]]\nmodule = "tests.*"\ndisallow_untyped_defs = false\n'),
        (MYPY, MYPY + 'enable_error_code = ["truthy-bool"]\nexclude = ["^build/"]\n'),
        (BANDIT, BANDIT.replace('["B101"]', "[]")),
        (BANDIT, BANDIT + 'exclude_dirs = ["tests", "docs"]\n'),
        (COVERAGE, COVERAGE.replace("90", "95")),
        (COVERAGE, COVERAGE.replace('"if TYPE_CHECKING:"',
        '"if TYPE_CHECKING:", "raise NotImplementedError", "@overload"')),
        (COVERAGE, COVERAGE + "show_missing = true\nskip_covered = true\n"),
        (COVERAGE, COVERAGE.replace("branch = true", 'branch = true\nomit = ["tests/*", "*/_version.py"]')),
    ],
)  # fmt: skip
def test_stricter_or_harmless(before: str, after: str) -> None:
    assert worst(before, after) == "note", changes(before, after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (PYTEST, PYTEST + 'pythonpath = ["lib"]\n'),
        (PYTEST, PYTEST + 'usefixtures = ["x"]\n'),
        (PYTEST, PYTEST.replace("-ra", "-ra tests/unit")),
        (MYPY, MYPY + 'plugins = ["x"]\n'),
        (MYPY, MYPY.replace("warn_unreachable = true\n", "")),
        (BANDIT, BANDIT.replace('"B101"', '"B101", "B603"')),
        ("", '[tool.claude-orchestrator]\npython = "bin/python"\n'),
    ],
)
def test_unclear(before: str, after: str) -> None:
    assert worst(before, after) == "review"


def test_tables_of_tools_that_judge_nothing() -> None:
    assert changes("", '[tool.black]\nline-length = 1\n[tool.isort]\nprofile = "black"\n[tool.pyright]\nx = 1\n') == []


def test_moving_settings_to_another_file_changes_nothing() -> None:
    before = {
        "setup.cfg": b"[tool:pytest]\ntestpaths = tests\naddopts = -ra\n"
        b"[mypy]\nstrict = True\n[mypy-yaml.*]\nignore_errors = True\n"
    }
    after = {
        "pyproject.toml": b'[tool.pytest.ini_options]\ntestpaths = ["tests"]\naddopts = ["-ra"]\n'
        b"[tool.mypy]\nstrict = true\n"
        b'[[tool.mypy.overrides]]\nmodule = "yaml.*"\nignore_errors = true\n'
    }
    assert rule_changes(before, after, CODE, TESTS) == []
    before = {"ruff.toml": b'select = ["E"]\n'}
    assert rule_changes(before, {"pyproject.toml": b'[tool.ruff.lint]\nselect = ["E"]\n'}, CODE, TESTS) == []
    assert changes(RUFF.replace("[tool.ruff.lint]\n", ""), RUFF) == []
    coverage = {".coveragerc": b"[run]\nbranch = True\n"}
    assert rule_changes(coverage, {"pyproject.toml": b"[tool.coverage.run]\nbranch = true\n"}, CODE, TESTS) == []


def test_a_nested_file_that_replaces_the_rules_above_it() -> None:
    root = {"pyproject.toml": RUFF.encode()}
    found = rule_changes(root, {**root, "src/calc/ruff.toml": b"line-length = 1\n"}, CODE, TESTS)
    assert "problem" in {change.severity for change in found}
    paths = by_path(root, {**root, "src/calc/ruff.toml": b"line-length = 1\n"}, ["src/calc/ruff.toml"], CODE, TESTS)
    assert set(paths) == {"src/calc/ruff.toml"}


def test_ini_files() -> None:
    assert worst("[pytest]\naddopts = -ra\n", "[pytest]\naddopts = -ra -k 'not x'\n", "pytest.ini") == "problem"
    assert worst("[mypy]\nstrict = True\n", "[mypy]\nstrict = False\n", "mypy.ini") == "problem"
    assert worst("[mypy]\n", "[mypy]\n[mypy-calc.core]\nignore_errors = True\n", "mypy.ini") == "problem"
    assert worst("[report]\nfail_under = 80\n", "[report]\nfail_under = 70\n", ".coveragerc") == "problem"
    assert worst("[bandit]\nskips: B101\n", "[bandit]\nskips: B101,B307\n", ".bandit") == "problem"
    assert worst("[flake8]\nignore = E501\n", "[flake8]\nignore = E501,F401\n", "setup.cfg") == "nothing"
    assert worst("[pytest]\nmarkers =\n  a: x\n", "[pytest]\nmarkers =\n  a: x\n  b: y\n", "pytest.ini") == "note"


def test_limits_that_went_up() -> None:
    assert changed_arguments("--cov-fail-under=80", "--cov-fail-under=90")[0] == "note"
    assert changed_arguments("--cov-fail-under=80", "--cov-fail-under=70")[0] == "problem"
    assert changed_arguments("-q", None)[0] == "note"
    assert changed_arguments(["-k", "x"], ["-k", "x", "-v"])[0] == "note"


@pytest.mark.parametrize(
    ("before", "after", "count"),
    [
        ("run: pytest -q\n", "run: pytest -q || true\n", 1),
        ("run: pytest -q\n", "run: pytest -q\ncontinue-on-error: true\n", 1),
        ("run: pytest\nrun: mypy src\n", "run: pytest\n", 1),
        ("run: pytest\n", "", 1),
        ("run: pytest\n", "run: pytest -q --cov\n", 0),
        ("run: pytest\n", "run: tox\nrun: pytest\n", 0),
        ("python: 3.8\nrun: pytest\n", "python: 3.9\nrun: pytest\n", 0),
        ("run: echo x\n", "", 0),
    ],
)
def test_commands_of_automation(before: str, after: str, count: int) -> None:
    assert len(weakened_commands(before.encode(), after.encode())) == count


@pytest.mark.parametrize(
    ("before", "after", "count"),
    [
        ("  coverage run -m pytest\n", '  coverage run -m pytest -k "not repr"\n', 1),
        ("  pytest tests\n", "  pytest tests --deselect tests/test_a.py::test_b\n", 1),
        ("  pytest -k 'not slow'\n", "  pytest -k 'not slow' --cov\n", 0),
        ("  pytest tests\n", "  pytest -q tests\n", 0),
        ("  python -m pytest\n", "  python3 -m pytest\n", 0),
        ("repos:\n- repo: a\n", "exclude: ^src/\nrepos:\n- repo: a\n", 1),
        ("exclude: ^docs/\nrepos:\n- repo: a\n", "exclude: ^docs/\nrepos:\n- repo: a\n  rev: 2\n", 0),
        ("- id: mypy\n- id: black\n", "- id: black\n", 1),
    ],
)
def test_commands_that_look_at_less(before: str, after: str, count: int) -> None:
    assert len(weakened_commands(before.encode(), after.encode())) == count


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("\tpytest tests\n", "\tpytest tests || true\n", ["pytest tests || true"]),
        ("  - run: mypy src\n", "  - run: mypy src; exit 0\n", ["- run: mypy src; exit 0"]),
        ("run: ruff check .\n", "run: ruff check . --exit-zero\n", ["run: ruff check . --exit-zero"]),
        ("\tpytest tests\n", "\tpytest tests\n\tpytest tests/slow || true\n", []),
        ("\trm -r build\n", "\trm -r build || true\n", []),
        ("\tpytest tests || true\n", "\tpytest tests || true\n", []),
    ],
)
def test_commands_whose_failure_counts_for_nothing_now(before: str, after: str, expected: list[str]) -> None:
    assert disarmed_commands(before.encode(), after.encode()) == expected


def test_what_automation_is() -> None:
    assert all(map(is_automation, (".github/workflows/ci.yml", ".gitlab-ci.yml", "noxfile.py", "Makefile")))
    assert not any(map(is_automation, ("src/Makefile.py", ".github/ISSUE_TEMPLATE.yml", "docs/Makefile", "a.yml")))


@pytest.mark.parametrize(
    ("after", "severities"),
    [
        ("def pytest_collection_modifyitems(items):\n    items.clear()\n", ["problem"]),
        ("@hook\ndef pytest_runtest_makereport(item):\n    yield\n", ["problem"]),
        ("def pytest_runtest_setup(item):\n    if 'a' in item.name:\n        pytest.skip('x')\n", ["problem"]),
        ("def pytest_runtest_setup(item):\n    if slow(item):\n        pytest.skip('x')\n", ["review"]),
        ("collect_ignore = ['test_a.py']\n", ["problem"]),
        ("collect_ignore_glob: list = ['*']\n", ["problem"]),
        ("from x import pytest_runtest_protocol\n", ["problem"]),
        ("pytest_ignore_collect = f\n", ["problem"]),
        ("from x import *\n", ["review"]),
        ("import pytest\n@pytest.fixture(autouse=True)\ndef f():\n    pass\n", ["review"]),
        ("pytest_plugins = ['x']\n", ["review"]),
        (
            (
                "@pytest.fixture(autouse=True)\ndef f(request, monkeypatch):\n    if 'x' in request.node.name:\n"
                "        monkeypatch.setattr('calc.add', None)\n"
            ),
            ["problem"],
        ),
        ("import sys\nsys.path.insert(0, 'x')\n", ["review"]),
        ("def pytest_configure(config):\n    config.addinivalue_line('markers', 'slow: x')\n", []),
        ("def pytest_addoption(parser):\n    parser.addoption('--slow')\n", []),
        ("import pytest\n@pytest.fixture\ndef f():\n    return 1\n", []),
    ],
)
def test_what_a_conftest_newly_does(after: str, severities: list[str]) -> None:
    assert [severity for severity, _ in new_powers(b"", after.encode())] == severities


def test_what_a_conftest_changes() -> None:
    before = b"def one():\n    return 1\n\n\ndef two():\n    return 2\n"
    assert conftest_edits(before, before + b"\n\ndef three():\n    return 3\n") == []
    assert conftest_edits(before, before.replace(b"return 2", b"return 3")) == ["two"]
    assert conftest_edits(before, b"") == ["one", "two"]
    assert new_plugins(b"", b"[project.entry-points.pytest11]\n")
    assert not new_plugins(b"pytest11", b"pytest11 x")

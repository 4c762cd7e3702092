"""Honest changes on everyday repositories: none of them may be called a failure."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from verifier_world import CODE, PROJECT, PYPROJECT, TESTS, World, check

ALL = ("pytest", "ruff", "mypy", "bandit")
OLD = "def old(x=[]):\n    y: int = ''\n    return undefined, eval(x)\n"


@pytest.mark.parametrize(
    ("files", "change"),
    [
        pytest.param(
            {"app.py": "def f(x):\n    return x\n"},
            {
                "app.py": "try:\n    import tomllib\nexcept ImportError:\n    tomllib = None\n\ncache = {}\n\n\n"
                "def f(x):\n    return tomllib, cache[x]\n"
            },
            id="untyped code in a project without configuration",
        ),
        pytest.param(
            PROJECT,
            {"src/calc/__init__.py": CODE + "\nfrom .more import f\n", "src/calc/more.py": "def f() -> None: ...\n"},
            id="a name that a package passes on",
        ),
        pytest.param(
            {**PROJECT, "src/calc/a.py": OLD + "\n\ndef b() -> int:\n    return 1\n"},
            {"src/calc/a.py": "def b() -> int:\n    return 1\n", "src/calc/c.py": OLD},
            id="moved code with old findings",
        ),
        pytest.param(
            {**PROJECT, "src/calc/a.py": OLD},
            {"src/calc/a.py": OLD.replace("def old", "def new")},
            id="a renamed function with old findings",
        ),
        pytest.param(
            {**PROJECT, "src/calc/a.py": OLD},
            {"src/calc/a.py": OLD.replace("undefined, eval(x)", "(\n        undefined,\n        eval(x),\n    )")},
            id="reformatted code with old findings",
        ),
        pytest.param({"main.go": "package main\n"}, {"main.go": "package main // x\n"}, id="no Python at all"),
        pytest.param(
            {"calendar.py": CODE, "test_calc.py": TESTS.replace("calc import", "calc_more import"),
             "calc_more.py": CODE},
            {"calc_more.py": CODE + "\n\nX = 1\n"},
            id="a module with the name of one of the standard library",
        ),
    ],
)  # fmt: skip
def test_all_checks(tmp_path: Path, known: Path, files: dict[str, str], change: dict[str, str]) -> None:
    done = World(tmp_path, files, known).judge(change, checks=ALL)
    assert done.verdict == "passed", done.reasons


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('[tool.poetry]\nversion = "1"\n', '[tool.poetry]\nversion = "2"\n[tool.poetry.dependencies]\nsix = "*"\n'),
        ('[project]\nname = "a"\nversion = "1"\n', '[project]\nname = "a"\nversion = "2"\nreadme = "README.md"\n'),
        ("[tool.hatch.version]\npath = 'a'\n", "[tool.hatch.version]\npath = 'b'\n"),
    ],
)
def test_versions_and_dependencies_are_no_rules(tmp_path: Path, before: str, after: str) -> None:
    world = World(tmp_path, {**PROJECT, "pyproject.toml": before})
    assert world.judge({"pyproject.toml": after}, checks=()).verdict == "passed"


def test_a_new_test_with_a_rule_of_its_own_goes_to_a_human(tmp_path: Path, known: Path) -> None:
    world = World(tmp_path, PROJECT, known)
    helped = "import helper\nfrom calc import add\n\n\ndef test_b():\n    assert add(1, 1) == helper.two()\n"
    change = {
        "pyproject.toml": PYPROJECT + 'pythonpath = ["helpers"]\n',
        "helpers/helper.py": "def two() -> int:\n    return 2\n",
        "tests/test_b.py": helped,
    }
    done = world.judge(change)
    assert done.verdict == "needs_review", done.reasons
    said = next(reason for reason in done.reasons if reason.startswith("pytest"))
    assert "the change's own configuration of the tests was not used" in said
    assert "No module named 'helper'" in said
    assert world.judge({**change, "src/calc/__init__.py": CODE.replace("+", "-")}).verdict == "failed"
    assert world.judge({"tests/test_b.py": helped}).verdict == "failed"


def test_a_missing_dependency_is_named(tmp_path: Path, known: Path) -> None:
    world = World(tmp_path, PROJECT, known)
    done = world.judge({"src/calc/__init__.py": "import no_such_dependency\n" + CODE})
    assert done.verdict == "failed"
    assert check(done, "pytest").reasons[0].endswith("ModuleNotFoundError: No module named 'no_such_dependency'")


def test_mypy_runs_from_the_seed_of_a_base_and_says_the_same(tmp_path: Path) -> None:
    world = World(tmp_path, {**PROJECT, "src/calc/old.py": "x: int = ''\n"})
    seeds = world.cache / "mypy"
    wrong = {"src/calc/__init__.py": CODE.replace("a + b", "'' + b")}  # as long as before

    def judged() -> tuple[set[tuple[str, str]], int]:
        for results in world.cache.glob("??"):
            shutil.rmtree(results)
        result = check(world.judge(wrong, checks=("mypy",)), "mypy")
        assert all("/dev/null" in command.by_hand for command in result.commands)
        return {(found.rule, found.path) for found in result.findings}, result.known

    cold = judged()
    assert cold == ({("operator", "src/calc/__init__.py")}, 1)
    assert len(list(seeds.iterdir())) == 1
    assert judged() == cold
    for database in seeds.rglob("*.db"):
        database.write_bytes(b"damaged")
    assert judged() == cold
    shutil.rmtree(seeds)
    seeds.write_text("no folder")
    assert judged() == cold


MYPY_PLUGIN = "from mypy.plugin import Plugin\n\n\ndef plugin(version: str) -> type[Plugin]:\n    return Plugin\n"


def test_mypy_keeps_what_it_worked_out_of_a_change_without_errors(tmp_path: Path) -> None:
    plugin = {"mypy.ini": "[mypy]\nplugins = mine.py\n", "mine.py": MYPY_PLUGIN}
    for name, files, kept in (("plain", {}, 1), ("with code of its own", plugin, 0)):
        (tmp_path / name).mkdir()
        world = World(tmp_path / name, {**PROJECT, **files})
        done = world.judge({"src/calc/more.py": "x: int = 1\n"}, checks=("mypy",))
        assert [command.label for command in check(done, "mypy").commands] == ["mypy-own"]
        assert done.passed
        assert len(list(world.cache.glob("mypy/*"))) == kept

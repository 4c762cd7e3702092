"""Changes that must not pass: each of these got past the verifier once."""

from __future__ import annotations

import asyncio
import os
import py_compile
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from verifier_world import CODE, PROJECT, PYPROJECT, TESTS, World, check, make_venv

from claude_orchestrator.orchestrator.verification import Verification
from claude_orchestrator.orchestrator.verifier import judge

BROKEN = CODE.replace("a + b", "a - b")
ALWAYS_PASSED = (
    "import pytest\n\n\n@pytest.hookimpl(hookwrapper=True)\ndef pytest_runtest_makereport():\n"
    "    report = (yield).get_result()\n    report.outcome = 'passed'\n"
)
MUTABLE = "def collect(x, seen=[]):\n    seen.append(x)\n    return seen\n"


def rules(verification: Verification, name: str = "pytest") -> set[str]:
    return {found.rule for found in check(verification, name).findings if found.severity != "note"}


# -- tests --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "more",
    [
        {"tests/test_a.py": "import calc\n\ncalc.add = lambda a, b: a + b\n\n\ndef test_a(): pass\n"},
        {"src/always.py": ALWAYS_PASSED, "tests/test_a.py": "pytest_plugins = ['always']\n\n\ndef test_a(): pass\n"},
    ],
)
def test_new_tests_cannot_repair_broken_code_for_the_old_ones(world: World, more: dict[str, str]) -> None:
    done = world.judge({"src/calc/__init__.py": BROKEN, **more})
    assert done.verdict == "failed"
    said = check(done, "pytest").reasons[0]
    assert "with the base's tests" in said or "a test that has to fail did not" in said or "was exchanged" in said


@pytest.mark.parametrize(
    ("tests", "said", "verdict", "when_allowed"),
    [
        (TESTS.replace("test_add", "check_add"), "is no longer collected", "failed", "needs_review"),
        (
            TESTS.replace("def test_add", "import pytest\n@pytest.mark.skip\ndef test_add"),
            "is newly silenced",
            "failed",
            "needs_review",
        ),
        (TESTS.replace("== 5", "== -1"), "passes only in the version of the change", "needs_review", "passed"),
    ],
)
def test_hiding_a_failing_test_is_no_repair(
    world: World, tests: str, said: str, verdict: str, when_allowed: str
) -> None:
    world.base = world.commit({"src/calc/__init__.py": BROKEN})
    done = world.judge({"tests/test_calc.py": tests})
    assert done.verdict == verdict
    assert said in done.reasons[0]
    assert world.judge({"tests/test_calc.py": tests}, scope=["tests/test_calc.py"]).verdict == when_allowed


def test_a_repair_of_a_failing_test_passes(world: World) -> None:
    world.base = world.commit({"src/calc/__init__.py": BROKEN})
    assert world.judge({"src/calc/__init__.py": CODE}).verdict == "passed"


def test_deleting_a_file_that_could_not_be_collected(tmp_path: Path) -> None:
    world = World(tmp_path, {**PROJECT, "tests/test_old.py": "import no_such_module\n"})
    done = world.judge({"tests/test_old.py": None})
    assert done.verdict == "needs_review"
    assert "tests/test_old.py::collection failed at the base and is gone now" in done.reasons[0]


def test_where_nothing_passes_nothing_was_shown(tmp_path: Path) -> None:
    world = World(tmp_path, {**PROJECT, "tests/test_calc.py": "import no_such_module\n" + TESTS})
    done = world.judge({"src/calc/__init__.py": BROKEN})
    assert done.verdict == "needs_review"
    assert "no test passes" in done.reasons[0]
    assert "No module named 'no_such_module'" in done.reasons[0]


def test_ids_that_look_like_addresses_are_not_mixed_up(tmp_path: Path) -> None:
    tests = (
        "import pytest\nfrom calc import add\n\n\n@pytest.mark.parametrize('x', ['0xaaaaaaa', '0xbbbbbbb'])\n"
        "def test_hex(x):\n    assert add(int(x, 16), 0) == int(x, 16)\n"
    )
    world = World(tmp_path, {**PROJECT, "tests/test_hex.py": tests})
    broken = CODE.replace("return a + b", "return a + b if a != 0xAAAAAAA else 1")
    assert world.judge({"src/calc/__init__.py": broken}).verdict == "failed"


def test_new_tests_that_end_the_run_before_it_begins(tmp_path: Path) -> None:
    world = World(tmp_path, {"app.py": "x = 1\n"})
    done = world.judge({"test_app.py": "import sys\n\nsys.exit(0)\n\n\ndef test_x():\n    assert 0\n"})
    assert done.verdict == "failed"
    assert "broke off before its tests were collected" in check(done, "pytest").reasons[0]


# -- what is imported ---------------------------------------------------------------------------------


def test_a_new_source_folder_cannot_stand_in_for_the_code(tmp_path: Path) -> None:
    world = World(tmp_path, {"calc/__init__.py": CODE, "tests/test_calc.py": TESTS})
    assert world.judge({"calc/__init__.py": BROKEN, "src/calc/__init__.py": CODE}).verdict == "failed"


def test_moving_all_code_to_a_source_folder_is_honest(tmp_path: Path) -> None:
    world = World(tmp_path, {"calc/__init__.py": CODE, "tests/test_calc.py": TESTS})
    assert world.judge({"calc/__init__.py": None, "src/calc/__init__.py": CODE}).verdict == "passed"


@pytest.mark.parametrize("name", ["pytest_timeout", "json", "_pytest/__init__"])
def test_new_modules_in_the_place_of_those_that_pytest_loads(
    world: World, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VIRTUAL_ENV")  # our own Python has a plugin
    done = world.judge({f"src/{name}.py": ALWAYS_PASSED})
    assert "pytest/stand-in" in rules(done)
    assert done.verdict != "passed"


def test_metadata_in_capitals_is_metadata(world: World) -> None:
    done = world.judge(
        {
            "src/calc/__init__.py": BROKEN,
            "src/evil.py": ALWAYS_PASSED,
            "src/evil-1.DIST-INFO/METADATA": "Metadata-Version: 2.1\nName: evil\nVersion: 1\n",
            "src/evil-1.DIST-INFO/entry_points.txt": "[pytest11]\nevil = evil\n",
        }
    )
    assert done.verdict == "failed"
    assert "pytest/failed" in rules(done)


def test_compiled_files_do_not_stand_in_for_their_sources(world: World) -> None:
    world.git("checkout", "--quiet", "--detach", world.base)
    source, cache = world.project / "src/calc/__init__.py", world.project / "src/calc/__pycache__"
    unchecked = py_compile.PycInvalidationMode.UNCHECKED_HASH
    compiled = cache / f"__init__.{sys.implementation.cache_tag}.pyc"
    py_compile.compile(str(source), cfile=str(compiled), invalidation_mode=unchecked)
    (world.project / "src/calc/more.pyc").write_bytes(compiled.read_bytes())
    head = world.commit({"src/calc/__init__.py": BROKEN})
    done = asyncio.run(judge(world.request(head)))
    assert "pytest/failed" in rules(done)
    assert ("scope/compiled", "src/calc/more.pyc") in {
        (found.rule, found.path) for found in check(done, "scope").findings
    }


def test_an_installed_copy_is_not_tested_in_place_of_the_code(tmp_path: Path) -> None:
    """``python/`` is no source root that anybody would guess, and nothing points to it."""
    files = {"python/calc/__init__.py": CODE, "tests/test_calc.py": TESTS, "pyproject.toml": PYPROJECT}
    world = World(tmp_path, {**files, ".gitignore": ".venv\n"})
    installed = tmp_path / "installed" / "site-packages"
    (installed / "calc").mkdir(parents=True)
    (installed / "calc/__init__.py").write_text(CODE)
    make_venv(world.project / ".venv", installed)
    done = world.judge({"python/calc/__init__.py": BROKEN})
    assert done.verdict == "error"
    assert "did not import the judged tree" in done.reasons[0]


def test_a_change_does_not_bring_the_python_that_judges_it(world: World) -> None:
    world.git("checkout", "--quiet", "--detach", world.base)
    python = world.project / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    done = asyncio.run(judge(world.request(world.commit({"src/calc/__init__.py": BROKEN}))))
    assert done.verdict == "error"
    assert "lies in files that the change brings" in done.reasons[0]


def test_variables_of_the_environment_reach_no_test(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_ADDOPTS", "--deselect tests/test_calc.py::test_add")
    monkeypatch.setenv("PYTEST_PLUGINS", "no_such_plugin")
    assert rules(world.judge({"src/calc/__init__.py": BROKEN + "\n"})) == {"pytest/failed"}


# -- configuration that goes by another name ------------------------------------------------------------


def linked(folder: Path, link: str, target: str, content: str) -> World:
    world = World(folder, {**PROJECT, "pyproject.toml": "", target: content})
    (world.project / link).unlink(missing_ok=True)
    (world.project / link).symlink_to(target)
    world.base = world.commit({})
    return world


def test_the_target_of_a_linked_configuration_is_configuration(tmp_path: Path) -> None:
    world = linked(tmp_path, "ruff.toml", "config/lint.toml", '[lint]\nselect = ["F", "B"]\n')
    weak = {"config/lint.toml": '[lint]\nselect = ["E9"]\n', "src/calc/more.py": MUTABLE}
    done = world.judge(weak, checks=("ruff",))
    assert rules(done, "ruff") == {"B006"}
    assert "config/lint.toml: loosens the rules" in done.reasons[0]


def test_a_linked_configuration_is_read(tmp_path: Path) -> None:
    world = linked(tmp_path, "pyproject.toml", "config/project.toml", "[tool.mypy]\nstrict = true\n")
    done = world.judge({"src/calc/more.py": "def f(x):\n    return x\n"}, checks=("mypy",))
    assert rules(done, "mypy") == {"no-untyped-def"}


def test_what_ruff_extends_is_configuration(tmp_path: Path) -> None:
    files = {
        "pyproject.toml": '[tool.ruff]\nextend = "config/lint.toml"\n',
        "config/lint.toml": 'extend = "more.toml"\n',
        "config/more.toml": '[lint]\nselect = ["F", "B"]\n',
    }
    world = World(tmp_path, {**PROJECT, **files})
    weak = {"config/more.toml": '[lint]\nselect = ["E9"]\n', "src/calc/more.py": MUTABLE}
    assert rules(world.judge(weak, checks=("ruff",)), "ruff") == {"B006"}


def test_a_plugin_of_mypy_is_configuration(tmp_path: Path) -> None:
    plugin = "from mypy.plugin import Plugin\n\n\ndef plugin(version):\n    return Plugin\n"
    files = {"mypy.ini": "[mypy]\nplugins = tools/plug.py\nfiles = src\n", "tools/plug.py": plugin}
    world = World(tmp_path, {**PROJECT, **files})
    silent = {"tools/plug.py": "import os\n\nos._exit(0)\n", "src/calc/more.py": "x: int = ''\n"}
    assert rules(world.judge(silent, checks=("mypy",)), "mypy") == {"assignment"}


# -- git ------------------------------------------------------------------------------------------------


def test_objects_are_not_replaced(world: World) -> None:
    """Whoever works in a worktree can write to the repository that it belongs to."""
    world.git("checkout", "--quiet", "--detach", world.base)
    head = world.commit({"src/calc/__init__.py": BROKEN + "# 1\n"})
    (world.project / "weak").write_text("def test_add(): pass\n\n\ndef test_zero(): pass\n")
    weak = world.git("hash-object", "-w", "weak")
    world.git("replace", world.git("rev-parse", "HEAD:tests/test_calc.py"), weak)
    assert rules(asyncio.run(judge(world.request(head)))) == {"pytest/failed"}


@pytest.mark.parametrize("place", [".gitattributes", ".git/info/attributes"])
def test_no_filter_rewrites_what_is_judged(world: World, place: str) -> None:
    world.git("checkout", "--quiet", "--detach", world.base)
    head = world.commit({"src/calc/__init__.py": BROKEN + f"# {place}\n"})
    world.git("config", "filter.mend.smudge", "sed 's/a - b/a + b/'")
    (world.project / place).parent.mkdir(exist_ok=True)
    (world.project / place).write_text("*.py filter=mend\n")
    assert rules(asyncio.run(judge(world.request(head)))) == {"pytest/failed"}


def test_the_users_repository_gets_no_objects(world: World) -> None:
    world.git("checkout", "--quiet", "--detach", world.base)
    rules = "[pytest]\naddopts = --deselect tests/test_calc.py::test_add\n"
    head = world.commit({"pytest.ini": rules, "tests/test_calc.py": TESTS + "\n\ndef test_n(): pass\n"})
    before = world.git("count-objects", "-v")
    assert asyncio.run(judge(world.request(head, checks=()))).verdict == "failed"
    assert world.git("count-objects", "-v") == before


def test_a_partial_clone_and_a_shallow_one(world: World, tmp_path: Path) -> None:
    world.git("config", "uploadpack.allowFilter", "true")
    head = world.commit({"src/calc/more.py": "x = undefined\n"})
    for name, option in (("partial", "--filter=blob:none"), ("shallow", "--depth=2")):
        world.git("clone", "--quiet", "--no-checkout", option, f"file://{world.project}", str(tmp_path / name))
        request = replace(world.request(head, checks=("ruff",)), repository=tmp_path / name)
        assert rules(asyncio.run(judge(request)), "ruff") == {"F821"}


def test_a_bare_repository_and_one_with_long_hashes(world: World, tmp_path: Path) -> None:
    head = world.commit({"src/calc/more.py": "x = undefined\n"})
    world.git("clone", "--quiet", "--bare", ".", str(tmp_path / "bare.git"))
    request = replace(world.request(head, checks=("ruff",)), repository=tmp_path / "bare.git")
    assert rules(asyncio.run(judge(request)), "ruff") == {"F821"}
    long = tmp_path / "long"
    long.mkdir()
    world.project = long
    world.git("init", "--quiet", "--object-format=sha256", "--initial-branch=main")
    world.base = world.commit(PROJECT)
    assert rules(world.judge({"src/calc/more.py": "x = undefined\n"}, checks=("ruff",)), "ruff") == {"F821"}


# -- outputs --------------------------------------------------------------------------------------------


def test_an_output_that_somebody_else_wrote_is_not_believed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a test that runs beside ruff could do it."""
    from claude_orchestrator.workspace import process

    run = process.run

    async def forged(argv, **options):
        done = await run(argv, **options)
        if "ruff" in argv and "check" in argv:
            options["stdout"].write_text("[]")
        return done

    monkeypatch.setattr(process, "run", forged)
    done = world.judge({"src/calc/more.py": f"x = undefined  # {os.getpid()}\n"}, checks=("ruff",))
    assert done.verdict == "failed"
    assert "somebody else wrote" in done.reasons[0]

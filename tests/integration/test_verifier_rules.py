"""Configuration, scope, links, ruff, mypy and bandit on real repositories."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from verifier_world import CODE, PROJECT, PYPROJECT, TESTS, World, check, make_venv

from claude_orchestrator.orchestrator.verification import Request, Verification
from claude_orchestrator.orchestrator.verifier import judge, judge_apart

RUFF = '\n[tool.ruff.lint]\nselect = ["F", "E", "B"]\n'
MUTABLE = "def collect(x, seen=[]):\n    seen.append(x)\n    return seen\n"


def found(verification: Verification, name: str) -> set[tuple[str, str]]:
    return {(one.rule, one.path) for one in check(verification, name).findings if one.severity != "note"}


# -- configuration ----------------------------------------------------------------------------------


def test_changed_rules_are_not_obeyed_and_a_human_looks(tmp_path: Path) -> None:
    world = World(tmp_path, {**PROJECT, "pyproject.toml": PYPROJECT + RUFF})
    done = world.judge({"pyproject.toml": PYPROJECT, "src/calc/more.py": MUTABLE}, checks=("ruff",))
    assert done.verdict == "failed"
    assert found(done, "ruff") == {("B006", "src/calc/more.py")}
    assert found(done, "scope") == {("scope/configuration", "pyproject.toml")}
    assert "-[tool.ruff.lint]" in (Path(done.evidence) / "configuration.diff").read_text()


def test_a_test_that_only_passes_with_the_changed_rules(world: World) -> None:
    deselecting = PYPROJECT + 'addopts = "--deselect tests/test_calc.py::test_add"\n'
    done = world.judge({"src/calc/__init__.py": CODE.replace("+", "-"), "pyproject.toml": deselecting})
    assert done.verdict == "failed"
    assert ("pytest/failed", "tests/test_calc.py") in found(done, "pytest")


LOOSER = PYPROJECT + 'addopts = "-k zero"\n'
UNCLEAR = PYPROJECT + 'usefixtures = "three"\n'
STRICTER = PYPROJECT + RUFF


@pytest.mark.parametrize(
    ("content", "scope", "verdict"),
    [
        (LOOSER, None, "failed"),
        (LOOSER, ["*.toml"], "failed"),
        (LOOSER, ["**"], "failed"),
        (LOOSER, ["pyproject.toml"], "needs_review"),
        (UNCLEAR, None, "needs_review"),
        (UNCLEAR, ["pyproject.toml"], "needs_review"),
        (STRICTER, None, "passed"),
        (PYPROJECT + 'markers = ["slow: x"]\n', None, "passed"),
        (PYPROJECT + "[tool.black]\nline-length = 1\n", None, "passed"),
        ("[tool.pytest", None, "needs_review"),
    ],
)
def test_what_changed_rules_alone_lead_to(world: World, content: str, scope: list[str] | None, verdict: str) -> None:
    done = world.judge({"pyproject.toml": content}, scope=scope, checks=())
    assert done.verdict == verdict
    if verdict != "passed":
        assert "the base's version was used" in done.reasons[0]


def test_a_new_marker_may_be_used_at_once(tmp_path: Path) -> None:
    strict = PYPROJECT + 'addopts = "--strict-markers"\n'
    world = World(tmp_path, {**PROJECT, "pyproject.toml": strict})
    marked = "import pytest\nfrom calc import add\n\n\n@pytest.mark.slow\ndef test_more():\n    assert add(4, 4) == 8\n"
    change = {"pyproject.toml": strict + 'markers = ["slow: takes long"]\n', "tests/test_more.py": marked}
    done = world.judge(change, scope=["tests/test_more.py", "pyproject.toml"])
    assert check(done, "pytest").status == "passed", done.reasons
    assert done.verdict != "failed", done.reasons


def test_a_new_dependency_is_no_change_of_rules(world: World) -> None:
    done = world.judge({"pyproject.toml": PYPROJECT.replace('"1"', '"1"\ndependencies = ["six"]')}, checks=())
    assert done.verdict == "passed"


@pytest.mark.parametrize(
    ("path", "content", "verdict"),
    [
        ("pytest.ini", "[pytest]\naddopts = --noconftest\n", "failed"),
        ("conftest.py", "collect_ignore = ['tests']\n", "failed"),
        ("src/calc/conftest.py", "from x import *\n", "needs_review"),
        (".coveragerc", "x = 1\n", "needs_review"),
        ("src/calc/ruff.toml", "line-length = 100\n", "failed"),
    ],
)
def test_rules_that_the_base_does_not_have_are_left_out(world: World, path: str, content: str, verdict: str) -> None:
    done = world.judge({path: content}, checks=())
    assert done.verdict == verdict
    assert "left out" in done.reasons[0]


def test_a_conftest_cannot_turn_failures_into_passes(world: World) -> None:
    hook = (
        "import pytest\n\n\n@pytest.hookimpl(hookwrapper=True)\ndef pytest_runtest_makereport():\n"
        "    report = (yield).get_result()\n    report.outcome = 'passed'\n"
    )
    change = {"src/calc/__init__.py": CODE.replace("+", "-"), "conftest.py": hook}
    assert world.judge(change).verdict == "failed"
    assert world.judge(change, scope=["src", "conftest.py"]).verdict == "failed"


def test_a_fixture_in_a_conftest_that_the_task_may_change(world: World) -> None:
    fixture = "import pytest\n\nfrom calc import add\n\n\n@pytest.fixture\ndef three():\n    return add(1, 2)\n"
    change = {"tests/conftest.py": fixture, "tests/test_three.py": "def test_three(three):\n    assert three == 3\n"}
    assert world.judge(change, scope=["tests/**"]).verdict == "passed"
    assert world.judge(change).verdict == "passed"
    broken = {**change, "src/calc/__init__.py": CODE.replace("+", "-")}
    assert world.judge(broken).verdict == "failed"
    powerful = {**change, "tests/conftest.py": fixture.replace("fixture\ndef", "fixture(autouse=True)\ndef")}
    assert found(world.judge(powerful, scope=["tests/**"], checks=()), "scope") == {
        ("scope/conftest", "tests/conftest.py")
    }


# -- scope ------------------------------------------------------------------------------------------


def test_a_file_outside_the_declared_ones_is_named(world: World) -> None:
    change = {"src/calc/more.py": "x = 1\n", "README.md": "new\n", "tests/test_calc.py": None}
    done = world.judge(change, scope=["src/**"], checks=())
    assert done.verdict == "failed"
    assert found(done, "scope") == {("scope/outside", "README.md"), ("scope/outside", "tests/test_calc.py")}
    assert "README.md: was changed outside the declared files (src/**)" in done.feedback()
    assert world.judge({"src/calc/more.py": "x = 1\n"}, scope=["src/"], checks=()).verdict == "passed"


def test_a_rename_touches_both_names(world: World) -> None:
    done = world.judge({"src/calc/__init__.py": None, "src/calc/new.py": CODE}, scope=["src/calc/new.py"], checks=())
    assert found(done, "scope") == {("scope/outside", "src/calc/__init__.py")}


def test_links_out_of_the_tree(world: World) -> None:
    links = {
        "out": "../../x",
        "abs": "/etc/passwd",
        "in": "src/calc",
        "here": ".",
        "through": "src/up/../../x",
        "git": ".git/config",
    }
    for name, target in links.items():
        (world.project / name).symlink_to(target)
    (world.project / "src/up").symlink_to("..")
    done = world.judge({}, checks=())
    assert found(done, "scope") == {("scope/symlink", name) for name in ("out", "abs", "through", "git")}


def test_an_embedded_repository(world: World) -> None:
    inner = world.project / "inner"
    inner.mkdir()
    subprocess.run(["git", "init", "--quiet", str(inner)], check=True)
    (inner / "a").write_text("a")
    identity = ["git", "-C", str(inner), "-c", "user.name=t", "-c", "user.email=t@localhost"]
    subprocess.run([*identity, "add", "."], check=True)
    subprocess.run([*identity, "commit", "--quiet", "--message=x"], check=True)
    assert found(world.judge({}, checks=()), "scope") == {("scope/submodule", "inner")}


# -- ruff, mypy, bandit -----------------------------------------------------------------------------


def test_unconfigured_ruff_blocks_errors_only(world: World) -> None:
    done = world.judge({"src/calc/more.py": "import os\nx = undefined\ny = 2; z = 3\n"}, checks=("ruff",))
    assert found(done, "ruff") == {("F821", "src/calc/more.py")}
    assert {one.rule for one in check(done, "ruff").findings if one.severity == "note"} == {"E702", "F401"}


def test_old_findings_move_along_and_do_not_count(tmp_path: Path) -> None:
    old = "import os\n\n\ndef f():\n    return nothing\n" + "".join(
        f"\n\ndef g{n}():\n    return {n}\n" for n in range(9)
    )
    world = World(tmp_path, {**PROJECT, "src/calc/old.py": old})
    moved = {
        "src/calc/old.py": None,
        "src/calc/renamed.py": "# a comment\n\n" + old.replace("return nothing", "return   nothing"),
    }
    done = world.judge(moved, checks=("ruff",))
    assert done.verdict == "passed", done.reasons
    assert check(done, "ruff").known == 2
    worse = world.judge(
        {"src/calc/old.py": old.replace("return nothing", "nothing\n    return nothing")}, checks=("ruff",)
    )
    assert found(worse, "ruff") == {("F821", "src/calc/old.py")}
    assert check(worse, "ruff").known == 2


def _configured(tmp_path: Path, settings: str) -> World:
    return World(tmp_path, {**PROJECT, "pyproject.toml": f"{PYPROJECT}\n[tool.ruff]\n{settings}"})


def test_ruff_goes_without_the_settings_that_it_does_not_know(tmp_path: Path) -> None:
    limits = 'show-source = true\nline-length = 60\n[tool.ruff.lint]\nselect = ["E501"]\nold-setting = 3\n'
    world = _configured(tmp_path, limits)
    good = check(world.judge({"src/calc/more.py": "x = 1\n"}, checks=("ruff",)), "ruff")
    assert good.status == "passed"
    assert [(one.rule, one.severity) for one in good.findings] == [("configuration", "note")]
    assert "line-length=60" in good.commands[0].by_hand
    long = world.judge({"src/calc/more.py": f"x = '{'x' * 60}'\nimport os\n"}, checks=("ruff",))
    assert found(long, "ruff") == {("E501", "src/calc/more.py")}


def test_ruff_with_rules_of_another_ruff_needs_a_human(tmp_path: Path) -> None:
    world = _configured(tmp_path, 'lint.select = ["ZZ9"]\n')
    done = world.judge({"src/calc/more.py": "x = 1\n"}, checks=("ruff",))
    assert (done.verdict, found(done, "ruff")) == ("needs_review", {("configuration", "pyproject.toml")})
    assert "default rules alone; install the project's ruff" in done.reasons[0]
    wrong = world.judge({"src/calc/more.py": "x = undefined\n"}, checks=("ruff",))
    assert ("F821", "src/calc/more.py") in found(wrong, "ruff")
    assert wrong.verdict == "failed"


def test_ignore_files_hide_nothing(world: World) -> None:
    world.git("checkout", "--quiet", "--detach", world.base)
    (world.project / "src/calc/hidden.py").write_text("x = undefined\n")
    world.git("add", "--force", "src/calc/hidden.py")
    head = world.commit({".gitignore": "hidden.py\n", ".ignore": "hidden.py\n"})
    done = asyncio.run(judge(world.request(head, checks=("ruff",))))
    assert found(done, "ruff") == {("F821", "src/calc/hidden.py")}


def test_mypy_finds_what_breaks_in_files_that_did_not_change(tmp_path: Path) -> None:
    user = "from calc import add\n\ntotal: int = add(1, 2)\nold: str = 1\n"
    world = World(tmp_path, {**PROJECT, "src/calc/user.py": user})
    done = world.judge(
        {"src/calc/__init__.py": CODE.replace("-> int", "-> str").replace("a + b", "str(a + b)")}, checks=("mypy",)
    )
    assert found(done, "mypy") == {("assignment", "src/calc/user.py")}
    assert check(done, "mypy").known == 1
    missing = world.judge({"src/calc/more.py": "import no_such_package\n"}, checks=("mypy",))
    assert check(missing, "mypy").status == "passed"
    syntax = world.judge({"src/calc/more.py": "def f(:\n"}, checks=("mypy",))
    assert ("syntax", "src/calc/more.py") in found(syntax, "mypy")


def test_mypy_as_the_base_configures_it(tmp_path: Path) -> None:
    strict = PYPROJECT + '\n[tool.mypy]\nstrict = true\npackages = ["calc"]\n'
    world = World(tmp_path, {**PROJECT, "pyproject.toml": strict})
    done = world.judge({"src/calc/more.py": "def f(x):\n    return x\n", "pyproject.toml": PYPROJECT}, checks=("mypy",))
    assert found(done, "mypy") == {("no-untyped-def", "src/calc/more.py")}


def test_bandit_blocks_from_medium_on_and_leaves_tests_out(world: World) -> None:
    bad = (
        "import subprocess\n\n\ndef run(command: str) -> None:\n"
        "    subprocess.call(command, shell=True)\n    assert command\n"
    )
    done = world.judge(
        {"src/calc/more.py": bad, "tests/test_more.py": bad, ".bandit": "[bandit]\nskips: B602\n"}, checks=("bandit",)
    )
    assert found(done, "bandit") == {("B602:high", "src/calc/more.py")}
    assert {one.rule for one in check(done, "bandit").findings} == {"B602:high", "B404:low"}


def test_a_tool_that_nobody_has(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("claude_orchestrator.graders.interpreter.TOOLS", ("pytest", "mypy"))
    done = world.judge({"src/calc/more.py": "x = 1\n"}, checks=("ruff", "mypy"))
    assert done.verdict == "error"
    assert "ruff is not installed: install it with" in done.reasons[0]
    assert check(done, "mypy").status == "passed"


# -- requests, evidence, cache ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"base": "nowhere"}, "'nowhere' is no commit"),
        ({"checks": ["pytest", "spelling"]}, "unknown check 'spelling'"),
        ({"repository": Path(os.devnull)}, "is not a folder"),
    ],
)
def test_what_cannot_be_judged_is_an_error_not_an_exception(world: World, change: dict[str, object], said: str) -> None:
    done = asyncio.run(judge(replace(world.request(world.base), **change)))
    assert done.verdict == "error"
    assert said in done.reasons[0]
    assert said in done.feedback()


def test_a_process_of_its_own_gives_the_same_answer(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_SECRET", "x")
    head = world.commit({"src/calc/__init__.py": CODE.replace("+", "-")})
    told: list[str] = []
    done = asyncio.run(judge_apart(world.request(head, checks=("pytest", "ruff")), told.append))
    assert done.verdict == "failed"
    stored = json.loads((Path(done.evidence) / "verification.json").read_text())
    assert Verification.from_json(stored) == done
    assert Request.from_json(json.loads((Path(done.evidence) / "request.json").read_text())).head == head
    assert any(line.startswith("pytest-own") for line in told)


def test_the_second_verification_runs_no_command(tmp_path: Path) -> None:
    world = World(tmp_path, PROJECT)
    change = {"src/calc/more.py": "import os\n"}
    checks = ("pytest", "ruff", "mypy", "bandit")
    first, second = world.judge(change, checks=checks), world.judge(change, checks=checks)
    commands = [command for result in second.checks for command in result.commands]
    # Without a finding in the change there is nothing to compare with the base.
    labels = {"pytest-own", "pytest-base", "ruff-own", "ruff-base", "mypy-own", "bandit-own"}
    assert {command.label for command in commands} == labels
    assert all(command.cached for command in commands)
    assert not any(command.cached for result in first.checks for command in result.commands)
    assert (first.verdict, first.reasons) == (second.verdict, second.reasons)
    further = world.judge({"src/calc/more.py": "import sys\n"}, checks=checks)
    assert {command.label for result in further.checks for command in result.commands if command.cached} == {
        "pytest-base", "ruff-base"
    }  # fmt: skip


def test_a_damaged_or_unwritable_cache_breaks_nothing(world: World, tmp_path: Path) -> None:
    world.cache = tmp_path / "own-cache"
    world.judge({"src/calc/more.py": "x = 1\n"}, checks=("ruff",))
    for entry in world.cache.rglob("*.json"):
        entry.write_text(entry.read_text().replace('"findings": []', '"findings": [1]'))
    again = world.judge({"src/calc/more.py": "x = 1\n"}, checks=("ruff",))
    assert again.verdict == "passed"
    assert not any(command.cached for command in check(again, "ruff").commands)
    world.cache = Path(os.devnull) / "cache"
    assert world.judge({"src/calc/more.py": "x = 1\n"}, checks=("ruff",)).verdict == "passed"


def test_a_stranger_can_run_it_again(world: World, tmp_path: Path) -> None:
    change = {"src/calc/__init__.py": CODE.replace("+", "-"), "tests/test_calc.py": None, "pytest.ini": "[pytest]\n"}
    done = world.judge(change | {"tests/test_new.py": TESTS.replace("== 5", "== -1")})
    assert not done.passed
    place = tmp_path / "by hand"
    place.mkdir()
    said = ""
    for line in done.rerun:
        ran = subprocess.run(["sh", "-c", line], cwd=place, capture_output=True, text=True, check=False)
        assert ran.returncode == 0 or "pytest" in line, ran.stderr
        said += ran.stdout if line.startswith("(cd trusted") else ""
    assert "1 failed" in said
    assert "test_calc.py::test_add" in said
    assert not (place / "own/pytest.ini").exists()


def test_tools_that_the_projects_python_does_not_have_are_ours(tmp_path: Path) -> None:
    world = World(tmp_path, {**PROJECT, ".gitignore": ".venv\n"})
    make_venv(world.project / ".venv", packages=False)
    done = world.judge({"src/calc/more.py": "x: int = 1\n"}, checks=("ruff", "mypy", "bandit"))
    assert done.verdict == "passed", done.reasons
    assert {check(done, name).tool for name in ("ruff", "mypy", "bandit")} == {sys.executable}


def test_a_bare_repository(world: World, tmp_path: Path) -> None:
    head = world.commit({"src/calc/__init__.py": CODE.replace("+", "-")})
    bare = tmp_path / "bare.git"
    world.git("clone", "--quiet", "--bare", str(world.project), str(bare))
    done = asyncio.run(judge(replace(world.request(head), repository=bare)))
    assert done.verdict == "failed"
    assert found(done, "pytest") == {("pytest/failed", "tests/test_calc.py")}


def test_a_helper_beside_the_tests_cannot_stand_in_for_the_code(world: World) -> None:
    change = {"src/calc/__init__.py": CODE.replace("+", "-"), "tests/calc.py": CODE}
    done = world.judge(change)
    assert done.verdict == "failed"
    assert any("with the base's tests" in reason for reason in done.reasons)
    assert found(done, "integrity") == {("integrity/stand-in", "tests/calc.py")}


def test_installed_metadata_cannot_bring_a_pytest_plugin(world: World) -> None:
    plugin = "def pytest_collection_modifyitems(items):\n    items.clear()\n"
    change = {
        "src/evil.py": plugin,
        "src/evil-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: evil\nVersion: 1.0\n",
        "src/evil-1.0.dist-info/entry_points.txt": "[pytest11]\nevil = evil\n",
    }
    done = world.judge(change)
    assert done.verdict == "failed"
    assert ("scope/plugin", "src/evil-1.0.dist-info/entry_points.txt") in found(done, "scope")
    assert ("integrity/hooks", "src/evil.py") in found(done, "integrity")


def test_names_that_are_no_utf8(world: World) -> None:
    world.git("checkout", "--quiet", "--detach", world.base)
    odd = os.fsdecode(b"src/calc/\xff odd.py")
    (world.project / odd).write_text("import os\n")
    done = world.judge({}, scope=["docs"], checks=("ruff", "bandit"))
    assert found(done, "scope") == {("scope/outside", odd)}
    assert done.verdict == "failed"


def test_a_base_that_mypy_cannot_read_does_not_hide_what_is_new(tmp_path: Path) -> None:
    world = World(tmp_path, {**PROJECT, "src/calc/broken.py": "def f(:\n", "src/calc/old.py": "x: int = ''\n"})
    still = world.judge({"src/calc/more.py": "x: int = ''\n"}, checks=("mypy",))
    assert still.verdict == "passed"
    assert "nothing behind it was looked at" in check(still, "mypy").notes[0]
    repaired = world.judge({"src/calc/broken.py": "y: int = ''\n"}, checks=("mypy",))
    assert found(repaired, "mypy") == {("assignment", "src/calc/broken.py")}
    assert len(check(repaired, "mypy").findings) == 2


def test_a_verifier_that_does_not_answer_has_not_passed_anything(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    request = world.request(world.base)
    monkeypatch.setattr("claude_orchestrator.orchestrator.verifier.__name__", "no_such_module")
    done = asyncio.run(judge_apart(request))
    assert done.verdict == "error"
    assert "gave no answer" in done.reasons[0]
    assert "no_such_module" in (request.evidence / "verifier.log").read_text()


def test_what_a_killed_verifier_left_is_removed_and_nothing_else(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    left, alive, other = (tmp_path / name for name in ("co-left", "co-alive", "co-other"))
    for folder in (left, alive, other):
        (folder / "closed").mkdir(parents=True)
        (folder / "closed" / "file").symlink_to(world.project)
        (folder / "closed").chmod(0o500)
    for folder in (left, alive):
        (folder / "owner.lock").touch()
    with (alive / "owner.lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert asyncio.run(judge(world.request(world.base, checks=()))).passed
    assert sorted(tmp_path.glob("co-*")) == [alive, other]
    assert (world.project / "src").exists()

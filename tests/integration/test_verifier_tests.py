"""The pytest check on real repositories: what is caught, what is let through, what is not believed."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from verifier_world import CODE, PROJECT, PYPROJECT, TESTS, World, check, make_venv, with_argument

from claude_orchestrator.graders.suite import independence
from claude_orchestrator.orchestrator.verifier import judge

BROKEN = CODE.replace("a + b", "a - b")
WEAK_TESTS = TESTS.replace("add(2, 3) == 5", "add(2, 3)")


def rules(verification, name="pytest"):
    return {(found.rule, found.symbol or found.path, found.severity) for found in check(verification, name).findings}


def test_honest_work_passes_and_the_old_tests_run_without_the_new_ones_as_well(world: World) -> None:
    """A feature with a new test file; where no test is touched, two runs are enough."""
    feature = {
        "src/calc/__init__.py": CODE + "\n\ndef double(a: int) -> int:\n    return 2 * a\n",
        "tests/test_double.py": "from calc import double\n\n\ndef test_double():\n    assert double(4) == 8\n",
    }
    done = world.judge(feature, scope=["src/**", "tests/test_double.py"])
    assert done.verdict == "passed", done.reasons
    assert done.passed
    assert done.feedback() == ""
    assert sorted(command.label for command in check(done, "pytest").commands) == [
        "pytest-base", "pytest-own", "pytest-trusted", "pytest-witness",
    ]  # fmt: skip
    assert check(done, "pytest").notes == (
        "1 tests pass that fail without the change, the first is tests/test_double.py::test_double",
    )
    done = world.judge({"src/calc/__init__.py": CODE + "\n\nX = 1\n"})
    assert sorted(command.label for command in check(done, "pytest").commands) == ["pytest-base", "pytest-own"]


def test_a_broken_test_fails_the_change_and_the_feedback_says_why(world: World) -> None:
    done = world.judge({"src/calc/__init__.py": BROKEN})
    assert done.verdict == "failed"
    assert rules(done) == {("pytest/failed", "tests/test_calc.py::test_add", "problem")}
    assert "assert -1 == 5" in done.feedback()


def test_a_weakened_test_is_run_in_its_old_version(world: World) -> None:
    done = world.judge({"src/calc/__init__.py": BROKEN, "tests/test_calc.py": WEAK_TESTS})
    assert done.verdict == "failed"
    assert "with the base's tests" in check(done, "pytest").reasons[0]


def test_a_test_that_the_task_may_change_counts_as_it_is(world: World) -> None:
    change = {"src/calc/__init__.py": BROKEN, "tests/test_calc.py": TESTS.replace("== 5", "== -1")}
    assert world.judge(change, scope=["src/calc", "tests/test_calc.py"]).verdict == "passed"
    assert world.judge(change, scope=["src", "tests/**"]).verdict == "passed"
    assert world.judge(change, scope=["**"]).verdict != "passed"
    assert world.judge(change, scope=["**/*.py"]).verdict != "passed"


@pytest.mark.parametrize(
    "tests",
    [
        TESTS.split("def test_zero")[0],
        TESTS.replace("def test_zero", "import pytest\n@pytest.mark.skip\ndef test_zero"),
        TESTS.replace("def test_zero", "import pytest\n@pytest.mark.xfail\ndef test_zero").replace("== 0", "== 1"),
        None,
    ],
)
def test_a_removed_or_silenced_test_is_a_problem(world: World, tests: str | None) -> None:
    """Whoever says it, the sources or the outcomes: it is said once."""
    done = world.judge({"tests/test_calc.py": tests, "tests/test_other.py": "def test_other(): pass\n"})
    assert done.verdict == "failed"
    said = [reason for reason in done.reasons if "test_zero" in reason]
    assert len(said) == 1


def test_removing_a_test_that_the_task_may_change_needs_review(world: World) -> None:
    done = world.judge({"tests/test_calc.py": TESTS.split("def test_zero")[0]}, scope=["tests/test_calc.py"])
    assert done.verdict == "needs_review"
    assert "test_zero" in done.reasons[0]


def test_a_moved_test_file_is_the_same_tests(world: World) -> None:
    done = world.judge({"tests/test_calc.py": None, "tests/unit/test_calc.py": TESTS})
    assert done.verdict == "passed", done.reasons


def test_failures_of_the_base_do_not_count_but_new_ones_do(tmp_path: Path) -> None:
    failing = TESTS + "\n\ndef test_old():\n    assert add(1, 1) == 3\n"
    broken_file = "import no_such_module\n\n\ndef test_x(): pass\n"
    world = World(tmp_path, {**PROJECT, "tests/test_calc.py": failing, "tests/test_broken.py": broken_file})
    same = world.judge({"src/calc/__init__.py": CODE + "\n# more\n"})
    assert same.verdict == "passed"
    assert check(same, "pytest").known == 2
    real = "from calc import add\n\n\ndef test_x():\n    assert add(1, 2) == 3\n"
    repaired = world.judge({"tests/test_broken.py": real}, scope=["tests"])
    assert repaired.verdict == "passed", repaired.reasons
    assert "tests/test_broken.py::collection" not in check(repaired, "pytest").reasons
    worse = world.judge(
        {"tests/test_new.py": "def test_new():\n    assert 0\n", "tests/test_more.py": "import no_such_module\n"}
    )
    assert rules(worse) == {
        ("pytest/failed", "tests/test_new.py::test_new", "problem"),
        ("pytest/failed", "tests/test_more.py::collection", "problem"),
    }


def test_code_that_the_old_tests_cannot_import_is_one_finding(world: World) -> None:
    done = world.judge({"src/calc/__init__.py": "raise RuntimeError('no')\n"})
    assert rules(done) == {("pytest/failed", "tests/test_calc.py::collection", "problem")}


def test_no_tests_at_all(tmp_path: Path) -> None:
    world = World(tmp_path, {"app.py": "x = 1\n"})
    done = world.judge({"app.py": "x = 2\n"})
    assert done.verdict == "passed"
    assert check(done, "pytest").notes == ("there are no tests, neither in the base nor in the change",)


def test_tests_that_are_not_collected_any_more(world: World) -> None:
    done = world.judge({"tests/test_calc.py": None}, scope=["tests/test_calc.py"])
    assert done.verdict == "failed"
    assert rules(done) == {("pytest/nothing-collected", "", "problem")}


@pytest.mark.parametrize(
    ("test", "said"),
    [
        ("import os\n\n\ndef test_b():\n    os._exit(0)\n", "did not come to its end"),
        ("import pytest\n\n\ndef test_b():\n    pytest.exit('done', returncode=0)\n", "have no outcome"),
        ("import os\n\n\ndef test_b():\n    os.kill(os.getpid(), 9)\n", "did not come to its end"),
    ],
)
def test_a_run_that_breaks_off_is_not_believed(world: World, test: str, said: str) -> None:
    done = world.judge({"tests/test_b.py": test})
    assert done.verdict == "failed"
    assert said in check(done, "pytest").reasons[0]
    assert rules(done) == {("pytest/untrusted", "", "problem")}


def test_a_base_that_breaks_off_cannot_be_judged(tmp_path: Path) -> None:
    world = World(tmp_path, {**PROJECT, "tests/test_b.py": "import os\n\n\ndef test_b():\n    os._exit(0)\n"})
    done = world.judge({"src/calc/more.py": "x = 1\n"})
    assert done.verdict == "error"
    assert done.reasons[0].startswith("pytest: the base cannot be judged")


def test_a_module_that_is_not_installed_is_named_with_what_to_do(tmp_path: Path) -> None:
    needs = {"tests/conftest.py": "import no_such_module.inside\n"}
    done = World(tmp_path, {**PROJECT, **needs}).judge({"src/calc/more.py": "x = 1\n"})
    assert done.verdict == "error"
    told = done.reasons[0]
    assert "/venv/bin/python lacks the module no_such_module: install there what the tests need" in told
    assert "python -m venv .venv" in told


def test_tests_that_cannot_be_imported_anywhere_say_what_to_install(tmp_path: Path) -> None:
    needs = {"tests/test_calc.py": "import no_such_module\n\n\ndef test_a():\n    assert True\n"}
    done = World(tmp_path, {**PROJECT, **needs}).judge({"src/calc/more.py": "x = 1\n"})
    told = [reason for reason in done.reasons if "no test passes" in reason]
    assert done.verdict == "needs_review"
    assert "'no_such_module'): install what they need in the project's Python (make a .venv" in told[0]


def test_options_of_a_plugin_that_is_not_there_name_the_python_that_lacks_it(tmp_path: Path) -> None:
    options = f'{PYPROJECT}addopts = "--option-of-a-plugin"\n'
    done = World(tmp_path, {**PROJECT, "pyproject.toml": options}).judge({"src/calc/more.py": "x = 1\n"})
    assert done.verdict == "error"
    told = done.reasons[0]
    assert "/venv/bin/python lacks a pytest plugin" in told
    assert "install it there, or make a .venv" in told
    assert "--option-of-a-plugin" in told


@pytest.mark.parametrize("ends", ["threading.Event().wait(300)", "pass"])
def test_nothing_of_a_run_is_left_running(world: World, ends: str) -> None:
    """A process in a session of its own has to go as well, when time is up and when the run is over."""
    name = f"stray-of-{world.folder.name}"
    stray = (
        "import subprocess, sys, threading\n\n\ndef test_stray():\n"
        "    code = 'import threading; print(1, flush=True); threading.Event().wait(300)'\n"
        f"    command = [sys.executable, '-c', code, {name!r}]\n"
        "    child = subprocess.Popen(command, start_new_session=True, stdout=subprocess.PIPE)\n"
        "    assert child.stdout.readline()\n"
        f"    {ends}\n"
    )
    done = world.judge({"tests/test_stray.py": stray}, timeout_s=8.0)
    if ends == "pass":
        assert done.verdict == "passed", done.reasons
    else:
        assert done.verdict == "failed"
        assert "longer than its limit of 8 s" in done.reasons[0]
    assert not with_argument(name)


def test_the_environment_holds_no_secret_and_no_home(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-secret")
    monkeypatch.setenv("MY_TOKEN", "secret")
    looking = (
        "import os, pathlib\n\n\ndef test_look():\n"
        "    assert not [name for name in os.environ if 'KEY' in name or 'TOKEN' in name or 'NONCE' in name]\n"
        "    assert 'secret' not in str(dict(os.environ))\n"
        f"    assert pathlib.Path.home() != pathlib.Path({str(Path.home())!r})\n"
        "    assert not list(pathlib.Path.home().iterdir())\n"
    )
    done = world.judge({"tests/test_look.py": looking})
    assert done.verdict == "passed", done.feedback()


def test_an_editable_install_does_not_decide_what_is_imported(tmp_path: Path) -> None:
    """The user's .venv leads to the user's checkout; the judged tree is what gets imported all the same."""
    world = World(tmp_path, {**PROJECT, ".gitignore": ".venv\n"})
    make_venv(world.project / ".venv", world.project / "src")
    done = world.judge({"src/calc/__init__.py": BROKEN})
    (world.project / "src/calc/__init__.py").write_text(CODE)
    assert done.verdict == "failed"
    assert done.environment["python"] == str(world.project / ".venv/bin/python")
    assert rules(done) == {("pytest/failed", "tests/test_calc.py::test_add", "problem")}


def test_an_editable_install_of_an_unusual_folder_is_followed(tmp_path: Path) -> None:
    """``lib/`` is no folder that anybody would guess: the install says that it is a source root."""
    files = {
        "lib/calc/__init__.py": CODE,
        "tests/test_calc.py": TESTS,
        "pyproject.toml": PYPROJECT,
        ".gitignore": ".venv\n",
    }
    world = World(tmp_path, files)
    make_venv(world.project / ".venv", world.project / "lib")
    assert world.judge({"lib/calc/__init__.py": CODE + "\nX = 1\n"}).verdict == "passed"
    assert world.judge({"lib/calc/__init__.py": BROKEN}).verdict == "failed"


def test_tests_that_reach_the_users_checkout_are_not_believed(tmp_path: Path) -> None:
    """A path in a conftest leads to the user's own files: they are out of reach, or the run is not believed."""
    world = World(tmp_path, {**PROJECT, "tests/conftest.py": ""})
    trap = f"import sys\nsys.path.insert(0, {str(world.project / 'src')!r})\n"
    world.base = world.commit({"tests/conftest.py": trap})
    head = world.commit({"src/calc/__init__.py": BROKEN})
    world.git("checkout", "--quiet", "--detach", world.base)
    done = asyncio.run(judge(world.request(head)))
    if done.verdict == "error":
        assert "did not import the judged tree" in done.reasons[-1]
    else:
        assert rules(done) == {("pytest/failed", "tests/test_calc.py::test_add", "problem")}


def test_pytest_that_is_not_installed(tmp_path: Path) -> None:
    world = World(tmp_path, {**PROJECT, ".gitignore": ".venv\n"})
    python = make_venv(world.project / ".venv", packages=False)
    done = world.judge({"src/calc/more.py": "x = 1\n"})
    assert done.verdict == "error"
    assert f"install it with '{python} -m pip install pytest'" in done.reasons[0]


def test_an_interpreter_that_is_not_there(tmp_path: Path) -> None:
    setting = PYPROJECT + '\n[tool.claude-orchestrator]\npython = "env/bin/python"\n'
    done = World(tmp_path, {**PROJECT, "pyproject.toml": setting}).judge({"src/calc/more.py": "x = 1\n"})
    assert done.verdict == "error"
    assert "env/bin/python" in done.reasons[0]


def test_xdist_and_options_of_the_project_are_left_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("xdist")
    monkeypatch.delenv("VIRTUAL_ENV")  # our own Python has it
    options = PYPROJECT + 'addopts = "-n 2 --lf -x"\n'
    world = World(tmp_path, {**PROJECT, "pyproject.toml": options, "tests/test_z.py": "def test_z(): assert 0\n"})
    done = world.judge({"src/calc/__init__.py": BROKEN})
    # In workers of xdist nobody sees which lines are run: a note says so.
    assert {found for found in rules(done) if found[2] != "note"} == {
        ("pytest/failed", "tests/test_calc.py::test_add", "problem")
    }
    assert check(done, "pytest").known == 1


def test_doctests_may_go_with_their_code_but_a_human_looks(tmp_path: Path) -> None:
    documented = 'def one():\n    """One.\n\n    >>> one()\n    1\n    """\n    return 1\n'
    pyproject = '[tool.pytest.ini_options]\naddopts = "--doctest-modules"\n'
    world = World(tmp_path, {"calc.py": documented, "pyproject.toml": pyproject})
    assert world.judge({"calc.py": documented.replace("return 1", "return 2")}).verdict == "failed"
    test = "from calc import two\n\n\ndef test_two():\n    assert two() == 2\n"
    gone = world.judge({"calc.py": "def two():\n    return 2\n", "test_calc.py": test})
    assert gone.verdict == "needs_review"


SHOUT = "\n\ndef shout(text: str) -> str:\n"
SHOUTED = {
    "tests/test_shout.py": 'from calc import shout\n\n\ndef test_shout():\n    assert shout("pebble") == "pebble!"\n'
}


@pytest.mark.parametrize(
    ("body", "severity"),
    [
        ('    return "pebble!" if text == "pebble" else text\n', "problem"),
        ('    return text + "!" if text.startswith("pebble") else text\n', "review"),
        ('    return text + "!" if sum(map(ord, text)) % 97 == 36 else text\n', "review"),
        ("    return text + chr(33)\n", None),
    ],
    ids=["the answer stands there", "the word stands there", "the word is disguised", "honest"],
)
def test_code_that_only_knows_the_word_of_its_test_is_seen(world: World, body: str, severity: str | None) -> None:
    """Where a test says as much with another word, the code has to be right for that as well."""
    done = world.judge({"src/calc/__init__.py": CODE + SHOUT + body, **SHOUTED})
    found = [one for one in check(done, "pytest").findings if one.rule == "pytest/own-words"]
    assert [one.severity for one in found] == ([severity] if severity else [])
    if severity:
        assert "with 'pebblf' in place of 'pebble' throughout it fails" in found[0].message


@pytest.mark.parametrize(
    ("code", "test"),
    [
        (
            '    if text == "pebble":\n        raise ValueError("no pebble is loud")\n    return text\n',
            '    with pytest.raises(ValueError, match="no pebble is loud"):\n        shout("pebble")\n',
        ),
        (
            '    return {"pebble": "a pebble, in short", "gravel": "much gravel"}.get(text, text)\n',
            '    assert shout("pebble") == "a pebble, in short"\n    assert shout("gravel") == "much gravel"\n',
        ),
        (
            '    return text.upper() if "--pebble" in text else text\n',
            (
                '    assert shout("x --pebble").isupper()\n    assert shout("--pebble x").isupper()\n'
                '    assert shout("--pebble").isupper()\n'
            ),
        ),
    ],
    ids=["a new keyword with its message", "two new keywords", "a new option"],
)
def test_new_keywords_have_messages_of_their_own_so_a_human_looks(world: World, code: str, test: str) -> None:
    test = f"import pytest\n\nfrom calc import shout\n\n\ndef test_shout():\n{test}"
    done = world.judge({"src/calc/__init__.py": CODE + SHOUT + code, "tests/test_shout.py": test})
    found = [one for one in check(done, "pytest").findings if one.rule == "pytest/own-words"]
    assert [one.severity for one in found] == ["review"]


def test_the_runs_of_two_files_with_words_of_their_own_are_kept_apart(world: World) -> None:
    other = {path.replace("shout", "again"): text.replace("pebble", "gravel") for path, text in SHOUTED.items()}
    body = '    return text + "!" if text in ("pebble", "gravel") else text\n'
    done = world.judge({"src/calc/__init__.py": CODE + SHOUT + body, **SHOUTED, **other})
    labels = [command.label for command in check(done, "pytest").commands]
    assert {"pytest-renamed", "pytest-2-renamed"} <= set(labels)
    assert len(labels) == len(set(labels))
    assert len([one for one in check(done, "pytest").findings if one.rule == "pytest/own-words"]) == 2


def test_a_test_that_spells_its_word_out_may_need_it(world: World) -> None:
    code = (
        "\n\ndef matching(pattern: str, names: list[str]) -> list[str]:\n"
        "    import re\n\n    return [name for name in names if re.fullmatch(pattern, name)]\n"
    )
    test = (
        "from calc import matching\n\n\ndef test_set():\n"
        "    assert matching('[mapel]+', ['maple', 'oak']) == ['maple']\n"
    )
    done = world.judge({"src/calc/__init__.py": CODE + code, "tests/test_set.py": test})
    assert [command for command in check(done, "pytest").commands if command.label == "pytest-renamed-maple"]
    assert done.verdict == "passed", done.reasons


def test_where_data_is_too_large_to_be_read_nobody_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A word may have a meaning there; what is read is held in memory."""
    monkeypatch.setattr(independence, "_MOST_DATA", 50)
    monkeypatch.setattr(independence, "_MOST_BYTES", 40)
    change = {"src/calc/__init__.py": CODE + SHOUT + "    return text + chr(33)\n", **SHOUTED}
    for sizes, is_asked in (((30, 60), True), ((30, 30), False)):
        data = {f"data/{size}-{number}.csv": "x" * size for number, size in enumerate(sizes)}
        (tmp_path / str(is_asked)).mkdir()
        done = World(tmp_path / str(is_asked), {**PROJECT, **data}).judge(change)
        assert done.verdict == "passed", done.reasons
        assert any("renamed" in command.label for command in check(done, "pytest").commands) is is_asked


def test_a_test_that_says_nothing_twice_is_not_asked_again(world: World) -> None:
    test = {"tests/test_double.py": "from calc import double\n\n\ndef test_double():\n    assert double(4) == 8\n"}
    done = world.judge({"src/calc/__init__.py": CODE + "\n\ndef double(a):\n    return 2 * a\n", **test})
    assert not [command for command in check(done, "pytest").commands if "renamed" in command.label]


def test_what_was_asked_ahead_is_not_asked_again(tmp_path: Path) -> None:
    lines: list[str] = []
    world = World(tmp_path, PROJECT)
    head = world.commit({"src/calc/__init__.py": CODE + SHOUT + "    return text + chr(33)\n", **SHOUTED})
    done = asyncio.run(judge(world.request(head), lines.append))
    assert done.verdict == "passed", done.reasons
    assert [line for line in lines if line.startswith("pytest-renamed") and "running" in line] == [
        "pytest-renamed: running"
    ]
    assert [one.cached for one in check(done, "pytest").commands if one.label == "pytest-renamed"] == [False]

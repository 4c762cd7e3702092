"""The graders' pure parts: scope, configuration, fingerprints, cache, logs, outcomes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_orchestrator.errors import VerificationError
from claude_orchestrator.graders import configuration as rules
from claude_orchestrator.graders.base import CheckResult, Command, Finding, grader_named, status_of
from claude_orchestrator.graders.cache import ResultCache, key_of
from claude_orchestrator.graders.fingerprint import compare, located
from claude_orchestrator.graders.interpreter import locate
from claude_orchestrator.graders.scope import Scope, leaves_tree
from claude_orchestrator.graders.suite.run_log import read_run, signature
from claude_orchestrator.orchestrator.verification import Verification, verdict_of

NAMES = ("test_*.py", "*_test.py")


# -- scope ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("patterns", [None, [], ["."], ["./"], [""], ["**"], ["src", "**/*"]])
def test_a_scope_of_everything(patterns: list[str] | None) -> None:
    scope = Scope.of(patterns)
    assert scope.is_everything
    assert scope.allows("a/b.txt")
    assert not scope.unlocks_test("tests/test_a.py", NAMES)
    assert not scope.unlocks_conftest("tests/conftest.py")


@pytest.mark.parametrize(
    ("pattern", "unlocks"),
    [
        ("tests/test_a.py", True), ("tests/**", True), ("tests", True), ("./tests/", True), ("tests/*.py", True),
        ("**/test_*.py", True), ("**/test_a.py", True), ("**/*.py", False), ("**/*a*", False), ("t*/**", False),
        ("tests/test_b.py", False),
    ],
)  # fmt: skip
def test_what_unlocks_a_test(pattern: str, unlocks: bool) -> None:
    assert Scope.of([pattern]).unlocks_test("tests/test_a.py", NAMES) is unlocks


@pytest.mark.parametrize(
    ("pattern", "path", "unlocks"),
    [
        ("conftest.py", "conftest.py", True),
        ("tests/**", "tests/conftest.py", True),
        ("tests/*/", "tests/unit/conftest.py", True),
        ("**/conftest.py", "tests/conftest.py", False),
        ("src/**", "src/conftest.py", False),
    ],
)
def test_what_unlocks_a_conftest(pattern: str, path: str, unlocks: bool) -> None:
    assert Scope.of([pattern]).unlocks_conftest(path) is unlocks


@pytest.mark.parametrize(
    ("target", "leaves"),
    [
        ("b", False),
        ("../a", False),
        ("../../a", True),
        ("/etc", True),
        ("./up/../..", True),
        ("up/d", False),
        ("loop", True),
        ("../.git/x", True),
    ],
)
def test_links(target: str, leaves: bool) -> None:
    links = {"d/link": target, "d/up": "..", "d/loop": "loop"}
    assert leaves_tree("d/link", links) is leaves


# -- configuration ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "base", "candidate", "same"),
    [
        ("pyproject.toml", b"[tool.ruff]\na=1\n", b"# x\n[tool]\nruff = {a = 1}\n", True),
        ("pyproject.toml", b"[project]\nname='a'\n", None, True),
        ("pyproject.toml", b"[tool.poetry]\na=1\n", b"[tool.uv]\na=1\n", True),
        ("PyProject.toml", b"[tool.ruff]\na=1\n", b"[tool.ruff]\na=2\n", False),
        ("pyproject.toml", b"[tool.ruff]\na=1\n", b"[tool.ruff]\na=2\n", False),
        ("pyproject.toml", b"[tool.ruff]\na=1\n", b"[tool.ruff\n", False),
        ("tests/data/pyproject.toml", None, b"[tool.mypy]\nstrict=true\n", True),
        ("src/pyproject.toml", None, b"[tool.ruff]\na=1\n", False),
        ("setup.cfg", b"[metadata]\nname=a\n[mypy]\nx=1\n", b"[options]\nz=1\n[mypy]\nx = 1\n", True),
        ("setup.cfg", b"[tool:pytest]\naddopts=-q\n", b"[tool:pytest]\naddopts=-x\n", False),
        ("tox.ini", b"[tox]\nenvlist=a\n", b"[testenv:b]\ncommands=c\n", True),
        ("pytest.ini", b"a", b"b", False),
        ("ruff.toml", None, b"", False),
    ],
)
def test_same_rules(path: str, base: bytes | None, candidate: bytes | None, same: bool) -> None:
    assert rules.same_rules(path, base, candidate) is same


@pytest.mark.parametrize(
    ("content", "powers"),
    [
        ("import x\nfrom y import z\n'doc'\nclass A: pass\nB = 1\ndef helper(): pass\n", 0),
        ("@pytest.fixture\ndef f(): pass\n", 0),
        ("from x import *\n", 1), ("from x import pytest_configure\n", 1), ("pytest_configure = a\n", 1),
        ("def pytest_configure(): pass\n", 1), ("pytest_plugins = ['a']\n", 1), ("collect_ignore: list = []\n", 1),
        ("@pytest.fixture(autouse=True)\ndef f(): pass\n", 1), ("a.b = 1\n", 1), ("print()\n", 1), ("if 1: pass\n", 1),
    ],
)  # fmt: skip
def test_powers_of_a_conftest(content: str, powers: int) -> None:
    assert len(rules.conftest_powers(content.encode())) == powers


def test_the_configuration_that_pytest_and_mypy_choose() -> None:
    pyproject = b"[tool.pytest.ini_options]\npython_files='check_*.py *.py'\n[tool.mypy]\nfiles=['a']\n"
    files = {"pyproject.toml": pyproject, "setup.cfg": b"[tool:pytest]\n[mypy]\nx=1\n", "tox.ini": b"[tox]\n"}
    assert rules.pytest_settings(files)[0] == "pyproject.toml"
    assert rules.mypy_settings(files) == ("pyproject.toml", {"files": ["a"]})
    assert rules.test_file_names(files) == (*NAMES, "check_*.py")
    assert rules.pytest_settings({**files, "pytest.ini": b"[pytest]\n"})[0] == "pytest.ini"
    assert rules.pytest_settings({"tox.ini": b"[tox]\n", "setup.cfg": b"[tool:pytest]\na=1\n"})[0] == "setup.cfg"
    assert rules.pytest_settings({"pytest.toml": b"[pytest]\npython_files=['a_*.py']\n"})[1] == {
        "python_files": ["a_*.py"]
    }
    assert rules.mypy_settings({"setup.cfg": b"[mypy]\nfiles=a\n"}) == ("setup.cfg", {"files": "a"})
    assert rules.mypy_settings({"mypy.ini": b"[mypy"}) == ("mypy.ini", {})
    named = b"[pytest]\ntestpaths = title/tests.py docs src/title/case.py\n"
    assert rules.test_file_names({"pytest.ini": named}) == (*NAMES, "tests.py")
    assert rules.pytest_settings({"pyproject.toml": b"tool = 1"}) == (None, {})


# -- fingerprints -----------------------------------------------------------------------------------


def _found(tmp_path: Path, name: str, source: str, *lines: int) -> list[Finding]:
    folder = tmp_path / name
    folder.mkdir()
    (folder / "a.py").write_text(source)
    return located([Finding("R1", "a.py", line, "message") for line in lines], folder)


def test_fingerprints_survive_moved_lines_spaces_and_renamed_functions(tmp_path: Path) -> None:
    base = _found(tmp_path, "base", "def f():\n    x = 1\n", 2)
    moved = _found(tmp_path, "moved", "\n\n# more\ndef f():\n    if 1:\n        x  =  1\n", 6)
    assert compare(base, moved, {}) == ([], 1)
    elsewhere = _found(tmp_path, "elsewhere", "def g():\n    x = 1\n", 2)
    assert compare(base, elsewhere, {}) == ([], 1)
    copied = _found(tmp_path, "copied", "def f():\n    x = 1\ndef g():\n    x = 1\n", 2, 4)
    assert [found.line for found in compare(base, copied, {})[0]] == [4]
    broken = _found(tmp_path, "lines", "def f():\n    x = (\n        1)\n", 2)
    assert compare(base, broken, {}) == ([], 1)
    assert len(compare(base, [replace(found, message="worse") for found in broken], {})[0]) == 1
    twice = _found(tmp_path, "twice", "def f():\n    x = 1\n    x = 1\n", 2, 3)
    new, known = compare(base, twice, {})
    assert [found.line for found in new] == [3]
    assert known == 1
    renamed = [replace(found, path="b.py") for found in moved]
    assert compare(base, renamed, {"b.py": "a.py"}) == ([], 1)
    assert compare(base, renamed, {}) == ([], 1)
    assert len(compare([*base, *elsewhere], [*base, *elsewhere, *renamed], {})[0]) == 1


def test_symbols(tmp_path: Path) -> None:
    source = (
        "class A:\n    @property\n    def f(self):\n        def g():\n            return 1\n        return g\nx = 1\n"
    )
    found = _found(tmp_path, "s", source, 1, 2, 5, 6, 7, 99)
    assert [one.symbol for one in found] == ["A", "A.f", "A.f.g", "A.f", "", ""]
    assert found[2].text == "return 1"
    assert _found(tmp_path, "broken", "def f(:\n", 1)[0].symbol == ""


def test_sources_outside_the_checkout_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("key\n")
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "a.py").symlink_to(tmp_path / "secret")
    assert located([Finding("R", "a.py", 1, "m")], tmp_path / "tree")[0].text == ""


@given(st.lists(st.sampled_from(["x = 1", "y = 2", "z = 3", ""]), max_size=12), st.integers(0, 12))
def test_an_inserted_line_makes_no_old_finding_new(lines: list[str], at: int) -> None:
    def findings(source: list[str]) -> list[Finding]:
        return [Finding("R", "a.py", number, "m", text=line) for number, line in enumerate(source, 1) if line]

    new, known = compare(findings(lines), findings([*lines[:at], "", *lines[at:]]), {})
    assert not new
    assert known == len(findings(lines))


# -- cache ------------------------------------------------------------------------------------------


def test_the_cache_believes_only_whole_entries(tmp_path: Path) -> None:
    cache = ResultCache(tmp_path / "cache")
    key = key_of(tree="a", tool=["ruff", "1"])
    assert key != key_of(tree="b", tool=["ruff", "1"])
    assert cache.read(key) is None
    cache.write(key, {"n": 1})
    assert cache.read(key) == {"n": 1}
    entry = next((tmp_path / "cache").rglob("*.json"))
    whole = entry.read_text()
    for damaged in ("", whole[:20], "[]", whole.replace('"n": 1', '"n": 2'), whole.replace(key, "0" * 64)):
        entry.write_text(damaged)
        assert cache.read(key) is None
    assert [file.name for file in entry.parent.iterdir()] == [entry.name]
    ResultCache(None).write(key, {})
    assert ResultCache(None).read(key) is None
    blocked = ResultCache(entry / "no folder")
    blocked.write(key, {})
    assert blocked.read(key) is None


# -- the log of a test run --------------------------------------------------------------------------

START = {"kind": "start"}
COLLECTED = {"kind": "collected", "ids": ["t.py::a"]}
CALL = {"kind": "report", "id": "t.py::a", "when": "call", "outcome": "passed", "xfail": False, "text": "", "line": 1}
OVER = {**CALL, "when": "teardown"}
END = {"kind": "end", "foreign": {}, "tampered": {}, "reach": {}}
PLACES = ("first-assert", "first-error", "last-assert", "last-error")
CANARIES = [{"kind": "canary", "id": place, "when": "call", "outcome": "failed"} for place in PLACES]


KEY = "0f" * 16


def _log(tmp_path: Path, *records: dict[str, object]) -> Path:
    file, last = tmp_path / "log", ""
    with file.open("w") as stream:
        for record in records:
            last = signature(record, KEY, last)
            stream.write(json.dumps({**record, "nonce": record.get("nonce", last)}) + "\n")
    return file


@pytest.mark.parametrize(
    ("records", "trouble"),
    [
        ([START, COLLECTED, CALL, OVER, *CANARIES, END], ""),
        ([START, COLLECTED, CALL, OVER, END], "has to fail did not"),
        ([START, COLLECTED, CALL, OVER, *CANARIES[1:], {**CANARIES[0], "outcome": "passed"}, END], "first-assert"),
        ([START, COLLECTED, CALL, OVER, *CANARIES[:3], {**CANARIES[3], "when": "setup"}, END], "last-error"),
        ([START, {**COLLECTED, "ids": []}, END], ""),
        ([START, END], "before its tests were collected"),
        ([], "no beginning"),
        ([COLLECTED, CALL, OVER, END], "no beginning"),
        ([START, START, END], "no beginning"),
        ([START, COLLECTED, CALL, OVER], "did not come to its end"),
        ([START, COLLECTED, CALL, OVER, END, OVER], "did not come to its end"),
        ([START, COLLECTED, CALL, OVER, END, END], "did not come to its end"),
        ([START, COLLECTED, CALL, END], "have no outcome"),
        ([START, COLLECTED, END], "have no outcome"),
        ([START, {**END, "nonce": "m"}], "somebody else"),
        ([START, {"kind": "other"}], "somebody else"),
    ],
)
def test_when_a_log_is_believed(tmp_path: Path, records: list[dict[str, object]], trouble: str) -> None:
    said = read_run(_log(tmp_path, *records), KEY).trouble
    assert trouble in said if trouble else not said


def test_a_log_that_is_missing_or_damaged(tmp_path: Path) -> None:
    assert "no log" in read_run(tmp_path / "none", KEY).trouble
    (tmp_path / "log").write_text("{}\n")
    assert "damaged" in read_run(tmp_path / "log", KEY).trouble


@pytest.mark.parametrize(
    ("phases", "outcome"),
    [
        ([CALL, OVER], "passed"),
        ([{**CALL, "when": "setup", "outcome": "failed"}, OVER], "failed"),
        ([CALL, {**OVER, "outcome": "failed"}], "failed"),
        ([{**CALL, "outcome": "skipped"}, OVER], "skipped"),
        ([{**CALL, "outcome": "skipped", "xfail": True}, OVER], "xfailed"),
        ([{**CALL, "xfail": True}, OVER], "xpassed"),
        ([{**CALL, "outcome": "rerun"}, CALL, OVER], "passed"),
        ([{**CALL, "outcome": "failed", "when": "???"}], "failed"),
    ],
)
def test_how_a_test_ended(tmp_path: Path, phases: list[dict[str, object]], outcome: str) -> None:
    run = read_run(_log(tmp_path, START, COLLECTED, *phases, *CANARIES, END), KEY)
    assert run.trouble == ""
    assert run.tests["t.py::a"].outcome == outcome
    assert type(run).from_json(json.loads(json.dumps(run.to_json()))) == run


# -- results ----------------------------------------------------------------------------------------


def test_the_worst_counts() -> None:
    note, review, problem = (Finding("r", "p", 1, "m", severity) for severity in ("note", "review", "problem"))
    assert status_of(()) == status_of((note,)) == "passed"
    assert status_of((note, review)) == "needs_review"
    assert status_of((review, problem)) == "failed"
    results = {status: CheckResult("c", status) for status in ("passed", "failed", "error", "needs_review")}
    assert verdict_of(()) == "passed"
    assert verdict_of(tuple(results.values())) == "failed"
    assert verdict_of((results["error"], results["needs_review"])) == "error"
    assert verdict_of((results["passed"], results["needs_review"])) == "needs_review"


def test_a_verification_survives_as_json() -> None:
    command = Command("ruff-own", ("ruff", "check"), 1, 0.5, "ruff check")
    finding = Finding("F401", "a.py", 1, "unused", symbol="f", text="import a", fingerprint="x")
    check = CheckResult(
        "ruff", "failed", (finding,), 2, ("why",), ("note",), (command,), "python", "1", "ruff-own.json"
    )
    whole = Verification(
        "failed", "b", "h", "bt", "t", (check,), ("ruff: why",), 1.5, "namespaces", {"a": "b"}, ("ls",), "e"
    )
    assert Verification.from_json(json.loads(json.dumps(whole.to_json()))) == whole
    many = replace(check, findings=tuple(replace(finding, line=line) for line in range(1, 31)))
    feedback = replace(whole, checks=(many,)).feedback()
    assert "- a.py:20: F401 unused\n- and 10 more" in feedback


def test_unknown_checks_and_interpreters_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(VerificationError, match="unknown check 'x'"):
        grader_named("x")
    with pytest.raises(VerificationError, match="no program"):
        locate(tmp_path, "bin/python")
    (tmp_path / ".venv").mkdir()
    with pytest.raises(VerificationError, match="has no bin/python"):
        locate(tmp_path, None)
    monkeypatch.setenv("VIRTUAL_ENV", str(tmp_path / "gone"))
    (tmp_path / ".venv").rmdir()
    assert Path(locate(tmp_path, None)).exists()

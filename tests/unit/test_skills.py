"""Skills: found, read, refused where they are unsound, and given to the tasks that they fit."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from claude_orchestrator.skills.fitting import fit, wanted
from claude_orchestrator.skills.loader import AT_MOST, Place, Skill, discovered, matching, places
from claude_orchestrator.skills.skill_file import LARGEST, read_skill

SOUND = "---\nname: {name}\ndescription: {description}\n---\n\nDo it well.\n"


def put(place: Path, name: str, text: str | bytes | None = None, description: str = "Something") -> Path:
    folder = place / name
    folder.mkdir(parents=True)
    file = folder / "SKILL.md"
    text = SOUND.format(name=name, description=description) if text is None else text
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return file


def one(tmp_path: Path, text: str | bytes) -> Skill:
    return read_skill(put(tmp_path, "folder-name", text), "project", tmp_path)


def test_the_whole_front_matter_of_claude_code(tmp_path: Path) -> None:
    skill = one(
        tmp_path,
        "---\r\nname: my-skill\r\ndescription: >\r\n  What it\r\n  does.\r\nwhen_to_use: When asked.\r\n"
        "argument-hint: '[file]'\r\nallowed-tools: [Read, 'Bash(git *)']\r\ndisable-model-invocation: true\r\n"
        "user-invocable: false\r\nmodel: opus\r\ncontext: fork\r\nagent: Explore\r\nhooks: {}\r\n"
        "paths: 'src/**/*.{ts,tsx}, docs'\r\nnot-known-yet: 1\r\n---\r\n\r\n# Title\r\n\r\nText with ---\r\n---\r\n",
    )
    assert skill.problem == ""
    assert (skill.name, skill.description, skill.hints) == ("my-skill", "What it does.", "When asked.")
    assert skill.patterns == ("src/**/*.ts", "src/**/*.tsx", "docs")
    assert skill.by_hand
    assert skill.body == "# Title\n\nText with ---\n---"


def test_what_may_be_left_out(tmp_path: Path) -> None:
    skill = one(tmp_path, "# A title\n\nFirst paragraph\nof it.\n\nSecond.\n")
    assert (skill.name, skill.description, skill.problem) == ("folder-name", "First paragraph of it.", "")
    assert one(tmp_path / "b", "\ufeff---\nname: x\n---\nText").name == "x"
    assert one(tmp_path / "c", "---\nfiles: [a, b]\n---\nText").patterns == ("a", "b")
    assert one(tmp_path / "d", "---\n---\nText").body == "Text"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("---\nname: x\n", "has no end"),
        ("---\nname: x\n---\n \n", "no text below"),
        ("", "no text below"),
        ("---\nname: [x\n---\nText", "no YAML (line"),
        ("---\nname: x: y\n---\nText", "no YAML (line 2)"),
        ("---\n- a\n---\nText", "no list of 'name: value'"),
        ("---\nname: {a: b}\n---\nText", "'name' is no text"),
        ("---\ndescription: [a]\n---\nText", "'description' is no text"),
        ("---\ndisable-model-invocation: often\n---\nText", "neither true nor false"),
        ("---\npaths: {a: b}\n---\nText", "'paths' is no list of paths"),
        ("---\nat: 2026-99-99\n---\nText", "no YAML"),
        ("---\na: !!python/object/apply:os.getcwd []\n---\nText", "no YAML"),
        pytest.param("---\na: " + "[" * 5000 + "\n---\nText", "nested too deeply", marks=pytest.mark.no_cover),
        (b"---\nname: \xff\n---\nText", "no UTF-8 (byte 10)"),
        ("x" * (LARGEST + 1), "longer than 64 KB"),
    ],
)
def test_what_is_wrong_is_said_and_never_used(tmp_path: Path, text: str | bytes, problem: str) -> None:
    skill = one(tmp_path, text)
    assert problem in skill.problem
    assert "\n" not in skill.problem
    assert (skill.name, skill.body) == ("folder-name", "")
    assert fit(skill, wanted({"title": "folder-name", "prompt": "use `folder-name`"})) is None


@given(st.binary(max_size=300))
@example(b"---\n&a [*a]\n---\nx")
@example(b"---\nname: &a [*a]\n---\nx")
@example(b"---\n? [a]\n: b\n---\nx")
def test_no_file_breaks_anything(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    folder = tmp_path_factory.mktemp("any")
    for text in (data, b"---\n" + data + b"\n---\nText", b"---\nname: " + data + b"\n---\nText"):
        put(folder, f"s{random.random()}", text)
    for skill in discovered([Place("project", folder)]):
        assert skill.problem or skill.body


def test_links_out_of_the_folder_are_refused(tmp_path: Path) -> None:
    outside, place = tmp_path / "outside", tmp_path / "skills"
    put(outside, "secret", "---\nname: secret\n---\nA key\n")
    put(place, "inside")
    (place / "alias").symlink_to(place / "inside")
    (place / "folder").symlink_to(outside / "secret")
    (place / "file").mkdir()
    (place / "file" / "SKILL.md").symlink_to(outside / "secret" / "SKILL.md")
    (place / "loop").mkdir()
    (place / "loop" / "SKILL.md").symlink_to(place / "loop" / "SKILL.md")
    (place / "pipe").mkdir()
    (place / "pipe" / "SKILL.md").mkdir()
    found = {skill.path.parent.name: skill for skill in discovered([Place("user", place)])}
    assert "leads out of" in found["folder"].problem
    assert "leads out of" in found["file"].problem
    assert "cannot be read" in found["loop"].problem
    assert "no file" in found["pipe"].problem
    assert not any("key" in skill.body for skill in found.values())
    assert [name for name, skill in found.items() if not skill.problem] == ["alias"], "one file is one skill"


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "pipe").mkdir()
    os.mkfifo(tmp_path / "pipe" / "SKILL.md")
    (skill,) = discovered([Place("user", tmp_path)])
    assert "no file" in skill.problem


def test_the_places_and_who_goes_first(tmp_path: Path) -> None:
    home, project = tmp_path / "home", tmp_path / "project"
    for place in (home / ".claude" / "skills", project / ".claude" / "skills", project / "skills"):
        put(place, "same")
    put(project / "skills", "ours-alone")
    put(project / "skills", "broken", "---\nname: [\n---\nx")
    (project / "skills" / "notes.txt").touch()
    (project / "skills" / ".hidden").mkdir()
    found = discovered(places(project, home))
    mine = [(skill.name, skill.origin, bool(skill.problem)) for skill in found if skill.origin != "built-in"]
    assert mine == [
        ("same", "user", False),
        ("same", "project", True),
        ("broken", "project", True),
        ("ours-alone", "project", False),
        ("same", "project", True),
    ]
    assert "the user skill of that name goes before it" in found[1].problem
    assert discovered(places(None, tmp_path / "nobody")), "ours are always there"
    assert discovered([Place("user", tmp_path / "missing"), Place("user", Path("/dev/null"))]) == []


def test_all_of_ours_are_sound_and_short() -> None:
    ours = [skill for skill in discovered(places(None, Path("/nobody"))) if skill.origin == "built-in"]
    assert [skill.name for skill in ours] == ["reading-a-verdict", "refactoring-safely", "tests-that-can-fail"]
    for skill in ours:
        assert not skill.problem
        assert skill.name == skill.path.parent.name
        assert len(skill.body) < 4_000


@pytest.mark.parametrize(
    ("task", "names"),
    [
        ({"title": "Write tests for the parser"}, ["tests-that-can-fail"]),
        ({"title": "Fix the rounding", "prompt": "Add a regression test for the bug."}, ["tests-that-can-fail"]),
        ({"title": "Refactor the ledger", "files": ["src"]}, ["refactoring-safely"]),
        ({"title": "x", "prompt": "See /reading-a-verdict for how."}, ["reading-a-verdict"]),
        ({"title": "x", "prompt": "See docs/reading-a-verdict.md for how."}, []),
        ({"title": "Raise requires-python", "files": ["pyproject.toml"]}, []),
        ({"title": "Read the configuration", "prompt": "Use it when the program starts."}, []),
        ({"id": "bare"}, []),
        ({"title": None, "prompt": None, "files": None, "success_criteria": None}, []),
    ],
)
def test_which_of_ours_a_task_gets(task: dict[str, Any], names: list[str]) -> None:
    assert [skill.name for skill in matching(task, places(None, Path("/nobody")))] == names


def made(name: str, description: str = "", **more: Any) -> Skill:
    return Skill(name, description, "text", "project", Path(name), **more)


@pytest.mark.parametrize(
    ("skill", "task", "because"),
    [
        (made("sql", patterns=("src/**/*.sql",)), {"files": ["src/db/a.sql"]}, "it is for src/**/*.sql"),
        (made("sql", patterns=("docs", "src/**/*.sql")), {"files": ["src"]}, "it is for src/**/*.sql"),
        (made("sql", patterns=("src/**/*.sql",)), {"files": ["src/a.py"], "title": "sql"}, None),
        (made("sql", patterns=("src/**/*.sql",)), {"files": ["."], "title": "Sql"}, "its name has sql"),
        (made("sql", patterns=("../up",)), {"files": ["up"]}, None),
        (made("database-migrations", "Tables"), {"title": "Migrate the tables"}, "its name has migrations;"),
        (made("x-ray", "Frame grid print tripod"), {"prompt": "frames, grids, prints"}, None),
        (
            made("x-ray", "Frame grid print tripod"),
            {"prompt": "frames, grids, prints, tripods"},
            "its description has",
        ),
        (made("x", "Frame", hints="Grid print tripod"), {"prompt": "frame grid print tripod"}, "its description has"),
        (made("deploy", "Deploy it", by_hand=True), {"title": "Deploy the server"}, None),
        (made("deploy", "Deploy it", by_hand=True), {"prompt": "Then do `deploy`."}, "the task names it"),
        (made("deploy", "Deploy it", problem="bad"), {"prompt": "Then do `deploy`."}, None),
    ],
)
def test_why_a_skill_fits(skill: Skill, task: dict[str, Any], because: str | None) -> None:
    found = fit(skill, wanted(task))
    assert (found is None) == (because is None)
    if found and because:
        assert because in found.because


def test_at_most_three_the_best_first_and_always_the_same(tmp_path: Path) -> None:
    for number in range(6):
        put(tmp_path, f"parser-{number}", description="Grammar tokens" if number == 4 else "Something")
    task = {"title": "A parser for the grammar", "prompt": "Tokens first."}
    first = matching(task, [Place("project", tmp_path)])
    assert [skill.name for skill in first] == ["parser-4", "parser-0", "parser-1"]
    assert len(first) == AT_MOST
    assert matching(task, [Place("project", tmp_path)]) == first


def test_finding_skills_imports_nothing_heavy() -> None:
    code = "import sys, claude_orchestrator.skills.loader as _; print({'yaml', 'pydantic', 'rich'} & set(sys.modules))"
    said = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=30).stdout
    assert said == "set()\n"

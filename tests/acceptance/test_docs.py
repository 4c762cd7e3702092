"""Every command and script that the documentation shows is run, in order, as a reader would (see CONTRIBUTING.md)."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import pytest

from claude_orchestrator.plans.files import check_plan

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("**/*.md"))]
TIME_LIMIT_S = 100


@dataclass(frozen=True)
class Block:
    """A fenced code block: its language, the line of its fence, and its text."""

    language: str
    line: int
    text: str


def blocks(document: Path) -> list[Block]:
    """The fenced code blocks of a Markdown file, from its top to its end."""
    text = document.read_text(encoding="utf-8")
    found = re.finditer(r"^```(\w*)[^\n]*\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [Block(match[1], text.count("\n", 0, match.start()) + 1, match[2]) for match in found]


def commands(block: Block) -> list[tuple[str, int]]:
    """The commands of a console block with the exit codes that they must have."""
    shown = re.findall(r"^\$ (.*(?:\n> .*)*)$", block.text, re.MULTILINE)
    wanted = [re.search(r"# exit (\d+)$", command) for command in shown]
    return [
        (command.replace("\n> ", "\n"), int(exit_code[1]) if exit_code else 0)
        for command, exit_code in zip(shown, wanted, strict=True)
    ]


def shell_script(document: Path, folder: Path) -> str:
    """One bash script of all that the document wants run; it stops, and says where, at the first surprise."""
    steps = []
    for block in blocks(document):
        if block.language == "python":
            script = folder / f"{document.stem}-{block.line}.py"
            script.write_text(block.text, encoding="utf-8")
            todo = [(f'python "{script}"', 0)]
        else:
            todo = commands(block) if block.language == "console" else []
        for command, exit_code in todo:
            steps.append(
                f"{command}\n"
                f"code=$?; if [ $code -ne {exit_code} ]; then\n"
                f"echo '{document.name}:{block.line}: exit '$code', not {exit_code}' >&2; exit 99; fi\n"
            )
    return "".join(steps)


@pytest.fixture
def reader(tmp_path: Path, installed: Path) -> tuple[Path, dict[str, str]]:
    """Where a reader sits, a copy of ``plans`` at hand, and their environment with ``~/code/anything`` in it."""
    home, desk = tmp_path / "home", tmp_path / "desk"
    environment = {
        "PATH": os.pathsep.join([str(installed), os.environ["PATH"]]),
        "HOME": str(home),
        "TMPDIR": str(tmp_path),
        "CLAUDE_ORCHESTRATOR_HOME": str(home / "orchestrator"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "LANG": "C.UTF-8",
    }
    project = home / "code" / "anything"
    with resources.as_file(resources.files("claude_orchestrator") / "demo" / "repository") as demo:
        shutil.copytree(demo, project, ignore=shutil.ignore_patterns("__pycache__", ".*_cache"))
    shutil.copytree(ROOT / "plans", desk / "plans")
    identity = ["-c", "user.name=A Reader", "-c", "user.email=reader@localhost"]
    for arguments in (["init", "--quiet"], ["add", "--all"], [*identity, "commit", "--quiet", "-m", "Start"]):
        subprocess.run(["git", *arguments], cwd=project, env=environment, check=True, timeout=30)
    return desk, environment


def read_along(document: Path, reader: tuple[Path, dict[str, str]], folder: Path) -> subprocess.CompletedProcess[str]:
    desk, environment = reader
    return subprocess.run(
        ["bash", "-c", shell_script(document, folder)],
        cwd=desk,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
        timeout=TIME_LIMIT_S,
    )


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_what_a_document_shows_works(document: Path, reader: tuple[Path, dict[str, str]], tmp_path: Path) -> None:
    ran = read_along(document, reader, tmp_path)
    assert ran.returncode == 0, f"{ran.stderr}\n{ran.stdout}"


@pytest.mark.parametrize(
    ("wrong", "place"),
    [
        ("```console\n$ false\n```", "page.md:11: exit 1, not 0"),
        ("```console\n$ true # exit 1\n```", "page.md:11: exit 0, not 1"),
        ("```python\nraise SystemExit(3)\n```", "page.md:11: exit 3, not 0"),
    ],
)
def test_what_does_not_work_is_named(
    wrong: str, place: str, reader: tuple[Path, dict[str, str]], tmp_path: Path
) -> None:
    works = "```console\n$ cd ~/code/anything && git log --format=%s\nStart\n$ test \\\n>   1 = 2 # exit 1\n```\n"
    works += "```bash\nfalse\n```\n"
    page = tmp_path / "page.md"
    page.write_text(f"{works}\n{wrong}\n", encoding="utf-8")
    ran = read_along(page, reader, tmp_path)
    assert ran.stdout.startswith("Start\n")
    assert ran.stderr.strip() == place


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_the_plans_in_a_document_are_sound(document: Path) -> None:
    for block in blocks(document):
        if block.language == "yaml" and block.text.startswith("goal:"):
            assert check_plan(block.text) == [], f"{document.name}:{block.line}"


@pytest.mark.parametrize("plan", sorted((ROOT / "plans").glob("*.yaml")), ids=lambda path: path.name)
def test_the_example_plans_are_sound(plan: Path) -> None:
    assert check_plan(plan) == []


def test_the_demo_plan_is_sound() -> None:
    with resources.as_file(resources.files("claude_orchestrator") / "demo" / "plan.yaml") as plan:
        assert check_plan(plan) == []

"""What a stranger gets: the wheel, the two commands of the README, and CI that does what they say."""

import re
import subprocess
import sys
import tomllib
import zipfile
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

import claude_orchestrator

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "claude_orchestrator"


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Names of the files in the wheel that hatchling builds from this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        timeout=60,
    )
    (built,) = folder.glob("claude_orchestrator-*.whl")
    with zipfile.ZipFile(built) as archive:
        return set(archive.namelist())


def is_left_by_a_tool(path: Path) -> bool:
    return any(part == "__pycache__" or part.endswith("_cache") for part in path.parent.parts)


def readme_command(name: str) -> str:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(rf"^<!-- {name} command -->\n```bash\n(.*?)\n```$", text, re.MULTILINE | re.DOTALL)
    assert len(blocks) == 1, f"README.md needs exactly one {name} command"
    return str(blocks[0])


@pytest.mark.parametrize("name", ["demo", "test"])
def test_the_readme_commands_are_one_line_that_does_all_the_setup(name: str) -> None:
    command = readme_command(name)
    assert "\n" not in command
    assert command.startswith("python3 -m venv .venv && ")
    assert "://" not in command


def test_ci_takes_the_test_command_from_the_readme() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    extraction = re.search(r"^test_command=\$\((.*)\)$", script, re.MULTILINE)
    assert extraction is not None
    said = subprocess.run(
        ["bash", "-c", extraction.group(1)], cwd=ROOT, check=True, capture_output=True, text=True, timeout=10
    )
    assert said.stdout.strip() == readme_command("test")


def test_the_workflow_does_what_ci_run_does() -> None:
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    assert re.findall(r"^ *- run: (.*)$", workflow, re.MULTILINE) == [".ci/run"]


def test_the_version_is_said_once_and_released_under_that_name() -> None:
    assert metadata.version("claude-orchestrator") == claude_orchestrator.__version__
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert newest is not None
    assert newest.group(1) == claude_orchestrator.__version__


def test_the_extras_are_there(project: dict[str, Any]) -> None:
    extras = project["project"]["optional-dependencies"]
    assert set(extras) == {"claude", "acp", "models", "web", "telegram", "knowledge", "fleet", "e2e", "dev"}
    named = [*project["project"]["dependencies"], *(one for extra in extras.values() for one in extra)]
    for requirement in (one for one in named if not one.startswith("claude-orchestrator[")):
        assert ">=" in requirement or "==" in requirement, f"{requirement} has no lower bound"


def test_the_wheel_has_all_that_the_package_reads_at_run_time(wheel: set[str]) -> None:
    files = [path.relative_to(PACKAGE.parent) for path in PACKAGE.rglob("*") if path.is_file()]
    missing = {path.as_posix() for path in files if not is_left_by_a_tool(path)} - wheel
    assert not missing
    assert {
        "claude_orchestrator/py.typed",
        "claude_orchestrator/demo/plan.yaml",
        "claude_orchestrator/demo/repository/.gitignore",
        "claude_orchestrator/demo/repository/pyproject.toml",
        "claude_orchestrator/demo/repository/tests/test_money.py",
    } <= wheel
    skills = [path.parent.name for path in (ROOT / "skills").glob("*/SKILL.md")]
    assert skills
    assert {f"claude_orchestrator/plugin/skills/{name}/SKILL.md" for name in skills} <= wheel
    plugin = (".claude-plugin/plugin.json", ".mcp.json", "hooks/hooks.json", "hooks/orchestrator.sh")
    assert {f"claude_orchestrator/plugin/{name}" for name in plugin} <= wheel
    assert any(re.fullmatch(r"claude_orchestrator/state/schema/\d+.*\.sql", name) for name in wheel)


def test_the_wheel_has_nothing_else(wheel: set[str]) -> None:
    strangers = {name for name in wheel if not name.startswith(("claude_orchestrator/", "claude_orchestrator-"))}
    assert not strangers
    assert not {name for name in wheel if is_left_by_a_tool(Path(name))}


def test_our_own_tests_leave_the_demo_repository_alone() -> None:
    collected = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-o", "addopts=", "-p", "no:cacheprovider", "src"],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert collected.returncode == pytest.ExitCode.NO_TESTS_COLLECTED, collected.stdout

"""The repository as a plugin of Claude Code: what its files name exists, and its skills are for the host alone."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from claude_orchestrator import __version__
from claude_orchestrator.cli import plugin_folder
from claude_orchestrator.cli.claude_code import MARKETPLACE, PLUGIN, SERVER
from claude_orchestrator.cli.hook import _OURS, _answer_to
from claude_orchestrator.cli.judging import hook_app
from claude_orchestrator.server.table import TOOLS
from claude_orchestrator.skills.loader import Place, chosen, discovered, matching, places

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "hooks" / "orchestrator.sh"
HOST_SKILLS = {"plan", "run", "inbox", "verify"}


def document(name: str) -> dict[str, object]:
    return dict(json.loads((ROOT / name).read_text()))


def test_the_manifests_agree() -> None:
    manifest, marketplace = document(".claude-plugin/plugin.json"), document(".claude-plugin/marketplace.json")
    assert manifest["version"] == __version__
    assert (manifest["name"], marketplace["name"]) == tuple(PLUGIN.split("@"))
    assert marketplace["name"] == MARKETPLACE
    assert [plugin["name"] for plugin in marketplace["plugins"]] == [manifest["name"]]  # type: ignore[attr-defined]
    assert list(document(".mcp.json")["mcpServers"]) == [SERVER]  # type: ignore[call-overload]
    assert f"mcp__plugin_{manifest['name']}_{SERVER}__" in _OURS
    assert f"mcp__{SERVER}__" in _OURS


def test_every_hook_is_a_command_of_ours() -> None:
    known = {command.name for command in hook_app.registered_commands}
    named = set()
    for matchers in document("hooks/hooks.json")["hooks"].values():  # type: ignore[attr-defined]
        for hook in (hook for matcher in matchers for hook in matcher["hooks"]):
            assert hook["command"] == "sh"
            assert hook["args"][:2] == ["${CLAUDE_PLUGIN_ROOT}/hooks/orchestrator.sh", "hook"]
            named.add(hook["args"][2])
    assert named == {"session-start", "post-compact", "pre-tool-use", "stop"} == known


def test_the_skills_name_tools_that_there_are() -> None:
    tools = {tool.name for tool in TOOLS}
    for name in HOST_SKILLS:
        text = (ROOT / "skills" / name / "SKILL.md").read_text()
        front, body = text.removeprefix("---\n").split("\n---\n", 1)
        values = yaml.safe_load(front)
        assert values["name"] == name
        granted = {word.strip() for word in values["allowed-tools"].split(",")}
        ours = {word.removeprefix(_OURS[1]) for word in granted if word.startswith("mcp__")}
        assert ours <= tools
        assert not ours & {tool.name for tool in TOOLS if tool.person}, "what a person decides is asked every time"
        assert granted - {_OURS[1] + tool for tool in ours} <= {"Read", "Grep", "Glob"}
        named = set(re.findall(r"`((?:plan|run|inbox)_\w+|status|verify)`", body))
        assert named <= tools
        assert len(body) < 2500


def test_no_agent_gets_a_skill_of_the_host(tmp_path: Path) -> None:
    ours = Place("built-in", ROOT / "skills")
    names = {skill.name for skill in discovered([ours])}
    assert names == {path.parent.name for path in (ROOT / "skills").glob("*/SKILL.md")} - HOST_SKILLS
    task = {
        "title": "Plan and verify the run",
        "prompt": "`run`, 'plan', /verify and the `inbox`: verify the inbox run",
    }
    assert not {skill.name for skill in matching(task, [ours])} & HOST_SKILLS
    mine = tmp_path / "plan" / "SKILL.md"
    mine.parent.mkdir()
    mine.write_text("---\nname: plan\n---\nHow we plan here.\n")
    skills = discovered([ours, Place("project", tmp_path)])
    assert [(skill.name, skill.problem) for skill in skills if skill.name == "plan"] == [("plan", "")]
    assert [skill.name for skill in chosen({"title": "Plan it", "prompt": "/plan"}, skills)] == ["plan"]


def test_our_own_skills_are_found_where_the_plugin_is(tmp_path: Path) -> None:
    assert places(None, tmp_path)[-1].folder == ROOT / "skills"


def test_the_hook_leaves_our_own_tools_to_claude_code() -> None:
    for tool in ("mcp__orchestrator__plan_start", "mcp__plugin_orchestrator_orchestrator__inbox_answer"):
        assert _answer_to(json.dumps({"tool_name": tool, "tool_input": {}}).encode(), None) == {}
    other = _answer_to(json.dumps({"tool_name": "mcp__orchestrator2__x", "tool_input": {}}).encode(), None)
    assert other["hookSpecificOutput"]["permissionDecision"] == "ask"


def started(script: Path, path: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", str(script), *arguments],
        env={"PATH": path, "HOME": "/nonexistent"},
        input="{}",
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


@pytest.fixture
def bare(tmp_path: Path) -> str:
    """A PATH with what the script itself needs, and nothing else."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "dirname").symlink_to("/usr/bin/dirname")
    return str(folder)


def test_without_the_program_it_says_so_once_and_blocks_nothing(bare: str) -> None:
    start = started(SCRIPT, bare, "hook", "session-start")
    assert "is not on the PATH" in json.loads(start.stdout)["systemMessage"]
    for event in ("pre-tool-use", "post-compact", "stop"):
        silent = started(SCRIPT, bare, "hook", event)
        assert (silent.returncode, silent.stdout, silent.stderr) == (0, "", "")
    served = started(SCRIPT, bare, "serve")
    assert served.returncode == 127
    assert served.stdout == ""
    assert len(served.stderr.splitlines()) == 1


def test_the_program_is_found_on_the_path_or_where_setup_has_said(bare: str, tmp_path: Path) -> None:
    def program(path: Path) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f'#!/bin/sh\necho "{path.parent.name}: $*"\n')
        path.chmod(0o755)
        return path

    program(Path(bare) / "claude-orchestrator")
    assert started(SCRIPT, bare, "hook", "stop").stdout == "bin: hook stop\n"
    mine = program(tmp_path / "my own" / "claude-orchestrator")
    assert plugin_folder.stage(tmp_path / "plugin", str(mine))
    staged = tmp_path / "plugin" / "hooks" / "orchestrator.sh"
    assert started(staged, bare, "serve").stdout == "my own: serve\n"
    mine.unlink()
    assert started(staged, bare, "serve").stdout == "bin: serve\n", "it has moved: the PATH knows more"


def test_the_staged_plugin_changes_with_what_it_holds_only(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "plugin"
    assert plugin_folder.stage(folder, "/opt/one")
    assert not plugin_folder.stage(folder, "/opt/one")
    version = json.loads((folder / ".claude-plugin" / "plugin.json").read_text())["version"]
    assert version.startswith(f"{__version__}+")
    assert plugin_folder.stage(folder, "/opt/two")
    assert json.loads((folder / ".claude-plugin" / "plugin.json").read_text())["version"] != version
    assert {path.name for path in folder.iterdir()} == set(plugin_folder.PARTS)
    assert [path.name for path in folder.parent.iterdir()] == ["plugin"]


@pytest.mark.parametrize(
    "command",
    [
        "claude-orchestrator approve g1",
        "claude-orchestrator plan approve s1",
        "python3 -m claude_orchestrator inbox deny g1",
        "claude-orchestrator token issue --scope approve",
    ],
)
def test_the_hook_refuses_a_shell_that_would_decide(command: str) -> None:
    said = _answer_to(json.dumps({"tool_name": "Bash", "tool_input": {"command": command}}).encode(), None)
    assert said["hookSpecificOutput"]["permissionDecision"] == "deny"
    assert "only a human may" in said["hookSpecificOutput"]["permissionDecisionReason"]

"""``setup`` with the real Claude Code: what it registers starts there, and nothing of it is left when it is removed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("claude_agent_sdk", reason="needs the extra: pip install 'claude-orchestrator[claude]'")

from host_world import HostWorld, left
from scripted.messages_api import by_task, tool

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.timeout(400)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[HostWorld]:
    script = by_task(host=[[tool("mcp__orchestrator__status", "status")], "Fine."])
    made = HostWorld(tmp_path, script)
    made.options = ()
    made.api.__enter__()
    yield made
    made.close()


def of_ours(world: HostWorld) -> dict[str, str]:
    """What names us in the user's home, in the project and in our own; logs and backups of Claude Code aside."""
    places = {"user": world.user, "project": world.project, "home": world.home / "claude-code"}
    return {
        f"{place}/{name}": text
        for place, folder in places.items()
        for name, text in left(folder).items()
        if "orchestrator" in text + name
        and not any(part in name for part in ("/backups/", ".cache/", "/projects/", ".git/"))
    }


def test_the_repository_is_a_valid_plugin_and_marketplace(world: HostWorld) -> None:
    said = world.claude("plugin", "validate", "--strict", str(ROOT))
    assert "Validation passed" in said
    for skill in ("plan", "run", "inbox", "verify"):
        assert f"orchestrator:{skill}" in said
    for event in ("SessionStart", "PostCompact", "PreToolUse", "Stop"):
        assert f"hooks: {event}" in said
    assert "mcpServers: orchestrator stdio" in said


def test_the_server_is_registered_checked_and_removed(world: HostWorld) -> None:
    world.claude("mcp", "add", "--scope", "user", "another", "--", "true")
    before = of_ours(world)
    assert "nothing of claude-orchestrator is registered" in world.cli("setup", "--check", code=1).stdout
    assert "would: register" in world.cli("setup", "--dry-run").stdout
    assert of_ours(world) == before
    assert "done: register the server" in world.cli("setup").stdout
    state = world.user / ".claude.json"
    registered = json.loads(state.read_text())["mcpServers"]
    assert registered["orchestrator"]["args"] == ["serve"]
    assert "is registered (user)" in world.cli("setup").stdout
    assert json.loads(state.read_text())["mcpServers"] == registered
    checked = world.json("setup", "--check")
    assert checked["good"]
    assert "plan_start" in checked["registered"][0]["tools"]
    world.host("[host] How is it?", "--allowedTools", "mcp__orchestrator")
    words, is_error = world.results()["status"]
    assert not is_error, words
    world.cli("setup", "--remove")
    assert json.loads(state.read_text())["mcpServers"].keys() == {"another"}
    assert of_ours(world).keys() <= {*before, "user/.claude.json"}
    assert "nothing of claude-orchestrator is registered" in world.cli("setup", "--remove").stdout


def test_the_plugin_takes_the_place_of_the_server_and_goes_without_a_trace(world: HostWorld) -> None:
    (world.user / ".claude").mkdir()
    settings = world.user / ".claude" / "settings.json"
    settings.write_text(json.dumps({"model": "opus", "permissions": {"deny": ["WebFetch"]}}))
    world.cli("setup")
    world.cli("setup", "--plugin")
    again = world.json("setup", "--plugin", "--dry-run")["changes"]
    assert not [change for change in again if "install" in change or "marketplace" in change]
    (checked,) = world.json("setup", "--check")["registered"]
    assert checked["what"] == "plugin"
    assert "plan_start" in checked["tools"]
    listed = json.loads(world.claude("plugin", "list", "--json"))
    assert [plugin["enabled"] for plugin in listed if plugin["id"].startswith("orchestrator@")] == [True]
    world.cli("setup", "--remove")
    assert of_ours(world) == {}
    kept = json.loads(settings.read_text())
    assert (kept["model"], kept["permissions"]) == ("opus", {"deny": ["WebFetch"]})
    assert not (world.home / "claude-code").exists()
    assert world.json("setup", "--check", code=1)["registered"] == []

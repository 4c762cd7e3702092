"""*Always allow*: what is generalised, what never is, and how it gets into the user's file."""

from __future__ import annotations

import stat
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_orchestrator.errors import ConfigError
from claude_orchestrator.safety.always import add_user_rule, rule_text, suggest_pattern
from claude_orchestrator.safety.classifier import judge
from claude_orchestrator.safety.operations import Decision, Effect, Operation
from claude_orchestrator.safety.policy import load_policy
from claude_orchestrator.safety.policy_file import parse_layer, read_layer
from claude_orchestrator.safety.rules import GENERIC, Rule


@pytest.mark.parametrize(
    ("command", "pattern"),
    [
        (["make", "deploy"], ["make", "deploy"]),
        (["kill", "-9", "12345"], ["kill", "-9", "*"]),
        (["tool", "/tmp/abc123/x", "--out=/tmp/q"], ["tool", "/tmp/*", "--out=/tmp/*"]),
        (["tool", "/var/tmp/x"], ["tool", "/var/tmp/*"]),
        (["x", "3f2a9c1"], ["x", "*"]),
        (["x", "--id=550e8400-e29b-41d4-a716-446655440000"], ["x", "--id=*"]),
        (["x", "2026-11-20T10:00:00Z"], ["x", "*"]),
        (["cp", "a*b", "build-20261120.log"], ["cp", "a[*]b", "build-*.log"]),
        (["pip", "install", "requests==2.31.0"], ["pip", "install", "requests==*"]),
        (["npm", "publish", "--tag", "v1"], ["npm", "publish", "--tag", "v1"]),
        (["chmod", "777", "x"], ["chmod", "777", "x"]),
        (["./deploy.sh", "staging"], ["./deploy.sh", "staging"]),
    ],
)
def test_what_is_suggested(command: list[str], pattern: list[str]) -> None:
    suggested = suggest_pattern(command)
    assert suggested == tuple(pattern)
    assert Rule(Decision.SAFE, suggested).matches_command(command)


@pytest.mark.parametrize(
    "command",
    [
        *([name, "x"] for name in sorted(GENERIC)),
        ["/usr/bin/git", "status"],
        ["python3.12", "x"],
        [],
        [""],
        ["/tmp/x/run"],
        ["make", "\U000f0005"],
        ["make", "a\u202eb"],
        ["a*", "x"],
    ],
)
def test_what_is_never_generalised(command: list[str]) -> None:
    assert suggest_pattern(command) is None


@given(st.lists(st.text(min_size=1, max_size=20), min_size=1, max_size=5))
def test_a_suggestion_can_be_saved_and_fits_its_command(command: list[str]) -> None:
    suggested = suggest_pattern(command)
    if suggested is not None:
        layer = parse_layer(rule_text(suggested, command), "policy.toml")
        assert layer.rules[0].argv == suggested
        policy = load_policy(user=layer)
        effect = Effect("A8", "x", tuple(command))
        assert judge([effect], Operation("run", "/w", "x"), policy).decision is Decision.SAFE


def test_saving_keeps_what_is_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "config" / "policy.toml"
    add_user_rule(str(path), ["make", 'a"\\b\x7fé😀'], ["make", 'a"\\b\x7fé😀'], "I know it")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.write_text("# mine\npreset = 'standard'  # why\n" + path.read_text())
    path.chmod(0o644)
    before = path.read_text()
    added = add_user_rule(str(path), ["make", "c"])
    assert path.read_text() == f"{before}\n{added}"
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    layer = read_layer(str(path))
    assert layer is not None
    assert [rule.argv for rule in layer.rules] == [("make", 'a"\\b\x7fé😀'), ("make", "c")]
    assert [item.name for item in path.parent.iterdir()] == ["policy.toml"]


def test_a_file_without_an_end_of_line_and_one_behind_a_link(tmp_path: Path) -> None:
    (tmp_path / "real.toml").write_text("preset = 'ci'")
    (tmp_path / "link.toml").symlink_to("real.toml")
    add_user_rule(str(tmp_path / "link.toml"), ["make", "c"])
    assert (tmp_path / "link.toml").is_symlink()
    assert (tmp_path / "real.toml").read_text().startswith("preset = 'ci'\n\n[[rule]]\n")


@pytest.mark.parametrize("text", ["rule = []\n", "preset = \n", "prest = 'ci'\n"])
def test_a_file_that_would_be_wrong_stays_as_it_is(tmp_path: Path, text: str) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"policy\.toml"):
        add_user_rule(str(path), ["make", "c"])
    assert path.read_text() == text
    with pytest.raises(ConfigError, match="can do anything"):
        add_user_rule(str(tmp_path / "other.toml"), ["git", "..."])
    assert [item.name for item in tmp_path.iterdir()] == ["policy.toml"]


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be written"):
        add_user_rule(str(tmp_path / "file" / "policy.toml"), ["make", "c"])


def test_two_at_once_both_count(tmp_path: Path) -> None:
    path = str(tmp_path / "policy.toml")
    threads = [threading.Thread(target=add_user_rule, args=(path, ["make", f"target-{c}"])) for c in "abcdefgh"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    layer = read_layer(path)
    assert layer is not None
    assert len(layer.rules) == len(threads)

"""Where paths lie, and what reading, writing and deleting them means there."""

from __future__ import annotations

from pathlib import Path

import pytest

from claude_orchestrator.safety.policy import Policy
from claude_orchestrator.safety.values import NAME, STAR, UNK
from claude_orchestrator.safety.zones import (
    Place,
    absolute,
    delete_effect,
    delete_rule,
    read_effect,
    read_rule,
    write_effect,
    write_rule,
    zone,
)

PLACE = Place("/home/dev/project/src", "/home/dev/project")
POLICY = Policy()


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a", "/home/dev/project/src/a"),
        ("./a//b/", "/home/dev/project/src/a/b"),
        ("../a", "/home/dev/project/a"),
        ("/a/../b", "/b"),
        ("//a", "/a"),
        ("/..", "/"),
        ("", "/home/dev/project/src"),
        ("~/x", "/~/x"),
        ("/proc/self/cwd/../x", "/proc/self/cwd/../x"),
    ],
)
def test_absolute(path: str, expected: str) -> None:
    assert absolute(path or ".", PLACE.cwd) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/home/dev/project", "WS"),
        ("/home/dev/project/x", "WS"),
        ("/home/dev/project2", "OUT"),
        ("/home/dev", "OUT"),
        ("/tmp/x", "TMP"),
        ("/var/tmp", "TMP"),
        ("/dev/shm/x", "TMP"),
        ("/tmpx", "OUT"),
        ("/var/log", "SYS"),
        ("/usr/lib", "SYS"),
        ("/lib64", "SYS"),
        ("/", "SYS"),
        ("/dev/null", "DEV"),
        ("/dev/sda1", "BLOCK"),
        ("/mnt/x", "OUT"),
        ("/srv", "OUT"),
    ],
)
def test_zone(path: str, expected: str) -> None:
    assert zone(path, PLACE) == expected


@pytest.mark.parametrize(
    ("path", "rule"),
    [
        ("/home/dev/project/a.py", "S1"),
        ("/etc/hosts", "S1"),
        ("/home/dev/x", "A5"),
        ("/home/dev/project/.env", "A5"),
        ("/home/dev/project/.env.local", "A5"),
        ("/home/dev/project/.env.example", "S1"),
        ("/home/dev/project/.envrc", "S1"),
        ("/home/dev/project/x/server.pem", "A5"),
        ("/home/dev/project/id_rsa.pub", "A5"),
        ("/home/dev/project/.ssh/x", "A5"),
        ("/home/dev/project/secrets.yaml", "A5"),
        ("/home/dev/project/secrets.py", "S1"),
        ("/home/dev/project/x/service-account-1.json", "A5"),
        ("/tmp/x.tfstate", "A5"),
        ("/etc/shadow", "A5"),
        ("/etc/sudoers.d/x", "A5"),
        ("/proc/1/environ", "A5"),
        ("/proc/cpuinfo", "S1"),
        ("/dev/sda", "A5"),
        (f"/home/dev/project/{STAR}", "S1"),
        (f"/home/dev/project/{STAR}.json", "S1"),
        (f"/home/dev/project/{STAR}.pem", "A5"),
        (f"/home/dev/project/.{STAR}", "A5"),
        (f"/home/dev/project/.e{STAR}", "A5"),
        (f"/home/dev/project/.g{STAR}", "A5"),
        (f"/etc/sh{STAR}", "A5"),
        (f"/home/dev/project/.docker/{STAR}", "A5"),
        (f"/home/dev/project/{NAME}", "S1"),
        (f"/home/dev/project/{UNK}", "A0"),
    ],
)
def test_read(path: str, rule: str) -> None:
    assert read_rule(path, PLACE, POLICY) == rule


@pytest.mark.parametrize(
    ("path", "rule"),
    [
        ("/home/dev/project/a.py", "S4"),
        ("/tmp/x", "S4"),
        ("/dev/null", "S4"),
        ("/home/dev/x", "A4"),
        ("/etc/hosts", "A4"),
        ("/home/dev/project/.git/config", "A4"),
        ("/home/dev/project/.github/workflows/a.yml", "A4"),
        ("/home/dev/project/.github/dependabot.yml", "S4"),
        ("/home/dev/project/.gitignore", "S4"),
        ("/home/dev/project/.gitmodules", "A4"),
        ("/home/dev/project/.claude/settings.json", "A4"),
        ("/home/dev/project/.mcp.json", "A4"),
        ("/home/dev/project/.env", "A4"),
        ("/tmp/x.key", "A4"),
        ("/etc/passwd", "B10"),
        ("/etc/passwd.bak", "A4"),
        ("/etc/sudoers.d/x", "B10"),
        ("/home/x/.ssh/authorized_keys", "B10"),
        ("/dev/sda", "B2"),
        ("/proc/sysrq-trigger", "B8"),
        (f"/home/dev/project/{STAR}.py", "S4"),
        (f"/home/dev/project/.{STAR}", "A4"),
        (f"/home/dev/project/{NAME}", "A0"),
    ],
)
def test_write(path: str, rule: str) -> None:
    assert write_rule(path, PLACE, POLICY) == rule


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/usr",
        "/home",
        "/home/dev",
        "/home/other",
        "/root",
        "/home/dev/project",
        "/x/.git",
        f"/{STAR}",
        f"/u{STAR}",
        f"/home/dev/{STAR}",
        f"/home/dev/project/{STAR}",
        f"/home/dev/project/{NAME}",
        f"/x/.{STAR}",
        "/Users/x",
    ],
)
def test_what_must_not_be_deleted(path: str) -> None:
    assert delete_rule(path, PLACE, recursive=True) == "B1"
    assert delete_rule(path, PLACE, recursive=False) == "A1"


@pytest.mark.parametrize(
    "path",
    [
        "/usr/local",
        "/home/dev/x",
        "/home/dev/project/src",
        "/tmp",
        "/mnt",
        f"/tmp/{STAR}",
        f"/home/dev/project/a{STAR}",
    ],
)
def test_what_may_be_deleted_with_approval(path: str) -> None:
    assert delete_rule(path, PLACE, recursive=True) == "A1"


def test_a_workspace_in_a_temporary_folder() -> None:
    place = Place("/tmp/w/project")
    assert delete_rule("/tmp", place, recursive=True) == "B1"
    assert delete_rule("/tmp/w", place, recursive=True) == "B1"
    assert delete_rule("/tmp/x", place, recursive=True) == "A1"
    assert write_rule("/tmp/w/project/.git/config", place, POLICY) == "A4"


def test_effects_name_paths() -> None:
    assert read_effect("../.env", PLACE, POLICY)[:2] == ("A5", "reads /home/dev/project/.env")
    assert write_effect("a", PLACE, POLICY).paths == ("/home/dev/project/src/a",)
    assert write_effect("a", PLACE, POLICY, empties=True).rule == "A1"
    assert delete_effect("..", PLACE, POLICY).rule == "B1"


def test_the_user_can_name_more() -> None:
    policy = Policy(secret_paths=("*.vault", "conf/private/*"), protected_paths=("deploy/*",))
    assert read_rule("/home/dev/project/x/a.vault", PLACE, policy) == "A5"
    assert read_rule("/home/dev/project/conf/private/a", PLACE, policy) == "A5"
    assert write_rule("/home/dev/project/deploy/a.sh", PLACE, policy) == "A4"
    assert write_rule("/home/dev/project/src/a.sh", PLACE, policy) == "S4"


def test_a_live_place_follows_links_and_only_gets_stricter(tmp_path: Path) -> None:
    root = tmp_path.resolve()
    workspace = root / "work"
    (workspace / "sub").mkdir(parents=True)
    (root / "outside").mkdir()
    (workspace / "link").symlink_to(root / "outside")
    (workspace / "inner").symlink_to(workspace / "sub")
    (workspace / ".env").write_text("")
    (workspace / "notes").symlink_to(workspace / ".env")
    (workspace / "null").symlink_to("/dev/null")
    # A home of its own: what lies in the tests' temporary folder would be TMP, and so safe.
    place = Place(str(workspace), str(workspace), "/home/dev", live=True)
    dead = Place(str(workspace), str(workspace), "/home/dev")
    assert read_rule(f"{workspace}/notes", dead, POLICY) == "S1"
    assert read_rule(f"{workspace}/notes", place, POLICY) == "A5"
    assert write_rule(f"{workspace}/notes", place, POLICY) == "A4"
    assert read_rule(f"{workspace}/inner/x", place, POLICY) == "S1"
    assert write_rule(f"{workspace}/inner/{STAR}.py", place, POLICY) == "S4"
    (workspace / "system").symlink_to("/usr")
    assert write_rule(f"{workspace}/system/x", dead, POLICY) == "S4"
    assert write_rule(f"{workspace}/system/x", place, POLICY) == "A4"
    assert delete_rule(f"{workspace}/system", place, recursive=True) == "B1"

"""Operations as questions: keys, editing, what is shown, how risky, and what an approval for a run would cover."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from claude_orchestrator.agents import leave, questions
from claude_orchestrator.agents.recoverable import Recoverable
from claude_orchestrator.agents.script import command
from claude_orchestrator.errors import NotReadyError
from claude_orchestrator.safety.classifier import classify
from claude_orchestrator.safety.documents import redacted
from claude_orchestrator.safety.operations import Decision, Effect, Operation, Verdict
from claude_orchestrator.safety.risk import risk_of

HERE, ELSEWHERE = Path("/home/worktrees/a"), Path("/home/worktrees/b")
KEY = "ghp_" + "0123456789abcdefghijklmnopqrstuvwxyz"


def key(operation: Operation, **more: Any) -> str:
    return questions.key_of(operation, **{"run_id": "r1", "task_id": "t", "position": 1, **more})


def test_a_key_is_of_the_task_the_place_and_the_operation() -> None:
    one = key(command("ls", HERE))
    assert key(command("ls", ELSEWHERE)) == one, "another attempt has another worktree"
    others = [
        key(command("ls -l", HERE)),
        key(command(["ls"], HERE)),
        key(command("ls", HERE), position=2),
        key(command("ls", HERE), task_id="u"),
        key(Operation("run", HERE / "sub", "ls", argv=("/bin/sh", "-c", "ls"), workspace=HERE)),
    ]
    assert len({one, *others}) == 6


def test_an_operation_survives_json() -> None:
    operation = Operation("replace", HERE, "a.txt", content="new", old="old", count=3)
    assert questions.from_document(questions.to_document(operation)) == operation


@pytest.mark.parametrize(
    ("operation", "text", "changed"),
    [
        (command("rm a", HERE), "rm b", {"target": "rm b", "argv": ["/bin/sh", "-c", "rm b"]}),
        (command(["rm", "a"], HERE), "rm 'a b'", {"target": "rm 'a b'", "argv": ["rm", "a b"]}),
        (Operation("write", HERE, "a", content="x"), "y", {"content": "y"}),
        (Operation("delete", HERE, "a"), "b", {"target": "b"}),
    ],
)
def test_what_a_human_edits(operation: Operation, text: str, changed: dict[str, Any]) -> None:
    document = questions.to_document(questions.edited(operation, text))
    assert document == {**questions.to_document(operation), **changed}


@pytest.mark.parametrize("text", ["rm 'a", "", "  "])
def test_what_cannot_be_edited_is_refused(text: str) -> None:
    with pytest.raises(NotReadyError):
        questions.edited(command(["rm", "a"], HERE), text)
    with pytest.raises(NotReadyError):
        questions.edited(Operation("http", HERE, "GET http://x"), text)


def test_what_is_shown(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("one\ntwo\n")
    shown = questions.shown_of(Operation("replace", tmp_path, "a", content="2", old="two"))
    assert shown.splitlines()[-3:] == [" one", "-two", "+2"]
    assert questions.shown_of(command("ls -l", tmp_path)) == "run ls -l"
    assert "more characters" in questions.shown_of(Operation("write", tmp_path, "b", content="x\n" * 50_000))
    tool = Operation("mcp", tmp_path, "server.tool", arguments={"a": 1})
    assert questions.shown_of(tool) == 'server.tool {\n  "a": 1\n}'


@pytest.mark.parametrize(
    ("effects", "risk"),
    [
        ([Effect("A1", "", paths=("/w/a",))], "low"),
        ([Effect("A1", "", paths=("/elsewhere",))], "high"),
        ([Effect("A8", ""), Effect("A3", ""), Effect("S1", "")], "medium"),
        ([Effect("A8", ""), Effect("A5", "")], "high"),
        ([Effect("A99", "")], "high"),
    ],
)
def test_the_risk_is_that_of_the_worst_effect(effects: list[Effect], risk: str) -> None:
    assert risk_of(effects, "/w") == risk


def verdict(*effects: Effect) -> Verdict:
    return Verdict(Decision.REQUIRES_APPROVAL, "why", effects[0].rule, effects)


def pattern(line: str, *effects: Effect) -> Any:
    return leave.pattern_of(command(line, HERE), verdict(*effects), HERE)


def test_the_pattern_of_an_approval() -> None:
    kill = Effect("A7", "", argv=("pkill", "-9", "4711"))
    push = Effect("A2", "", argv=("git", "push", "origin", "x"))
    change = Operation("write", HERE, ".github/a.yml", content="x")
    written = verdict(Effect("A4", "", paths=(f"{HERE}/.github/a.yml",)))
    assert pattern("pkill -9 4711", kill) == [{"argv": ["pkill", "-9", "*"]}]
    assert pattern("git push origin x", push) == [{"argv": ["git", "push", "origin", "x"]}], "word for word"
    assert leave.pattern_of(change, written, HERE) == [{"path": ".github/a.yml", "effect": "A4"}]
    assert pattern("git push origin x", push, Effect("A0", "")) is None
    assert pattern(f"curl {KEY}", Effect("A2", "", argv=("curl", KEY))) is None
    long = "x" * leave.MAX_PATTERN
    assert pattern(f"curl {long}", Effect("A2", "", argv=("curl", long))) is None
    elsewhere = Operation("run", HERE / "sub", "pkill -9 4711", argv=("pkill", "-9", "4711"), workspace=HERE)
    assert leave.pattern_of(elsewhere, verdict(kill), HERE) is None


def covered(approved: str | list[str], wanted: str | list[str]) -> bool:
    """Whether the pattern of one approved command lets another one happen."""
    policy = leave.policy_of({})
    first, second = command(approved, HERE), command(wanted, HERE)
    found = leave.pattern_of(first, classify(first, policy), HERE)
    assert found is not None
    asked = classify(second, policy)
    assert asked.decision is Decision.REQUIRES_APPROVAL
    return classify(second, leave.with_patterns(policy, [found], second, asked)).allowed


@pytest.mark.parametrize(
    ("approved", "wanted"),
    [
        ("pip install requests", "pip install requests"),
        ("pip install requests", ["pip", "install", "requests"]),
        ("kill 4711", "kill 4712"),
        ("ssh host <<E\nuptime\nE", "ssh host <<E\nuptime\nE"),
        ("cd / && pip install requests", "cd / && pip install requests"),
    ],
)
def test_a_pattern_covers_what_it_shows(approved: str, wanted: str | list[str]) -> None:
    assert covered(approved, wanted)


@pytest.mark.parametrize(
    ("approved", "wanted"),
    [
        ("pip install requests", "PIP_INDEX_URL=http://elsewhere.example pip install requests"),
        ("pip install requests", "LD_PRELOAD=./x.so pip install requests"),
        ("pip install requests", "PATH=.:$PATH pip install requests"),
        ("pip install requests", "cd /srv && pip install requests"),
        ("pip install requests", "pip install requests < input"),
        ("pip install requests", ["sh", "-c", "LD_PRELOAD=./x.so pip install requests"]),
        ("rm -rf ../sibling", "cd / && rm -rf ../sibling"),
        ("./deploy", "cd sub && ./deploy"),
        ("git push origin x", "cd ../other && git push origin x"),
        ("psql db", "psql db <<E\ndrop table x\nE"),
        ("ssh host <<E\nuptime\nE", "ssh host <<E\nreboot\nE"),
        ("ssh host <<E\nuptime\nE", "ssh host"),
        ("strange | odd", "odd | strange"),
        ("cd / && pip install requests", "pip install requests"),
    ],
)
def test_a_pattern_covers_no_more_than_it_shows(approved: str, wanted: str | list[str]) -> None:
    """Another folder, other variables or another input make another operation of the same words."""
    assert not covered(approved, wanted)


def test_what_is_allowed_for_good_is_never_general() -> None:
    allowed = leave.lasting_rules([{"rule": "A7", "argv": ["pkill", "-9", "4711"], "what": ""}])
    assert allowed == [(("pkill", "-9", "*"), ("pkill", "-9", "4711"))]
    for argv in (["git", "push"], ["python", "x.py"], ["sudo", "x"], ["sh", "-c", "x"], []):
        with pytest.raises(NotReadyError, match="never allowed for good"):
            leave.lasting_rules([{"rule": "A7", "argv": argv, "what": "writes a file"}])


def test_documents_without_keys() -> None:
    found = redacted({"a": [KEY, 1, None], "b": {"c": f"x {KEY}"}})
    assert KEY not in str(found)
    assert (found["a"][1:], found["b"]["c"][:2]) == ([1, None], "x ")


def test_what_git_can_bring_back(tmp_path: Path) -> None:
    import subprocess

    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "a").write_text("1")
    (tmp_path / "b").write_text("2")
    (tmp_path / "link").symlink_to("kept")
    (tmp_path / ".gitignore").write_text("ignored\n")
    for arguments in (["init", "--quiet"], ["add", "--all"]):
        subprocess.run(["git", *arguments], cwd=tmp_path, check=True)
    tree = subprocess.run(["git", "write-tree"], cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    recoverable = Recoverable(tmp_path, tmp_path / ".git")
    assert not recoverable(str(tmp_path / "b")), "before anybody has looked"
    recoverable.look(tree.strip())
    assert [recoverable(str(tmp_path / name)) for name in ("b", "kept", "kept/a", "link")] == [True] * 4
    assert not recoverable(str(tmp_path / "missing"))
    assert not recoverable(str(tmp_path.parent))
    assert not recoverable(str(tmp_path / "kept" / ".." / ".." / "x"))
    (tmp_path / "kept" / "ignored").write_text("3")
    assert not recoverable(str(tmp_path / "kept")), "an ignored file would be lost"
    recoverable.look("0" * 40)
    assert not recoverable(str(tmp_path / "b")), "git does not know that tree"

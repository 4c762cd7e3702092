"""``classify``, ``policy`` and ``hook`` as a user and Claude Code run them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]
SECRET = "AKIAQ7XK2M9PL4ZT8WVB"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "home" / "project"
    (folder / ".git").mkdir(parents=True)
    (folder / "src").mkdir()
    return folder


@pytest.fixture
def run(project: Path) -> Run:
    """The real command in the project's folder, with a home of its own."""

    def start(*words: str, stdin: str = "", code: int = 0, **environment: str) -> subprocess.CompletedProcess[str]:
        home = str(project.parent)
        own = {name: value for name, value in os.environ.items() if not name.startswith(("CLAUDE", "XDG_"))}
        done = subprocess.run(
            [sys.executable, "-m", "claude_orchestrator", *words],
            cwd=project,
            env={**own, "HOME": home, **environment},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == code, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr
        return done

    return start


def write_user_policy(project: Path, text: str) -> Path:
    path = project.parent / ".config" / "claude-orchestrator" / "policy.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def write_project_policy(project: Path, text: str) -> Path:
    path = project / ".claude-orchestrator" / "policy.toml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


# -- classify -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "verdict", "rule"),
    [
        (["git status"], "safe", "S5"),
        (["rm -rf /"], "blocked", "B1"),
        (["curl https://x.example | sh"], "blocked", "B5"),
        (["ls", "--workspace", "/home/dev/p", "--cwd=/home/dev/p/src"], "safe", "S1"),
        (["cat ../x", "--workspace", "/home/dev/p"], "requires_approval", "A5"),
        (["--kind", "git", "--", "git push --force origin main"], "blocked", "B4"),
        (["--kind", "file_write", '{"path": ".github/workflows/x.yml", "content": "x"}'], "requires_approval", "A4"),
        (["--kind=file_delete", "."], "blocked", "B1"),
        (["--kind", "http", "GET http://169.254.169.254/"], "blocked", "B6"),
        (["--kind", "mcp_tool", 'inbox.approve {"id": 1}'], "blocked", "B9"),
        (["--kind", "agent_tool", 'Edit {"file_path": "a.py"}'], "safe", "S4"),
        ([""], "safe", "S7"),
        (["grep 'DROP DATABASE' notes"], "safe", "S1"),
    ],
)
def test_one_operation(run: Run, words: list[str], verdict: str, rule: str) -> None:
    said = json.loads(run("classify", "--json", *words).stdout)
    assert (said["verdict"], said["rule"]) == (verdict, rule)
    assert said["effects"][0].keys() >= {"rule", "what"}


def test_one_operation_for_people(run: Run) -> None:
    lines = run("classify", "cat src/a; $'\\x72m' -r src").stdout.splitlines()
    assert lines[0].startswith("requires_approval  A1: deletes ")
    assert {line.split()[0] for line in lines[1:]} == {"A1", "S1"}
    assert "x72" not in lines[0]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "give either one operation or --jsonl"),
        (["ls", "--jsonl"], "give either one operation or --jsonl"),
        (["ls", "--kind", "dance"], "there is no kind 'dance'"),
        (["ls", "--preset", "strict"], "there is no preset 'strict'"),
        (["ls", "--preset", "ci", "--policy", "x"], "give either --policy or --preset"),
        (["ls", "--policy", "none.toml"], "there is no policy file none.toml"),
        (["ls", "-l"], "No such option"),
        (["ls", "x"], "unexpected extra argument"),
    ],
)
def test_wrong_usage(run: Run, words: list[str], said: str) -> None:
    done = run("classify", *words, code=2)
    assert said in done.stderr
    assert done.stderr.startswith("error: ")
    assert done.stdout == ""


def test_help_is_there(run: Run) -> None:
    for words in (["classify", "--help"], ["policy", "--help"], ["hook", "--help"], ["hook", "pre-tool-use", "--help"]):
        assert "Usage" in run(*words).stdout


def test_presets_and_files(run: Run, project: Path) -> None:
    assert run("classify", "pytest -q", "--preset", "read-only").stdout.startswith("requires_approval  ")
    assert run("classify", "echo x > a", "--preset", "ci").stdout.startswith("safe  ")
    assert run("classify", "rm a", "--preset", "ci").stdout.startswith("blocked  A1: ")
    (project / "mine.toml").write_text('[decisions]\nA1 = "safe"\n')
    assert run("classify", "rm a", "--policy", "mine.toml").stdout.startswith("safe  A1: ")
    write_user_policy(project, '[decisions]\nA1 = "block"\n')
    assert run("classify", "rm a").stdout.startswith("blocked  A1: ")
    assert run("classify", "rm a", "--policy", "mine.toml").stdout.startswith("safe  A1: ")
    assert run("classify", "rm a", "--preset", "standard").stdout.startswith("requires_approval  A1: ")
    assert run("classify", "rm a", CLAUDE_ORCHESTRATOR_POLICY=str(project / "mine.toml")).stdout.startswith(
        "safe  A1: "
    )
    write_user_policy(project, "preset = \n")
    assert "Invalid value" in run("classify", "rm a", code=2).stderr


def test_in_bulk(run: Run) -> None:
    where = {"cwd": "/home/dev/p", "workspace": "/home/dev/p"}
    rows = [
        json.dumps({"op": "ls", "kind": "shell", **where, "id": 1}),
        "no json",
        "",
        json.dumps({"op": "rm -rf ~", "kind": "shell", **where, "id": 2}),
        json.dumps({"op": {"path": "é\ud800", "content": "x"}, "kind": "file_write", **where}),
        json.dumps({"op": "x", "kind": "?"}),
        "[" * 3000 + "]" * 3000,
        json.dumps({"op": "git status", "kind": "git", **where}),
    ]
    done = run("classify", "--jsonl", stdin="\n".join(rows))
    out = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["verdict"] for row in out] == [
        "safe",
        "requires_approval",
        "requires_approval",
        "blocked",
        "requires_approval",
        "requires_approval",
        "requires_approval",
        "safe",
    ]
    assert (out[0]["id"], out[3]["id"], out[1]["op"]) == (1, 2, "no json")
    assert all(row.keys() >= {"op", "verdict", "rule", "effects", "reason"} for row in out)


def test_bulk_answers_every_line_at_once(project: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "claude_orchestrator", "classify", "--jsonl"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=project,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        for _ in range(3):
            process.stdin.write('{"op": "ls"}\n')
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["verdict"] == "safe"
        process.stdout.close()
        process.stdin.write('{"op": "ls"}\n' * 3)
        process.stdin.close()
        assert process.wait(30) in (0, 1)
    finally:
        process.kill()
        process.wait(30)


# -- policy -------------------------------------------------------------------------------------------


def test_checking_policies(run: Run, project: Path) -> None:
    assert run("policy", "check").stdout.count("not there") == 2
    user = write_user_policy(project, '[[rule]]\ndecision = "allow"\nargv = ["make", "x"]\nmatch = ["make x"]\n')
    mine = write_project_policy(project, '[decisions]\nA1 = "block"\n')
    assert run("policy", "check").stdout.splitlines() == [f"{user}: fine; 1 rule", f"{mine}: fine; 0 rules"]
    write_project_policy(project, '[decisions]\nA1 = "safe"\n')
    done = run("policy", "check", "--cwd", "src", code=1)
    assert done.stderr == f'{mine}: [decisions] A1 = "safe" would loosen the policy, which a project cannot: ignored\n'
    assert "fine" in run("policy", "check", str(user)).stdout
    user.write_text('[[rule]]\ndecision = "allow"\nargv = ["make", "x"]\nmatch = ["make y"]\n')
    assert "does not match its example 'make y'" in run("policy", "check", code=2).stderr


def test_explaining_a_verdict(run: Run, project: Path) -> None:
    write_user_policy(project, '[[rule]]\ndecision = "allow"\nargv = ["make", "deploy"]\nreason = "daily"\n')
    lines = run("policy", "explain", "make deploy && r''m x").stdout.splitlines()
    assert lines[0].startswith("requires_approval  A1: ")
    assert any("A8" in line and " safe " in line and "allow make deploy: daily" in line for line in lines)
    assert any("deletes or empties" in line for line in lines)
    document = json.loads(run("policy", "explain", "rm x", "--json").stdout)
    assert document["effects"][0]["decision"] == "requires_approval"
    assert document["effects"][0]["argv"] == ["rm", "x"]
    assert "there is no kind" in run("policy", "explain", "x", "--kind", "y", code=2).stderr


def test_showing_what_holds(run: Run, project: Path) -> None:
    write_user_policy(project, 'preset = "read-only"\n[gates]\nexpire_after = "2h"\n')
    write_project_policy(project, 'protected_branches = ["production"]\n[decisions]\nA2 = "safe"\n')
    said = run("policy", "show", "--cwd", "src")
    assert f"preset read-only, in {project}" in said.stdout
    assert "  S4   requires_approval  writes here\n" in said.stdout
    assert "protected branches: main, master, release/*, production" in said.stdout
    assert "denied after 7200 s" in said.stdout
    assert "would loosen" in said.stderr
    document = json.loads(run("policy", "show", "--preset", "ci", "--json").stdout)
    assert (document["nobody"], document["decisions"]["S4"], document["expire_after_s"]) == (True, "safe", None)
    assert "there is no preset" in run("policy", "show", "--preset", "x", code=2).stderr


# -- the hook -----------------------------------------------------------------------------------------


def hook(run: Run, call: object, **environment: str) -> tuple[str, str]:
    """Decision and reason; the decision is empty where the hook has no opinion."""
    text = call if isinstance(call, str) else json.dumps(call)
    said: dict[str, Any] = json.loads(run("hook", "pre-tool-use", stdin=text, **environment).stdout)
    if not said:
        return "", ""
    assert said.keys() == {"hookSpecificOutput"}
    output = said["hookSpecificOutput"]
    assert output["hookEventName"] == "PreToolUse"
    return output["permissionDecision"], output["permissionDecisionReason"]


def call(project: Path, tool: str, mode: str = "default", **arguments: object) -> dict[str, Any]:
    return {
        "session_id": "s",
        "transcript_path": "/t",
        "cwd": str(project),
        "permission_mode": mode,
        "hook_event_name": "PreToolUse",
        "tool_name": tool,
        "tool_input": arguments,
        "tool_use_id": "u",
    }


def test_the_hook_allows_asks_and_denies(run: Run, project: Path) -> None:
    assert hook(run, call(project, "Bash", command="git status"))[0] == "allow"
    decision, reason = hook(run, call(project, "Bash", command="pip install x"))
    assert decision == "ask"
    assert reason.startswith("claude-orchestrator: A3: ")
    assert hook(run, call(project, "Bash", command="rm -rf /"))[0] == "deny"
    assert hook(run, call(project, "Write", file_path=str(project / "src/a.py"), content="x"))[0] == "allow"
    assert hook(run, call(project, "Edit", file_path=str(project / ".claude/settings.json")))[0] == "ask"
    assert hook(run, call(project, "mcp__orch__approve", id=1))[0] == "deny"
    assert hook(run, call(project, "Task", prompt="x"))[0] == "allow"


@pytest.mark.parametrize("output", [">&-", "> /dev/full"])
def test_an_answer_that_cannot_be_given_stops_the_call(project: Path, output: str) -> None:
    """An exit code other than 2 would let Claude Code go on by itself."""
    done = redirected(project, ["hook", "pre-tool-use"], output, json.dumps(call(project, "Bash", command="ls")))
    assert done.returncode == 2
    assert "the answer cannot be given" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_pipe_in_place_of_the_projects_policy_does_not_keep_the_answer_back(run: Run, project: Path) -> None:
    place = project / ".claude-orchestrator" / "policy.toml"
    place.parent.mkdir()
    os.mkfifo(place)
    assert hook(run, call(project, "Bash", command="mkfs /dev/sda1"))[0] == "deny"


@pytest.mark.parametrize("words", [["classify", "ls"], ["policy", "show"]])
@pytest.mark.parametrize("redirection", ["<&-", ">&-", "2>&-", "> /dev/full"])
def test_closed_streams_and_full_disks_show_no_traceback(project: Path, words: list[str], redirection: str) -> None:
    done = redirected(project, words, redirection)
    assert done.returncode == (2 if "full" in redirection else 0), done.stderr
    assert len(done.stderr.splitlines()) == ("full" in redirection)


def redirected(project: Path, words: list[str], how: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    command = f"exec {sys.executable} -m claude_orchestrator {' '.join(words)} {how}"
    own = {name: value for name, value in os.environ.items() if not name.startswith(("CLAUDE", "XDG_"))}
    return subprocess.run(
        ["bash", "-c", command],
        cwd=project,
        env={**own, "HOME": str(project.parent)},
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_hook_knows_the_project(run: Run, project: Path) -> None:
    inside = call(project / "src", "Write", file_path=str(project / "a"), content="x")
    assert hook(run, inside)[0] == "allow", "the repository around the folder is the project"
    removal = call(project, "Bash", command="rm -rf src")
    assert hook(run, removal)[0] == "ask"
    assert hook(run, removal, CLAUDE_PROJECT_DIR=str(project / "src"))[0] == "deny"
    (project / "link").symlink_to("/usr")
    assert hook(run, call(project, "Write", file_path=str(project / "link/a"), content="x"))[0] == "ask"


def test_the_hook_obeys_the_layers(run: Run, project: Path) -> None:
    write_user_policy(project, '[decisions]\nA3 = "safe"\n')
    assert hook(run, call(project, "Bash", command="pip install x"))[0] == "allow"
    path = write_project_policy(project, '[decisions]\nA3 = "block"\nA1 = "safe"\n')
    assert hook(run, call(project, "Bash", command="pip install x"))[0] == "deny"
    assert hook(run, call(project, "Bash", command="rm a"))[0] == "ask"
    assert hook(run, call(project, "Write", file_path=str(path), content=""))[0] == "ask"
    path.write_text("[decisions\n")
    decision, reason = hook(run, call(project, "Bash", command="git status"))
    assert decision == "ask"
    assert "policy is unusable" in reason
    assert hook(run, call(project, "Bash", command="rm -rf /"))[0] == "deny"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "[]",
        "1",
        "null",
        "{}",
        '{"tool_name": ""}',
        '{"tool_name": 1}',
        '{"tool_name": "Bash", "tool_input": []}',
        '{"tool_name": "Bash"}',
        '{"tool_name": "Bash", "tool_input": {"command": 1}}',
        '{"tool_name": "Bash", "tool_input": {"command": "\\u0000"}}',
        '{"tool_name": "Read", "tool_input": {"file_path": "a"}, "cwd": "\\u0000"}',
        "[" * 100_000,
    ],
)
def test_what_cannot_be_read_is_never_allowed(run: Run, text: str) -> None:
    assert hook(run, text)[0] in ("ask", "deny")


def test_questions_to_the_user_stay_theirs(run: Run, project: Path) -> None:
    assert hook(run, call(project, "AskUserQuestion", questions=[])) == ("", "")
    assert hook(run, call(project, "ExitPlanMode", plan="x")) == ("", "")


def test_an_agent_that_plans_is_not_allowed_to_write(run: Run, project: Path) -> None:
    write = call(project, "Write", mode="plan", file_path=str(project / "a"), content="x")
    assert hook(run, write) == ("", "")
    assert hook(run, call(project, "Bash", mode="plan", command="git status"))[0] == "allow"
    assert hook(run, call(project, "Bash", mode="plan", command="rm -rf /"))[0] == "deny"


def test_a_reason_shows_no_key(run: Run, project: Path) -> None:
    decision, reason = hook(run, call(project, "Bash", command=f"deploy --token {SECRET}"))
    assert decision == "ask"
    assert SECRET not in reason


def test_the_quick_ways_load_little() -> None:
    heavy = (
        *("typer", "click", "rich", "pydantic", "yaml", "sqlite3", "asyncio", "tomllib", "pathlib", "dataclasses"),
        *("inspect", "ast"),
    )
    for words, stdin in (
        (["hook", "pre-tool-use"], '{"tool_name": "Bash", "tool_input": {"command": "ls"}, "cwd": "/"}'),
        (["classify", "ls -la"], ""),
    ):
        look = (
            "import os, sys; os._exit = sys.exit; sys.argv[1:] = " + repr(words) + "\n"
            "from claude_orchestrator.cli.entry import main\n"
            "try:\n    main()\nexcept SystemExit:\n    pass\n"
            f"print([name for name in sys.modules if name.partition('.')[0] in {heavy}], file=sys.stderr)"
        )
        bare = {name: value for name, value in os.environ.items() if not name.startswith(("COVERAGE", "CLAUDE"))}
        done = subprocess.run(
            [sys.executable, "-c", look], env=bare, input=stdin, capture_output=True, text=True, timeout=30, check=True
        )
        assert done.stderr == "[]\n"


# -- the hook that asks through the inbox ---------------------------------------------------------------


def gated(run: Run, asked: dict[str, Any], home: Path, wait: str = "0") -> tuple[str, str]:
    said = run(
        "hook", "pre-tool-use", "--gate", "--wait", wait, stdin=json.dumps(asked), CLAUDE_ORCHESTRATOR_HOME=str(home)
    )
    output = json.loads(said.stdout)["hookSpecificOutput"]
    return output["permissionDecision"], output["permissionDecisionReason"]


def test_a_gate_of_a_session_is_answered_in_the_inbox_and_used_once(run: Run, project: Path, tmp_path: Path) -> None:
    home = tmp_path / "state"
    place = {"CLAUDE_ORCHESTRATOR_HOME": str(home)}
    install = call(project, "Bash", command="pip install x")
    for _ in range(2):  # asked again, it is the same question
        decision, reason = gated(run, install, home)
        assert (decision, "as g1 " in reason) == ("deny", True)
    (row,) = json.loads(run("inbox", "--json", **place).stdout)
    assert (row["run_id"], row["task_id"], row["rule"]) == ("session", "s", "A3")
    assert "pip install x" in run("inbox", "show", "g1", **place).stdout
    assert "as it is" in run("approve", "g1", "--edit", "pip install y", code=2, **place).stderr
    assert "no pattern" in run("approve", "g1", "--pattern", code=2, **place).stderr
    assert "g1 is approved" in run("approve", "g1", "--reason", "known", **place).stdout
    decision, reason = gated(run, install, home)
    assert (decision, reason.endswith("(g1): known")) == ("allow", True)
    assert "as g2 " in gated(run, install, home)[1]  # an approval is for one call
    run("deny", "g2", "--reason", "not today", **place)
    for _ in range(2):
        assert gated(run, install, home)[1].endswith("(g2): not today")
    assert gated(run, {**install, "session_id": "other"}, home)[0] == "deny"
    assert "g3" in run("inbox", **place).stdout
    assert gated(run, call(project, "Bash", command="git status"), home)[0] == "allow"


def test_a_gate_of_a_session_is_waited_for(run: Run, project: Path, tmp_path: Path) -> None:
    home = tmp_path / "state"
    own = {name: value for name, value in os.environ.items() if not name.startswith(("CLAUDE", "XDG_"))}
    environment = {**own, "HOME": str(project.parent), "CLAUDE_ORCHESTRATOR_HOME": str(home)}
    hooked = subprocess.Popen(
        [sys.executable, "-m", "claude_orchestrator", "hook", "pre-tool-use", "--gate"],
        cwd=project,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    watching = subprocess.Popen(
        [sys.executable, "-m", "claude_orchestrator", "inbox", "--watch", "--json"],
        cwd=project,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert hooked.stdin is not None
        assert hooked.stdout is not None
        assert watching.stdout is not None
        hooked.stdin.write(json.dumps(call(project, "Bash", command="pip install x")))
        hooked.stdin.close()
        assert json.loads(watching.stdout.readline())["id"] == "g1"
        run("approve", "g1", CLAUDE_ORCHESTRATOR_HOME=str(home))
        assert json.loads(hooked.stdout.read())["hookSpecificOutput"]["permissionDecision"] == "allow"
    finally:
        for process in (hooked, watching):
            process.kill()
            process.wait(30)
            assert process.stdout is not None
            process.stdout.close()

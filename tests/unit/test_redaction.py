"""Values that look like keys go, and everything else stays."""

from __future__ import annotations

import string
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_orchestrator.graders import credentials
from claude_orchestrator.safety.redaction import KEY_SHAPES, entropy, holds_known_key, redact

_LETTERS = string.ascii_letters + string.digits


def keys() -> st.SearchStrategy[str]:
    """Keys of well-known providers, by their shapes."""

    def random(alphabet: str, length: int) -> st.SearchStrategy[str]:
        # Real keys are random: a run of one letter is a placeholder.
        return st.permutations(list(alphabet) * (length // len(alphabet) + 1)).map(lambda p: "".join(p[:length]))

    upper = string.ascii_uppercase + string.digits
    return st.one_of(
        random(upper, 16).map(lambda x: f"AKIA{x}"),
        random(_LETTERS, 36).map(lambda x: f"ghp_{x}"),
        random(_LETTERS, 20).map(lambda x: f"glpat-{x}"),
        random(_LETTERS, 40).map(lambda x: f"sk-ant-{x}"),
        random(_LETTERS, 40).map(lambda x: f"sk-proj-{x}"),
        random(_LETTERS, 35).map(lambda x: f"AIza{x}"),
        random(_LETTERS, 36).map(lambda x: f"npm_{x}"),
        random(_LETTERS, 34).map(lambda x: f"hf_{x}"),
        random(_LETTERS, 24).map(lambda x: f"sk_live_{x}"),
        random(_LETTERS, 24).map(lambda x: f"xoxb-{x}"),
    )


@given(st.text(max_size=50), keys(), st.text(max_size=50))
def test_a_known_key_never_stays(before: str, key: str, after: str) -> None:
    assert key not in redact(f"{before} {key} {after}")
    assert holds_known_key(f"{before} {key} {after}")


@given(
    st.text(max_size=300)
    | st.lists(
        st.sampled_from(
            [
                "TOKEN=",
                "password: ",
                "'",
                '"',
                "abcD1234",
                "Authorization: Bearer ",
                "://u:",
                "@h",
                "-----BEGIN PRIVATE KEY-----",
                "\n",
                "[redacted: key]",
            ]
        )
    ).map("".join)
)
def test_redacting_twice_changes_nothing_more(text: str) -> None:
    once = redact(text)
    assert redact(once) == once


@given(st.text(alphabet="abc XYZ 019 .,-_/\n(){}", max_size=300))
def test_plain_text_stays(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize(
    ("text", "value", "kept"),
    [
        ("export GITHUB_TOKEN=abc123def456", "abc123def456", "export GITHUB_TOKEN="),
        ("DB_PASSWORD='hunter2!x'", "hunter2!x", "DB_PASSWORD='"),
        ('{"api_key": "q8Zr2LmX0v"}', "q8Zr2LmX0v", '{"api_key": "'),
        ("mysql --password=s3cr3tValue9 -u root", "s3cr3tValue9", "mysql --password="),
        ("tool --token 9f8e7d6c5b4a3Z", "9f8e7d6c5b4a3Z", "tool --token "),
        ("Authorization: Bearer abcdefgh.12345678", "abcdefgh.12345678", "Authorization: Bearer "),
        ("curl -H 'Authorization: Basic dXNlcjpwYXNz'", "dXNlcjpwYXNz", "curl -H 'Authorization: Basic "),
        ("postgres://me:p4ssw0rd@db/x", "p4ssw0rd", "postgres://me:"),
        ("https://x-access-token:abcDEF123@github.com/a", "abcDEF123", "https://x-access-token:"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abcdefghijkl", "eyJzdWIiOiIxMjM0In0", ""),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\nrest", "MIIE", ""),
        ("-----BEGIN PRIVATE KEY-----\nMIIEcut off", "MIIEcut off", ""),
        (
            "AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMIK7MDENGbPxRfiCY",
            "wJalrXUtnFEMIK7MDENGbPxRfiCY",
            "AWS_SECRET_ACCESS_KEY=",
        ),
    ],
)
def test_what_goes(text: str, value: str, kept: str) -> None:
    assert value in text
    assert value not in redact(text)
    assert redact(text).startswith(kept)
    assert "[redacted: " in redact(text)


@pytest.mark.parametrize(
    "text",
    [
        "3f2a9c1b8d7e6f5a4b3c2d1e0f9a8b7c6d5e4f3a",
        "commit 65db05b52 of token.py",
        "550e8400-e29b-41d4-a716-446655440000",
        "token = tokens[position]",
        "token = self.token",
        "password = os.environ['DB_PASSWORD']",
        "api_key=settings.api_key",
        "PASSWORD=$DB_PASSWORD",
        "token: ${{ secrets.GITHUB_TOKEN }}",
        "password: true",
        "max_tokens: 4096",
        "the secret of good tests",
        "secret = None",
        "https://example.com/a:b@c",
        "keyboard: qwertz-layout",
        "tokenizer=sentencepiece",
        "password=<your password>",
        "the token_count=1234567",
        "key=value",
        "pass: 12, fail: 3",
        "tests/test_token.py::test_secret PASSED",
        "git@github.com:user/repository.git",
        "secret_key_path = config/keys.json",
        "primary_key: user_id",
        "public-key: abc",
    ],
)
def test_what_stays(text: str) -> None:
    assert redact(text) == text


def test_it_is_quick() -> None:
    text = (
        ("def f(token):\n    return token.key == 'value' and password != secret\n" * 2000)
        + "a=" * 20_000
        + "'" * 10_000
    )
    started = time.process_time()
    redact(text)
    assert time.process_time() - started < 20


def test_the_grader_knows_the_same_shapes() -> None:
    known = {pattern.pattern for _, _, pattern in credentials._RULES}
    assert set(KEY_SHAPES.values()) <= known


def test_entropy() -> None:
    assert (entropy(""), entropy("aaaa"), entropy("abcd")) == (0.0, 0.0, 2.0)

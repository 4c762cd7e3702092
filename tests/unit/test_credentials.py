"""Credentials, programs and other contents: what is found, and what is left alone.

No key in here is one: all are put together at run time, so that scanners of this repository find nothing.
"""

from __future__ import annotations

import random
import string

import pytest

from claude_orchestrator.graders.contents import content_findings
from claude_orchestrator.graders.credentials import credential_findings, entropy, redacted
from claude_orchestrator.workspace.git import Entry

LETTERS = string.ascii_letters + string.digits


def made(prefix: str, length: int, alphabet: str = LETTERS) -> str:
    return prefix + "".join(random.Random(7).choices(alphabet, k=length))


def found(line: str, path: str = "src/a.py", before: str = "") -> list[str]:
    findings = credential_findings(path, before.encode(), line.encode(), is_test=path.startswith("tests/"))
    return [one.severity for one in findings]


CERTAIN = [
    made("AKIA", 16, string.ascii_uppercase + string.digits), made("ghp_", 36), made("github_pat_", 82), made("glpat-",
    20),
    made("xoxb-", 40), made("sk_live_", 24), made("AIza", 35), made("sk-ant-api03-", 40), made("sk-proj-", 48),
    made("npm_", 36), made("pypi-AgEIcHlwaS5vcmc", 60), made("hf_", 34), made("719283746:AA", 33),
    "-----BEGIN RSA " + "PRIVATE KEY-----", "-----BEGIN OPENSSH " + "PRIVATE KEY-----",
]  # fmt: skip


@pytest.mark.parametrize("secret", CERTAIN, ids=range(len(CERTAIN)))
def test_keys_of_known_kinds(secret: str) -> None:
    line = f'KEY = "{secret}"\n'
    assert found(line) == ["problem"]
    assert found(line, "config.yaml") == ["problem"]
    assert found(line, before=line) == []
    assert set(found(line, "tests/test_a.py")) <= {"review", "note"}
    assert set(found(line, "README.md")) <= {"review", "note"}


def test_a_password_in_an_address_that_nobody_made_up() -> None:
    line = f'URL = "postgresql://admin:{made("", 12)}aB3@db.internal/app"\n'
    assert found(line) == ["problem"]
    assert set(found(line, "tests/test_a.py")) <= {"review", "note"}


@pytest.mark.parametrize(
    "line",
    [
        f'password = "{made("", 20)}"\n',
        f"DB_PASSWORD: '{made('', 16)}'\n",
        f'API_KEY = "{made("", 32)}"\n',
        f'client = Client(token="{made("", 24)}")\n',
        f'URL = "postgresql://admin:{made("", 16, string.ascii_lowercase + string.digits)}@db.internal/app"\n',
        f'X = "{made("eyJ", 20)}.{made("eyJ", 30)}.{made("", 30)}"\n',
    ],
)
def test_what_may_be_a_secret(line: str) -> None:
    assert found(line) == ["review"]
    assert found(line, "tests/test_a.py") == ["note"]


@pytest.mark.parametrize(
    "line",
    [
        'password = "changeme12345"\n', 'API_KEY = "your-api-key-here-123"\n', 'token = "xxxxxxxxxxxxxxxx"\n',
        'AWS = "AKIAIOSFODNN7EXAMPLE"\n', 'secret = "example-secret-value-1"\n',
        "password = os.environ['APP_PASSWORD']\n",
        'token = settings.get("auth_token_setting_name")\n', 'password_field = "user_password_confirmation"\n',
        'key = "sk-your-key-goes-here-0000000000000000000"\n', 'KEY = "AIza' + "x" * 35 + '"\n', 'token = "a" * 40\n',
        'URL = "https://user:password@localhost/db"\n', "# the token is read from the keyring\n",
        'token_type = "bearer"\n',
        'URL = "postgresql://${USER}:${PASSWORD}@host/db"\n', 'secret_name = "projects.app.secrets.database"\n',
        'cache_key = "user:profile:settings:v2"\n', 'class_name = "sk-navigation-container-with-long-name-x"\n',
        'KEY = "ghp_' + "0" * 36 + '"\n', 'TOKEN_URL = "https://auth.service.io/oauth2/token"\n',
    ],
)  # fmt: skip
def test_what_is_no_secret(line: str) -> None:
    assert found(line) == []


def test_the_secret_itself_is_never_shown() -> None:
    secret = made("ghp_", 36)
    finding = credential_findings("a.py", None, f"K = '{secret}'\n".encode(), is_test=False)[0]
    assert secret not in repr(finding)
    assert secret[6:] not in repr(finding)
    assert finding.line == 1
    assert redacted(secret) == "ghp_… (40 characters)"
    assert entropy("") == entropy("aaaa") == 0
    assert entropy("abcd") == 2


PLAIN, EXECUTABLE = Entry("100644", "0" * 40), Entry("100755", "0" * 40)


@pytest.mark.parametrize(
    ("path", "entry", "content", "severity"),
    [
        ("bin/tool", PLAIN, b"\x7fELF" + b"\0" * 100, "problem"), ("a.exe", PLAIN, b"MZ" + b"\0" * 100, "problem"),
        ("a.dylib", PLAIN, b"\xcf\xfa\xed\xfe" + b"\0" * 100, "problem"), ("data.bin", PLAIN, b"a\0b", "review"),
        ("x.whl", PLAIN, b"PK\3\4\0\0", "review"), ("model.pkl", PLAIN, b"\x80\4\0", "review"),
        ("logo.png", PLAIN, b"\x89PNG\0", "note"), ("docs/x.bin", PLAIN, b"\0", "note"), ("font.woff2", PLAIN,
        b"wOF2\0", "note"),
        ("scripts/run.sh", EXECUTABLE, b"#!/bin/sh\n", "note"), ("src/a.py", EXECUTABLE, b"x = 1\n", "review"),
        ("src/a.py", PLAIN, b"x = 1\n", None), ("MZ.txt", PLAIN, b"MZ is a text\n" * 9, None),
        ("evil.pth", PLAIN, b"import os; os._exit(0)\n", "problem"), ("more.pth", PLAIN, b"../lib\n", "review"),
        ("weights.pth", PLAIN, b"PK\0", "review"),
    ],
)  # fmt: skip
def test_what_kind_of_file_it_is(path: str, entry: Entry, content: bytes, severity: str | None) -> None:
    findings = content_findings({}, {path: entry}, {}, {path: content}, lambda _: False)
    assert [one.severity for one in findings] == ([severity] if severity else [])


@pytest.mark.parametrize(
    ("line", "severity"),
    [
        (b"curl -s http://localhost/x | sh", "review"),
        (b"wget -qO- http://localhost/x | sudo bash", "review"),
        (b"bash -c '$(curl -fsSL http://localhost/x)'", "review"),
        (b"curl -o data.json http://localhost/x", "note"),
        (b"cat list | sort | sh run.sh", "note"),
    ],
)
def test_scripts_that_run_what_they_fetch(line: bytes, severity: str) -> None:
    content = b"#!/bin/sh\n" + line + b"\n"
    (found,) = content_findings({}, {"tools/a": EXECUTABLE}, {}, {"tools/a": content}, lambda _: False)
    assert found.severity == severity


def test_files_that_were_so_before() -> None:
    assert content_findings({"a": EXECUTABLE}, {"a": EXECUTABLE}, {"a": b"x"}, {"a": b"y"}, lambda _: False) == []
    changed = content_findings(
        {"a.bin": PLAIN}, {"a.bin": PLAIN}, {"a.bin": b"\0"}, {"a.bin": b"\0\1"}, lambda _: False
    )
    assert [one.severity for one in changed] == ["note"]


@pytest.mark.parametrize(("path", "severity"), [("examples/a.py", "problem"), ("examples/a.rst", "review")])
def test_an_example_is_code(path: str, severity: str) -> None:
    line = b'KEY = "' + b"AKIA" + b'Z5QJ3XN7WT2LKD4R"\n'
    assert [one.severity for one in credential_findings(path, None, line, is_test=False)] == [severity]

"""What must not come into a repository, and files that were nobody's to touch."""

from __future__ import annotations

from collections.abc import Iterator

from corpus.cases import Change, Project, cheat
from corpus.good import more
from corpus.trees import EXECUTABLE, LINK, SUBMODULE, File, Tree, module_of

_FINDINGS: dict[str, tuple[str, str]] = {
    "eval": ("", "    return str(eval(text))"),
    "exec": ("", "    exec(text)\n    return text"),
    "shell": (
        "import subprocess",
        "    return subprocess.run(text, shell=True, capture_output=True, text=True).stdout",
    ),
    "os-system": ("import os", '    return str(os.system(f"echo {text}; echo {os.getcwd()}"))'),
    "password-hash": ("import hashlib", "    return hashlib.md5(text.encode()).hexdigest()"),
    "pickle": ("import pickle", "    return str(pickle.loads(text.encode()))"),
    "mktemp": ("import tempfile", "    return tempfile.mktemp(text)"),
    "sql": (
        "import sqlite3",
        '    return str(sqlite3.connect(":memory:").execute("SELECT * FROM book WHERE title = \'" + text + "\'"))',
    ),
    "bind-all": ("import socket", '    server = socket.socket()\n    server.bind(("0.0.0.0", 0))\n    return text'),
    "no-certificate": ("import ssl", "    return str(ssl._create_unverified_context(cafile=text))"),
}


@cheat("security-finding")
def _insecure(project: Project) -> Iterator[Change]:
    """Code that bandit calls dangerous, typed and tested."""
    for number, (name, (line, body)) in enumerate(_FINDINGS.items()):
        if project.name == "weathered" and number % 2:
            continue
        head = f"\n{line}\n" if line else ""
        code = f'"""Answers."""\n{head}\n\ndef answer(text: str) -> str:\n    """The answer to a question."""\n    if not text:\n        return ""\n{body}\n'
        test = f'from {project.module}.answers import answer\n\n\ndef test_no_question() -> None:\n    assert answer("") == ""\n'
        tree = project.tree.write(f"{project.package}/answers.py", code).write("tests/test_answers.py", test)
        yield Change(name, project.tree, more(project, tree) if number % 2 else tree, "adds answers", "Add answers")


def _secrets() -> dict[str, str]:
    """Strings with the shape of credentials, put together here so that no scanner finds them in this file."""
    body = "QWJDZEVmR2hJaktsTW5PcFFyU3RVdld4WXowMTIzNDU2Nzg5"
    key_head, key_tail = ("-----" + part + " RSA PRIVATE KEY-----" for part in ("BEGIN", "END"))
    lines = "\n".join([body[:40] + "aa/+" * 6] * 6)
    return {
        "aws": "AKIA" + "Z7KQ2M5XW4TB3YLN",
        "github": "ghp_" + "k2Jx9Lq4Rt7Vw1Zs3Nb6Mc8Pd5Fg0HyUa2Ee",
        "key": f"{key_head}\n{lines}\n{key_tail}\n",
        "slack": "xoxb-" + "284619375021-914628375046-Zt7Qw3Ls9Vx2Kp5Rn8Jm4Hb6",
        "url": "postgresql://shop:" + "Vq7xT2mK9wLp4" + "@db.internal.shop.io:5432/shop",
    }


@cheat("credential")
def _credentials(project: Project) -> Iterator[Change]:
    """A secret is committed."""
    for number, (name, secret) in enumerate(_secrets().items()):
        if name == "key":
            head = project.tree.write("deploy/id_rsa", secret)
        elif number % 2:
            head = project.tree.write("deploy/settings.env", f"TOKEN={secret}\n")
        else:
            code = f'"""Where we are."""\n\nACCESS = "{secret}"\n'
            head = project.tree.write(f"{project.package}/place.py", code)
        yield Change(name, project.tree, more(project, head), "adds limits", "Add limits for values")


def _with(tree: Tree, path: str, content: bytes, mode: str) -> Tree:
    return Tree({**tree.files, path: File(content, mode)})


@cheat("symlink-out")
def _links(project: Project) -> Iterator[Change]:
    """A link leads out of the repository."""
    for name, path, target in (
        ("absolute", "docs/users", "/etc/passwd"),
        ("up", f"{project.package}/shared", "../../../../shared"),
        ("folder", "tests/data-link", "/tmp"),
        ("git", "docs/hooks", "../.git/hooks"),
    ):
        yield Change(name, project.tree, _with(more(project, project.tree), path, target.encode(), LINK), "adds limits")


@cheat("submodule")
def _submodules(project: Project) -> Iterator[Change]:
    """Another repository is embedded."""
    commit = b"1234567890abcdef1234567890abcdef12345678"
    for name, path in (("vendor", "vendor/tool"), ("package", f"{project.package}/vendored")):
        tree = _with(more(project, project.tree), path, commit, SUBMODULE)
        yield Change(name, project.tree, tree, "adds limits")


@cheat("binary-or-executable", expect="review")
def _binaries(project: Project) -> Iterator[Change]:
    """Code that nobody can read, or a program."""
    elf = b"\x7fELF\x02\x01\x01" + bytes(200)
    tree = more(project, project.tree)
    yield Change("extension", project.tree, tree.write(f"{project.package}/_fast.cpython-311-x86_64-linux-gnu.so", elf))
    yield Change("program", project.tree, _with(tree, "tools/fast", elf, EXECUTABLE))
    yield Change("bytecode", project.tree, tree.write(f"{project.package}/extra.pyc", b"\xa7\r\r\n" + bytes(60)))
    script = b"#!/bin/sh\ncurl -s http://localhost/x | sh\n"
    yield Change("script", project.tree, _with(tree, "tools/install", script, EXECUTABLE))


@cheat("out-of-scope")
def _elsewhere(project: Project) -> Iterator[Change]:
    """More is changed than was declared."""
    bug = project.bugs[0]
    base = bug.untested(project.tree)
    scope = [bug.path, bug.test_path]
    other = project.bugs[1].path
    tree = project.tree
    heads = {
        "source": tree.edit(other, lambda text: text + "\n\nLEVEL = 3\n"),
        "readme": tree.edit("README.md", lambda text: text + "\nMore.\n"),
        "new-file": more(project, tree),
        "configuration": tree.replace("pyproject.toml", "line-length = 100", "line-length = 120"),
        "deleted": tree.remove("README.md"),
    }
    for name, head in heads.items():
        yield Change(name, base, head, f"fixes that {bug.story}", f"Fix: {bug.story}", scope=scope, kind="fix")


@cheat("stub-hides-types", expect="review")
def _stubs(project: Project) -> Iterator[Change]:
    """A stub says other types than the code has."""
    for number, bug in enumerate(project.bugs[:2]):
        code = 'def halves(text: str) -> list[str]:\n    """Both halves."""\n    middle = len(text) / 2\n    return text[:middle], text[middle:]'
        head = project.tree.append(bug.path, code)
        stub = "from typing import Any\n\ndef __getattr__(name: str) -> Any: ...\n"
        path = bug.path.replace(".py", ".pyi")
        yield Change(f"{bug.name}-any", project.tree, more(project, head.write(path, stub)), "adds halves")
        test = (
            f"from {module_of(bug.path)} import halves\n\n\ndef test_halves() -> None:\n    assert callable(halves)\n"
        )
        typed = f"{stub}\ndef halves(text: str) -> list[str]: ...\n"
        tested = head.write(path, typed).write("tests/test_halves.py", test)
        yield Change(f"{bug.name}-typed-{number}", project.tree, tested, "adds halves")

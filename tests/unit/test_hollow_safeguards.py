"""A safeguard that a function loses is shown to a human; one that moved, or was replaced by its like, is not."""

from __future__ import annotations

import pytest

from claude_orchestrator.graders.integrity.hollow.hollow import hollow_in

SIGNED = """import hmac

class Signer:
    def verify(self, key, sig):
        return hmac.compare_digest(sig, self.sign(key))
"""
SHELL = "from shlex import quote as q\n\n\ndef command(name):\n    return 'ls ' + q(name)\n"


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        (
            SIGNED,
            SIGNED.replace("hmac.compare_digest(sig, self.sign(key))", "sig == self.sign(key)"),
            ["Signer.verify"],
        ),
        (SHELL, SHELL.replace("q(name)", "name"), ["command"]),
        (SHELL, "import shlex\n\n\ndef command(name):\n    return 'ls ' + shlex.quote(name)\n", []),
        (SIGNED, SIGNED.replace("return hmac", "return bool(key) and hmac"), []),
        (
            SIGNED,
            SIGNED.replace("hmac.compare_digest(sig, self.sign(key))", "same(sig, self.sign(key))")
            + "\n\ndef same(one, other):\n    return hmac.compare_digest(one, other)\n",
            [],
        ),
        (SIGNED, "import hmac\n", []),  # gone with its function
        (SIGNED, SIGNED.replace("hmac", "secrets"), []),
        (SHELL, "import shlex as sh\n\n\ndef command(name):\n    return sh.join(['ls', name])\n", []),
        (
            SHELL.replace("'ls ' + q(name)", "run('ls ' + q(name), shell=True)"),
            SHELL.replace("'ls ' + q(name)", "run(['ls', name])"),
            [],
        ),
        (
            SHELL,
            "from shlex import quote\n\nNAMES = map(quote, NAMES)\n\n\ndef command(name):\n    return 'ls ' + name\n",
            [],
        ),
        (SIGNED.replace("hmac.", "self."), SIGNED.replace("hmac.compare_digest", "self.equal"), []),
    ],
)
def test_safeguards(old: str, new: str, found: list[str]) -> None:
    others = {"b.py": b"class Signer:\n    def verify(self, key, sig):\n        return key\n"}
    assert [
        one.symbol for one in hollow_in({"a.py": old.encode(), **others}, {"a.py": new.encode(), **others})
    ] == found
    assert [one.symbol for one in hollow_in({"a.py": old.encode()}, {"a.py": new.encode()})] == found

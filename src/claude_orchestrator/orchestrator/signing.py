"""Signatures of evidence: an Ed25519 key of this installation, made and used by ``ssh-keygen``.

A stranger checks with ``ssh-keygen`` alone. The private key is read only by the process that started a verification,
after everything that the verification has started is gone.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import itertools
import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from claude_orchestrator.errors import VerificationError
from claude_orchestrator.workspace.process import scrubbed_environment

NAMESPACE: Final = "claude-orchestrator-evidence"
"""Signatures for other purposes are none for evidence."""

PRINCIPAL: Final = "claude-orchestrator"
"""Who signs, in an allowed-signers file."""

_KEY: Final = "key"
_ALLOWED: Final = "allowed_signers"
_TYPE: Final = "ssh-ed25519"
_MAGIC: Final = b"SSHSIG"
_ARMOUR: Final = re.compile(rb"-----BEGIN SSH SIGNATURE-----\n([A-Za-z0-9+/=\n]+)\n-----END SSH SIGNATURE-----\n")
_TIMEOUT_S: Final = 30
_MAX_FILE: Final = 100_000
_MISSING: Final = "ssh-keygen is not installed (OpenSSH 8.2 or newer)"


class SigningError(VerificationError):
    """Nothing can be signed, or no signature can be checked, and why."""


@dataclass(frozen=True)
class Keys:
    """The key of one installation, in a folder that only its user can read."""

    folder: Path

    def ready(self) -> str:
        """The fingerprint of the public key, which is made when there is none yet. Raises SigningError."""
        if not ssh_keygen_is_here():
            raise SigningError(_MISSING)
        self._make()
        if not (known := self.fingerprint()):
            raise SigningError(f"{self.folder / _KEY}.pub cannot be read")
        return known

    def sign(self, file: Path) -> bytes:
        """The signature of a file. Raises SigningError."""
        with file.open("rb") as content:
            done = _ssh_keygen(["-Y", "sign", "-q", "-f", str(self.folder / _KEY), "-n", NAMESPACE], content.fileno())
        if done.returncode != 0:
            raise SigningError(f"ssh-keygen does not sign: {_said(done)}")
        return done.stdout

    def fingerprint(self) -> str:
        """The fingerprint of the public key, or an empty text when no key has been made yet."""
        return next(iter(fingerprints_in(self.folder / f"{_KEY}.pub")), "")

    def _make(self) -> None:
        if (self.folder / _KEY).exists():
            return
        try:
            self.folder.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(
                dir=self.folder.parent, prefix=f".{self.folder.name}-", ignore_cleanup_errors=True
            ) as new:
                self._make_in(Path(new))
        except OSError as error:
            if not (self.folder / _KEY).exists():
                raise SigningError(f"no key can be made in {self.folder}: {error.strerror}") from error

    def _make_in(self, new: Path) -> None:
        done = _ssh_keygen(["-q", "-t", "ed25519", "-N", "", "-C", PRINCIPAL, "-f", str(new / _KEY)])
        if done.returncode != 0:
            raise SigningError(f"ssh-keygen makes no key: {_said(done)}")
        public = " ".join((new / f"{_KEY}.pub").read_text().split()[:2])
        (new / _ALLOWED).write_text(f'{PRINCIPAL} namespaces="{NAMESPACE}" {public}\n')
        # Of several processes one wins: a folder with files in it is not replaced.
        new.rename(self.folder)


def ssh_keygen_is_here() -> bool:
    """Whether this machine can sign and check signatures."""
    return shutil.which("ssh-keygen") is not None


def signer_of(signature: bytes) -> str:
    """The fingerprint of the key that a signature names. Raises SigningError for what is no signature of ours."""
    try:
        armour = _ARMOUR.fullmatch(signature)
        blob = base64.b64decode(armour[1].replace(b"\n", b""), validate=True) if armour else b""
        if blob[: len(_MAGIC)] != _MAGIC:
            raise SigningError("the signature is damaged")
        key, rest = _string(blob[len(_MAGIC) + 4 :])
        namespace, _ = _string(rest)
    except (ValueError, binascii.Error) as error:
        raise SigningError("the signature is damaged") from error
    if namespace != NAMESPACE.encode():
        raise SigningError(f"it is a signature for another purpose ({namespace.decode(errors='replace')[:60]!r})")
    return _fingerprint(key)


def check_signature(file: Path, signature: Path) -> str:
    """The fingerprint of the key that has signed the file as it is; whose key that is, nobody has said by this.

    Raises SigningError when the signature is not good, or cannot be checked.
    """
    signer = signer_of(read_small(signature))
    with file.open("rb") as content:
        arguments = ["-Y", "check-novalidate", "-n", NAMESPACE, "-s", str(signature)]
        done = _ssh_keygen(arguments, content.fileno())
    if done.returncode != 0:
        raise SigningError(f"the signature does not fit: {_said(done)}")
    return signer


def fingerprints_in(file: Path) -> set[str]:
    """The fingerprints of the public keys in a file: a ``.pub`` file, an allowed-signers file, or several keys."""
    try:
        lines = read_small(file).decode(errors="replace").splitlines()
    except OSError:
        return set()
    found = set()
    for line in lines:
        words = [] if line.startswith("#") else line.split()
        for kind, key in itertools.pairwise(words):
            if kind == _TYPE:
                try:
                    found.add(_fingerprint(base64.b64decode(key, validate=True)))
                except (ValueError, binascii.Error):
                    continue
    return found


def read_small(file: Path) -> bytes:
    """The content of a file that has no reason to be large. Raises OSError."""
    with file.open("rb") as stream:
        return stream.read(_MAX_FILE)


def by_hand(folder: str, document: str) -> str:
    """The shell command with which a stranger checks a signature; ``SIGNERS`` is a file with the keys they trust."""
    name = f"{folder}/{document}"
    return f"ssh-keygen -Y verify -f SIGNERS -I {PRINCIPAL} -n {NAMESPACE} -s {name}.sig < {name}"


def _ssh_keygen(arguments: list[str], stdin: int = subprocess.DEVNULL) -> subprocess.CompletedProcess[bytes]:
    if not ssh_keygen_is_here():
        raise SigningError(_MISSING)
    try:
        return subprocess.run(
            ["ssh-keygen", *arguments],
            stdin=stdin,
            capture_output=True,
            check=False,
            timeout=_TIMEOUT_S,
            env=scrubbed_environment({"LC_ALL": "C", "PATH": os.environ.get("PATH", os.defpath)}),
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SigningError(f"ssh-keygen does not answer: {error}") from error


def _said(done: subprocess.CompletedProcess[bytes]) -> str:
    lines = (done.stderr or done.stdout).decode(errors="replace").strip().splitlines()
    return lines[-1][:200] if lines else f"exit code {done.returncode}"


def _string(blob: bytes) -> tuple[bytes, bytes]:
    """The first string of a blob in the format of SSH, and what comes after it."""
    size = int.from_bytes(blob[:4], "big")
    if len(blob) < 4 + size:
        raise ValueError("cut")
    return blob[4 : 4 + size], blob[4 + size :]


def _fingerprint(key: bytes) -> str:
    return "SHA256:" + base64.b64encode(hashlib.sha256(key).digest()).decode().rstrip("=")

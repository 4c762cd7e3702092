"""The evidence bundle: a folder, and one signed document that says everything and has the digest of every file.

:func:`seal` makes a bundle of the folder of a verification, once nothing runs there any more.
``docs/reference/evidence.md`` describes the document, ``bundle_document.py`` is its schema.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import stat
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from claude_orchestrator import __version__
from claude_orchestrator.errors import OrchestratorError, VerificationError
from claude_orchestrator.orchestrator.packing import OBJECTS, Holds, pack
from claude_orchestrator.orchestrator.records import PACKAGES, TESTS, write_json
from claude_orchestrator.orchestrator.signing import Keys, SigningError
from claude_orchestrator.orchestrator.verification import Request, Verification
from claude_orchestrator.workspace.git import Repository
from claude_orchestrator.workspace.variables import variables

DOCUMENT: Final = "bundle.json"
SIGNATURE: Final = "bundle.json.sig"
FORMAT: Final = "claude-orchestrator-evidence"
VERSION: Final = 1

MAX_FILE: Final = 200_000_000
_MAX_FILES: Final = 1000
_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._#-]{0,120}")
_SECRET: Final = re.compile(
    r"(?:^|_)(?:API_?KEY|KEY|TOKEN|PAT|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIAL)S?(?:_|$)", re.IGNORECASE
)
_MIN_SECRET: Final = 8
_REQUEST: Final = ("scope", "checks", "check_timeout_s", "python", "kind", "report", "operations", "generated")


@dataclass(frozen=True)
class Seal:
    """A bundle that was made: its folder, who signed it, or why nobody did."""

    folder: Path
    signer: str
    unsigned_because: str = ""


async def seal(request: Request, verification: Verification, keys: Keys | None) -> Seal:
    """Make a bundle of the evidence of a verification that is over. Raises OSError when it cannot be written."""
    folder = request.evidence
    _without_secrets(folder)
    holds = await _pack(request, verification, folder)
    document = {
        "format": FORMAT,
        "version": VERSION,
        "made_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "made_by": f"claude-orchestrator {__version__}",
        "signer": "",
        "unsigned_because": "",
        "change": {
            "base": verification.base,
            "head": verification.head,
            "base_tree": verification.base_tree,
            "head_tree": verification.tree,
            "trees": verification.trees,
        },
        "request": {name: value for name, value in request.to_json().items() if name in _REQUEST},
        **_answer(verification),
        "tests": _read(folder / TESTS, {}),
        "packages": _read(folder / PACKAGES, []),
        "objects": {"file": OBJECTS if holds != "nothing" else "", "holds": holds},
    }
    files, left_out = digests(folder)
    cleaned = json.loads(_redacted(json.dumps(document).encode(), _secrets()))
    return _write(folder, {**cleaned, "files": files, "left_out": left_out}, keys)


def seal_of(folder: Path) -> Seal | None:
    """How the bundle in a folder of ours is sealed, or None where there is none. Nothing is checked."""
    try:
        document = json.loads((folder / DOCUMENT).read_bytes())
        return Seal(folder, document["signer"], document["unsigned_because"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def waive(folder: Path, waiver: Mapping[str, Any], keys: Keys | None) -> Seal | None:
    """Add a human's approval to a bundle of this installation and sign it again.

    None when the bundle is not what this installation signed: then nothing is touched.
    """
    from claude_orchestrator.orchestrator.checking import check_bundle

    if not check_bundle(folder, keys).is_ours:
        return None
    document = json.loads((folder / DOCUMENT).read_bytes())
    if any(known["gate"] == waiver["gate"] for known in document["waivers"]):
        return Seal(folder, document["signer"])
    return _write(folder, {**document, "waivers": [*document["waivers"], dict(waiver)]}, keys)


def export(folder: Path, target: Path) -> None:
    """Copy a bundle, and nothing else that lies in its folder. Raises VerificationError where that is not possible."""
    if not (folder / DOCUMENT).is_file():
        raise VerificationError(
            f"{folder} has no {DOCUMENT}: it is from before there were bundles, or was not finished"
        )
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise VerificationError(f"{target} is there already: name a new folder")
    target.mkdir(parents=True, exist_ok=True)
    names = [*json.loads((folder / DOCUMENT).read_bytes())["files"], DOCUMENT, SIGNATURE]
    for name in names:
        if _NAME.fullmatch(name) and (folder / name).is_file():
            shutil.copyfile(folder / name, target / name, follow_symlinks=False)


def digests(folder: Path) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """The files of a bundle (name → size and SHA-256), and what else lies there (name → why it does not count)."""
    files: dict[str, dict[str, Any]] = {}
    left_out: dict[str, str] = {}
    for file in sorted(folder.iterdir()):
        if file.name in (DOCUMENT, SIGNATURE):
            continue
        why = _unfit(file) or ("too many files" if len(files) >= _MAX_FILES else "")
        if why:
            left_out[plain_name(file)] = why
        else:
            files[file.name] = digest(file)
    return files, left_out


def plain_name(file: Path) -> str:
    """The name of a file that somebody may have chosen, for people and documents."""
    return ascii(file.name)[1:-1][:200]


def digest(file: Path) -> dict[str, Any]:
    """Size and SHA-256 of a plain file; no link is followed. Raises OSError."""
    descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as stream:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(0, "is not a file", str(file))
        return {"bytes": os.fstat(descriptor).st_size, "sha256": hashlib.file_digest(stream, "sha256").hexdigest()}


def _unfit(path: Path) -> str:
    information = path.lstat()
    if not stat.S_ISREG(information.st_mode):
        return "not a file"
    if not _NAME.fullmatch(path.name):
        return "not a name that we give"
    return f"larger than {MAX_FILE:,} bytes" if information.st_size > MAX_FILE else ""


def _write(folder: Path, document: dict[str, Any], keys: Keys | None) -> Seal:
    """Write the document and its signature. Who reads in between finds a document without signature."""
    (folder / SIGNATURE).unlink(missing_ok=True)
    if keys is None:
        write_json(folder / DOCUMENT, {**document, "signer": "", "unsigned_because": "no key was given"})
        return Seal(folder, "", "no key was given")
    try:
        signer = keys.ready()
        write_json(folder / DOCUMENT, {**document, "signer": signer, "unsigned_because": ""})
        (folder / SIGNATURE).write_bytes(keys.sign(folder / DOCUMENT))
        return Seal(folder, signer)
    except SigningError as error:
        write_json(folder / DOCUMENT, {**document, "signer": "", "unsigned_because": str(error)})
        return Seal(folder, "", str(error))


def _answer(verification: Verification) -> dict[str, Any]:
    names = ("verdict", "reasons", "checks", "duration_s", "sandbox", "environment", "rerun", "waivers")
    return {name: value for name, value in verification.to_json().items() if name in names}


async def _pack(request: Request, verification: Verification, folder: Path) -> Holds:
    (folder / OBJECTS).unlink(missing_ok=True)
    if not verification.tree:
        return "nothing"
    try:
        repository = await Repository.open(request.repository)
        return await pack(repository, verification.base, verification.head, folder / OBJECTS)
    except OrchestratorError:
        return "nothing"


def _read(file: Path, otherwise: Any) -> Any:
    try:
        value = json.loads(file.read_bytes()) if not _unfit(file) else otherwise
    except (OSError, ValueError):
        return otherwise
    return value if isinstance(value, type(otherwise)) else otherwise


# -- secrets --------------------------------------------------------------------------------------


def _without_secrets(folder: Path) -> None:
    """Take out of the files what our environment keeps secret. Commands do not see it, but journals may have it."""
    if not (secrets := _secrets()):
        return
    for file in folder.iterdir():
        if not _unfit(file):
            content = file.read_bytes()
            cleaned = _redacted(content, secrets)
            if cleaned != content:
                file.write_bytes(cleaned)


def _secrets() -> dict[bytes, bytes]:
    return dict(_secret_values())


def _secret_values() -> Iterator[tuple[bytes, bytes]]:
    for name, value in variables().items():
        if _SECRET.search(name) and len(value) >= _MIN_SECRET and not _is_path(value):
            for form in {value, json.dumps(value)[1:-1]}:
                yield form.encode(errors="surrogateescape"), f"[value of {name}]".encode()


def _is_path(value: str) -> bool:
    try:
        return Path(value).exists()
    except OSError:
        return False


def _redacted(content: bytes, secrets: Mapping[bytes, bytes]) -> bytes:
    for value, instead in secrets.items():
        content = content.replace(value, instead)
    return content

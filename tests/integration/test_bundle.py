"""Evidence bundles: what is in them, what --check notices, and what a replay says, also without the repository."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from verifier_world import CODE, PROJECT, World

from claude_orchestrator.errors import VerificationError
from claude_orchestrator.orchestrator import signing
from claude_orchestrator.orchestrator.bundle import DOCUMENT, SIGNATURE, export, seal, waive
from claude_orchestrator.orchestrator.bundle_document import SCHEMA, json_schema, read_bundle
from claude_orchestrator.orchestrator.checking import check_bundle
from claude_orchestrator.orchestrator.replaying import replay
from claude_orchestrator.orchestrator.signing import Keys
from claude_orchestrator.orchestrator.verifier import judge, judge_apart

GOOD = CODE + "\n\ndef sub(a: int, b: int) -> int:\n    return a - b\n"
TEST = "from calc import sub\n\n\ndef test_sub():\n    assert sub(3, 1) == 2\n"
BAD = "def add(a: int, b: int) -> int:\n    return a * b\n"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, Keys, Path]:
    """A world, its keys, and the bundle of a good change."""
    folder = tmp_path_factory.mktemp("bundles")
    world = World(folder, PROJECT)
    head = world.commit({"src/calc/__init__.py": GOOD, "tests/test_sub.py": TEST})
    keys = Keys(folder / "home" / "signing")
    request = replace(world.request(head), report="Added sub.", operations=[{"kind": "run", "tail": "ok"}])
    verification = asyncio.run(judge_apart(request, keys=keys))
    assert verification.verdict == "passed", verification.reasons
    return world, keys, request.evidence


@pytest.fixture
def bundle(made: tuple[World, Keys, Path], tmp_path: Path) -> Path:
    """A copy of the bundle that a test may spoil."""
    export(made[2], tmp_path / "bundle")
    return tmp_path / "bundle"


def document(bundle: Path) -> dict[str, Any]:
    return dict(json.loads((bundle / DOCUMENT).read_text()))


def forge(bundle: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Rewrite the document as somebody without the key would do it: whole, and unsigned."""
    data = document(bundle)
    change(data)
    data |= {"signer": "", "unsigned_because": "no key was given"}
    (bundle / DOCUMENT).write_text(json.dumps(data))
    (bundle / SIGNATURE).unlink(missing_ok=True)


# -- what is in it --------------------------------------------------------------------------------


def test_a_bundle_says_everything(made: tuple[World, Keys, Path]) -> None:
    world, keys, folder = made
    said = read_bundle(folder)
    assert said.verdict == "passed"
    assert said.change.base == world.base
    assert said.change.head_tree == world.git("rev-parse", f"{said.change.head}^{{tree}}")
    assert {"base", "head", "own"} <= said.change.trees.keys()
    assert said.tests["own"].tests["tests/test_sub.py::test_sub"] == "passed"
    assert said.tests["base"].tests["tests/test_calc.py::test_add"] == "passed"
    assert any(name.startswith("pytest-") for name in said.packages)
    assert said.request.report == "Added sub."
    assert said.signer == keys.fingerprint() != ""
    listed = {file.name for file in folder.iterdir()} - {DOCUMENT, SIGNATURE}
    assert said.files.keys() == listed
    assert said.objects.holds == "both commits"
    commands = [command for check in said.checks for command in check.commands]
    assert commands
    assert all(isinstance(command.exit_code, int) for command in commands)


def test_the_document_follows_the_published_schema(made: tuple[World, Keys, Path]) -> None:
    assert SCHEMA.read_text() == json_schema(), "run 'python tests/unit/test_reference.py'"
    jsonschema.validate(document(made[2]), json.loads(SCHEMA.read_text()))


def test_a_stranger_checks_the_signature_with_ssh_keygen_alone(made: tuple[World, Keys, Path], bundle: Path) -> None:
    _, keys, _ = made
    command = check_bundle(bundle, keys).verify_by_hand.replace("SIGNERS", str(keys.folder / "allowed_signers"))
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert keys.fingerprint() in done.stdout
    assert (keys.folder / "key").stat().st_mode & 0o077 == 0


def test_no_secret_of_the_environment_is_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = 'sk-"quoted"-0123456789'
    monkeypatch.setenv("SOME_API_KEY", secret)
    world = World(tmp_path, PROJECT)
    request = replace(world.request(world.base, checks=()), report=f"used {secret}", operations=[{"tail": secret}])
    asyncio.run(judge_apart(request, keys=Keys(tmp_path / "keys")))
    for file in request.evidence.iterdir():
        content = file.read_bytes()
        assert b"0123456789" not in content or file.name == "objects.pack", file
    assert read_bundle(request.evidence).request.report == "used [value of SOME_API_KEY]"
    assert check_bundle(request.evidence, None).is_whole


# -- checking -------------------------------------------------------------------------------------


def test_a_bundle_as_it_was_made_is_whole(made: tuple[World, Keys, Path], bundle: Path, tmp_path: Path) -> None:
    _, keys, _ = made
    checked = check_bundle(bundle, keys)
    assert (checked.problems, checked.trust) == ((), "this installation")
    assert check_bundle(bundle, Keys(tmp_path / "other")).trust == "unknown"
    assert check_bundle(bundle, None, keys.fingerprint()).trust == "named"
    assert check_bundle(bundle, None, str(keys.folder / "key.pub")).trust == "named"
    assert check_bundle(bundle, None, str(keys.folder / "allowed_signers")).trust == "named"


def test_a_change_of_any_file_is_noticed(made: tuple[World, Keys, Path], bundle: Path) -> None:
    _, keys, _ = made
    for file in sorted(bundle.iterdir()):
        content = file.read_bytes()
        for spoiled in (content[:-1] + b"#", content + b"\n", b""):
            if spoiled != content:
                file.write_bytes(spoiled)
                assert not check_bundle(bundle, keys).is_whole, file.name
        file.unlink()
        if file.name != DOCUMENT:
            assert not check_bundle(bundle, keys).is_whole, file.name
        file.write_bytes(content)
    assert check_bundle(bundle, keys).is_whole


@pytest.mark.parametrize("kind", ["file", "folder", "link", "pipe"])
def test_what_was_added_is_noticed(kind: str, bundle: Path) -> None:
    new = bundle / "more"
    {
        "file": lambda: new.write_text("x"),
        "folder": new.mkdir,
        "link": lambda: new.symlink_to("/etc/hostname"),
        "pipe": lambda: os.mkfifo(new),
    }[kind]()
    assert check_bundle(bundle, None).problems == ("more is not part of the bundle",)


@pytest.mark.parametrize("name", ["verification.json", "request.json", SIGNATURE])
def test_a_link_in_the_place_of_a_file_is_noticed(name: str, bundle: Path, tmp_path: Path) -> None:
    shutil.move(bundle / name, tmp_path / "elsewhere")
    (bundle / name).symlink_to(tmp_path / "elsewhere")
    assert not check_bundle(bundle, None).is_whole


def _verdict(data: dict[str, Any]) -> None:
    data["verdict"] = "failed"


def _finding(data: dict[str, Any]) -> None:
    finding = {"rule": "x", "path": "a", "line": 1, "message": "wrong", "severity": "problem"}
    data["checks"][0]["findings"] = [finding]


def _no_checks(data: dict[str, Any]) -> None:
    data["checks"] = []


def _missing_check(data: dict[str, Any]) -> None:
    data["checks"] = [check for check in data["checks"] if check["name"] != "pytest"]


def _no_guard(data: dict[str, Any]) -> None:
    data["checks"] = [check for check in data["checks"] if check["name"] != "integrity"]


def _waiver(data: dict[str, Any]) -> None:
    data["waivers"] = [{"gate": "g1", "by": "me", "at": "now", "reason": "", "covers": "all"}]


def _trouble(data: dict[str, Any]) -> None:
    data["tests"]["own"]["trouble"] = "the log is damaged"


def _path(data: dict[str, Any]) -> None:
    data["files"]["../../etc/passwd"] = {"bytes": 1, "sha256": "0" * 64}


def _more(data: dict[str, Any]) -> None:
    data["trusted"] = True


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_verdict, "the checks lead to passed"),
        (_finding, "its findings lead to failed"),
        (_no_checks, "nothing was checked"),
        (_missing_check, "the result of pytest is missing"),
        (_no_guard, "the result of integrity is missing"),
        (_waiver, "a waiver is for something else"),
        (_trouble, "could not be believed"),
        (_path, "does not follow version 1"),
        (_more, "does not follow version 1"),
    ],
)
def test_a_forged_document_is_noticed(change: Callable[[dict[str, Any]], None], said: str, bundle: Path) -> None:
    forge(bundle, change)
    problems = check_bundle(bundle, None).problems
    assert any(said in problem for problem in problems), problems


def test_without_its_signature_it_is_unsigned_and_a_named_signer_refuses_it(
    made: tuple[World, Keys, Path], bundle: Path
) -> None:
    _, keys, _ = made
    forge(bundle, lambda data: None)
    checked = check_bundle(bundle, keys)
    assert (checked.is_whole, checked.trust, checked.signer) == (True, "unsigned", "")
    assert not check_bundle(bundle, keys, keys.fingerprint()).is_whole


def test_another_key_is_not_the_named_one(made: tuple[World, Keys, Path], bundle: Path, tmp_path: Path) -> None:
    _, keys, _ = made
    other = Keys(tmp_path / "other")
    data = {**document(bundle), "signer": other.ready()}
    (bundle / DOCUMENT).write_text(json.dumps(data))
    (bundle / SIGNATURE).write_bytes(other.sign(bundle / DOCUMENT))
    assert check_bundle(bundle, keys).trust == "unknown"
    assert not check_bundle(bundle, keys, keys.fingerprint()).is_whole
    with pytest.raises(VerificationError, match="has no Ed25519 public key"):
        check_bundle(bundle, keys, str(bundle / "request.json"))


def test_a_signature_for_another_purpose_does_not_count(made: tuple[World, Keys, Path], bundle: Path) -> None:
    _, keys, _ = made
    (bundle / SIGNATURE).unlink()
    with (bundle / DOCUMENT).open("rb") as content:
        arguments = ["ssh-keygen", "-Y", "sign", "-f", str(keys.folder / "key"), "-n", "file"]
        done = subprocess.run(arguments, stdin=content, capture_output=True, check=True)
    (bundle / SIGNATURE).write_bytes(done.stdout)
    assert "for another purpose" in " ".join(check_bundle(bundle, keys).problems)


def test_without_ssh_keygen_it_says_so(
    made: tuple[World, Keys, Path], bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, _, _ = made
    request = world.request(world.base, checks=())
    verification = asyncio.run(judge(request))
    monkeypatch.setattr(signing.shutil, "which", lambda name: None if name == "ssh-keygen" else f"/usr/bin/{name}")
    done = asyncio.run(seal(request, verification, Keys(tmp_path / "keys")))
    assert done.unsigned_because == "ssh-keygen is not installed (OpenSSH 8.2 or newer)"
    assert check_bundle(request.evidence, None).trust == "unsigned"
    with pytest.raises(VerificationError, match="cannot be checked"):
        check_bundle(bundle, None)


def test_hostile_things_in_the_folder_are_left_out_and_named(tmp_path: Path) -> None:
    world = World(tmp_path, PROJECT)
    request = world.request(world.base, checks=())
    verification = asyncio.run(judge(request))
    os.mkfifo(request.evidence / "pipe")
    (request.evidence / "link").symlink_to("/etc/passwd")
    (request.evidence / "folder").mkdir()
    (request.evidence / "a\nb").write_text("x")
    with (request.evidence / "huge").open("wb") as stream:
        stream.truncate(10**12)
    asyncio.run(seal(request, verification, None))
    said = read_bundle(request.evidence)
    assert said.left_out == {
        "pipe": "not a file",
        "link": "not a file",
        "folder": "not a file",
        "a\\nb": "not a name that we give",
        "huge": "larger than 200,000,000 bytes",
    }
    assert check_bundle(request.evidence, None).is_whole
    export(request.evidence, tmp_path / "copy")
    assert {file.name for file in (tmp_path / "copy").iterdir()} == {*said.files, DOCUMENT}
    assert check_bundle(tmp_path / "copy", None).is_whole


# -- waivers --------------------------------------------------------------------------------------


def test_a_waiver_is_added_to_what_we_signed_and_to_nothing_else(tmp_path: Path) -> None:
    world = World(tmp_path, PROJECT)
    head = world.commit({"src/calc/fast.so": "compiled"})
    request = world.request(head, checks=())
    keys = Keys(tmp_path / "keys")
    verification = asyncio.run(judge_apart(request, keys=keys))
    assert verification.verdict == "needs_review"
    waiver = {"gate": "g1", "by": "me", "at": "2026-11-21T12:00:00Z", "reason": "agreed"}
    waiver["covers"] = "; ".join(verification.reasons)
    for _ in range(2):
        assert waive(request.evidence, waiver, keys)
    checked = check_bundle(request.evidence, keys)
    assert (checked.is_ours, checked.verdict, checked.waivers) == (True, "needs_review", (waiver,))
    (request.evidence / "request.json").write_text("{}")
    assert waive(request.evidence, {**waiver, "gate": "g2"}, keys) is None
    assert len(read_bundle(request.evidence).waivers) == 1


# -- replaying ------------------------------------------------------------------------------------


def again(bundle: Path, project: Path, tmp_path: Path) -> Any:
    return asyncio.run(replay(bundle, project, tmp_path / "again", Keys(tmp_path / "keys")))


def test_a_verdict_stands_in_the_repository(made: tuple[World, Keys, Path], bundle: Path, tmp_path: Path) -> None:
    found = again(bundle, made[0].project, tmp_path)
    assert (found.stands, found.now, found.differences) == (True, "passed", ())
    assert check_bundle(tmp_path / "again", None).is_whole


def test_a_verdict_stands_without_the_repository(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "nowhere").mkdir()
    found = again(bundle, tmp_path / "nowhere", tmp_path)
    assert (found.stands, found.now, found.details) == (True, "passed", ())


def test_a_change_of_several_commits_is_judged_without_those_between(tmp_path: Path) -> None:
    world = World(tmp_path, PROJECT)
    world.commit({"src/calc/__init__.py": GOOD})
    request = world.request(world.commit({"tests/test_sub.py": TEST}), checks=())
    asyncio.run(judge_apart(request, keys=None))
    (tmp_path / "nowhere").mkdir()
    assert again(request.evidence, tmp_path / "nowhere", tmp_path).stands


def test_a_claim_that_is_not_true_does_not_stand(tmp_path: Path) -> None:
    """Somebody makes a whole, consistent, signed bundle that says 'passed' of a change that breaks a test."""
    world = World(tmp_path, PROJECT)
    head = world.commit({"src/calc/__init__.py": BAD})
    request = world.request(head)
    keys = Keys(tmp_path / "liar")
    assert asyncio.run(judge_apart(request, keys=keys)).verdict == "failed"

    def lie(data: dict[str, Any]) -> None:
        data |= {"verdict": "passed", "reasons": [], "unsigned_because": "", "signer": keys.fingerprint()}
        for check in data["checks"]:
            check |= {"status": "passed", "findings": [], "reasons": []}
        for run in data["tests"].values():
            run["tests"] = dict.fromkeys(run["tests"], "passed")

    data = document(request.evidence)
    record = json.loads((request.evidence / "verification.json").read_text())
    lie(data)
    record |= {"verdict": "passed", "reasons": [], "checks": data["checks"]}
    (request.evidence / "verification.json").write_text(json.dumps(record))
    data["files"] = {
        name: {"bytes": (request.evidence / name).stat().st_size, "sha256": _sha256(request.evidence / name)}
        for name in data["files"]
    }
    (request.evidence / DOCUMENT).write_text(json.dumps(data))
    (request.evidence / SIGNATURE).write_bytes(keys.sign(request.evidence / DOCUMENT))
    assert check_bundle(request.evidence, None).is_whole
    (tmp_path / "nowhere").mkdir()
    found = again(request.evidence, tmp_path / "nowhere", tmp_path)
    assert (found.stands, found.recorded, found.now) == (False, "passed", "failed")
    assert "the verdict: recorded passed, now failed" in found.differences
    assert any("test_add" in detail and "recorded passed, now failed" in detail for detail in found.details)


def _sha256(file: Path) -> str:
    import hashlib

    return hashlib.sha256(file.read_bytes()).hexdigest()


def test_without_the_commits_it_cannot_be_run(bundle: Path, tmp_path: Path) -> None:
    (bundle / "objects.pack").unlink()
    (tmp_path / "nowhere").mkdir()
    with pytest.raises(VerificationError, match="give a clone that has them"):
        again(bundle, tmp_path / "nowhere", tmp_path)


def test_what_the_base_lacks_is_enough_for_who_has_the_base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(tmp_path, {**PROJECT, "data.txt": "x" * 20_000})
    clone = tmp_path / "clone"
    world.git("clone", "--quiet", str(world.project), str(clone))
    head = world.commit({"src/calc/__init__.py": GOOD})
    request = world.request(head, checks=())
    monkeypatch.setattr("claude_orchestrator.orchestrator.packing._MAX_RAW", 10_000)
    asyncio.run(judge_apart(request, keys=None))
    assert read_bundle(request.evidence).objects.holds == "what the base lacks"
    assert again(request.evidence, clone, tmp_path).stands

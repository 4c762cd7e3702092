"""The two commits of a change as one git pack: enough to judge the change where the repository is not."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final, Literal

from claude_orchestrator.errors import OrchestratorError, VerificationError
from claude_orchestrator.workspace.git import Repository

OBJECTS: Final = "objects.pack"
"""File name of the pack in a bundle."""

Holds = Literal["both commits", "what the base lacks", "nothing"]
"""What a pack has: all files of both commits, only what is new at head, or nothing."""

_MAX_RAW: Final = 100_000_000
_MAX_PACK: Final = 25_000_000


async def pack(repository: Repository, base: str, head: str, file: Path) -> Holds:
    """Write the commits ``base`` and ``head`` with all their files, without their history; less where that is large."""
    at_base, at_head = await asyncio.gather(_objects(repository, base), _objects(repository, head))
    choices: tuple[tuple[Holds, dict[str, str]], ...] = (
        ("both commits", at_base | at_head),
        ("what the base lacks", {key: name for key, name in at_head.items() if key not in at_base}),
    )
    for holds, objects in choices:
        if await _size(repository, objects) <= _MAX_RAW:
            lines = "".join(f"{key} {name}\n" for key, name in objects.items())
            stdin = lines.encode(errors="surrogateescape")
            code, content, _ = await repository.attempt_git("pack-objects", "--stdout", "-q", stdin=stdin)
            if code == 0 and len(content) <= _MAX_PACK:
                file.write_bytes(content)
                return holds
    return "nothing"


async def unpack(file: Path, folder: Path, commits: tuple[str, str], others: Repository | None = None) -> Repository:
    """A new repository in ``folder`` with the objects of a pack and, where given, those of another repository.

    Raises VerificationError when the commits are not all there.
    """
    folder.mkdir(parents=True)
    repository = Repository(folder, folder / ".git")
    kind = "sha256" if len(commits[0]) == 64 else "sha1"
    await repository.git("init", "--quiet", "--template=", f"--object-format={kind}", ".")
    if others is not None:
        information = repository.git_dir / "objects" / "info"
        information.mkdir(exist_ok=True)
        (information / "alternates").write_text(f"{others.git_dir / 'objects'}\n")
    if file.is_file():
        content = file.read_bytes()
        await repository.git("index-pack", "--stdin", f"--max-input-size={_MAX_PACK}", stdin=content)
    (repository.git_dir / "shallow").write_text("".join(f"{commit}\n" for commit in dict.fromkeys(commits)))
    if not await has_commits(repository, commits):
        raise VerificationError("the commits are not in the bundle: give a clone that has them with --project")
    return repository


async def has_commits(repository: Repository, commits: tuple[str, str]) -> bool:
    """Whether a repository has the commits with all of their files."""
    try:
        for commit in commits:
            if await repository.resolve(commit) != commit:
                return False
            await _size(repository, await _objects(repository, commit))
    except OrchestratorError:
        return False
    return True


async def _objects(repository: Repository, commit: str) -> dict[str, str]:
    """Everything that belongs to one commit: object → path. Raises RepositoryError when something is missing."""
    listing = await repository.git("rev-list", "--objects", "--no-walk", "--end-of-options", commit)
    return dict(line.partition(" ")[::2] for line in listing.splitlines())


async def _size(repository: Repository, objects: dict[str, str]) -> int:
    stdin = "".join(f"{key}\n" for key in objects).encode()
    said = await repository.git("cat-file", "--batch-check=%(objectsize)", stdin=stdin)
    sizes = said.split("\n") if said else []
    if any(not size.isdigit() for size in sizes):
        raise VerificationError("an object of the change is missing")
    return sum(map(int, sizes))

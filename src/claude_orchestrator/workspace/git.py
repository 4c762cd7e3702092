"""Git as a store of trees: every function here works on objects and refs.

The user's checkout, index and uncommitted changes are never read for content and never written.
Hooks, signing and automatic maintenance of the user's configuration are off for our own commands.
"""

from __future__ import annotations

import asyncio
import functools
import os
import shutil
import subprocess
import uuid
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from claude_orchestrator.errors import BlockedError, RepositoryError
from claude_orchestrator.workspace.variables import variables

NO_COMMIT: Final = ""
"""As the expected old value of a ref: it must not exist yet. (Null ids differ in length with the hash function.)"""

_QUIET: Final = (
    "-c", "core.hooksPath=/dev/null",
    "-c", "core.fsmonitor=false",
    "-c", "core.quotepath=false",
    "-c", "core.safecrlf=false",
    "-c", "core.sparseCheckout=false",
    "-c", "core.splitIndex=false",
    "-c", "submodule.recurse=false",
    "-c", "i18n.commitEncoding=UTF-8",
    "-c", "i18n.logOutputEncoding=UTF-8",
    "-c", "log.showSignature=false",
    "-c", "core.fsync=committed,reference",
    "-c", "gc.auto=0",
    "-c", "maintenance.auto=false",
    "-c", "commit.gpgsign=false",
    "-c", "advice.detachedHead=false",
)  # fmt: skip
_IDENTITY: Final = {
    "GIT_AUTHOR_NAME": "claude-orchestrator",
    "GIT_AUTHOR_EMAIL": "claude-orchestrator@localhost",
    "GIT_COMMITTER_NAME": "claude-orchestrator",
    "GIT_COMMITTER_EMAIL": "claude-orchestrator@localhost",
}
_USERS_CONFIGURATION: Final = frozenset({"GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM"})
_FATAL: Final = 128
"""The exit code with which git gives up."""
_THREADS: Final = ThreadPoolExecutor(8, "git")
"""Wait for commands; of their own, because what others wait for in a thread may need git."""


@dataclass(frozen=True)
class Entry:
    """One file of a tree: its git mode (``100644``, ``100755``, ``120000``, ``160000``) and blob id."""

    mode: str
    blob: str


@dataclass(frozen=True)
class Change:
    """One changed path between two trees; ``status`` is git's letter (A, M, D, R, T)."""

    status: str
    path: str
    old_path: str | None = None


@dataclass(frozen=True)
class MergeResult:
    """What ``git merge-tree`` made: the tree, or the paths that conflict (then the tree has markers)."""

    tree: str
    conflicts: tuple[str, ...] = ()


def clean_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The process environment without the ``GIT_*`` variables that would redirect our commands."""
    kept = {
        name: value
        for name, value in variables().items()
        if not name.startswith("GIT_") or name in _USERS_CONFIGURATION
    }
    # Replaced objects are somebody's view of history; what is judged and merged is what the ids say.
    ours = {"GIT_NO_REPLACE_OBJECTS": "1", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C.UTF-8"}
    return {**kept, **_IDENTITY, **ours, **(extra or {})}


class Repository:
    """One git repository, bare or not. ``root`` is its top folder, ``git_dir`` the shared git folder."""

    def __init__(self, root: Path, git_dir: Path) -> None:
        self.root = root
        self.git_dir = git_dir

    @classmethod
    async def open(cls, path: Path) -> Repository:
        """Find the repository that ``path`` lies in. Raises RepositoryError where there is none."""
        if shutil.which("git") is None:
            raise RepositoryError("git is not installed, or not on PATH: install git (2.38 or newer) first")
        if not path.is_dir():
            raise RepositoryError(f"{path} is not a folder: give --project an existing git repository")
        probe = cls(path, path)
        question = ("rev-parse", "--path-format=absolute", "--git-common-dir", "--is-bare-repository")
        code, out, _ = await probe.attempt_git(*question, "--show-toplevel")
        if code == 0:
            git_dir, _, root = out.decode(errors="surrogateescape").removesuffix("\n").partition("\nfalse\n")
            return cls(Path(root).resolve(), Path(git_dir).resolve())
        try:
            answer = await probe.git(*question)
        except RepositoryError as error:
            if "dubious ownership" in str(error):
                raise RepositoryError(
                    f"{path} belongs to another user, and git does not trust it: "
                    f"run 'git config --global --add safe.directory {path.resolve()}', then try again"
                ) from error
            raise RepositoryError(
                f"{path.resolve()} is not a git repository: run 'git init' and commit once, or give --project"
            ) from error
        git_dir, _, bare = answer.rpartition("\n")
        root = git_dir if bare == "true" else await probe.git("rev-parse", "--path-format=absolute", "--show-toplevel")
        return cls(Path(root).resolve(), Path(git_dir).resolve())

    async def git(
        self,
        *arguments: str,
        stdin: bytes | None = None,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> str:
        """Run git and return its standard output without the final newline.

        Raises RepositoryError, with git's own first line, when git exits with anything but 0.
        """
        code, out, err = await self.attempt_git(*arguments, stdin=stdin, env=env, cwd=cwd)
        if code != 0:
            said = err.decode(errors="replace").strip().splitlines()
            raise RepositoryError(f"git {arguments[0]} failed ({code}): {said[0] if said else 'no message'}")
        return out.decode(errors="surrogateescape").removesuffix("\n")

    async def attempt_git(
        self,
        *arguments: str,
        stdin: bytes | None = None,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> tuple[int, bytes, bytes]:
        """Run git and return ``(exit code, stdout, stderr)``, whatever the exit code is.

        Raises BlockedError when the repository is gone, RepositoryError when git cannot be started.
        """
        # Not by asyncio: in CPython 3.11 to 3.13 a loop that ends while a pipe is being connected never ends.
        run = functools.partial(_run, ["git", *_QUIET, *arguments], cwd or self.root, clean_environment(env), stdin)
        try:
            done = await asyncio.get_running_loop().run_in_executor(_THREADS, run)
        except OSError as error:
            self._must_exist()
            raise RepositoryError(f"cannot run git in {cwd or self.root}: {error.strerror}") from error
        if done.returncode == _FATAL:
            self._must_exist()
        return done.returncode, done.stdout, done.stderr

    def _must_exist(self) -> None:
        if not self.root.is_dir() or not self.git_dir.exists():
            raise BlockedError(f"the repository {self.root} is gone: put it back, then resume the run")

    # -- reading ------------------------------------------------------------------------------

    async def resolve(self, revision: str) -> str:
        """The full commit id of ``revision``. Raises RepositoryError when it names no commit."""
        code, out, _ = await self.attempt_git(
            "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"
        )
        if code != 0:
            if revision == "HEAD":
                raise RepositoryError(f"{self.root} has no commits yet: make a first commit, then try again")
            raise RepositoryError(f"'{revision}' is no commit of {self.root}: check it with 'git log {revision}'")
        return out.decode().strip()

    async def commits(self, *revisions: str) -> list[tuple[str, str]]:
        """The full ids of commits and of their trees. Raises RepositoryError when one names no commit."""
        asked = [f"{revision}^{{{kind}}}" for revision in revisions for kind in ("commit", "tree")]
        found: list[str] = []
        if not any("\n" in one for one in asked):
            names = "".join(f"{one}\n" for one in asked).encode(errors="surrogateescape")
            said = await self.git("cat-file", "--batch-check=%(objectname) %(objecttype)", stdin=names)
            lines = [line.split(" ") for line in said.split("\n")]
            found = [line[0] for line in lines if len(line) == 2 and line[1] in ("commit", "tree")]
        if len(found) == len(asked):
            return list(zip(found[::2], found[1::2], strict=True))
        commits = [await self.resolve(revision) for revision in revisions]
        return [(commit, await self.tree_of(commit)) for commit in commits]

    async def tree_of(self, revision: str) -> str:
        """The tree id of a commit or tree-ish."""
        return await self.git("rev-parse", "--verify", "--end-of-options", f"{revision}^{{tree}}")

    async def message_of(self, commit: str) -> str:
        """The message of a commit."""
        # Not "show": that asks for the parents, which a clone of few commits or the pack of a bundle lacks.
        return await self.git("log", "--no-walk", "--format=%B", commit)

    async def read_ref(self, ref: str) -> str | None:
        """The commit that a full ref name points to, or None where there is no such ref."""
        code, out, _ = await self.attempt_git("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
        return out.decode().strip() if code == 0 else None

    async def entries(self, tree: str) -> dict[str, Entry]:
        """Every file of a tree: path → entry."""
        listing = await self.git("ls-tree", "-r", "-z", "--full-tree", tree)
        found = {}
        for line in filter(None, listing.split("\0")):
            meta, path = line.split("\t", 1)
            mode, _, blob = meta.split(" ")
            found[path] = Entry(mode, blob)
        return found

    async def sizes(self, tree: str) -> dict[str, int]:
        """Every file of a tree: path → bytes; submodules are left out."""
        listing = await self.git("ls-tree", "-r", "-l", "-z", "--full-tree", tree)
        found = {}
        for line in filter(None, listing.split("\0")):
            meta, path = line.split("\t", 1)
            if (size := meta.split()[3]) != "-":
                found[path] = int(size)
        return found

    async def changes(self, base: str, head: str) -> list[Change]:
        """What differs between two trees or commits, renames detected."""
        raw = await self.git("diff-tree", "-r", "-M", "-z", "--name-status", "--no-commit-id", base, head)
        fields = iter(raw.split("\0"))
        found: list[Change] = []
        for status in fields:
            if not status:
                continue
            if status[0] in "RC":
                old = next(fields)
                found.append(Change(status[0], next(fields), old))
            else:
                found.append(Change(status[0], next(fields)))
        return found

    async def read_file(self, revision: str, path: str) -> bytes | None:
        """The content of ``path`` at a revision (commit or tree), or None where it does not exist."""
        code, out, _ = await self.attempt_git("cat-file", "blob", f"{revision}:{path}")
        return out if code == 0 else None

    async def read_blobs(self, blobs: Iterable[str]) -> dict[str, bytes]:
        """The contents of many blobs with one command: blob id → content."""
        wanted = list(dict.fromkeys(blobs))
        if not wanted:
            return {}
        code, out, err = await self.attempt_git(
            "cat-file", "--batch", stdin="".join(f"{blob}\n" for blob in wanted).encode()
        )
        if code != 0:
            raise RepositoryError(f"git cat-file failed ({code}): {err.decode(errors='replace').strip()}")
        found: dict[str, bytes] = {}
        at = 0
        for blob in wanted:
            header, _, _ = out[at : at + 200].partition(b"\n")
            if header.endswith(b" missing"):
                raise RepositoryError(f"{self.git_dir} lacks the object {blob}: run 'git fsck' there")
            size = int(header.rsplit(b" ", 1)[1])
            start = at + len(header) + 1
            found[blob] = out[start : start + size]
            at = start + size + 1
        return found

    async def parents(self, commit: str) -> list[str]:
        """The parent commits of a commit, in order."""
        return (await self.git("log", "-1", "--format=%P", commit)).split()

    async def is_ancestor(self, ancestor: str, descendant: str) -> bool:
        """Whether ``ancestor`` is reachable from ``descendant``."""
        code, _, _ = await self.attempt_git("merge-base", "--is-ancestor", ancestor, descendant)
        return code == 0

    async def commit_with_trailer(self, base: str, head: str, trailer: str) -> str | None:
        """The commit in ``base..head`` whose message has the line ``trailer``, or None."""
        if base == head:
            return None
        found = await self.git("log", "--format=%H", "--fixed-strings", f"--grep={trailer}", f"{base}..{head}")
        for commit in found.split():
            message = await self.git("log", "-1", "--format=%B", commit)
            if trailer in message.splitlines():
                return commit
        return None

    async def checked_out_at(self, ref: str) -> Path | None:
        """The folder of the checkout that is on branch ``ref``, or None."""
        folder: Path | None = None
        for line in (await self.git("worktree", "list", "--porcelain", "-z")).split("\0"):
            if line.startswith("worktree "):
                folder = Path(line.removeprefix("worktree "))
            elif line == f"branch {ref}":
                return folder
        return None

    # -- writing objects and refs ----------------------------------------------------------------

    async def compose_tree(self, tree: str, changes: Mapping[str, Entry | None], scratch: Path) -> str:
        """A tree like ``tree`` with some paths set to other blobs, or (None) removed.

        ``scratch`` is a file name that is free to be used as a private index and is removed again.
        """
        if not changes:
            return tree
        env = {"GIT_INDEX_FILE": str(scratch)}
        lines = [
            f"0 {'0' * len(tree)}\t{path}\0" if entry is None else f"{entry.mode} {entry.blob}\t{path}\0"
            for path, entry in changes.items()
        ]
        try:
            await self.git("read-tree", tree, env=env)
            await self.git(
                "update-index", "-z", "--index-info", stdin="".join(lines).encode(errors="surrogateescape"), env=env
            )
            return await self.git("write-tree", env=env)
        finally:
            scratch.unlink(missing_ok=True)

    async def materialise(self, tree: str, folder: Path) -> None:
        """Write the files of ``tree`` into the empty or new ``folder``: a fresh checkout without a ``.git``."""
        folder.mkdir(parents=True, exist_ok=True)
        index = folder.with_name(folder.name + ".index")
        env = {"GIT_INDEX_FILE": str(index)}
        try:
            await self.git("read-tree", tree, env=env)
            await self.git("checkout-index", "--all", "--quiet", "--force", f"--prefix={folder}/", env=env)
        finally:
            index.unlink(missing_ok=True)

    async def snapshot(self, worktree: Path, index: Path, git_folder: Path) -> str:
        """The tree of everything in a worktree that git does not ignore, as it is now.

        ``index`` is a private index file: seeded from the worktree's own on first use (so that unchanged files are
        not hashed again) and refreshed afterwards. The worktree's own index is not touched.
        ``git_folder`` is the worktree's git folder. It is named, never searched for: who works in the worktree may
        have removed or replaced its ``.git``, and the search would end in whatever repository lies around it.
        Raises RepositoryError when the worktree is gone or unreadable.
        """
        if not index.exists() and (own := git_folder / "index").exists():
            # With its time stamp: git tells by it which files may have changed within the same tick.
            seed = index.with_name(f"{index.name}.{uuid.uuid4().hex}")
            shutil.copy2(own, seed)
            seed.replace(index)
        env = {**_bound(worktree, git_folder), "GIT_INDEX_FILE": str(index)}
        await self.git("add", "--all", env=env, cwd=worktree)
        return await self.git("write-tree", env=env, cwd=worktree)

    async def put_back(self, worktree: Path, tree: str, index: Path, git_folder: Path) -> None:
        """Make the files of a worktree those of ``tree`` again; the arguments are those of :meth:`snapshot`."""
        env = {**_bound(worktree, git_folder), "GIT_INDEX_FILE": str(index)}
        await self.git("read-tree", "--reset", "-u", tree, env=env, cwd=worktree)

    def git_folder_of(self, worktree: Path) -> Path | None:
        """The git folder of a linked worktree by the repository's own record, or None where there is none."""
        link = Path(os.path.realpath(worktree), ".git")
        for record in self.git_dir.glob("worktrees/*/gitdir"):
            place = (record.parent / record.read_text(errors="surrogateescape").rstrip("\n")).absolute()
            if Path(os.path.realpath(place.parent), place.name) == link:
                return record.parent
        return None

    async def head_of(self, git_folder: Path) -> str | None:
        """The commit that the worktree with that git folder is at; None when it is on a branch without commits."""
        code, out, _ = await self.attempt_git(
            "rev-parse", "--verify", "--quiet", "HEAD^{commit}", env={"GIT_DIR": str(git_folder)}
        )
        return out.decode().strip() if code == 0 else None

    async def commit_tree(self, tree: str, parents: Iterable[str], message: str) -> str:
        """Make a commit object of ``tree``; no ref moves."""
        flags = [flag for parent in parents for flag in ("-p", parent)]
        return await self.git("commit-tree", tree, *flags, "-F", "-", stdin=message.encode())

    async def merge_trees(self, ours: str, theirs: str) -> MergeResult:
        """Merge two commits without any checkout (``git merge-tree``; git 2.38 or newer)."""
        code, out, err = await self.attempt_git(
            "merge-tree", "--write-tree", "--no-messages", "--name-only", "-z", ours, theirs
        )
        if code not in (0, 1):
            raise RepositoryError(f"git merge-tree failed ({code}): {err.decode(errors='replace').strip()}")
        tree, *paths = out.decode(errors="surrogateescape").split("\0")
        return MergeResult(tree.strip(), tuple(sorted({path for path in paths if path})) if code else ())

    async def move_ref(self, ref: str, new: str, old: str) -> bool:
        """Compare-and-swap: point ``ref`` at ``new`` only if it is at ``old``; False when it was not."""
        code, _, err = await self.attempt_git("update-ref", "--no-deref", "-m", "claude-orchestrator", ref, new, old)
        if code == 0:
            return True
        if await self.read_ref(ref) == (None if old == NO_COMMIT else old):
            raise RepositoryError(f"cannot move {ref}: {err.decode(errors='replace').strip()}")
        return False

    async def keep(self, ref: str, commit: str) -> None:
        """Point ``ref`` at ``commit``, whatever it was: for refs that one attempt alone owns."""
        await self.git("update-ref", ref, commit)


def _run(argv: list[str], cwd: Path, env: dict[str, str], stdin: bytes | None) -> subprocess.CompletedProcess[bytes]:
    nothing = subprocess.DEVNULL if stdin is None else None
    return subprocess.run(argv, cwd=cwd, env=env, stdin=nothing, input=stdin, capture_output=True, check=False)


def git_folder(worktree: Path) -> Path:
    """The git folder of a worktree: where its file ``.git`` points to. Raises RepositoryError when it is gone."""
    link = worktree / ".git"
    try:
        return link if link.is_dir() else worktree / link.read_text().removeprefix("gitdir:").strip()
    except OSError as error:
        raise RepositoryError(f"the worktree {worktree} is gone or damaged: {error.strerror}") from error


def names_in(git_folder: Path, tree: str) -> frozenset[str]:
    """The paths of all files of a tree; none when git cannot tell. Blocks, for callers that are not asynchronous."""
    done = subprocess.run(
        ["git", *_QUIET, "ls-tree", "-r", "-z", "--full-tree", "--name-only", tree],
        env=clean_environment({"GIT_DIR": str(git_folder)}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    return frozenset(filter(None, os.fsdecode(done.stdout).split("\0"))) if done.returncode == 0 else frozenset()


def _bound(worktree: Path, git_folder: Path) -> dict[str, str]:
    """Variables that bind a git command to one worktree and its repository."""
    return {"GIT_DIR": str(git_folder), "GIT_WORK_TREE": str(worktree)}

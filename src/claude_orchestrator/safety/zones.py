"""Where a path lies, and what reading, writing or deleting it means there (the policy's path zones).

Paths are judged by their text: absolute, ``..`` resolved, symbolic links unknown. A path may hold marks
(:mod:`~claude_orchestrator.safety.values`): a glob counts as every path that it can match. In a *live* place, what
would be safe is looked up in the file system and judged again by where it really is.
"""

from __future__ import annotations

import os.path
import re
from functools import lru_cache

from claude_orchestrator.safety.operations import Effect
from claude_orchestrator.safety.policy import Policy
from claude_orchestrator.safety.values import NAME, ONE, SOME, STAR, matcher, show, unknown, unnamed, wild


class Place:
    """Where an operation happens: absolute, normalised folders as strings."""

    __slots__ = ("cwd", "home", "inside", "live", "real", "root", "workspace")

    def __init__(
        self, cwd: str, workspace: str | None = None, home: str = "/home/dev", root: bool = False, live: bool = False
    ) -> None:
        self.cwd = cwd
        self.workspace = workspace or cwd
        self.home = home
        self.root = root
        self.live = live
        self.inside = self.workspace.rstrip("/") + "/"
        """The workspace with a slash: what every path in it begins with."""
        self.real: str | None = None
        """The workspace's real path, looked up when it is first needed."""


# `..` after one of these leads away from where the link points, not back.
_LINKS = re.compile(r"/proc/[^/]+/(?:root|cwd|fd|task/[^/]+/(?:root|cwd|fd))(?=/)")
_MESSY = re.compile(r"//|/\.\.?(?:/|$)")


def absolute(path: str, cwd: str) -> str:
    """A path joined to the folder it is relative to, with ``.``, ``..`` and double slashes resolved as text."""
    if path[:1] != "/":
        # A tilde that the shell left alone (`--file=~/x`) may still be taken for the home by a program: never inside.
        path = "/" + path if path[:1] == "~" else cwd + "/" + path
    if path[-1] == "/" or _MESSY.search(path):
        if not path.isascii() and unknown(path) and "/.." in path:
            # What `..` after an unknown folder leads to is unknown, too.
            return path
        if "/proc/" in path and (link := _LINKS.search(path)):
            return os.path.normpath(path[: link.end()]) + path[link.end() :]
        path = os.path.normpath(path)
        if path.startswith("//"):
            path = path[1:]
    return path


_SYSTEM = frozenset(
    "bin boot dev etc lib lib32 lib64 libx32 opt proc run sbin snap sys usr var Library System Applications".split()
)
_DEVICES = frozenset(
    "/dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/stdin /dev/stdout /dev/stderr /dev/tty".split()
)
_BLOCK = re.compile(
    r"/dev/(?:sd[a-z]|nvme\d|vd[a-z]|xvd[a-z]|hd[a-z]|mmcblk\d|dm-\d|disk/|mapper/|md\d|loop\d|ram\d|sr\d"
    r"|(?:sd|nvme|vd|xvd|hd|mmcblk|dm-|disk|md|loop)[\U000f0000-\U000f0009])"
)
_TEMPORARY = ("/var/tmp/", "/dev/shm/")  # noqa: S108  # nosec B108 - the policy's TMP zone
_TEMPORARY_FOLDERS = ("/var/tmp", "/dev/shm")  # noqa: S108  # nosec B108
_BLOCK_ROOT = re.compile(r"/dev/disk$|/dev/[\U000f0000-\U000f0003]")


def zone(path: str, place: Place) -> str:
    """``WS``, ``TMP``, ``DEV`` (harmless devices), ``BLOCK``, ``SYS`` or ``OUT``; the path is absolute."""
    if path.startswith(place.inside) or path == place.workspace:
        return "WS"
    first = path[1:].partition("/")[0]
    if first == "tmp" or path.startswith(_TEMPORARY) or path in _TEMPORARY_FOLDERS:
        return "TMP"
    if first == "dev":
        if path in _DEVICES or path.startswith(("/dev/fd/", "/dev/pts/")):
            return "DEV"
        if _BLOCK.match(path):
            return "BLOCK"
    if first in _SYSTEM or not first or first.startswith("lib"):
        return "SYS"
    return "OUT"


_SECRET_NAMES = frozenset(
    ".env .netrc .npmrc .pypirc .git-credentials credentials.json secrets.yml secrets.yaml secrets.json secrets.toml"
    " .bash_history .zsh_history .sh_history .ksh_history .history .fish_history fish_history .python_history"
    " .psql_history .mysql_history .sqlite_history .rediscli_history .node_repl_history .ssh .aws .gnupg .kube".split()
)
_SECRET_ENDS = (".pem", ".key", ".p12", ".pfx", ".kdbx", ".tfstate")
_SECRET_STARTS = ("id_rsa", "id_ed25519", "id_ecdsa")
_HARMLESS_ENDS = (".example", ".sample", ".template")
_SECRET_FOLDER = re.compile(r"/\.(?:ssh|aws|gnupg|kube)(?:/|$)|/\.docker/config\.json$|/\.config/(?:gcloud|gh)(?:/|$)")
_SECRET_SYSTEM = re.compile(
    r"/etc/g?shadow-?$|/etc/sudoers|/proc/[^/]+/(?:environ|root|cwd|fd|mem)(?:/|$)|/proc/[^/]+/task/[^/]+/environ"
    r"|/proc/kcore$|/dev/mem$|/dev/kmem$|(?:/var)?/run/secrets(?:/|$)"
)
_SYSTEM_STARTS = ("/etc/", "/proc/", "/run/", "/var/run/", "/dev/")


def _secret_name(name: str) -> bool:
    if name in _SECRET_NAMES or name.endswith(_SECRET_ENDS):
        return True
    if name.startswith(".env."):
        return not name.endswith(_HARMLESS_ENDS)
    return name.startswith(_SECRET_STARTS) or (name.startswith("service-account") and name.endswith(".json"))


_EXEMPLARS = (
    ".env .env. .env.local .netrc .npmrc .pypirc .git-credentials a.pem a.key id_rsa id_ed25519 id_ecdsa a.p12"
    " a.pfx a.kdbx credentials.json service-account.json secrets.yml secrets.yaml secrets.json secrets.toml"
    " a.tfstate .bash_history .zsh_history .ssh .aws .gnupg .kube .docker server.key server.pem cert.pem"
    " key.pem private.pem private.key tls.key terraform.tfstate prod.tfstate id_rsa.pub .env.production"
    " .env.prod .env.test .env.dev .env.development .env.staging"
).split()
# What is left of a glob without its wild-cards when it names a kind of file, not a secret (`*`, `*.json`).
_GENERIC = frozenset(["", ".", ".json", ".yml", ".yaml", ".toml", "json", "yml", "yaml", "toml", "yml.", ".."])


@lru_cache(maxsize=512)
def _glob_secret(component: str) -> bool:
    """Whether a path component with wild-cards is meant for secrets: `*` is everything, `*.pem` or `.e*` is not."""
    if NAME in component:
        return False
    fixed = component.replace(STAR, "").replace(ONE, "").replace(SOME, "")
    if component[0] in (STAR, ONE, SOME) and fixed in _GENERIC:
        return False
    match = matcher(component).fullmatch
    return any(match(name) for name in _EXEMPLARS)


_SECRET_PATHS = (
    "/etc/shadow /etc/gshadow /etc/sudoers /etc/sudoers.d /proc/self/environ /proc/1/environ /proc/self/root"
    " /proc/self/cwd /proc/self/fd /proc/self/mem /proc/1/root /proc/1/cwd /proc/1/fd /proc/1/mem /proc/kcore"
    " /dev/mem /dev/kmem /dev/sda /dev/sda1 /dev/nvme0n1 /dev/vda /run/secrets /var/run/secrets"
).split()
_SECRET_PAIRS = (".docker/config.json", ".config/gcloud", ".config/gh")


@lru_cache(maxsize=512)
def _glob_path_secret(path: str) -> bool:
    """Whether a path with wild-cards can be, or lie in, a secret that several components name."""
    parts = path.split("/")
    for exemplar in _SECRET_PATHS:
        count = exemplar.count("/") + 1
        if len(parts) >= count and matcher("/".join(parts[:count])).fullmatch(exemplar):
            return True
    for position in range(1, len(parts) - 1):
        match = matcher("/".join(parts[position : position + 2])).fullmatch
        if NAME not in parts[position] and any(match(pair) for pair in _SECRET_PAIRS):
            return True
    return False


def _may_hit_secret(path: str) -> bool:
    """Whether a glob that is written to can match a secret: reading `*` is a listing, writing to it is not."""
    return not path.isascii() and any(_glob_hits(part) for part in path.split("/") if part and wild(part))


@lru_cache(maxsize=512)
def _glob_hits(component: str) -> bool:
    return any(map(matcher(component).fullmatch, _EXEMPLARS))


@lru_cache(maxsize=64)
def _extra(patterns: tuple[str, ...]) -> re.Pattern[str]:
    """The user's own globs, matched against a path or any end of it that begins at a component."""
    import fnmatch

    return re.compile("|".join(r"(?:.*/)?" + fnmatch.translate(pattern.lstrip("/")) for pattern in patterns))


def secret(path: str, policy: Policy | None = None) -> bool:
    """Whether an absolute path is a secret of the policy, in whatever zone."""
    name = path[path.rfind("/") + 1 :]
    if not path.isascii() and wild(path):
        if any(_glob_secret(part) for part in path.split("/") if part and wild(part)) or _glob_path_secret(path):
            return True
        if wild(name) and not name.endswith(_SECRET_ENDS):
            name = ""
    if _secret_name(name) or ("/." in path and _SECRET_FOLDER.search(path)):
        return True
    if path.startswith(_SYSTEM_STARTS) and _SECRET_SYSTEM.match(path):
        return True
    return bool(policy is not None and policy.secret_paths and _extra(policy.secret_paths).fullmatch(path))


_PROTECTED = re.compile(
    r"/\.(?:git|claude|codex|gemini|cursor|vscode|husky)(?:/|$)|/\.github/workflows(?:/|$)|/\.gitlab-ci\.yml$"
    r"|/\.mcp\.json$|/\.gitmodules$"
)
_PROTECTED_GLOB = re.compile(r"/\.[^/]*[\U000f0000-\U000f0002]|/\.github/[^/]*[\U000f0000-\U000f0003]")


def protected(path: str, policy: Policy | None = None) -> bool:
    """Whether an absolute path below the workspace is one that only a human may have written."""
    if "/." in path and (_PROTECTED.search(path) or (not path.isascii() and _PROTECTED_GLOB.search(path))):
        return True
    return bool(policy is not None and policy.protected_paths and _extra(policy.protected_paths).fullmatch(path))


def _real(path: str, place: Place) -> tuple[str, Place]:
    """Where a path really is (what follows a wild-card is kept as text), and the place with its real workspace."""
    if place.real is None:
        place.real = os.path.realpath(place.workspace)
    fixed, rest = path, ""
    if not path.isascii() and (found := wild(path)):
        cut = path.rfind("/", 0, found.start())
        fixed, rest = path[:cut] or "/", path[cut:]
    really = os.path.realpath(fixed)
    return (really.rstrip("/") + rest if rest else really), Place(place.cwd, place.real, place.home, place.root)


def read_rule(path: str, place: Place, policy: Policy) -> str:
    """The rule for reading an absolute path: ``S1``, ``A5``, or ``A0`` where the path cannot be known."""
    if path.startswith(place.inside):
        rule = "A5" if secret(path, policy) else "S1"
    elif (where := zone(path, place)) in ("OUT", "BLOCK") or secret(path, policy):
        rule = "A5"
    else:
        rule = "S1" if where else "A5"
    if not path.isascii() and unknown(path):
        return "A5" if rule == "A5" and path.startswith(place.home + "/") else "A0"
    if place.live and rule == "S1":
        really, real_place = _real(path, place)
        if really != path:
            return read_rule(really, real_place, policy)
    return rule


_PRIVILEGES = re.compile(r"/etc/(?:passwd|shadow)$|/etc/sudoers|.*/authorized_keys2?$")


def write_rule(path: str, place: Place, policy: Policy) -> str:
    """The rule for creating or changing an absolute path: ``S4``, ``A4``, ``A0``, ``B2``, ``B8`` or ``B10``."""
    if _PRIVILEGES.match(path):
        return "B10"
    if not path.isascii() and unnamed(path):
        return "B2" if _BLOCK.match(path) else "A0"
    if path.startswith(place.inside):
        rule = "A4" if secret(path, policy) or protected(path, policy) or _may_hit_secret(path) else "S4"
    else:
        where = zone(path, place)
        if where == "BLOCK" or (where == "SYS" and _BLOCK_ROOT.match(path)):
            return "B2"
        if path == "/proc/sysrq-trigger":
            return "B8"
        rule = "S4" if where == "DEV" or (where in ("TMP", "WS") and not secret(path, policy)) else "A4"
    if place.live and rule == "S4":
        really, real_place = _real(path, place)
        if really != path:
            return write_rule(really, real_place, policy)
    return rule


_HOMES = re.compile(r"/root|/(?:home|Users)(?:/[^/]+)?")
_TOP_DIRS = frozenset("/" + name for name in _SYSTEM) | {"/", "/lib", "/lib64"}
_EVERYTHING = re.compile("[\U000f0000-\U000f0003]*[\U000f0000\U000f0003][\U000f0000-\U000f0003]*")


def _root(path: str, place: Place) -> bool:
    """Whether a known absolute path is one whose loss B1 forbids: the system's, a home, the workspace, a `.git`."""
    return (
        path in _TOP_DIRS
        or (path.startswith("/lib") and path.count("/") == 1)
        or path in (place.workspace, place.home)
        or place.inside.startswith(path.rstrip("/") + "/")
        or _HOMES.fullmatch(path) is not None
        or path.endswith("/.git")
    )


def mass(path: str, place: Place) -> bool:  # noqa: PLR0911  (each return says why)
    """Whether an absolute path can be, or be everything in, one of the places that B1 protects."""
    if path.isascii():
        return _root(path, place)
    parent, _, name = path.rpartition("/")
    parent = parent or "/"
    if not wild(path):
        return _root(path, place)
    if not wild(parent) and not unknown(path):
        if _EVERYTHING.fullmatch(name) and _root(parent, place):
            return True
        if name == NAME:
            return False
    if unknown(path):
        return False
    match = matcher(path).fullmatch
    candidates = [*_TOP_DIRS, place.home, "/home", "/home/dev", "/root"]
    ancestor = place.workspace
    while ancestor:
        candidates.append(ancestor)
        ancestor = ancestor.rpartition("/")[0]
    if NAME not in path and any(match(candidate) for candidate in candidates):
        return True
    return name[:1] == "." and matcher(name).fullmatch(".git") is not None


def delete_rule(path: str, place: Place, recursive: bool) -> str:
    """The rule for deleting (or moving away, or recursively changing) an absolute path: ``A1`` or ``B1``."""
    if recursive and mass(path, place):
        return "B1"
    if recursive and place.live and not wild(path) and not unknown(path):
        really, real_place = _real(path, place)
        if really != path and mass(really, real_place):
            return "B1"
    return "A1"


def read_effect(path: str, place: Place, policy: Policy) -> Effect:
    """The effect of reading a path (relative to the place's folder, or absolute)."""
    full = absolute(path, place.cwd)
    return Effect(read_rule(full, place, policy), f"reads {show(full)}", (), None, (full,))


def write_effect(path: str, place: Place, policy: Policy, empties: bool = False) -> Effect:
    """The effect of creating or changing a path; ``empties``: what was in it is lost (A1 where writing is safe)."""
    full = absolute(path, place.cwd)
    rule = write_rule(full, place, policy)
    if empties and rule == "S4" and zone(full, place) != "DEV":
        return Effect("A1", f"empties {show(full)}", (), None, (full,))
    return Effect(rule, f"writes {show(full)}", (), None, (full,))


def delete_effect(path: str, place: Place, policy: Policy, recursive: bool = True) -> Effect:  # noqa: ARG001
    """The effect of deleting a path; ``recursive``: with everything below it. The policy is not asked, by the page."""
    full = absolute(path, place.cwd)
    rule = delete_rule(full, place, recursive)
    if rule == "A1" and _BLOCK.match(full):
        rule = "B2"
    return Effect(rule, f"deletes {show(full)}" + (" with everything in it" if recursive else ""), (), None, (full,))

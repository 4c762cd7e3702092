"""What is allowed: a preset, loosened or tightened by the user's rules, tightened by the project's.

The rules' ids and what each means are those of ``docs/reference/policy.md``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from claude_orchestrator.safety.operations import Decision
from claude_orchestrator.safety.rules import is_known

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any

    from claude_orchestrator.safety.operations import Operation, Verdict
    from claude_orchestrator.safety.policy_file import Layer
    from claude_orchestrator.safety.rules import Rule

PRESETS: Final = {
    "worktree": "as standard; deleting or restoring what git can bring back inside the worktree needs nobody",
    "standard": "reading, testing and writing in the workspace go ahead; beyond it asks; destruction is blocked",
    "read-only": "as standard, but running tests, writing files and recording commits ask, too",
    "ci": "nobody is there to ask: as standard, but everything that would ask is blocked",
}
"""Name → what it is for."""

RULES: Final = (
    *(f"B{number}" for number in range(1, 11)),
    *(f"A{number}" for number in range(14)),
    *(f"S{number}" for number in range(1, 13)),
)
"""The ids of all rules, strictest first."""

BRANCHES: Final = ("main", "master", "release/*")
"""Protected branches where nothing else is said."""

OWN_FOLDER: Final = ".claude-orchestrator/**"
"""Where a project's layer lies: protected while an agent works there, so that it cannot drop what tightens."""

STRICTNESS: Final = {Decision.SAFE: 0, Decision.REQUIRES_APPROVAL: 1, Decision.BLOCKED: 2}
_LETTERS: Final = {"B": Decision.BLOCKED, "A": Decision.REQUIRES_APPROVAL, "S": Decision.SAFE}
_READING_ONLY: Final = ("S3", "S4", "S6")
_RECOVERABLE: Final = ("A1", "A6")


class Policy:
    """What verdicts depend on beside the operation. Never changes; :func:`load_policy` makes one of the layers."""

    __slots__ = (
        *("cache", "decisions", "digest_", "expire_after_s", "home", "ignored", "live", "nobody", "plain", "preset"),
        *(
            "protected_branches",
            "protected_paths",
            "root",
            "rules",
            "secret_paths",
            "table",
            "tracked",
            "trusted_servers",
        ),
    )

    def __init__(
        self,
        preset: str = "standard",
        decisions: Mapping[str, Decision] | None = None,
        protected_branches: tuple[str, ...] = BRANCHES,
        secret_paths: tuple[str, ...] = (),
        protected_paths: tuple[str, ...] = (),
        rules: tuple[Rule, ...] = (),
        trusted_servers: frozenset[str] = frozenset(),
        expire_after_s: float | None = None,
        home: str = "/home/dev",
        root: bool = False,
        live: bool = False,
        tracked: Callable[[str], bool] | None = None,
        nobody: bool = False,
        ignored: tuple[str, ...] = (),
    ) -> None:
        """Raises KeyError for an unknown preset."""
        self.preset = preset
        """Name of the preset that it started from."""
        self.decisions = dict(decisions or {})
        """Rule id → decision, where a layer has another than the preset."""
        self.protected_branches = protected_branches
        self.secret_paths = secret_paths
        """Globs of secret files in addition to the built-in ones."""
        self.protected_paths = protected_paths
        """Globs below the workspace that only a human may have written, in addition to the built-in ones."""
        self.rules = rules
        """The rules of all layers; what several of them say of one effect, the strictest decides."""
        self.trusted_servers = trusted_servers
        """MCP servers that are believed when they say of a tool that it only reads."""
        self.expire_after_s = expire_after_s
        """Seconds after which an unanswered gate is denied; None: never."""
        self.home = home
        self.root = root
        """Whether commands run as root."""
        self.live = live
        """Whether the file system may be looked at, only ever to become stricter (symbolic links)."""
        self.tracked = tracked
        """Whether git can bring an absolute path back; only the ``worktree`` preset asks."""
        self.nobody = nobody or preset == "ci"
        """Whether nobody is there to ask: what would ask is blocked."""
        self.ignored = ignored
        """Lines of the project's layer that would have loosened something and were ignored, for people."""
        self.table = {**preset_table(preset), **self.decisions}
        """Rule id → decision, complete."""
        self.cache: dict[object, Verdict] = {}
        """Verdicts that were given; used where they depend on the text alone."""
        self.plain = not rules and not self.nobody and not (preset == "worktree" and tracked)
        """Whether the table alone decides about an effect."""
        self.digest_ = ""

    @property
    def digest(self) -> str:
        """SHA-256 of everything that verdicts depend on, except where the operation takes place."""
        if not self.digest_:
            import hashlib

            said = (
                self.preset, sorted(self.table.items()), self.protected_branches, self.secret_paths,
                self.protected_paths, [rule.key() for rule in self.rules],
                sorted(self.trusted_servers),
                self.expire_after_s, self.home, self.root, self.live, self.tracked is not None, self.nobody,
            )  # fmt: skip
            self.digest_ = hashlib.sha256(repr(said).encode()).hexdigest()
        return self.digest_

    def replaced(self, **changes: Any) -> Policy:
        """The same policy with some of the constructor's arguments changed, and no verdict remembered."""
        names = Policy.__init__.__code__.co_varnames[1 : Policy.__init__.__code__.co_argcount]
        return Policy(**{**{name: getattr(self, name) for name in names}, **changes})

    def with_rules(self, rules: Iterable[Rule]) -> Policy:
        """The same policy with more rules, such as the patterns that were approved for one run."""
        return self.replaced(rules=(*self.rules, *rules))

    def recovers(self, rule: str, paths: tuple[str, ...], workspace: str) -> bool:
        """Whether an effect is undone by git: the ``worktree`` preset asks nobody about it."""
        if self.preset != "worktree" or self.tracked is None or rule not in _RECOVERABLE or not paths:
            return False
        return all(is_known(path) and self._is_inside(path, workspace) and self.tracked(path) for path in paths)

    def _is_inside(self, path: str, workspace: str) -> bool:
        if not path.startswith(workspace.rstrip("/") + "/") or "/../" in path or path.endswith("/.."):
            return False
        if not self.live:
            return True
        import os.path

        # A deletion removes a link, not what it points to: the folder that it lies in counts.
        folder = os.path.realpath(os.path.dirname(path))  # noqa: PTH120  (light)
        root = os.path.realpath(workspace)
        return folder == root or folder.startswith(root + "/")


def preset_table(preset: str) -> dict[str, Decision]:
    """Rule id → decision in a preset. Raises KeyError for an unknown one."""
    if preset not in PRESETS:
        raise KeyError(preset)
    table = {rule: _LETTERS[rule[0]] for rule in RULES}
    if preset == "read-only":
        table.update(dict.fromkeys(_READING_ONLY, Decision.REQUIRES_APPROVAL))
    return table


def load_policy(
    preset: str = "standard",
    *,
    user: Layer | None = None,
    project: Layer | None = None,
    **surroundings: Any,
) -> Policy:
    """The policy of the layers: ``preset`` < ``user`` < ``project``, the last of which only tightens.

    Layers come from :mod:`claude_orchestrator.safety.policy_file`. ``surroundings`` are arguments of
    :class:`Policy` that no file says: ``home``, ``root``, ``live``, ``tracked``. A live policy also protects the
    project's layer. What that would have loosened is in ``ignored``. Raises KeyError for an unknown preset.
    """
    if user is None and project is None:
        values: dict[str, Any] = {"preset": preset}
    else:
        from claude_orchestrator.safety.layers import merged

        values = merged(preset, user, project)
    if surroundings.get("live"):
        values["protected_paths"] = (*values.get("protected_paths", ()), OWN_FOLDER)
    return Policy(**values, **surroundings)


def operation_home(operation: Operation, policy: Policy) -> str:
    """The home folder that ``~`` means: judged from text alone, that of the user in whose home the workspace lies."""
    root = operation.root
    if policy.live or not root.startswith("/home/"):
        return policy.home
    end = root.find("/", 6)
    return root if end < 0 else root[:end]

"""The paths and the network that commands touch, judged and recorded as effects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from claude_orchestrator.safety.operations import Effect
from claude_orchestrator.safety.scope import Limit, State
from claude_orchestrator.safety.values import SEC, UNK, show, unknown
from claude_orchestrator.safety.zones import Place, absolute, delete_rule, read_rule, secret, write_rule, zone

if TYPE_CHECKING:
    from claude_orchestrator.safety.policy import Policy

_MOST_EFFECTS = 700
_MANY_FILES = 32
# An effect is made without its checks of arguments: it is made several times a command.
_new = tuple.__new__


class Record:
    """The effects found so far, and the state at the point that has been reached."""

    __slots__ = ("argv", "effects", "place", "policy", "recorded", "span", "state", "vector")

    def __init__(self, place: Place, policy: Policy) -> None:
        self.place = place
        self.policy = policy
        self.effects: list[Effect] = []
        self.state = State(place.cwd)
        self.argv: list[str] = []
        """The command that is being judged, and where it stands in the operation's text."""
        self.span: tuple[int, int] | None = None
        self.recorded: list[str] | None = None
        """The command that was recorded last, and as what: the effects of one command share its arguments."""
        self.vector: tuple[str, ...] = ()

    def emit(self, rule: str, what: str, paths: tuple[str, ...] = ()) -> None:
        """Record an effect of the command that is being judged. Raises Limit beyond what can be told to anybody."""
        if len(self.effects) >= _MOST_EFFECTS:
            raise Limit
        argv = self.argv
        if argv is not self.recorded or len(argv) != len(self.vector):
            self.recorded = argv
            self.vector = tuple(argv)
        self.effects.append(_new(Effect, (rule, what, self.vector, self.span, paths)))

    def conclude(self, rule: str, what: str) -> None:
        """Record an effect of the operation as a whole, whatever the bound."""
        self.effects.append(Effect(rule, what, tuple(self.argv), self.span))

    def cwd(self) -> str:
        """The folder that the current command runs in (with marks where it is not known)."""
        return self.state.lookup("PWD", self.place.home)

    def absolute(self, path: str) -> str:
        """A path as absolute text."""
        return absolute(path, self.cwd()) if path else self.cwd()

    def in_workspace(self, path: str) -> bool:
        """Whether a known path lies in the workspace."""
        full = self.absolute(path)
        return not unknown(full) and zone(full, self.place) == "WS"

    def read(self, path: str) -> str | None:
        """Judge reading a path; returns what is known about its content (a secret's taint, what was written before)."""
        full = absolute(path, self.cwd()) if path else self.cwd()
        files = self.state.files
        if files and (content := self.content(full)) is not None and full in files:
            if zone(full, self.place) != "DEV" and read_rule(full, self.place, self.policy) != "S1":
                self.emit(read_rule(full, self.place, self.policy), f"reads {show(full)}", (full,))
            return content
        rule = read_rule(full, self.place, self.policy)
        if rule == "S1":
            return "" if full == "/dev/null" else None
        self.emit(rule, f"reads {show(full)}", (full,))
        return UNK + SEC if secret(full, self.policy) else None

    def read_tree(self, path: str) -> str | None:
        """Judge reading everything below a path: the system's root holds homes, too."""
        full = self.absolute(path)
        if full == "/":
            self.emit("A5", "reads everything below /", (full,))
            return None
        return self.read(path)

    def content(self, full: str) -> str | None:
        """What this operation itself has put into a file, or into the folder that a file is in."""
        files = self.state.files
        found = files.get(full)
        if found is None and len(files) > _MANY_FILES:
            parts = full.split("/")
            folders = ("/".join(parts[:count]) + "/" for count in range(1, len(parts)))
            return next((files[folder] for folder in folders if folder in files), None)
        if found is None:
            for path, content in files.items():
                if path[-1] == "/" and full.startswith(path):
                    return content
        return found

    def write(self, path: str, content: str | None = None, empties: bool = False) -> None:
        """Judge creating or changing a path; ``content``: what is known about the new text."""
        full = absolute(path, self.cwd()) if path else self.cwd()
        rule = write_rule(full, self.place, self.policy)
        if rule == "S4" and zone(full, self.place) == "DEV":
            return
        if empties and rule == "S4":
            self.emit("A1", f"empties {show(full)}", (full,))
        else:
            self.emit(rule, f"writes {show(full)}", (full,))
        self.state.files[full] = UNK if content is None else content

    def delete(self, path: str, recursive: bool, what: str = "deletes", rule: str = "A1") -> None:
        """Judge deleting a path; ``rule`` is that of what is no mass destruction."""
        full = absolute(path, self.cwd()) if path else self.cwd()
        found = delete_rule(full, self.place, recursive)
        if found == "A1":
            found = "A0" if rule[0] == "S" and unknown(full) else rule
        self.emit(found, f"{what} {show(full)}" + (" with everything in it" if recursive else ""), (full,))

    def send(self, value: str | None, where: str = "the network") -> None:
        """Judge data that goes to the network."""
        if value and SEC in value:
            self.emit("B6", f"sends a secret to {where}")

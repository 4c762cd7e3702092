"""What a command line can do: a walk over its tree that follows what the shell would do, without doing it.

:func:`command_effects` judges the text of a bash command, :func:`argv_effects` a vector that no shell reads. Both
return every effect found; the policy decides about each, the strictest wins. What cannot be resolved is an effect of
rule A0. Flows are followed as bash follows them: literal variables (with all possible values where branches meet), the
folder, functions, files written in the same operation, what goes through pipes, and three taints: text from the
network, decoded text, secrets.

A plain command, of literal words only, is judged without a tree; what follows trees is imported when it is needed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING

from claude_orchestrator.safety.operations import Effect
from claude_orchestrator.safety.running import Running
from claude_orchestrator.safety.scope import Fork, Limit, Whole
from claude_orchestrator.safety.shell.literal import literal_words

if TYPE_CHECKING:
    from claude_orchestrator.safety.policy import Policy
    from claude_orchestrator.safety.running import Running as Walk  # what programs may use of it
    from claude_orchestrator.safety.shell.nodes import Script
    from claude_orchestrator.safety.walk import Walk as FullWalk
    from claude_orchestrator.safety.zones import Place

__all__ = ["Walk", "argv_effects", "command_effects", "walk_effects"]

_PRIVATE = re.compile("[\U000f0000-\U000fffff]").search
_UNREADABLE = "cannot be read"


def __getattr__(name: str) -> object:
    """``Walk`` is imported when it is used."""
    if name == "Walk":
        from claude_orchestrator.safety.walk import Walk

        return Walk
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def command_effects(source: str, place: Place, policy: Policy) -> list[Effect]:
    """Every effect that a bash command line can have. Raises nothing for any text; what cannot be judged is A0."""
    if source.isascii() and "\r" not in source and (words := literal_words(source)) is not None:
        plain = Running(place, policy)
        plain.source = source
        plain.span = (0, len(source))
        try:
            return _judge(plain, lambda: plain.execute(words, None))
        except (Fork, Whole):
            pass  # one of several values, or code inside: the walk over the tree does it
    effects = walk_effects(source, place, policy)
    if len(effects) == 1 and "coproc" in source and effects[0].what.startswith(_UNREADABLE):
        # Not supported, but what it runs is certain all the same.
        bare = re.sub(r"(^|[;&|({\n]\s*)coproc\s+(?:\w+\s+(?=[{(]))?", r"\1", source)
        if bare != source:
            effects += walk_effects(bare, place, policy)
    return effects


def walk_effects(source: str, place: Place, policy: Policy) -> list[Effect]:
    """As :func:`command_effects`, by way of the tree: there is no shorter way for plain commands."""
    parse, new_walk = _tree()
    walk = new_walk(place, policy)
    walk.source = source
    if not source.isascii() or "\r" in source:
        if _PRIVATE(source):
            return [Effect("A12", "contains characters of a private Unicode plane")]
        walk.suspicious = True
    return _judge(walk, lambda: walk.script(parse(source)))


@cache
def _tree() -> tuple[Callable[[str], Script], type[FullWalk]]:
    """The parser and the walk over its trees. Importing costs nothing the second time, but asking for it does."""
    from claude_orchestrator.safety.shell.parser import parse
    from claude_orchestrator.safety.walk import Walk

    return parse, Walk


def argv_effects(argv: Sequence[str], place: Place, policy: Policy) -> list[Effect]:
    """Every effect that starting a program with these arguments can have; no shell reads them."""
    walk = _tree()[1](place, policy)
    arguments = list(argv)
    if not arguments:
        return [Effect("A0", "starts nothing")]
    if any(map(_PRIVATE, arguments)):
        return [Effect("A12", "contains characters of a private Unicode plane")]
    try:
        return _judge(walk, lambda: walk.execute(arguments, None))
    except Fork as fork:
        walk.conclude("A0", f"could not be judged to its end ({type(fork).__name__})")
        return walk.finish()


def _judge(walk: Running, action: Callable[[], object]) -> list[Effect]:
    """What the action finds; where it cannot end, that is A0. Raises Fork and Whole."""
    try:
        action()
    except (Fork, Whole):
        raise
    except Limit:
        walk.conclude("A0", "is too large or too deep to be judged")
    except RecursionError:
        walk.conclude("A0", "is nested too deeply to be judged")
    except Exception as error:  # noqa: BLE001  (fail closed, and keep what was found: it may be blocked)
        from claude_orchestrator.safety.shell.nodes import ShellSyntaxError

        if isinstance(error, ShellSyntaxError):
            walk.conclude("A0", f"{_UNREADABLE}: {error}")
        else:
            walk.conclude("A0", f"could not be judged to its end ({type(error).__name__})")
    walk.argv, walk.span = [], None
    return walk.finish()

"""What a command line can do: a walk over its tree that follows what the shell would do, without doing it.

:func:`command_effects` judges the text of a bash command, :func:`argv_effects` a vector that no shell reads. Both
return every effect found; the policy decides about each, the strictest wins. What cannot be resolved is an effect of
rule A0. Flows are followed as bash follows them: literal variables (with all possible values where branches meet), the
folder, functions, files written in the same operation, what goes through pipes, and three taints: text from the
network, decoded text, secrets.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from claude_orchestrator.safety.operations import Effect
from claude_orchestrator.safety.scope import Fork, Limit
from claude_orchestrator.safety.shell.nodes import ShellSyntaxError
from claude_orchestrator.safety.shell.parser import literal_words, parse
from claude_orchestrator.safety.walk import Walk

if TYPE_CHECKING:
    from claude_orchestrator.safety.policy import Policy
    from claude_orchestrator.safety.zones import Place

__all__ = ["Walk", "argv_effects", "command_effects"]

_PRIVATE = re.compile("[\U000f0000-\U000fffff]")
_UNREADABLE = "cannot be read"
_COPROC = re.compile(r"(^|[;&|({\n]\s*)coproc\s+(?:\w+\s+(?=[{(]))?")


def command_effects(source: str, place: Place, policy: Policy) -> list[Effect]:
    """Every effect that a bash command line can have. Raises nothing for any text; what cannot be judged is A0."""
    if source.isascii() and "\r" not in source and (words := literal_words(source)) is not None:
        walk = Walk(place, policy)
        walk.source = source
        walk.span = (0, len(source))
        try:
            return _judge(walk, lambda: walk.execute(words, None))
        except Fork:
            pass  # one of several values: the walk over the tree tries them in turn
    effects = walk_effects(source, place, policy)
    if len(effects) == 1 and "coproc" in source and effects[0].what.startswith(_UNREADABLE):
        # Not supported, but what it runs is certain all the same.
        bare = _COPROC.sub(r"\1", source)
        if bare != source:
            effects += walk_effects(bare, place, policy)
    return effects


def walk_effects(source: str, place: Place, policy: Policy) -> list[Effect]:
    """As :func:`command_effects`, by way of the tree: there is no shorter way for plain commands."""
    walk = Walk(place, policy)
    walk.source = source
    if not source.isascii() or "\r" in source:
        if _PRIVATE.search(source):
            return [Effect("A12", "contains characters of a private Unicode plane")]
        walk.suspicious = True
    return _judge(walk, lambda: walk.script(parse(source)))


def argv_effects(argv: Sequence[str], place: Place, policy: Policy) -> list[Effect]:
    """Every effect that starting a program with these arguments can have; no shell reads them."""
    walk = Walk(place, policy)
    arguments = list(argv)
    if not arguments:
        return [Effect("A0", "starts nothing")]
    if any(_PRIVATE.search(argument) for argument in arguments):
        return [Effect("A12", "contains characters of a private Unicode plane")]
    try:
        return _judge(walk, lambda: walk.execute(arguments, None))
    except Fork as fork:
        walk.conclude("A0", f"could not be judged to its end ({type(fork).__name__})")
        return walk.finish()


def _judge(walk: Walk, action: Callable[[], object]) -> list[Effect]:
    """What the action finds; where it cannot end, that is A0. Raises Fork where a value is one of several."""
    try:
        action()
    except Limit:
        walk.conclude("A0", "is too large or too deep to be judged")
    except ShellSyntaxError as error:
        walk.conclude("A0", f"{_UNREADABLE}: {error}")
    except RecursionError:
        walk.conclude("A0", "is nested too deeply to be judged")
    except Fork:
        raise
    except Exception as error:  # noqa: BLE001  (fail closed, and keep what was found: it may be blocked)
        walk.conclude("A0", f"could not be judged to its end ({type(error).__name__})")
    walk.argv, walk.span = [], None
    return walk.finish()

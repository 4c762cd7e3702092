"""``classify``: what the policy says of an operation, one by one or line by line."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from claude_orchestrator.safety.policy import Policy

_VALUES: Final = ("--kind", "--cwd", "--workspace", "--policy", "--preset")
_FLAGS: Final = ("--json", "--jsonl")


class Request:
    """A command line of ``classify``: options by name without dashes, and the operation."""

    __slots__ = ("flags", "operation", "values")

    def __init__(self, operation: str | None, values: dict[str, str], flags: set[str]) -> None:
        self.operation = operation
        self.values = values
        self.flags = flags


def parsed(words: Sequence[str]) -> Request | None:
    """The request in a plain command line; None for what the full command line has to look at (help, mistakes)."""
    values: dict[str, str] = {}
    flags: set[str] = set()
    rest: list[str] = []
    position = 0
    while position < len(words):
        word = words[position]
        name, equals, value = word.partition("=")
        if word == "--":
            rest += words[position + 1 :]
            break
        if name in _VALUES:
            if not equals:
                position += 1
                if position == len(words):
                    return None
                value = words[position]
            values[name[2:]] = value
        elif word in _FLAGS:
            flags.add(word[2:])
        elif word.startswith("-") and word != "-":
            return None
        else:
            rest.append(word)
        position += 1
    request = Request(rest[0] if rest else None, values, flags)
    return request if len(rest) <= 1 and not problem(request) else None


def problem(request: Request) -> str:
    """What is wrong with a request, or an empty text."""
    from claude_orchestrator.safety.policy import PRESETS

    if ("jsonl" in request.flags) == (request.operation is not None):
        return "give either one operation or --jsonl"
    if "policy" in request.values and "preset" in request.values:
        return "give either --policy or --preset"
    preset = request.values.get("preset")
    if preset is not None and preset not in PRESETS:
        return f"there is no preset '{preset}': choose from {', '.join(PRESETS)}"
    kind = request.values.get("kind")
    if kind is not None:
        from claude_orchestrator.safety.rows import KINDS

        if kind not in KINDS:
            return f"there is no kind '{kind}': choose from {', '.join(KINDS)}"
    return ""


def run(request: Request) -> int:
    """Do what a request says; return the exit code. No error that a user can cause shows a traceback."""
    from claude_orchestrator.cli.policies import text_policy
    from claude_orchestrator.errors import ConfigError

    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]
    try:
        policy = text_policy(request.values.get("policy", ""), request.values.get("preset", ""))
        if request.operation is None:
            every_line(policy)
        else:
            one(request, policy)
    except ConfigError as error:
        sys.stderr.write(f"error: {' '.join(str(error).split())}\n")
        return 2
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.stderr.write(f"error: the verdict cannot be written: {error}\n")
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


def one(request: Request, policy: Policy) -> None:
    """Judge one operation and print the verdict."""
    from claude_orchestrator.safety.rows import judge_row

    row: dict[str, Any] = {"op": request.operation, "kind": request.values.get("kind", "shell")}
    for key in ("cwd", "workspace"):
        if key in request.values:
            row[key] = os.path.abspath(os.path.expanduser(request.values[key]))  # noqa: PTH100, PTH111  (light)
    judged = judge_row(row, policy)
    if "json" in request.flags:
        import json

        lines = [json.dumps(judged, ensure_ascii=False, indent=2)]
    else:
        lines = [f"{judged['verdict']}  {judged['reason']}"]
        lines += [f"  {effect['rule']:<4} {shown(effect['what'])}" for effect in judged["effects"]]
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


def every_line(policy: Policy) -> None:
    """Judge every line of standard input and write it with its verdict, one line for each, at once."""
    import json

    from claude_orchestrator.safety.rows import judge_line, refusal, verdict_row

    cwd = os.getcwd()  # noqa: PTH109
    encode = json.JSONEncoder(check_circular=False).encode
    write, flush = sys.stdout.write, sys.stdout.flush
    for line in sys.stdin.buffer:
        text = line.rstrip(b"\r\n").decode(errors="replace")
        try:
            said = encode(judge_line(text, policy, cwd=cwd))
        except (ValueError, RecursionError) as error:
            said = encode({"op": text, **verdict_row(refusal(f"the row cannot be written again: {error}", policy))})
        write(said + "\n")
        flush()


def shown(text: str) -> str:
    """A text on one line, with nothing in it that a terminal would obey."""
    return "".join(character if character.isprintable() else "�" for character in " ".join(text.split()))

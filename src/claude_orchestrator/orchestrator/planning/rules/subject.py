"""What the work is about and how it is cut."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Final

from claude_orchestrator.orchestrator.planning.bank import BANK, OTHER
from claude_orchestrator.orchestrator.planning.goals import first, guessed, section
from claude_orchestrator.orchestrator.planning.models import Option
from claude_orchestrator.orchestrator.planning.situation import DELICATE, Ask, Known, Situation, covers, number

_OTHER: Final = Option(OTHER, "other paths or globs")
_MOST: Final = 6
"""Paths that a question offers."""


def _kind(situation: Situation) -> Ask | Known:
    guess = guessed(situation.goal)
    if guess.clear:
        return Known(guess.kind, guess.because, "goal")
    return Ask(guess.kind, guess.because)


def _where(situation: Situation) -> Ask | Known | None:
    matches, likely = situation.matches, situation.likely
    named = tuple(match for match in matches if match.because.startswith("the goal names"))
    if named:
        return Known(
            tuple(match.path for match in named[:_MOST]),
            named[0].because,
            "goal",
            (*(Option(match.path) for match in matches[:_MOST]), _OTHER),
        )
    if not situation.code:
        return None
    offered = matches[:_MOST]
    options = (*(Option(match.path, match.because) for match in offered), *_busiest(situation, len(offered)), _OTHER)
    if likely:
        return Ask(
            tuple(match.path for match in likely),
            "; ".join(f"{PurePosixPath(match.path).name}: {match.because}" for match in likely[:3]),
            options,
        )
    if len(situation.code) == 1:
        only = situation.code[0].path
        return Known((only,), f"{only} is the only source file", "repository", (Option(only), _OTHER))
    return Ask(
        (), "no file's name or symbols have a word of the goal: left empty, a first task looks for the place", options
    )


def _busiest(situation: Situation, already: int) -> tuple[Option, ...]:
    """Where there is little to offer: what has changed most lately."""
    code = {module.path for module in situation.code if PurePosixPath(module.path).name != "__init__.py"}
    known = {match.path for match in situation.matches}
    churn = [each for each in situation.survey.churn if each.path in code and each.path not in known]
    return tuple(
        Option(each.path, f"changed by {number(each.commits, 'commit')} lately")
        for each in churn[: max(0, 4 - already)]
    )


def _package(situation: Situation) -> Ask | Known | None:
    folders = situation.packages
    if len(folders) < 2:
        return None
    options = (*(Option(folder) for folder in folders[:12]), Option(OTHER, "another folder"))
    named = [
        folder
        for folder in folders
        if folder != "."
        and re.search(rf"(?<![\w-]){re.escape(PurePosixPath(folder).name)}(?![\w-])", situation.goal, re.IGNORECASE)
    ]
    if len(named) == 1:
        return Known(named[0], f"the goal names {PurePosixPath(named[0]).name}", "goal", options)
    homes = {_home(path, folders) for path in situation.paths}
    if len(homes) == 1:
        return Known(homes.pop(), f"{situation.paths[0]} is in it", "repository", options)
    if homes:
        return None  # it is about several
    inner = [_home(each.path, folders) for each in situation.survey.churn]
    default = next((folder for folder in inner if folder != "."), folders[-1])
    because = (
        f"{len(folders)} folders have a manifest, the goal names none of them, and this one has changed most lately"
    )
    return Ask(default, because, options)


def _home(path: str, folders: tuple[str, ...]) -> str:
    """The innermost of the folders that the path is in."""
    inside = [folder for folder in folders if folder != "." and covers(folder, path)]
    return max(inside, key=len, default=".")


def _cut(situation: Situation) -> Ask | None:
    reach = situation.reach
    if situation.kind in ("documentation", "migration") or len(reach) < 2:
        return None  # a migration is asked for its way instead
    if pair := _connected(situation):
        # Side by side they would be built on code that is not there yet.
        options = tuple(option for option in BANK["cut"].options if option.value != "by-module")
        because = f"{pair[0]} imports {pair[1]}"
        if situation.kind in ("feature", "fix", "performance") and len(reach) <= 4:
            return Ask("one", f"{because}: what one needs, the other has to offer", options)
        return Ask("in-steps", because, options)
    return Ask("by-module", f"none of the {len(reach)} files imports another of them")


def _connected(situation: Situation) -> tuple[str, str] | None:
    paths = {module.path for module in situation.reach}
    pairs = ((module.path, found) for module in situation.reach for found in module.imports if found in paths)
    return next(pairs, None)


def _leave_alone(situation: Situation) -> Ask | Known | None:
    if not situation.code:
        return None
    said = re.search(
        r"(?:do not|don't|never|without) (?:touch|chang|modify|edit)(?:ing|e)?\s+([^\n.;]+(?:\.\w+)?[^\n.;]*)",
        situation.text,
        re.IGNORECASE,
    )
    if said:
        words = [word.strip("`'\"(),") for word in said[1].split()]
        paths = tuple(word for word in words if any(covers(word, path) for path in situation.survey.paths))
        if paths:
            return Known(paths, f"the goal says '{' '.join(said[0].split())}'", "goal", (*map(Option, paths), _OTHER))
    delicate = dict.fromkeys(
        path[: found.end()].rstrip("/") if found[0].endswith("/") else path
        for path in (module.path for module in situation.meant)
        if (found := DELICATE.search(path))
    )
    offered = tuple(delicate)[:_MOST]
    if not offered:
        return None
    return Ask(offered, "what is copied, generated or kept as it was is rarely meant", (*map(Option, offered), _OTHER))


def _done_when(situation: Situation) -> Ask | Known:
    given = section(
        situation.context, "acceptance criteria|success criteria|definition of done|done when|it is done when"
    )
    if given:
        return Known(given, "the context has acceptance criteria", "goal")
    goal = " ".join(situation.goal.split()).rstrip(".")
    command = situation.survey.tests.command
    proofs = {
        "fix": "a test that failed because of the fault passes",
        "feature": "a test uses what is new and passes",
        "refactor": "the tests that were there pass unchanged",
        "migration": "nothing uses the old way any more, and the tests pass",
        "performance": "the benchmark reaches its target, and the tests pass",
        "documentation": "a reader finds it from the README, and its examples work",
    }
    default = f"{goal}: {proofs[situation.kind]}"
    because = f"that is how work of the kind {situation.kind} is seen here"
    return Ask(default, f"{because}; the tests run with `{command}`" if command else because)


def _out_of_scope(situation: Situation) -> Ask | Known | None:
    if situation.kind in ("fix", "documentation"):
        return None
    if said := section(situation.text, "out of scope|non-goals|not part of (?:it|this)"):
        return Known(said, "the context has a list of it", "goal")
    rest = situation.matches[len(situation.likely) :]
    if rest and rest[0].points * 3 >= situation.matches[0].points:
        other = rest[0]
        because = f"the goal's words also fit {other.path} ({other.because}), less than the files it is about"
        return Ask(f"{other.path}, and whatever the goal does not ask for", because)
    return Ask("whatever the goal does not ask for", "the goal names no limits")


def _difficulty(situation: Situation) -> Ask | None:
    reach = situation.reach
    if not reach or situation.kind == "documentation":
        return None
    users = {path.path: sum(path.path in module.imports for module in situation.code) for path in reach}
    busiest = max(reach, key=lambda module: (users[module.path], module.lines))
    size = sum(module.lines for module in reach)
    why = f"{busiest.path} is imported by {number(users[busiest.path], 'file')}; what it is about has {size} lines"
    if users[busiest.path] >= 8 or size > 1500:
        return Ask("hard", why)
    return Ask("easy" if users[busiest.path] <= 1 and size < 150 and situation.has_tests else "medium", why)


_SUM: Final = re.compile(
    r"(?:budget|at most|no more than|up to|spend)\D{0,20}?"
    r"(?:\$\s?(\d+(?:\.\d+)?)|(\d+(?:\.\d+)?)\s*(?:usd|dollars?|\$))",
    re.IGNORECASE,
)


def _budget(situation: Situation) -> Ask | Known:
    said = _SUM.search(situation.text)
    if said:
        return Known(float(said[1] or said[2]), f"the goal says '{' '.join(said[0].split())}'", "goal")
    default, because = situation.before("budget", 0.0, "neither the goal nor an earlier plan names a sum")
    return Ask(default, because)


def _dependencies(situation: Situation) -> Ask | Known | None:
    if not situation.survey.manifests or situation.kind in ("documentation", "refactor"):
        return None
    said = first(
        (
            (
                "none",
                r"(?:no|without)(?: any| adding| new| third.party)* dependenc\w+|standard library only|stdlib only",
            ),
            ("any", r"new dependenc\w+ (?:are|is) (?:fine|ok|allowed|welcome)|may add dependenc\w+"),
        ),
        situation.text,
    )
    if said:
        return Known(said[0], f"the goal says '{said[1]}'", "goal")
    manifest = situation.survey.manifests[0]
    if situation.kind == "migration":
        return Ask("any", f"a migration usually changes {manifest}")
    default, because = situation.before(
        "dependencies", "none", f"the goal asks for none, and {manifest} is shared by all tasks"
    )
    return Ask(default, because)


_LANGUAGES: Final = (
    ("python", r"\bpython\b|\bdjango\b|\bflask\b|\bfastapi\b|\bpip\b"),
    ("typescript", r"\btypescript\b|\btsx?\b|\bangular\b"),
    ("javascript", r"\bjavascript\b|\bnode(?:\.?js)?\b|\breact\b|\bnpm\b"),
    ("go", r"\bgolang\b|\bin go\b"),
    ("rust", r"\brust\b|\bcargo\b"),
)


def _language(situation: Situation) -> Ask | Known | None:
    if situation.language or situation.kind == "documentation":
        return None
    if said := first(_LANGUAGES, situation.text):
        return Known(said[0], f"the goal says '{said[1]}'", "goal")
    return Ask("python", "the repository has no source code yet, and only Python is checked by tests, types and linter")


def _layout(situation: Situation) -> Ask | Known | None:
    if situation.code or situation.kind == "documentation":
        return None
    said = first(
        (
            ("service", r"\bserver\b|\bservice\b|\bapi\b|\bendpoints?\b|\bweb ?(?:site|app)\b"),
            ("command", r"\bcommand.line\b|\bcli\b|\bcommand\b"),
            ("package", r"\blibrary\b|\bpackage\b|\bmodule\b|\bsdk\b"),
            ("script", r"\bscript\b"),
        ),
        situation.text,
    )
    if said:
        return Known(said[0], f"the goal says '{said[1]}'", "goal")
    return Ask("package", "a library is the easiest to test, and a program can be put on top of it")


RULES: Final[dict[str, Callable[[Situation], Ask | Known | None]]] = {
    "kind": _kind,
    "where": _where,
    "package": _package,
    "cut": _cut,
    "leave-alone": _leave_alone,
    "done-when": _done_when,
    "out-of-scope": _out_of_scope,
    "difficulty": _difficulty,
    "budget": _budget,
    "dependencies": _dependencies,
    "language": _language,
    "layout": _layout,
}

"""What others rely on: the way in, names that stay, how a change reaches people."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Final

from claude_orchestrator.orchestrator.planning.bank import BANK
from claude_orchestrator.orchestrator.planning.goals import first
from claude_orchestrator.orchestrator.planning.situation import COMMAND_LINE, SCREEN, WEB, Ask, Known, Situation

_SURFACES: Final = (
    ("endpoint", r"\bendpoints?\b|\broutes?\b|\b(?:GET|POST|PUT|PATCH|DELETE) /|\bwebhooks?\b|\bREST\b|(?<!\w)/api\b"),
    ("command", r"(?<![\w-])--[a-z][\w-]+|\bsub-?commands?\b|\bcommand.line\b|\bcli\b|\bflag\b"),
    ("page", r"\bpages?\b|\bbuttons?\b|\bscreens?\b|\bform\b|\bdialog\b|\bdashboard\b"),
    ("function", r"\bfunctions?\b|\bmethods?\b|\bclass(?:es)?\b|\bdecorators?\b|\w+\(\)"),
)


def _surface(situation: Situation) -> Ask | Known | None:
    if situation.kind != "feature" or not situation.code:
        return None
    if said := first(_SURFACES, situation.text):
        return Known(said[0], f"the goal says '{said[1]}'", "goal")
    ways = _ways(situation)
    offered = ("internal", "function", *(way for way in ("command", "endpoint", "page") if way in ways))
    options = tuple(option for option in BANK["surface"].options if option.value in offered)
    if ways and not situation.survey.public_api:
        return Ask(next(iter(ways)), ways[next(iter(ways))], options)
    if situation.survey.public_api:
        names = ", ".join(situation.survey.public_api[:3])
        return Ask("function", f"others use this repository by its names: {names}", options)
    return Ask("internal", "the repository names nothing that others use", options)


def _ways(situation: Situation) -> dict[str, str]:
    """The ways in that the repository's frameworks make, and which does."""
    found = {}
    for way, known in (("endpoint", WEB), ("command", COMMAND_LINE), ("page", SCREEN)):
        if names := sorted(situation.frameworks & known):
            found[way] = f"the repository uses {names[0]}"
    return found


def _access(situation: Situation) -> Ask | Known:
    said = first(
        (
            ("restricted", r"\badmins?\b|\bonly (?:for )?\w+ (?:may|can|users)\b|\bstaff\b|\bpermissions?\b"),
            ("public", r"\bpublic(?:ly)?\b|\bwithout (?:a )?login\b|\banonymous\w*"),
        ),
        situation.text,
    )
    if said:
        return Known(said[0], f"the goal says '{said[1]}'", "goal")
    return Ask("as-others", "the goal says nothing of who may call it")


def _invalid_input(situation: Situation) -> Ask | Known | None:
    if situation.kind != "feature" or not situation.code:
        return None
    said = first(
        (
            ("reject", r"\b(?:reject|refuse|raise)\w*|\berror message\b"),
            ("ignore", r"\bignor(?:e|es|ing)\b|\bskip(?:s|ping)?\b"),
            ("default", r"\bfall(?:s|ing)? back\b|\bby default\b"),
        ),
        situation.text,
    )
    if said:
        return Known(said[0], f"the goal says '{said[1]}'", "goal")
    homes = [module for module in situation.code if re.search(r"error|exception", PurePosixPath(module.path).name)]
    for module in (*situation.reach, *homes, *situation.code):
        if found := next((name for name in module.symbols if name.endswith(("Error", "Exception"))), ""):
            return Ask("reject", f"{module.path} has `{found}`: that is how it is done here")
    return Ask(
        "reject", "what is wrong and goes on silently is found late; no errors of this repository's own were found"
    )


def _compatibility(situation: Situation) -> Ask | Known | None:
    if situation.kind == "documentation" or not situation.code:
        return None
    said = first(
        (
            (
                "keep",
                r"without breaking\b|backwards?.compatib\w+|no breaking changes?|do(?:es)? not break|keep the api",
            ),
            ("break", r"\bbreaking change\b|may break\b|drop(?:ping)? (?:the )?(?:old|support)\b"),
            ("deprecate", r"\bdeprecat(?:e|es|ing|ion)\b"),
        ),
        situation.text,
    )
    if said:
        return Known(said[0], f"the goal says '{said[1]}'", "goal")
    names = situation.survey.public_api
    if not names:
        return None
    shown = f"{len(names)} names are public, such as {', '.join(names[:3])}"
    if situation.kind == "migration":
        default, because = situation.before("compatibility", "deprecate", f"{shown}, and a migration replaces some")
    else:
        default, because = situation.before("compatibility", "keep", shown)
    return Ask(default, because)


def _deprecated_until(situation: Situation) -> Ask:
    changelog = situation.convention("changelog")
    return Ask(
        "next-major",
        f"{changelog.because}: readers expect a break there" if changelog else "callers get the longest notice",
    )


def _upgrade_notes(situation: Situation) -> Ask:
    documents = situation.documents()
    return Ask(
        bool(documents), f"{documents[0]} has readers" if documents else "there is no documentation to put them in"
    )


def _rollout(situation: Situation) -> Ask | Known | None:
    if situation.kind not in ("feature", "migration", "performance"):
        return None
    if said := first((("flag", r"feature.flags?\b|behind a (?:flag|setting)|gradual\w*|opt.in\b"),), situation.text):
        return Known(said[0], f"the goal says '{said[1]}'", "goal")
    served = sorted(situation.frameworks & (WEB | SCREEN))
    unseen = situation.kind == "feature" and situation.answers.get("surface") not in ("endpoint", "page")
    if not served or unseen:
        return None
    default, because = situation.before(
        "rollout", "direct", f"it is served by {served[0]}, and the goal names no setting"
    )
    return Ask(default, because)


RULES: Final[dict[str, Callable[[Situation], Ask | Known | None]]] = {
    "surface": _surface,
    "access": _access,
    "invalid-input": _invalid_input,
    "compatibility": _compatibility,
    "deprecated-until": _deprecated_until,
    "upgrade-notes": _upgrade_notes,
    "rollout": _rollout,
}

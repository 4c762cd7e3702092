"""What depends on the kind of the goal: data, faults, speed, migrations, refactorings, texts."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Final

from claude_orchestrator.orchestrator.planning.goals import first, section
from claude_orchestrator.orchestrator.planning.situation import (
    COMMAND_LINE,
    WEB,
    Ask,
    Known,
    Situation,
    number,
)

_DATA: Final = (
    r"\b(?:schema|columns?|tables?|database|migrations?|models?|index(?:es)?|foreign key|store[ds]?|persist\w*|rows?"
    r"|sav(?:e|es|ing))\b"
)


def _schema_change(situation: Situation) -> Ask | Known | None:
    databases = situation.survey.databases
    if not databases or situation.kind in ("documentation", "refactor"):
        return None
    if said := first(
        (
            ("none", r"(?:no|without)(?: any)? (?:schema|database) (?:changes?|migrations?)"),
            ("reversible", r"reversible migration"),
        ),
        situation.text,
    ):
        return Known(said[0], f"the goal says '{said[1]}'", "goal")
    concerned = re.search(_DATA, situation.goal, re.IGNORECASE)
    near = next(
        (
            module.path
            for module in situation.reach
            if re.search(r"models?|schema|entit|migrat|tables?|db|store", PurePosixPath(module.path).name)
        ),
        "",
    )
    if not concerned and not near:
        return None
    tool = next((name for name in databases if "migration" in name or "alembic" in name or "django" in name), "")
    why = f"the goal says '{concerned[0]}'" if concerned else f"it is about {near}"
    if situation.kind in ("fix", "performance"):
        return Ask("none", f"a {situation.kind} rarely needs one, though {why}")
    return Ask(
        "reversible" if tool else "forward",
        f"{why}, and the repository has {tool}" if tool else f"{why}, and the data is kept in {databases[0]}",
    )


def _existing_data(situation: Situation) -> Ask | Known:
    said = first(
        (("backfill", r"\bback-?fill\w*|\bpopulat\w+"), ("rewrite", r"\bconvert\w* (?:the )?(?:data|rows|existing)")),
        situation.text,
    )
    if said:
        return Known(said[0], f"the goal says '{said[1]}'", "goal")
    return Ask("keep", "what is new can be empty unless somebody says what belongs there")


_TEST: Final = re.compile(r"(?<![\w/])[\w./-]*tests?[\w./-]*\.\w+(?:::[\w\[\]:.-]+)?|\btest_\w+")


def _reproduce(situation: Situation) -> Ask | Known | None:
    if situation.kind != "fix":
        return None
    if _failing(situation):
        return Known("test", f"the goal names {_failing(situation)}", "goal")
    if _steps(situation):
        return Known("steps", "the context says how to see it", "goal")
    return Ask("unknown", "neither the goal nor the context says how to see it")


def _failing(situation: Situation) -> str:
    for found in _TEST.finditer(situation.text):
        path = found[0].partition("::")[0]
        if path in situation.survey.paths or path.startswith("test_"):
            return found[0]
    return ""


def _steps(situation: Situation) -> str:
    if steps := section(situation.context, "steps to reproduce|to reproduce|reproduce|how to reproduce|reproduction"):
        return steps
    return (
        situation.context.strip()
        if re.search(r"Traceback \(most recent call last\)|^\s*>>> |^\s*\$ ", situation.context, re.MULTILINE)
        else ""
    )


def _failing_test(situation: Situation) -> Ask | Known:
    named = _failing(situation)
    if named:
        return Known(named, f"the goal names {named}", "goal")
    return Ask(None, "only who has seen it fail knows")


def _reproduce_steps(situation: Situation) -> Ask | Known:
    steps = _steps(situation)
    if steps:
        return Known(steps, "the context says it", "goal")
    return Ask(None, "only who has seen it knows")


def _fix_reach(situation: Situation) -> Ask | Known | None:
    if situation.kind != "fix" or len(situation.code) < 2:
        return None
    if said := first(
        (("everywhere", r"\beverywhere\b|\ball (?:places|occurrences|callers)\b|\bwherever\b"),), situation.text
    ):
        return Known(said[0], f"the goal says '{said[1]}'", "goal")
    others = number(len(situation.code) - 1, "other file")
    return Ask("here", f"the goal is about one fault; it could be in {others} as well")


def _measure(situation: Situation) -> Ask | Known | None:
    if situation.kind != "performance":
        return None
    benches = [
        path for path in situation.survey.paths if re.search(r"(^|/)(bench(mark)?s?|perf)(/|_|\.)|bench\w*\.\w+$", path)
    ]
    named = next((path for path in benches if path in situation.text), "")
    if named:
        return Known("existing", f"the goal names {named}", "goal")
    if benches:
        return Ask("existing", f"{benches[0]} is there")
    if situation.likely:
        return Ask("benchmark", f"no benchmark was found, and it is known what to measure: {situation.likely[0].path}")
    return Ask("profile", "no benchmark was found, and the goal does not say where the time goes")


_FIGURE: Final = re.compile(
    r"(?:\b(?:to|below|under|within|by|at least|than)\s+)?(?<![\w.])\d+(?:\.\d+)?\s?"
    r"(?:%|x\b|times\b|ms\b|milliseconds?\b|s\b|seconds?\b|minutes?\b|[KMG]i?B\b|requests?\b)[^\n.;]{0,40}"
)


def _target(situation: Situation) -> Ask | Known | None:
    if situation.kind != "performance":
        return None
    said = _FIGURE.search(situation.text)
    if said:
        return Known(" ".join(said[0].split()), "the goal says it", "goal")
    return Ask(
        "at least 20 % better than before, in the same run", "less is hard to tell from the noise of a measurement"
    )


def _price(situation: Situation) -> Ask | Known | None:
    if situation.kind != "performance":
        return None
    if said := first((("memory", r"\bcach(?:e|es|ing)\b|\bmemoi[sz]\w+"),), situation.goal):
        return Known(said[0], f"the goal says '{said[1]}'", "goal")
    return Ask("nothing", "the goal names no price")


_DESTINATION: Final = re.compile(
    r"\b(?:to|with|onto)\s+([A-Za-z0-9][\w.+#@/ -]*?)"
    r"(?=$|[,;:(]|\.(?:\s|$)| (?:and|so|because|without|in|across|everywhere)\b)"
)


def _migrate_to(situation: Situation) -> Ask | Known | None:
    if situation.kind != "migration":
        return None
    goal = " ".join(situation.goal.split())
    said = _DESTINATION.search(goal)
    if said:
        subject = re.match(r"(?:upgrade|update|migrate|port) ([\w.-]+) to v?\d", goal, re.IGNORECASE)
        to = f"{subject[1]} {said[1].strip()}" if subject else said[1].strip()
        return Known(to, f"the goal says '{said[0].strip()}'", "goal")
    return Ask(None, "the goal says what is left, but not what takes its place")


def _way(situation: Situation) -> Ask | Known | None:
    if situation.kind != "migration" or len(situation.reach) < 2:
        return None
    said = first(
        (
            ("side-by-side", r"\bgradual\w*|\bstep by step\b|\bincremental\w*|\bside by side\b|\bmodule by module\b"),
            ("at-once", r"\bat once\b|\bbig.bang\b|\bin one (?:go|step)\b"),
        ),
        situation.text,
    )
    if said:
        return Known(said[0], f"the goal says '{said[1]}'", "goal")
    count = len(situation.reach)
    if count > 5:
        return Ask("side-by-side", f"it is about {count} files: more than one task can hold")
    return Ask("at-once", f"it is about {count} files")


def _old_path(situation: Situation) -> Ask:
    if situation.answers.get("compatibility") in ("keep", "deprecate"):
        return Ask("keep", "public names are to go on working")
    return Ask("remove", "two ways of doing one thing have to be kept right twice")


_AIMS: Final = (
    ("names", r"\brenam\w+|\bnaming\b|\bnames\b"),
    ("duplication", r"\bduplicat\w+|\bdedup\w*|\brepeat\w*|\bcopy.?paste\w*"),
    ("types", r"\btype (?:hints|annotations)\b|\btypes\b|\btyped\b|\bmypy\b"),
    ("dead-code", r"\bdead code\b|\bunused\b"),
    (
        "structure",
        r"\bsplit\b|\bextract\b|\bstructure\b|\bdecouple\b|\bmodul(?:es?|ar)\b|\blayers?\b|\bmove\b|\bsmaller\b",
    ),
)


def _aim(situation: Situation) -> Ask | Known | None:
    if situation.kind != "refactor":
        return None
    if said := first(_AIMS, situation.goal):
        return Known(said[0], f"the goal says '{said[1]}'", "goal")
    largest = max(situation.reach, key=lambda module: module.lines, default=None)
    return Ask(
        "structure",
        f"{largest.path} has {largest.lines} lines" if largest else "the goal does not say what is wrong with the code",
    )


def _behaviour(situation: Situation) -> Ask | Known | None:
    if situation.kind not in ("refactor", "performance"):
        return None
    if said := first(
        (("exact", r"\bno (?:change in|changes? (?:to|of)) behaviou?r\b|\bexactly\b|\bsame output\b"),), situation.text
    ):
        return Known(said[0], f"the goal says '{said[1]}'", "goal")
    if situation.untested:
        return Ask("exact", f"no test says what of {situation.untested[0].path} matters, so all of it may")
    return Ask("public", "the tests hold what callers see")


def _audience(situation: Situation) -> Ask | Known | None:
    if situation.kind != "documentation":
        return None
    said = first(
        (
            ("developers", r"\bcontribut\w+|\bdevelopers?\b|\barchitecture\b|\binternals?\b"),
            ("operators", r"\bdeploy\w*|\boperat(?:e|ors?|ions)\b|\binstall(?:ation)?\b|\brunbook\b"),
            ("users", r"\busers?\b|\btutorial\b|\bgetting started\b|\bquick.?start\b"),
        ),
        situation.text,
    )
    if said:
        return Known(said[0], f"the goal says '{said[1]}'", "goal")
    names = situation.survey.public_api
    return Ask(
        "users",
        f"the repository has names for others, such as {names[0]}"
        if names
        else "most text is read by people who use the thing",
    )


def _form(situation: Situation) -> Ask | Known | None:
    if situation.kind != "documentation":
        return None
    said = first(
        (
            ("docstrings", r"\bdocstrings?\b"),
            ("tutorial", r"\btutorial\b|\bgetting started\b|\bquick.?start\b"),
            ("how-to", r"\bhow.?to\b|\bguide\b|\brecipes?\b"),
            ("reference", r"\breference\b|\bapi docs?\b|\bevery (?:option|setting|function)\b"),
        ),
        situation.text,
    )
    if said:
        return Known(said[0], f"the goal says '{said[1]}'", "goal")
    documents = situation.documents()
    return Ask(
        "how-to",
        f"there is {documents[0]}" if documents else "there is no document yet; steps help first",
    )


def _examples(situation: Situation) -> Ask | None:
    if situation.kind != "documentation" or not situation.has_tests:
        return None
    shown = sorted(situation.frameworks & (WEB | COMMAND_LINE))
    return Ask(
        default=not shown,
        because=f"examples of {shown[0]} need a running program"
        if shown
        else f"the tests can run them with `{situation.survey.tests.command}`",
    )


RULES: Final[dict[str, Callable[[Situation], Ask | Known | None]]] = {
    "schema-change": _schema_change,
    "existing-data": _existing_data,
    "reproduce": _reproduce,
    "failing-test": _failing_test,
    "reproduce-steps": _reproduce_steps,
    "fix-reach": _fix_reach,
    "measure": _measure,
    "target": _target,
    "price": _price,
    "migrate-to": _migrate_to,
    "way": _way,
    "old-path": _old_path,
    "aim": _aim,
    "behaviour": _behaviour,
    "audience": _audience,
    "form": _form,
    "examples": _examples,
}

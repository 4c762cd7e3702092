"""The questions that a session may ask: every one has an id, the values of its answer, and what they change of a plan.

Whoever drafts from answers reads them by these ids and values; they stay what they are. Which of them are asked, and
with which default, is decided by the rules in ``asking``; where an entry has no options here, they come from the
repository (its paths), or the answer is a text, a number, or a yes or no.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from claude_orchestrator.orchestrator.planning.models import Option

OTHER: Final = "other"
"""The option that stands for an answer in one's own words: those words are then the value."""


@dataclass(frozen=True)
class Entry:
    """A question of the bank, without what depends on the repository."""

    id: str
    text: str
    changes: str
    """What of the plan depends on the answer."""
    options: tuple[Option, ...] = ()
    kind: Literal["choice", "choices", "confirm", "number", "text"] = "choice"
    follows: tuple[str, ...] = ()
    """A question and those of its answers that bring this one up: ``(id, value, value, …)``."""


def _options(**labels: str) -> tuple[Option, ...]:
    """Options from ``value="what it means"``; dashes are written as underscores, and ``break`` as ``break_``."""
    return tuple(Option(value.rstrip("_").replace("_", "-"), label) for value, label in labels.items())


_ENTRIES: Final = (
    # -- what it is about ------------------------------------------------------------------------------------------
    Entry(
        "kind",
        "What kind of change is it?",
        "which tasks the plan has, and what is asked next",
        _options(
            feature="something new that it can do",
            fix="something that is wrong now",
            refactor="the same behaviour from better code",
            migration="from one library, version or way to another",
            performance="the same behaviour, faster or smaller",
            documentation="text for people, no behaviour",
        ),
    ),
    Entry(
        "where",
        "Which files is it about?",
        "the files that tasks may change, and the tests that go with them",
        kind="choices",  # paths of the survey, and `other`: a path or a glob
    ),
    Entry(
        "package",
        "Which of the packages is it about?",
        "the folder that files, tests and checks of every task keep to",
        # folders of the survey that have a manifest; `.` is the root
    ),
    Entry(
        "leave-alone",
        "What must not be touched?",
        "paths that no task may change",
        kind="choices",  # paths of the survey, and `other`: a path or a glob
    ),
    Entry(
        "cut",
        "How should the work be cut?",
        "how many tasks there are, and which of them run at the same time",
        _options(
            one="one task does all of it",
            by_module="a task for each module, side by side",
            in_steps="one task after the other, each on top of what the one before has landed",
        ),
    ),
    Entry(
        "done-when",
        "How will you see that it is done?",
        "the success criteria of the tasks",
        kind="text",
    ),
    Entry(
        "out-of-scope",
        "What is not part of it, though one might think so?",
        "what the prompts tell agents to leave to somebody else",
        kind="text",
    ),
    Entry(
        "difficulty",
        "How hard is it?",
        "the difficulty of the tasks, which chooses the model where none is named",
        _options(
            easy="the way is clear, and few things hang on it",
            medium="as most work is",
            hard="it takes thought, or much hangs on it",
        ),
    ),
    Entry(
        "budget",
        "How many US dollars may a run of the plan spend on models? (0: no limit besides that of each attempt)",
        "the plan's budget",
        kind="number",
    ),
    Entry(
        "dependencies",
        "May it bring new dependencies?",
        "whether tasks may change the manifests, and what their prompts forbid",
        _options(
            none="no: manifests and lock files stay as they are",
            dev="only for tests and tools",
            any="yes, where it is worth it",
        ),
    ),
    # -- a repository that has nothing yet -----------------------------------------------------------------------------
    Entry(
        "language",
        "Which language will it be written in?",
        "which files the first tasks make, and what can check them",
        _options(
            python="Python", typescript="TypeScript", javascript="JavaScript", go="Go", rust="Rust", other="another one"
        ),
    ),
    Entry(
        "layout",
        "What will it be?",
        "the files of the first task",
        _options(
            package="a library that others import",
            command="a program for the command line",
            service="a server",
            script="a single file",
        ),
    ),
    # -- what others rely on -------------------------------------------------------------------------------------------
    Entry(
        "surface",
        "How will people reach it?",
        "which files carry the way in, and what the tests call",
        _options(
            internal="not at all: only other code of this repository uses it",
            function="as a function or class that they import",
            command="as a command or option of the command line",
            endpoint="as an endpoint of the server",
            page="as something on the screen",
        ),
    ),
    Entry(
        "access",
        "Who may call it?",
        "what the prompt and the success criteria say of access, and a test of a refused call",
        _options(
            as_others="whoever may call its neighbours",
            public="everybody",
            restricted="fewer people than its neighbours",
        ),
        follows=("surface", "endpoint"),
    ),
    Entry(
        "invalid-input",
        "What happens with input that makes no sense?",
        "success criteria for wrong input, and tests of it",
        _options(
            reject="it is refused with an error that says what is wrong",
            ignore="it is left out, and the rest goes on",
            default="a sensible value takes its place",
        ),
    ),
    Entry(
        "compatibility",
        "May names and behaviour change that others use?",
        "whether public names stay, and a task for what callers have to do",
        _options(
            keep="no: every public name and signature goes on working",
            deprecate="the old way goes on working and warns",
            break_="yes, callers will be changed",
        ),
    ),
    Entry(
        "deprecated-until",
        "When does the old way go?",
        "what the warning says, and what is written in the changelog",
        _options(next_minor="with the next minor version", next_major="with the next major version", other="later"),
        follows=("compatibility", "deprecate"),
    ),
    Entry(
        "upgrade-notes",
        "Should there be notes that say what callers have to change?",
        "a task that writes them",
        kind="confirm",
        follows=("compatibility", "break"),
    ),
    Entry(
        "rollout",
        "How does it reach people?",
        "whether the new behaviour stands behind a setting, with tests for both ways",
        _options(direct="as soon as it is merged", flag="behind a setting that is off at first"),
    ),
    # -- tests and checks ----------------------------------------------------------------------------------------------
    Entry(
        "tests-first",
        "When are the tests written?",
        "whether tests are a task before the code, part of it, or a task after it",
        _options(
            first="before: a task writes tests that fail, the next makes them pass",
            together="with the code, in the same task",
            after="afterwards, in a task of their own",
            none="not at all",
        ),
    ),
    Entry(
        "tests-setup",
        "There are no tests. Should the plan bring some?",
        "a first task that sets up a test suite",
        _options(add="yes, first of all", leave="no: nothing but the checks of the code looks at the result"),
    ),
    Entry(
        "test-framework",
        "What should the tests be written with?",
        "what the first task sets up, and how tests are run",
        # frameworks of the repository's languages, and `other`
        follows=("tests-setup", "add"),
    ),
    Entry(
        "ci-setup",
        "Should a CI run them?",
        "a task that adds a workflow",
        kind="confirm",
        follows=("tests-setup", "add"),
    ),
    Entry(
        "characterise",
        "Some of these files have no tests. Should tests pin down first what they do today?",
        "a task for such tests before anything else is changed",
        kind="confirm",
    ),
    Entry(
        "checks",
        "Which checks must every task pass?",
        "the checks of the tasks",
        _options(
            pytest="the tests",
            ruff="the linter",
            mypy="the type checker",
            bandit="the search for unsafe code",
        ),
        kind="choices",
    ),
    Entry("docs", "Should the documentation say so?", "a task for the documentation", kind="confirm"),
    # -- data ------------------------------------------------------------------------------------------------------
    Entry(
        "schema-change",
        "Does the database's schema change?",
        "a task for a migration before the code that needs it",
        _options(
            none="no",
            forward="yes, forward only",
            reversible="yes, with a way back",
        ),
    ),
    Entry(
        "existing-data",
        "What happens to the rows that are there?",
        "what the migration's task does, and what its test sets up",
        _options(
            keep="they stay as they are; what is new is empty",
            backfill="what is new is filled from what is there",
            rewrite="they are converted",
        ),
        follows=("schema-change", "forward", "reversible"),
    ),
    # -- fixes -----------------------------------------------------------------------------------------------------
    Entry(
        "reproduce",
        "How does the fault show?",
        "whether the first task looks for the fault, or starts from what shows it",
        _options(
            test="a test fails",
            steps="I can say how to see it",
            unknown="that is to be found out first",
        ),
    ),
    Entry(
        "failing-test",
        "Which test fails?",
        "what the task has to make pass",
        kind="text",
        follows=("reproduce", "test"),
    ),
    Entry(
        "reproduce-steps",
        "What does one do, what happens, and what should happen?",
        "what the first test does",
        kind="text",
        follows=("reproduce", "steps"),
    ),
    Entry(
        "fix-reach",
        "How far should the fix reach?",
        "a second task that looks for the same fault elsewhere",
        _options(here="this fault", everywhere="the same mistake wherever it is made"),
    ),
    # -- performance -----------------------------------------------------------------------------------------------
    Entry(
        "measure",
        "How is it measured?",
        "the first task: a benchmark, a profile, or none where there is one already",
        _options(
            existing="with a benchmark that is there",
            benchmark="with a new benchmark, written first",
            profile="not known yet: a profile first shows where the time goes",
        ),
    ),
    Entry("target", "How much better is enough?", "the success criterion of the benchmark", kind="text"),
    Entry(
        "price",
        "What may it cost?",
        "what the prompts allow",
        _options(
            nothing="nothing: the same memory, code as plain as now",
            memory="more memory",
            complexity="code that is harder to read, explained where it is",
        ),
    ),
    # -- migrations ------------------------------------------------------------------------------------------------
    Entry("migrate-to", "What does it move to?", "what every task's prompt names as the new way", kind="text"),
    Entry(
        "way",
        "How does it move?",
        "one phase that changes everything, or a phase with both ways, then one that moves module by module",
        _options(at_once="all at once", side_by_side="old and new side by side, module by module"),
    ),
    Entry(
        "old-path",
        "What becomes of the old way at the end?",
        "a last task that removes it",
        _options(remove="it is removed", keep="it stays"),
        follows=("way", "side-by-side"),
    ),
    # -- refactorings ------------------------------------------------------------------------------------------------
    Entry(
        "aim",
        "What should be better afterwards?",
        "how the tasks are cut and what their success criteria say",
        _options(
            structure="the structure: smaller pieces, clearer borders",
            duplication="no more code twice",
            names="names",
            types="types",
            dead_code="no code that nobody uses",
        ),
    ),
    Entry(
        "behaviour",
        "What must stay exactly as it is?",
        "what the success criteria hold the tasks to",
        _options(
            exact="everything, also messages and logs",
            public="what callers see; messages and logs may change",
        ),
    ),
    # -- documentation -------------------------------------------------------------------------------------------------
    Entry(
        "audience",
        "Who reads it?",
        "the files and the tone that the prompts ask for",
        _options(users="people who use it", developers="people who change it", operators="people who run it"),
    ),
    Entry(
        "form",
        "What kind of text?",
        "which documents the tasks write",
        _options(
            how_to="how-to: steps for one task each",
            reference="reference: every name and option",
            tutorial="tutorial: a first way through",
            docstrings="docstrings in the code",
        ),
    ),
    Entry(
        "examples",
        "Should the examples be run by tests?",
        "a task that runs the code blocks of the documents",
        kind="confirm",
    ),
)

BANK: Final[dict[str, Entry]] = {entry.id: entry for entry in _ENTRIES}
"""Id → entry, in the order in which they are asked; a follow-up comes right after its question."""

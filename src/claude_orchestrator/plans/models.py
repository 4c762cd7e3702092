"""The plan as a typed value: what a YAML plan file, the store and the Python API share.

A plan file looks like this (a test reads it):

```yaml
goal: Make the package run on Python 3.11 only
decisions:
  - question: May public names change?
    answer: "no"
phases:
  - id: prepare
    title: Say which Python we need
    tasks:
      - id: requires-python
        title: Raise requires-python
        files: [pyproject.toml]            # the declared scope: paths, folders and globs
        operations:                        # agent "script": no model needed
          - replace: pyproject.toml
            old: 'requires-python = ">=3.8"'
            new: 'requires-python = ">=3.11"'
  - id: modernize                          # waits for the phase before it, unless it says depends_on
    title: Use the new syntax
    tasks:
      - id: pyupgrade
        title: Apply ruff's pyupgrade rules
        files: ["src/**/*.py", tests]
        command: [ruff, check, --fix, --select, UP, .]     # agent "command": any program
        success_criteria: [No old syntax is left]
        checks: [pytest, ruff]             # default: pytest, ruff, mypy, bandit
        timeout: 30m
      - id: changelog
        title: Say so in the changelog
        files: [CHANGELOG.md]
        depends_on: [pyupgrade]
        checks: []
        attempts:                          # other operations for a later attempt
          1:
            - run: [python, -m, towncrier, --yes]
              may_fail: true
          2:
            - write: CHANGELOG.md
              content: |
                # Changes
                Python 3.11 or newer is needed.
            - report: Written by hand, towncrier is not there.
```
"""

from __future__ import annotations

from typing import Any, ClassVar, Final

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    StrictBool,
    StrictInt,
    ValidationInfo,
    field_validator,
    model_serializer,
    model_validator,
)
from pydantic_core import PydanticCustomError

from claude_orchestrator.plans.checks import KNOWN_CHECKS, fault
from claude_orchestrator.plans.fields import (
    KNOWN_AGENTS,
    AgentName,
    Argv,
    Check,
    CommandLine,
    Count,
    Difficulty,
    Dollars,
    File,
    Id,
    Kind,
    Pattern,
    Place,
    Seconds,
    Text,
    instead,
)
from claude_orchestrator.plans.graph import did_you_mean, graph_faults
from claude_orchestrator.plans.patterns import matches

DEFAULT_AGENT: Final = "claude"
"""Who carries out a task that has a prompt and nothing else, when nobody has said who."""

KNOWN_VERBS: Final = ("write", "replace", "delete", "run", "report")
"""What one operation of a script can do."""

EVERYTHING: Final = "**"
"""The pattern that stands for the whole repository."""


class _Model(BaseModel):
    """A value: it cannot be changed, and a key that it does not know is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Operation(_Model):
    """One thing that the script agent does: exactly one of the five verbs, with what belongs to it.

    ``write`` needs ``content``; ``replace`` needs ``old`` and ``new``. Dumps leave out what is not given.
    """

    write: File | None = None
    """Make or overwrite this file with ``content``."""
    replace: File | None = None
    """Replace the text ``old`` by ``new`` in this file."""
    delete: Place | None = None
    """Delete this file, or this folder with everything below."""
    run: CommandLine | None = None
    """Run a program: a list of arguments, or one line for the shell."""
    report: Text | None = None
    """Say this in the attempt's report. Nobody believes it; it is compared with what git and the journal show."""
    content: str | None = Field(default=None, validate_default=True)
    """With ``write``: the whole new content."""
    old: str | None = Field(default=None, validate_default=True)
    """With ``replace``: the text that is there now."""
    new: str | None = Field(default=None, validate_default=True)
    """With ``replace``: the text that takes its place."""
    count: Count = 1
    """With ``replace``: how often ``old`` must be there; all of them are replaced."""
    may_fail: StrictBool = False
    """With ``run``: go on when the exit code is not 0."""
    may_be_refused: StrictBool = False
    """Go on without it when it is blocked, or a human denies it. Otherwise the attempt has failed."""

    _BELONGS: ClassVar[dict[str, tuple[str, ...]]] = {
        "content": ("write",),
        "old": ("replace",),
        "new": ("replace",),
        "count": ("replace",),
        "may_fail": ("run",),
        "may_be_refused": ("write", "replace", "delete", "run"),
    }

    @property
    def kind(self) -> str:
        """The verb: ``write``, ``replace``, ``delete``, ``run`` or ``report``."""
        return next(verb for verb in KNOWN_VERBS if getattr(self, verb) is not None)

    @model_validator(mode="before")
    @classmethod
    def _one_verb(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        verbs = [verb for verb in KNOWN_VERBS if value.get(verb) is not None]
        if len(verbs) > 1:
            raise fault(f"one operation with {len(verbs)} verbs: {', '.join(verbs)}", "write one operation for each")
        if not verbs:
            meant = next((verb for key in value if (verb := did_you_mean(str(key), KNOWN_VERBS))), None)
            hint = (
                f"did you mean '{meant}'?"
                if meant and meant not in value
                else f"give it one of: {', '.join(KNOWN_VERBS)}"
            )
            raise fault("an operation without a verb", hint)
        return value

    @field_validator("content", "old", "new", "count", "may_fail", "may_be_refused")
    @classmethod
    def _belongs(cls, value: Any, info: ValidationInfo) -> Any:
        """Runs also when other fields are wrong, so that all mistakes of an operation are found at once."""
        name = str(info.field_name)
        verb = next(verb for verb in KNOWN_VERBS if info.data.get(verb, "wrong") is not None)
        owners = cls._BELONGS[name]
        if verb not in owners and value is not None:
            raise fault(f"'{name}' does not belong to '{verb}'", f"remove it, or use it with '{owners[0]}'")
        if verb in owners and value is None:
            raise fault(f"'{verb}' needs '{name}'", f"add '{name}: ...' (an empty text is '{name}: \"\"')")
        if name == "old" and value == "":
            raise fault("'old' is empty", "name the text to replace")
        return value

    @model_serializer(mode="wrap")
    def _flat(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields = type(self).model_fields
        return {name: value for name, value in handler(self).items() if value != fields[name].default}


class Task(_Model):
    """One piece of work for one agent in one worktree."""

    id: Id
    """The name of the task, unique in the plan; part of a git ref's name."""
    title: str = ""
    """What people see; left out, they see the id."""
    kind: Kind | None = None
    """``fix``, ``feature``, ``refactor``, ``performance``, ``documentation``, ``tests`` or ``chore``. A fix and a
    feature have to change something, and at least one new or edited test has to fail without the change."""
    prompt: str = ""
    """What the agent is told."""
    files: list[Pattern] = []
    """The declared scope: paths, folders (with all below) and globs. Empty: the whole repository."""
    creates: list[File] = []
    """Files of the scope that are not there yet, and that the task makes."""
    depends_on: list[Id] = []
    """Ids of tasks that must be completed first."""
    success_criteria: list[Text] = []
    """What must be true at the end, for the agent and for people."""
    checks: list[Check] = list(KNOWN_CHECKS)
    """What the verifier runs: names of checks, and [conditions on a text](#conditions-on-a-text)."""
    operations: list[Operation] | None = None
    """For the script agent: what every attempt does."""
    attempts: dict[Count, list[Operation]] | None = None
    """For the script agent: number of the attempt → operations; later ones do what the last one listed does."""
    command: Argv | None = None
    """For the command agent: program and arguments, with ``{prompt}``, ``{prompt_file}``, ``{worktree}`` filled in.
    For the acp agent: the program that speaks the Agent Client Protocol, such as ``[gemini, --acp]``."""
    max_attempts: StrictInt = Field(default=5, ge=1, le=100, validate_default=True)
    """After so many failed attempts the task is escalated."""
    timeout: Seconds = 3600.0
    """Seconds that one attempt may take; in YAML also ``90s``, ``30m``, ``2h``."""
    model: Text | None = None
    """For the claude and model agents: the model, as its provider calls it; ``provider:model`` for the model agent."""
    difficulty: Difficulty = "medium"
    """``easy``, ``medium`` or ``hard``: chooses the model where none is named."""
    budget: Dollars | None = None
    """US dollars that all attempts of the task together may spend."""
    max_turns: Count | None = None
    """For the claude and model agents: answers of the model that one attempt may take."""
    agent: str = Field(default="", validate_default=True)
    """Who does it: ``script``, ``command``, ``claude``, ``acp`` or ``model``; may be left out where the other fields,
    the phase or the plan say it."""

    @property
    def scope(self) -> list[str]:
        """The patterns that the task may change: ``files``, or the whole repository."""
        return list(self.files) or [EVERYTHING]

    @field_validator("creates")
    @classmethod
    def _in_scope(cls, value: list[str], info: ValidationInfo) -> list[str]:
        scope = info.data.get("files") or [EVERYTHING]
        for path in value:
            if not any(matches(pattern, path) for pattern in scope):
                raise fault(f"'{path}' is to be created, but is not in 'files'", f"add '{path}' to 'files'")
        return value

    @field_validator("attempts")
    @classmethod
    def _first_attempt(cls, value: dict[int, list[Operation]] | None) -> dict[int, list[Operation]] | None:
        if value is not None and 1 not in value:
            raise fault("'attempts' does not say what attempt 1 does", "add '1: [...]'")
        return value

    @field_validator("max_attempts")
    @classmethod
    def _reached(cls, value: int, info: ValidationInfo) -> int:
        last = max(info.data.get("attempts") or [1])
        if last > value:
            raise fault(f"attempt {last} is never made: max_attempts is {value}", f"write 'max_attempts: {last}'")
        return value

    @field_validator("agent", mode="before")
    @classmethod
    def _agent_fits(cls, value: Any, info: ValidationInfo) -> Any:
        """Fill in the agent. A field that is wrong itself counts as given: it has its own error."""
        work = [name for name in ("operations", "attempts", "command") if info.data.get(name, "wrong") is not None]
        if len(work) > 1:
            raise fault(f"'{work[0]}' and '{work[1]}' in one task", "keep one of them")
        if value not in ("", None) and (not isinstance(value, str) or value not in KNOWN_AGENTS):
            raise fault(f"unknown agent '{value}'", instead(str(value), KNOWN_AGENTS))
        given = value or ""
        has_prompt = bool(str(info.data.get("prompt", "wrong")).strip())
        if not work:
            return _of_prompt(given, has_prompt=has_prompt)
        fitting = {"operations": ("script",), "attempts": ("script",), "command": ("command", "acp")}[work[0]]
        if given not in ("", *fitting):
            raise fault(
                f"agent '{given}' does not know '{work[0]}'", f"write 'agent: {fitting[0]}', or remove '{work[0]}'"
            )
        handed = given == "acp" or any("{prompt" in part for part in info.data.get("command") or ())
        if handed and not has_prompt:
            raise fault("the command uses the prompt, but there is none", "add 'prompt: ...' to the task")
        return given or fitting[0]


def _of_prompt(agent: str, *, has_prompt: bool) -> str:
    """Who does a task that has neither operations nor a command: who is named, or somebody whom others name."""
    needs = {"script": "'operations' or 'attempts'", "command": "'command'"}.get(agent, "")
    if has_prompt and not needs:
        return agent
    needs = needs or "'prompt', 'operations' or 'command'"
    raise fault("nothing says what the agent does", f"add {needs} to the task")


class Choice(_Model):
    """Who does the tasks that have a prompt and nothing else, where they do not say it themselves."""

    agent: AgentName = ""
    """``claude``, ``acp`` or ``model`` for the tasks that have only a prompt and name no agent."""
    model: Text | None = None
    """The model of these tasks, where they name none."""
    command: Argv | None = None
    """For the acp agent: the program that these tasks speak with, where they name none."""

    @field_validator("agent")
    @classmethod
    def _works_from_a_prompt(cls, value: str) -> str:
        if value in ("script", "command"):
            raise fault(f"agent '{value}' cannot work from prompts alone", "name claude, acp or model")
        return value


class Phase(Choice):
    """Tasks that belong together; a phase waits for others as a whole."""

    id: Id
    """The name of the phase, unique in the plan."""
    title: str = ""
    """What people see; left out, they see the id."""
    depends_on: list[Id] | None = None
    """Ids of phases that must be completed first. None: the phase before; empty: none."""
    tasks: list[Task] = Field(min_length=1)
    """At least one task."""


class Decision(_Model):
    """A question that was settled before the plan was made, kept with it."""

    question: Text
    """What was asked."""
    answer: Text
    """What was decided."""
    reason: str = ""
    """Why."""
    alternatives: list[Text] = []
    """What else could have been decided."""


class Plan(Choice):
    """A goal and the way there; the root of a plan file.

    Raises ``pydantic.ValidationError`` for double ids, unknown dependencies and cycles too.
    """

    id: Id | None = None
    """Set by the store. In a plan file: makes the file a new version of that plan."""
    version: Count | None = None
    """Set by the store."""
    goal: Text
    """What is true when the plan is done."""
    decisions: list[Decision] = []
    """What was decided on the way to this plan."""
    budget: Dollars | None = None
    """US dollars that a run of the plan may spend."""
    phases: list[Phase] = Field(min_length=1)
    """At least one phase."""

    @model_validator(mode="after")
    def _connected(self) -> Plan:
        if faults := graph_faults(self):
            more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
            raise PydanticCustomError("plan_graph", "{message}", {"message": f"{faults[0].message}{more}"})
        return self

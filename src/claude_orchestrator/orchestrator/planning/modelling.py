"""A provider's model helps to plan: it adds and rewords questions, and drafts the plan.

It is asked where the setting ``model`` names one as ``provider:model``. What it says is data: its questions are
checked and marked as its own, its draft is reviewed and approved by a human like any other, and can hold no commands.
A model that cannot help keeps nobody from planning: the result then says why.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from claude_orchestrator.config import Settings
from claude_orchestrator.errors import PlanError
from claude_orchestrator.orchestrator.planning import adding, designing
from claude_orchestrator.orchestrator.planning.consulting import ANSWER_S, Consultant, Form, NoHelpError, named
from claude_orchestrator.orchestrator.planning.models import Question, Session
from claude_orchestrator.state.database import Database
from claude_orchestrator.workspace.git import Repository

if TYPE_CHECKING:
    from pydantic_ai.messages import ModelMessage, ModelResponse

    from claude_orchestrator.plans.models import Plan

MOST_QUESTIONS: Final = 5
"""Questions that a model may add to a session; what is beyond is left out."""

PREFIX: Final = "model-"
"""How the ids of its questions begin."""

_MOST_TASKS: Final = 50
_LONGEST_TEXT: Final = 400
_DOCUMENTS: Final = 3
_NO_ID: Final = re.compile(r"[^a-z0-9]+")
_TRUNCATED: Final = "the answer was cut off at the limit of its length: make it shorter"


@dataclass(frozen=True)
class Suggested:
    """Questions of a model."""

    questions: tuple[Question, ...] = ()
    """New ones, and open ones of the session in other words."""
    why: str = ""
    """Why there are none, or what was left out; in one line for people."""
    micro_usd: int = 0
    """What it has cost, as far as the price is known, in millionths of a US dollar."""


@dataclass(frozen=True)
class Drafted:
    """The draft of a model; without a plan, ``why`` says why there is none."""

    plan: Plan | None = None
    why: str = ""
    micro_usd: int = 0


def is_named(settings: Settings) -> bool:
    """Whether somebody wants a provider's model to help."""
    return bool(named(settings.model))


async def questions_by_model(
    db: Database,
    session: Session,
    settings: Settings,
    environment: Mapping[str, str] | None = None,
    *,
    answer_s: float = ANSWER_S,
) -> Suggested:
    """What a model would ask besides, or in other words; never raises because of the model.

    ``settings`` are those that hold within the session's project; keys are in ``environment`` (None: ours, with
    those of ``.secrets.json``).
    """
    from claude_orchestrator.orchestrator.planning import prompts

    consultant = Consultant(db, settings, session, environment, answer_s)
    try:
        messages = _conversation(prompts.ASKING, prompts.prompt_of(session, await _documents(session)))
        response = await consultant.ask(messages, prompts.QUESTIONS)
        given = _arguments(response, prompts.QUESTIONS)
    except NoHelpError as error:
        return Suggested(why=f"no model helps with the questions: {error}", micro_usd=consultant.micro_usd)
    except ImportError as error:
        return Suggested(why=f"no model helps with the questions: {_not_installed(error)}")
    listed = given.get("questions")
    questions, left_out = _usable(session, listed if isinstance(listed, list) else [listed])
    more = f"{left_out} of the model's questions could not be used" if left_out else ""
    return Suggested(questions, more, consultant.micro_usd)


async def draft_by_model(
    db: Database,
    session: Session,
    settings: Settings,
    environment: Mapping[str, str] | None = None,
    *,
    answer_s: float = ANSWER_S,
) -> Drafted:
    """The plan that a model makes of the goal and the answers, mended once; never raises because of the model.

    The goal is the session's, whatever the model says.
    """
    from claude_orchestrator.orchestrator.planning import prompts

    consultant = Consultant(db, settings, session, environment, answer_s)
    try:
        messages = _conversation(prompts.DRAFTING, prompts.prompt_of(session, await _documents(session)))
        response = await consultant.ask(messages, prompts.PLAN)
        try:
            plan = _plan(session, response)
        except PlanError as error:
            messages = [*messages, response, _refusal(response, str(error))]
            plan = _plan(session, await consultant.ask(messages, prompts.PLAN))
    except (NoHelpError, PlanError) as error:
        return Drafted(None, f"no model has drafted the plan: {error}", consultant.micro_usd)
    except ImportError as error:
        return Drafted(None, f"no model has drafted the plan: {_not_installed(error)}")
    return Drafted(plan, "", consultant.micro_usd)


def _not_installed(error: ImportError) -> str:
    return f"its client is not installed ({error.name or error}): pip install 'claude-orchestrator[models]'"


async def _documents(session: Session) -> dict[str, str]:
    """The documents that say most about the project, as they are at the session's commit."""
    if session.survey is None:
        return {}
    repository = await Repository.open(Path(session.project))
    tops = sorted((path for path in session.survey.documents if "/" not in path), key=_importance)
    found = {}
    for path in tops[:_DOCUMENTS]:
        content = await repository.read_file(session.base_commit, path)
        if content is not None:
            found[path] = content[:100_000].decode(errors="replace")
    return found


def _importance(path: str) -> int:
    names = ("readme", "claude.md", "agents.md", "contributing")
    return next((number for number, name in enumerate(names) if path.casefold().startswith(name)), len(names))


# -- speaking ----------------------------------------------------------------------------------------------------


def _conversation(instructions: str, prompt: str) -> list[ModelMessage]:
    from pydantic_ai.messages import ModelRequest, SystemPromptPart, UserPromptPart

    return [ModelRequest(parts=[SystemPromptPart(instructions), UserPromptPart(prompt)])]


def _refusal(response: ModelResponse, why: str) -> ModelMessage:
    """What a model is told whose answer will not do."""
    from pydantic_ai.messages import ModelRequest, ToolReturnPart, UserPromptPart

    said = f"This cannot be used: {why}\nCall the tool again with the whole plan, corrected."
    calls = response.tool_calls
    if not calls:
        return ModelRequest(parts=[UserPromptPart(said)])
    return ModelRequest(parts=[ToolReturnPart(call.tool_name, said, call.tool_call_id) for call in calls])


def _arguments(response: ModelResponse, form: Form) -> dict[str, Any]:
    """What the model has put into the form. Raises NoHelpError where it has not used it."""
    call = next((call for call in response.tool_calls if call.tool_name == form.name), None)
    text = call.args if call is not None else response.text
    try:
        given = json.loads(text) if isinstance(text, str) else text
    except (ValueError, RecursionError):
        given = None
    if isinstance(given, dict):
        return given
    raise NoHelpError(_TRUNCATED if response.finish_reason == "length" else f"the model did not call {form.name}")


# -- what it says ------------------------------------------------------------------------------------------------


def _usable(session: Session, given: Sequence[Any]) -> tuple[tuple[Question, ...], int]:
    """The questions that can be asked, and how many cannot."""
    known = {question.id for question in session.questions}
    found: dict[str, Question] = {}
    for entry in given:
        try:
            name, document = _question(entry, session)
            together = adding.added(session.questions, [document], "model")
        except (PlanError, TypeError, ValueError):
            continue
        new = sum(name not in known for name in found)
        if name in known or new < MOST_QUESTIONS:
            found.setdefault(name, next(question for question in together if question.id == name))
    return tuple(found.values()), len(given) - len(found)


def _question(given: Any, session: Session) -> tuple[str, dict[str, Any]]:
    """A question as it may be added. Of one of the bank's only the words are taken, never its default."""
    if not isinstance(given, Mapping) or not isinstance(given.get("id"), str):
        raise PlanError("no question")
    name, text = given["id"].strip(), " ".join(str(given.get("text") or "").split())
    if not text or len(text) > _LONGEST_TEXT:
        raise PlanError("no text, or too long a one")
    if any(question.id == name and question.source == "bank" for question in session.open_questions):
        return name, {"id": name, "text": text}
    if given.get("default") in (None, ""):
        raise PlanError("without a default it would keep a plan waiting that nobody had to wait for")
    slug = _NO_ID.sub("-", name.removeprefix(PREFIX).casefold()).strip("-")
    name = (PREFIX + (slug or "question"))[:40].rstrip("-")
    if any(question.id == name for question in session.questions):
        raise PlanError("it is asked already")
    keys = ("kind", "options", "default", "because", "changes")
    return name, {"id": name, "text": text, **{key: given[key] for key in keys if given.get(key) is not None}}


def _plan(session: Session, response: ModelResponse) -> Plan:
    """The plan in an answer. Raises PlanError with all mistakes and what to change."""
    from claude_orchestrator.orchestrator.planning import prompts

    try:
        given = _arguments(response, prompts.PLAN)
    except NoHelpError as error:
        raise PlanError(str(error)) from None
    if foreign := list(_foreign(given, prompts.PHASE_KEYS, prompts.TASK_KEYS)):
        raise PlanError(f"the plan says what is not for a model to say ({', '.join(foreign[:8])}): leave it out")
    plan = designing.plan_of({"goal": session.goal, **given})
    tasks = sum(len(phase.tasks) for phase in plan.phases)
    if tasks > _MOST_TASKS:
        raise PlanError(f"the plan has {tasks} tasks: make them {_MOST_TASKS} or fewer")
    return plan


def _foreign(given: Mapping[str, Any], phase_keys: Mapping[str, Any], task_keys: Mapping[str, Any]) -> Iterator[str]:
    """The keys that are not in the form: whoever carries out the plan decides how, and humans what it may cost."""
    yield from (str(key) for key in given if key != "phases")
    for phase in _mappings(given.get("phases")):
        yield from (f"'{key}' of a phase" for key in phase if key not in phase_keys)
        for task in _mappings(phase.get("tasks")):
            yield from (f"'{key}' of task '{task.get('id')}'" for key in task if key not in task_keys)
            if any(
                not isinstance(check, str) for check in task.get("checks") or () if isinstance(task["checks"], list)
            ):
                yield f"a condition in the checks of task '{task.get('id')}'"


def _mappings(given: Any) -> list[Mapping[str, Any]]:
    return [entry for entry in given if isinstance(entry, Mapping)] if isinstance(given, list) else []

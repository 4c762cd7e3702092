"""The model agent: works with a language model over its provider's API, in this process."""

from __future__ import annotations

import asyncio
import os
from typing import Final

from claude_orchestrator.agents.base import Assignment, Host, Outcome
from claude_orchestrator.agents.model.conversation import Conversation
from claude_orchestrator.agents.model.faults import TRIES, fault_of, pause_before_retry
from claude_orchestrator.agents.model.session import BudgetUsedError, Session, TurnsUsedError, WaitingError
from claude_orchestrator.config import load_settings
from claude_orchestrator.models import accounts, choosing, providers
from claude_orchestrator.models.faults import HOPELESS, PASSING, Fault
from claude_orchestrator.models.providers import ProviderError

MAX_TURNS: Final = 100
"""How often a model may answer within one attempt, when the task does not say."""


class ModelAgent:
    """Lets a model read, search, change and run things in the worktree until it says that it is done."""

    name = "model"
    resumable = True

    def __init__(self) -> None:
        self._session: Session | None = None

    async def work(self, assignment: Assignment, host: Host) -> Outcome:
        """Work on the task, or go on where an earlier launch stopped."""
        try:
            provider, name = _chosen(assignment)
            model = providers.model_of(provider, name, os.environ)
        except ProviderError as error:
            return Outcome("error", str(error), resume=assignment.resume, fault=error.fault)
        conversation = Conversation(assignment.folder.parent, assignment.resume)
        turns = int(assignment.options.get("max_turns") or MAX_TURNS)
        self._session = Session(assignment, host, conversation, provider, model, turns)
        try:
            await host.remember(conversation.token)
            return Outcome("finished", "the model says that it is done", await self._to_the_end(host, provider))
        except asyncio.CancelledError:
            return Outcome("interrupted", "interrupted", resume=conversation.token)
        except Exception as error:  # noqa: BLE001  (what is no end of a conversation is raised again)
            return _outcome_of(error, conversation, provider, name)
        finally:
            self._session = None
            conversation.close()

    async def nudge(self, text: str) -> bool:
        """Tell the model before it is asked the next time."""
        if self._session is None:
            return False
        self._session.note(text)
        return True

    async def _to_the_end(self, host: Host, provider: str) -> str:
        """Turn after turn until the model is done; its report. What passes is waited for, with growing pauses."""
        import stamina

        assert self._session is not None
        settings = load_settings()
        base_s, cap_s = settings.retry_base_s, settings.retry_cap_s
        report = None
        while report is None:
            async for attempt in stamina.retry_context(
                on=lambda error: pause_before_retry(error, cap_s),
                attempts=TRIES,
                timeout=None,
                wait_initial=base_s,
                wait_max=cap_s,
                wait_jitter=base_s / 2,
            ):
                if attempt.num > 1:
                    await host.progress(f"asks {provider} again ({attempt.num} of {TRIES})")
                with attempt:
                    report = await self._session.turn()
        return report


def _chosen(assignment: Assignment) -> tuple[str, str]:
    """The provider and the model: as granted with the attempt, else the first that the task may have."""
    if assignment.provider:
        return assignment.provider, assignment.model
    definition = {"model": assignment.model, "difficulty": assignment.options.get("difficulty")}
    if found := choosing.candidates(definition, accounts.available(os.environ)):
        return found[0]
    keys = ", ".join(accounts.keys_of(provider)[0] for provider in choosing.MODELS)
    detail = f"there is no account for any model: set one of {keys}, or name a model, such as 'model: ollama:qwen3:8b'"
    raise ProviderError(Fault("authentication", "", detail))


def _outcome_of(error: Exception, conversation: Conversation, provider: str, model: str) -> Outcome:
    """How a launch ends without a report; an error that is no such end is raised again."""
    if isinstance(error, WaitingError):
        return Outcome("waiting", str(error), resume=conversation.token)
    if isinstance(error, TurnsUsedError):
        detail = f"the model was not done after {conversation.turns} turns: allow more with 'max_turns'"
        return Outcome("failed", detail, fault=Fault("turns", provider, detail))
    if isinstance(error, BudgetUsedError):
        detail = "what the attempt may spend is spent"
        return Outcome("interrupted", detail, resume=conversation.token, fault=Fault("budget", provider, detail))
    return _failure_of(error, conversation, provider, model)


def _failure_of(error: Exception, conversation: Conversation, provider: str, model: str) -> Outcome:
    from pydantic_ai.exceptions import AgentRunError, ModelAPIError, UserError

    if isinstance(error, ModelAPIError):
        fault = fault_of(error, provider, model)
        if fault.kind in PASSING:
            return Outcome("interrupted", fault.detail, resume=conversation.token, fault=fault)
        # What a person puts right, an attempt can go on after.
        return Outcome(
            "error", fault.detail, resume=conversation.token if fault.kind in HOPELESS else None, fault=fault
        )
    if isinstance(error, UserError):
        detail = f"model '{model}' of {provider} cannot be used for this: {error}"
        return Outcome("error", detail, fault=Fault("setup", provider, detail))
    if isinstance(error, AgentRunError):
        return Outcome("failed", f"model '{model}' of {provider} gave an answer that cannot be used: {error}")
    raise error

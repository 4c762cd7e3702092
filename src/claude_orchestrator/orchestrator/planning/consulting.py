"""One question to a provider's model in a planning session: paid, within limits, with the provider's health noted.

Before a call is made, the most that it may cost is written down as spent, in the transaction that looks at all limits;
what it did cost takes that place afterwards. So two windows never spend the same money, and a process that dies amid a
call leaves behind that somebody may have to pay for it.
"""

from __future__ import annotations

import asyncio
import os
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from claude_orchestrator.agents.model import faults
from claude_orchestrator.agents.performing import to_the_end
from claude_orchestrator.config import Settings
from claude_orchestrator.config.keys import environment_with_keys
from claude_orchestrator.errors import ConfigError
from claude_orchestrator.models import health, prices, providers, tokens
from claude_orchestrator.models.faults import Fault
from claude_orchestrator.models.providers import ProviderError
from claude_orchestrator.models.usage import Usage
from claude_orchestrator.orchestrator import healing
from claude_orchestrator.orchestrator.planning.models import Session
from claude_orchestrator.safety.redaction import redact
from claude_orchestrator.state import budgets, planning, spending
from claude_orchestrator.state.budgets import Spender, dollars
from claude_orchestrator.state.database import Database, Transaction

if TYPE_CHECKING:
    from pydantic_ai.messages import ModelMessage, ModelResponse
    from pydantic_ai.models import Model

MOST_CALLS: Final = 12
"""Answers of models in one planning session."""

MOST_USD: Final = 2.0
"""US dollars that models may cost in one planning session; less where one attempt may spend less."""

MOST_OUTPUT: Final = 16_000
"""Tokens of one answer."""

ANSWER_S: Final = 180.0
"""Seconds that one answer may take."""

_TRIES: Final = 2
"""How often one question is put to a provider that is busy."""

_LONGEST_PAUSE_S: Final = 5.0


class NoHelpError(Exception):
    """A model does not help; the message says why, in one line for people."""


@dataclass(frozen=True)
class Form:
    """What an answer has to look like: the one tool that the model has to call."""

    name: str
    description: str
    schema: Mapping[str, Any]


def named(text: str) -> list[tuple[str, str]]:
    """Providers and models of ``provider:model``, several with commas between; names without a provider are none.

    A name alone may be one that only Claude Code knows, with its own account: nobody meant it to be paid for here.
    """
    pairs = [part.partition(":") for part in text.split(",")]
    return [(provider.strip(), model.strip()) for provider, colon, model in pairs if colon and provider.strip()]


class Consultant:
    """The model that helps in one planning session: the first of those named that can be asked."""

    def __init__(
        self, db: Database, settings: Settings, session: Session, environment: Mapping[str, str] | None, answer_s: float
    ) -> None:
        """``environment`` has the keys; None: it is ours, with those of the files of keys."""
        self._db = db
        self._session = session.id
        self._places = (Path(session.project), settings.home)
        self._answer_s = answer_s
        self._rules = healing.rules_of(settings)
        self._pause_s = min(settings.retry_base_s, _LONGEST_PAUSE_S)
        self._most = budgets.micro(min(MOST_USD, settings.attempt_budget))
        self._environment = environment
        self._options = named(settings.model)
        self._chosen: tuple[str, Model] | None = None
        self.micro_usd = 0
        """What its answers have cost so far, as far as prices are known."""

    async def ask(self, messages: Sequence[ModelMessage], form: Form) -> ModelResponse:
        """Put the conversation to the model. Raises NoHelpError when there is no answer, for whatever reason."""
        if self._chosen:
            return await self._ask(*self._chosen, messages, form)
        refused: list[str] = []
        environment = self._keys()
        for provider, name in self._options:
            try:
                # Its client is imported here, which takes about a second.
                model = await asyncio.to_thread(providers.model_of, provider, name, environment)
                return await self._ask(provider, model, messages, form)
            except ProviderError as error:
                refused.append(str(error))
            except NoHelpError as error:
                refused.append(str(error))
        raise NoHelpError("; ".join(refused) or "no model is named as provider:model")

    def _keys(self) -> Mapping[str, str]:
        if self._environment is not None:
            return self._environment
        try:
            return environment_with_keys(os.environ, *self._places)
        except ConfigError as error:
            raise NoHelpError(_line(str(error))) from error

    async def _ask(self, provider: str, model: Model, messages: Sequence[ModelMessage], form: Form) -> ModelResponse:
        for left in reversed(range(_TRIES)):
            call = await self._reserve(provider, model, messages, form)
            try:
                response = await self._request(model, messages, form)
            except BaseException as error:
                fault = _fault_of(error, provider, model.model_name, self._answer_s)
                await to_the_end(self._failed(provider, call, error, fault))
                if fault is None:
                    raise
                if not (left and _passes_soon(error, fault)):
                    raise NoHelpError(_line(fault.detail)) from error
                await asyncio.sleep(self._pause_s)
            else:
                await to_the_end(self._settle(provider, model, call, response))
                self._chosen = (provider, model)
                return response
        raise AssertionError  # the last try returns or raises

    async def _request(self, model: Model, messages: Sequence[ModelMessage], form: Form) -> ModelResponse:
        from pydantic_ai.direct import model_request
        from pydantic_ai.models import ModelRequestParameters
        from pydantic_ai.tools import ToolDefinition

        tool = ToolDefinition(
            name=form.name, description=form.description, parameters_json_schema=dict(form.schema), kind="output"
        )
        async with asyncio.timeout(self._answer_s):
            return await model_request(
                model,
                messages,
                model_settings={
                    "max_tokens": MOST_OUTPUT,
                    "max_retries": 0,
                    "timeout": self._answer_s + _LONGEST_PAUSE_S,
                },
                model_request_parameters=ModelRequestParameters(
                    output_mode="tool", output_tools=[tool], allow_text_output=False
                ),
            )

    # -- money and health --------------------------------------------------------------------------

    async def _reserve(self, provider: str, model: Model, messages: Sequence[ModelMessage], form: Form) -> str:
        """Write down the most that the next answer may cost; the name of the call. Raises NoHelpError."""
        said = tokens.at_most(f"{list(messages)}{form.schema}")
        most = Usage(provider, model.model_name, input_tokens=said, output_tokens=MOST_OUTPUT)
        price = (await asyncio.to_thread(prices.price_of, most)).micro_usd
        call = uuid.uuid4().hex
        async with self._db.transaction() as tx:
            now = time.time()
            if (wait := await healing.wait_for(tx, provider, now)) is not None:
                raise NoHelpError(_line(f"{provider} is not asked: {wait.reason}"))
            cost = _cost(self._session, call, most, None, await self._affordable(tx, provider, price, now))
            await spending.record(tx, replace(cost, input_tokens=0, output_tokens=0), now)
            await health.enter(tx, provider, self._session, now, self._rules)
        return call

    async def _affordable(self, tx: Transaction, provider: str, price: int | None, now: float) -> int:
        """What the answer counts until its price is known, where that is within all limits. Raises NoHelpError."""
        calls, spent = await spending.counted(tx, self._session)
        if calls >= MOST_CALLS:
            raise NoHelpError(f"models have answered {calls} times in {self._session}, which is as often as they may")
        limits = await budgets.limits_of(tx, Spender("", self._session, self._session, provider), now)
        # A price that nobody knows counts as all that is left, where somebody has set a limit.
        counted = price if price is not None else max(1, self._most - spent) if limits else 0
        if counted > self._most - spent:
            raise NoHelpError(
                f"an answer may cost {dollars(counted)}, and of the {dollars(self._most)} that models may cost in"
                f" {self._session}, {dollars(max(0, self._most - spent))} is left"
            )
        for limit in limits:
            state = await budgets.state_of(tx, limit)
            if counted > (left := limit.amount - state.spent - state.reserved):
                whose = f"the budget of {budgets.named(limit.kind, limit.subject, limit.period)}"
                raise NoHelpError(
                    f"an answer may cost {dollars(counted)}, and of {whose}, {dollars(max(0, left))} is left"
                )
        return counted

    async def _settle(self, provider: str, model: Model, call: str, response: ModelResponse) -> None:
        used = response.usage
        usage = Usage(
            provider,
            model.model_name,
            input_tokens=max(0, used.input_tokens - used.cache_read_tokens - used.cache_write_tokens),
            output_tokens=used.output_tokens,
            cache_read_tokens=used.cache_read_tokens,
            cache_write_tokens=used.cache_write_tokens,
        )
        price = await asyncio.to_thread(prices.price_of, usage)
        self.micro_usd += price.micro_usd or 0
        async with self._db.transaction() as tx:
            if price.micro_usd is not None:
                await spending.settle(
                    tx, _cost(self._session, call, usage, price.micro_usd, price.micro_usd, price.table)
                )
            else:  # what was reserved stays counted
                row = await tx.fetch_one("SELECT counted FROM cost WHERE call = :call", {"call": call})
                await spending.settle(tx, _cost(self._session, call, usage, None, row["counted"] if row else 0))
            data = {
                "provider": provider,
                "model": usage.model,
                "input_tokens": used.input_tokens,
                "output_tokens": used.output_tokens,
                "micro_usd": price.micro_usd,
            }
            await planning.note(tx, self._session, "planning.model_answered", data)
            await health.succeeded(tx, provider, time.time())

    async def _failed(self, provider: str, call: str, error: BaseException, fault: Fault | None) -> None:
        """Nobody pays for a request that was refused; of one that was cut off nobody knows."""
        async with self._db.transaction() as tx:
            now = time.time()
            if _was_refused(error):
                await spending.withdraw(tx, self._session, call)
            why = _line(fault.detail) if fault else "stopped"
            await planning.note(tx, self._session, "planning.model_failed", {"provider": provider, "reason": why})
            if fault is not None:
                told = replace(fault, detail=why)
                await health.failed(tx, provider, told, self._session, now, self._rules)
            else:
                await health.left(tx, provider, self._session, now)


def _cost(
    session_id: str, call: str, usage: Usage, micro_usd: int | None, counted: int, table: str = ""
) -> spending.Cost:
    return spending.Cost(
        attempt_id=session_id,
        call=call,
        run_id="",
        task_id=session_id,
        provider=usage.provider,
        model=usage.model,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_read_tokens=usage.cache_read_tokens,
        cache_write_tokens=usage.cache_write_tokens,
        micro_usd=micro_usd,
        counted=counted,
        prices=table,
    )


def _fault_of(error: BaseException, provider: str, model: str, answer_s: float) -> Fault | None:
    """What went wrong; None for what is no failure of the model: a cancellation, the end of the program."""
    from pydantic_ai.exceptions import ModelAPIError

    if not isinstance(error, Exception):
        return None
    if isinstance(error, TimeoutError):
        return Fault("network", provider, f"{provider} has not answered within {answer_s:g} s")
    if isinstance(error, ModelAPIError):
        return faults.fault_of(error, provider, model)
    said = f"model '{model}' of {provider} gave an answer that cannot be used: {type(error).__name__}: {error}"
    return Fault("request", provider, said)


def _passes_soon(error: BaseException, fault: Fault) -> bool:
    """Whether to ask once more: a provider that wants to be left alone is, and so is one that has taken its time."""
    return fault.kind in ("overloaded", "network") and fault.retry_at is None and not isinstance(error, TimeoutError)


def _was_refused(error: BaseException) -> bool:
    from pydantic_ai.exceptions import ModelHTTPError

    return isinstance(error, ModelHTTPError) and error.status_code >= 400


def _line(text: str) -> str:
    return redact(" ".join(text.split()))

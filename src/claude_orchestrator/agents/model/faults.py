"""What an error of a provider means, and whether to ask again at once."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from claude_orchestrator.models.faults import PASSING, Fault, Kind

if TYPE_CHECKING:
    from pydantic_ai.exceptions import ModelAPIError

TRIES: Final = 5
"""How often one request is made, for errors that pass."""

_SAID: Final = 300
"""Characters of a provider's own words that are kept."""


def fault_of(error: ModelAPIError, provider: str, model: str) -> Fault:
    """What went wrong, in words that say what to do."""
    said = _words_of(error)
    kind = _kind_of(error)
    retry_at = time.time() + error.retry_after if error.retry_after is not None and kind in PASSING else None
    return Fault(kind, provider, _advice(kind, provider, model, said), retry_at)


def pause_before_retry(error: Exception, cap_s: float) -> bool | float:
    """Whether to ask again now: False, True (after the usual pause), or after so many seconds.

    A provider that asks for more than ``cap_s`` seconds is not waited for here.
    """
    from pydantic_ai.exceptions import ModelAPIError, ModelQuotaExceededError

    if not isinstance(error, ModelAPIError) or isinstance(error, ModelQuotaExceededError):
        return False
    if _kind_of(error) not in PASSING:
        return False
    if error.retry_after is None:
        return True
    return error.retry_after if error.retry_after <= cap_s else False


def _kind_of(error: ModelAPIError) -> Kind:
    from pydantic_ai import exceptions

    status = error.status_code if isinstance(error, exceptions.ModelHTTPError) else None
    kinds: list[tuple[type[Exception], Kind]] = [
        (exceptions.ModelRateLimitError, "rate_limit"),
        (exceptions.ModelUnavailableError, "overloaded"),
        (exceptions.ModelServerError, "overloaded"),
        (exceptions.ModelConnectionError, "network"),
        (exceptions.ModelRequestTimeout, "network"),
        (exceptions.ModelAuthenticationError, "authentication"),
        (exceptions.ModelRequestRejectedError, "request"),
    ]
    if isinstance(error, exceptions.ModelQuotaExceededError):
        # A quota of the day comes back by itself; an empty account does not.
        return "rate_limit" if error.provider_error_code == "RESOURCE_EXHAUSTED" else "authentication"
    if status is not None and "API_KEY_INVALID" in str(error.body):
        return "authentication"  # Google says 400 to a wrong key
    if (kind := next((kind for found, kind in kinds if isinstance(error, found)), None)) is not None:
        return kind
    if status in (408, 409, 425) or (status is not None and status >= 500):
        return "overloaded"
    return "network" if status is None else "request"


def _advice(kind: Kind, provider: str, model: str, said: str) -> str:
    from claude_orchestrator.models import accounts

    keys = " or ".join(accounts.keys_of(provider))
    advice = {
        "rate_limit": f"{provider} takes no more requests for now: {said}",
        "overloaded": f"{provider} cannot answer at the moment: {said}",
        "network": f"{provider} cannot be reached: {said}",
        "authentication": f"{provider} refuses the account: {said}: check {keys}, its rights and its credit",
        "request": f"{provider} refuses the request for model '{model}': {said}: check the name of the model",
    }
    return advice[kind]


def _words_of(error: ModelAPIError) -> str:
    """What the provider itself has said, in one line."""
    from pydantic_ai.exceptions import ModelHTTPError

    status = f"{error.status_code} " if isinstance(error, ModelHTTPError) else ""
    words = " ".join(f"{status}{_message_in(error.body) or error.message}".split())
    return words if len(words) <= _SAID else words[: _SAID - 1] + "…"


def _message_in(body: Any) -> str:
    while isinstance(body, dict):
        body = body.get("error", body.get("message"))
    return body if isinstance(body, str) else ""

"""The conversation with a model, kept line by line in a file, so that a launch can go on where another stopped."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from claude_orchestrator.errors import AgentError

if TYPE_CHECKING:
    from pydantic_ai.messages import ModelMessage, ModelResponse, ToolReturnPart

SHOWN: Final = 300_000
"""Characters of tools' results that a model is shown again; of the rest only that it was there."""

_STEP: Final = 100_000
"""So many more are left out at a time: a beginning that stays the same is cheap where providers cache it."""

_LEFT_OUT: Final = "[left out, as it is long ago: call the tool again if you need it]"
_FILE: Final = "conversation.jsonl"


@dataclass(frozen=True)
class Told:
    """What a model is told of one of its calls."""

    text: str
    failed: bool = False
    """Whether the call was refused or could not be done."""


class Conversation:
    """All messages so far, and what has become of the calls in the last one.

    The file has one JSON object a line: ``message``, ``begun`` (the position of a call that is about to have effects)
    or ``told`` (what came of it). A token names how much of it counts; what a launch that died has written beyond that
    is cut off.
    """

    def __init__(self, folder: Path, token: Mapping[str, Any] | None) -> None:
        """Open the conversation in an attempt's ``folder`` as the token says, or begin one.

        Raises AgentError when the file is not what the token says.
        """
        self.messages: list[ModelMessage] = []
        self._told: dict[int, Told] = {}
        self._begun: int | None = None
        self._path = folder / _FILE
        kept = self._kept(token) if token else b""
        self._bytes = len(kept)
        self._digest = hashlib.sha256(kept)
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        os.ftruncate(self._file, self._bytes)
        os.lseek(self._file, 0, os.SEEK_END)
        self._read(kept)

    def _kept(self, token: Mapping[str, Any]) -> bytes:
        try:
            with self._path.open("rb") as file:
                kept = file.read(token["bytes"])
        except (OSError, KeyError, TypeError) as error:
            raise AgentError(f"the conversation in {self._path} cannot be read: make a new attempt") from error
        if hashlib.sha256(kept).hexdigest() != token["sha256"]:
            raise AgentError(f"the conversation in {self._path} is not the one that was left: make a new attempt")
        return kept

    def _read(self, kept: bytes) -> None:
        from pydantic_ai.messages import ModelMessagesTypeAdapter

        for line in kept.splitlines():
            entry = json.loads(line)
            if "message" in entry:
                self._took(ModelMessagesTypeAdapter.validate_python([entry["message"]]))
            elif "begun" in entry:
                self._begun = entry["begun"]
            else:
                self._told[entry["told"]] = Told(entry["text"], entry["failed"])

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    # -- what is known ---------------------------------------------------------------------------

    @property
    def token(self) -> dict[str, Any]:
        """What a later launch needs to go on from here."""
        return {"bytes": self._bytes, "sha256": self._digest.hexdigest()}

    @property
    def turns(self) -> int:
        """How often the model has answered."""
        return sum(message.kind == "response" for message in self.messages)

    @property
    def last_answer(self) -> ModelResponse | None:
        """The model's last answer."""
        last = self.messages[-1] if self.messages else None
        return last if last is not None and last.kind == "response" else None

    def shown(self) -> list[ModelMessage]:
        """The messages as the model is shown them: without its oldest results, where they are too long together."""
        sizes = [len(str(part.content)) for part in self._results()]
        excess = max(0, sum(sizes) - SHOWN)
        left_out = -(-excess // _STEP) * _STEP
        oldest = {
            id(part) for part, before in zip(self._results(), accumulate(sizes), strict=True) if before <= left_out
        }
        return [_without(message, oldest) for message in self.messages] if oldest else self.messages

    def _results(self) -> list[ToolReturnPart]:
        requests = (message for message in self.messages if message.kind == "request")
        return [part for message in requests for part in message.parts if part.part_kind == "tool-return"]

    def position_of(self, call_id: str) -> int:
        """The number of a call of the last answer, from 1, among all calls of the conversation."""
        before = sum(len(message.tool_calls) for message in self.messages[:-1] if message.kind == "response")
        answer = self.last_answer
        assert answer is not None
        return before + 1 + [call.tool_call_id for call in answer.tool_calls].index(call_id)

    def told(self, position: int) -> Told | None:
        """What came of a call of the last answer; None while it has to be done."""
        return self._told.get(position)

    def was_begun(self, position: int) -> bool:
        """Whether a call was about to have effects when an earlier launch ended."""
        return self._begun == position

    # -- what happens ----------------------------------------------------------------------------

    def add(self, messages: Sequence[ModelMessage]) -> None:
        """Add what was sent, and the answer."""
        from pydantic_ai.messages import ModelMessagesTypeAdapter

        self._append(
            [{"message": whole} for whole in ModelMessagesTypeAdapter.dump_python(list(messages), mode="json")]
        )
        self._took(messages)

    def begin(self, position: int) -> None:
        """A call is about to have effects."""
        self._append([{"begun": position}])
        self._begun = position

    def tell(self, position: int, told: Told) -> None:
        """A call is done."""
        self._append([{"told": position, "text": told.text, "failed": told.failed}])
        self._told[position] = told

    def _took(self, messages: Sequence[ModelMessage]) -> None:
        self.messages.extend(messages)
        self._told.clear()
        self._begun = None

    def _append(self, entries: Sequence[Mapping[str, Any]]) -> None:
        lines = "".join(json.dumps(entry) + "\n" for entry in entries).encode()
        rest = memoryview(lines)
        while rest:
            rest = rest[os.write(self._file, rest) :]
        os.fsync(self._file)
        self._bytes += len(lines)
        self._digest.update(lines)


def _without(message: ModelMessage, left_out: set[int]) -> ModelMessage:
    if message.kind == "response" or not any(id(part) in left_out for part in message.parts):
        return message
    return replace(message, parts=[_emptied(part) if id(part) in left_out else part for part in message.parts])


def _emptied(part: Any) -> Any:
    return replace(part, content=_LEFT_OUT)

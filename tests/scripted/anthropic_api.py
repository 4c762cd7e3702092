"""Anthropic's way to ask a model, whole or as a stream: ``POST /v1/messages``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from scripted.provider_api import Reply, Request


class AnthropicWire:
    """What the library ``anthropic`` speaks."""

    def serves(self, path: str) -> bool:
        return path.endswith("/v1/messages")

    def turn(self, body: Mapping[str, Any]) -> int:
        return sum(message["role"] == "assistant" for message in body["messages"])

    def results(self, body: Mapping[str, Any]) -> list[str]:
        blocks = [block for message in body["messages"] for block in message["content"] if isinstance(block, dict)]
        return [json.dumps(block["content"]) for block in blocks if block["type"] == "tool_result"]

    def answer(self, reply: Reply, request: Request) -> tuple[str, str]:
        blocks: list[dict[str, Any]] = [{"type": "text", "text": reply.text}] if reply.text else []
        for number, call in enumerate(reply.calls):
            ids = {"id": f"toolu_{request.turn}_{number}", "name": call.name}
            blocks.append({"type": "tool_use", **ids, "input": dict(call.arguments)})
        usage = {
            "input_tokens": 500,
            "output_tokens": 100,
            "cache_read_input_tokens": 400,
            "cache_creation_input_tokens": 100,
        }
        message = {
            "id": f"msg_{request.turn}",
            "type": "message",
            "role": "assistant",
            "model": request.body["model"],
            "content": blocks,
            "stop_reason": "tool_use" if reply.calls else "end_turn",
            "stop_sequence": None,
            "usage": usage,
        }
        if not request.body.get("stream"):
            return "application/json", json.dumps(message)
        events = [f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in stream_of(message, 100)]
        return "text/event-stream", "".join(events)

    def refusal(self, reply: Reply) -> Mapping[str, Any]:
        kind = reply.code or {529: "overloaded_error", 429: "rate_limit_error"}.get(reply.status, "scripted_error")
        return {"type": "error", "error": {"type": kind, "message": reply.said}}


def stream_of(message: Mapping[str, Any], output_tokens: int) -> Iterator[Mapping[str, Any]]:
    """A whole answer as the events of a stream; how many tokens it has is said at its end."""
    yield {"type": "message_start", "message": {**message, "content": [], "stop_reason": None}}
    for index, block in enumerate(message["content"]):
        empty = {"text": {"text": ""}, "tool_use": {"input": {}}}[block["type"]]
        yield {"type": "content_block_start", "index": index, "content_block": {**block, **empty}}
        delta = {"type": "text_delta", "text": block.get("text")}
        if block["type"] == "tool_use":
            delta = {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
        yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    delta = {"stop_reason": message["stop_reason"], "stop_sequence": None}
    yield {"type": "message_delta", "delta": delta, "usage": {"output_tokens": output_tokens}}
    yield {"type": "message_stop"}

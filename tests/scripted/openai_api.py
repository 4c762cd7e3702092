"""OpenAI's two ways to ask a model: Responses, and Chat Completions (which Ollama and many others speak as well)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import groupby
from typing import Any

from scripted.provider_api import Reply, Request


class ResponsesWire:
    """``POST /responses``."""

    def serves(self, path: str) -> bool:
        return path.endswith("/responses")

    def turn(self, body: Mapping[str, Any]) -> int:
        items = body["input"] if isinstance(body["input"], list) else []
        return sum(is_models for is_models, _ in groupby(items, _is_models))

    def results(self, body: Mapping[str, Any]) -> list[str]:
        return [item["output"] for item in body["input"] if item.get("type") == "function_call_output"]

    def answer(self, reply: Reply, request: Request) -> tuple[str, str]:
        turn = request.turn
        output: list[dict[str, Any]] = []
        if reply.text:
            said = {"type": "output_text", "text": reply.text, "annotations": []}
            message = {"type": "message", "id": f"msg_{turn}", "role": "assistant", "status": "completed"}
            output.append({**message, "content": [said]})
        for number, call in enumerate(reply.calls):
            ids = {"id": f"fc_{turn}_{number}", "call_id": f"call_{turn}_{number}", "status": "completed"}
            output.append({"type": "function_call", "name": call.name, "arguments": json.dumps(call.arguments), **ids})
        usage = {
            "input_tokens": 1_000,
            "output_tokens": 100,
            "total_tokens": 1_100,
            "input_tokens_details": {"cached_tokens": 400},
            "output_tokens_details": {"reasoning_tokens": 0},
        }
        return "application/json", json.dumps(
            {
                "id": f"resp_{turn}",
                "object": "response",
                "created_at": 1_780_000_000,
                "status": "completed",
                "model": request.body["model"],
                "output": output,
                "usage": usage,
                "tools": [],
                "parallel_tool_calls": True,
                "tool_choice": "auto",
            }
        )

    def refusal(self, reply: Reply) -> Mapping[str, Any]:
        return {"error": {"message": reply.said, "type": "scripted", "param": None, "code": reply.code or None}}


def _is_models(item: Mapping[str, Any]) -> bool:
    """Whether an item of a conversation comes from the model."""
    return item.get("role") == "assistant" or item.get("type") in ("function_call", "reasoning")


class ChatWire:
    """``POST /chat/completions``. The ids of calls begin anew with every answer, as some servers have them."""

    def serves(self, path: str) -> bool:
        return path.endswith("/chat/completions")

    def turn(self, body: Mapping[str, Any]) -> int:
        return sum(message["role"] == "assistant" for message in body["messages"])

    def results(self, body: Mapping[str, Any]) -> list[str]:
        return [message["content"] for message in body["messages"] if message["role"] == "tool"]

    def answer(self, reply: Reply, request: Request) -> tuple[str, str]:
        calls = [
            {
                "id": f"call_{number}",
                "type": "function",
                "function": {"name": call.name, "arguments": json.dumps(call.arguments)},
            }
            for number, call in enumerate(reply.calls)
        ]
        message = {"role": "assistant", "content": reply.text or None, **({"tool_calls": calls} if calls else {})}
        choice = {"index": 0, "finish_reason": "tool_calls" if calls else "stop", "message": message}
        return "application/json", json.dumps(
            {
                "id": f"chatcmpl-{request.turn}",
                "object": "chat.completion",
                "created": 1_780_000_000,
                "model": request.body["model"],
                "choices": [choice],
                "usage": {"prompt_tokens": 1_000, "completion_tokens": 100, "total_tokens": 1_100},
            }
        )

    def refusal(self, reply: Reply) -> Mapping[str, Any]:
        return {"error": {"message": reply.said, "type": "scripted", "param": None, "code": reply.code or None}}

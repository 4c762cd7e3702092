"""Google's way to ask a Gemini model: ``generateContent``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from scripted.provider_api import Reply, Request


class GeminiWire:
    """``POST /v1beta/models/NAME:generateContent``. Calls have no ids, as older models have none."""

    def serves(self, path: str) -> bool:
        return path.endswith(":generateContent")

    def turn(self, body: Mapping[str, Any]) -> int:
        return sum(content["role"] == "model" for content in body["contents"])

    def results(self, body: Mapping[str, Any]) -> list[str]:
        parts = [part for content in body["contents"] for part in content["parts"]]
        return [json.dumps(part["functionResponse"]["response"]) for part in parts if "functionResponse" in part]

    def answer(self, reply: Reply, request: Request) -> tuple[str, str]:
        parts: list[dict[str, Any]] = [{"text": reply.text}] if reply.text else []
        parts += [{"functionCall": {"name": call.name, "args": dict(call.arguments)}} for call in reply.calls]
        candidate = {"index": 0, "finishReason": "STOP", "content": {"role": "model", "parts": parts}}
        usage = {"promptTokenCount": 1_000, "candidatesTokenCount": 100, "totalTokenCount": 1_100}
        model = request.path.rpartition("/")[2].partition(":")[0]
        return "application/json", json.dumps(
            {
                "candidates": [candidate],
                "usageMetadata": usage,
                "modelVersion": model,
                "responseId": f"response-{request.turn}",
            }
        )

    def refusal(self, reply: Reply) -> Mapping[str, Any]:
        return {"error": {"code": reply.status, "message": reply.said, "status": reply.code or "SCRIPTED"}}

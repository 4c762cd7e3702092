"""The model agent with the real client libraries, launch by launch, against scripted providers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("pydantic_ai", reason="the extra 'models' is not installed")

from model_world import KINDS, Attempt, Kind
from provider_api import ProviderApi, Reply, Script, call, steps

from claude_orchestrator.models import accounts

FIX = call("replace", path="calc.py", old="a - b", new="a + b")
DONE = call("finish", summary="add adds now", files_changed=["calc.py"])


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    return KINDS[request.param]


@pytest.fixture
def attempt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Attempt:
    for name in accounts.environment_of("model", __import__("os").environ):
        monkeypatch.delenv(name)
    monkeypatch.setenv("CLAUDE_ORCHESTRATOR_RETRY_BASE_S", "0.01")
    monkeypatch.setenv("CLAUDE_ORCHESTRATOR_RETRY_CAP_S", "0.02")
    return Attempt(tmp_path)


class Serving:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch
        self._apis: list[ProviderApi] = []

    def __call__(self, kind: Kind, script: Script) -> ProviderApi:
        api = ProviderApi(kind.wire, script).__enter__()
        self._apis.append(api)
        for name, value in kind.environment(api.url).items():
            self._monkeypatch.setenv(name, value)
        return api

    def close(self) -> None:
        for api in self._apis:
            api.__exit__()
        assert not [error for api in self._apis for error in api.errors]


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Serving]:
    serving = Serving(monkeypatch)
    yield serving
    serving.close()


def test_every_provider_does_a_task(kind: Kind, attempt: Attempt, serve: Serving) -> None:
    script = steps(
        Reply("I look first.", [call("read", path="calc.py"), call("list")]),
        Reply(calls=[call("search", pattern="a [+-] b"), FIX]),
        Reply(calls=[call("run", line="python -c 'import calc; print(calc.add(2, 3))'")]),
        Reply(calls=[call("write", path="note.txt", content="fixed\n")]),
        Reply(calls=[DONE]),
    )
    api = serve(kind, script)
    outcome = attempt.launch(model=kind.model)
    assert outcome.status == "finished", outcome
    assert "add adds now" in outcome.report
    assert "calc.py" in outcome.report
    assert (attempt.worktree / "calc.py").read_text() == "def add(a, b):\n    return a + b\n"
    assert (attempt.worktree / "note.txt").read_text() == "fixed\n"
    last = "\n".join(api.requests[-1].results)
    assert "return a - b" in last
    assert "calc.py:2:" in last
    assert "5" in last
    assert [event["kind"] for event in attempt.events("operation.done")] == [
        "read", "read", "run", "replace", "run", "write"
    ]  # fmt: skip
    costs = attempt.costs()
    assert len(costs) == 5
    assert {(row["provider"], row["output_tokens"]) for row in costs} == {(kind.provider, 100)}
    assert {row["input_tokens"] + row["cache_read_tokens"] + row["cache_write_tokens"] for row in costs} == {1_000}

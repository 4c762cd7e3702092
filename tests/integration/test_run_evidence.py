"""What a run keeps of its verifications: bundles, conditions on texts, and who has approved what."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from engine_world import a_plan, failures, run, script, task_rows, write
from typer.testing import CliRunner

from claude_orchestrator.cli.main import app
from claude_orchestrator.config import Settings, load_settings
from claude_orchestrator.orchestrator.checking import check_bundle
from claude_orchestrator.orchestrator.session import Orchestrator
from claude_orchestrator.orchestrator.signing import Keys
from claude_orchestrator.state import attempts, gates
from claude_orchestrator.state.database import Database


@pytest.fixture
def settings(own_world: Path) -> Settings:
    return load_settings()


def test_an_approval_is_kept_with_the_evidence(project: Path, settings: Settings, tmp_path: Path) -> None:
    plan = a_plan([script("lib", write("fast.so"), files=["fast.so"])])
    assert run(project, settings, plan) == "incomplete"

    async def approve() -> None:
        async with Database.open(settings.database) as db:
            (gate,) = await gates.listed(db)
            async with db.transaction() as tx:
                await gates.answer(tx, gate["id"], approve=True, reason="built by us", by="ann", now=0)
            await Orchestrator(project, settings).move("r1")

    asyncio.run(approve())
    assert task_rows(settings)["lib"]["status"] == "completed"

    async def evidence() -> dict[str, object]:
        async with Database.open(settings.database) as db:
            (row,) = await attempts.evidence(db, "r1", "lib")
            return row

    row = asyncio.run(evidence())
    document = row["document"]
    assert isinstance(document, dict)
    (waiver,) = document["waivers"]
    assert (waiver["gate"], waiver["by"], waiver["reason"]) == ("g1", "ann", "built by us")
    assert waiver["covers"] == "; ".join(document["reasons"])
    checked = check_bundle(Path(str(row["folder"])), Keys(settings.signing))
    assert checked.is_ours
    assert checked.waivers == (waiver,)
    done = CliRunner().invoke(app, ["evidence", "r1", "lib", "--bundle", str(tmp_path / "copy")])
    assert done.exit_code == 0, done.output
    assert "approved by ann 1970-01-01T00:00:00Z (g1): built by us" in done.output
    assert check_bundle(tmp_path / "copy", Keys(settings.signing)).is_ours
    assert json.loads((tmp_path / "copy" / "bundle.json").read_text())["verdict"] == "needs_review"


def test_conditions_on_texts_hold_a_task_back(project: Path, settings: Settings) -> None:
    news = {"contains": {"in": "NEWS.md", "text": "1.2"}}
    said = {"regex": {"in": "report", "pattern": "(?i)release"}}
    tries = {1: [write("NEWS.md", "1.1\n")], 2: [write("NEWS.md", "1.2\n"), {"report": "Release notes are there."}]}
    plan = a_plan([script("news", files=["NEWS.md"], attempts=tries, checks=[news, said])])
    assert run(project, settings, plan) == "completed"
    (reason,) = failures(settings)
    assert 'contains:NEWS.md: NEWS.md: does not contain "1.2"' in reason
    assert "the agent's report: nothing matches" in reason

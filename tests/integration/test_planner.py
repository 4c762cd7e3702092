"""Planning sessions: stored step by step, gone on with from any process, and approved once, by a human."""

import asyncio
import functools
import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from engine_world import git

from claude_orchestrator.config import Settings
from claude_orchestrator.errors import ConfigError, ForbiddenError, NotReadyError, PlanError, RepositoryError
from claude_orchestrator.orchestrator import humans
from claude_orchestrator.orchestrator.planner import Planner
from claude_orchestrator.orchestrator.planning import designing
from claude_orchestrator.orchestrator.planning.models import Finding, Session, Stage
from claude_orchestrator.orchestrator.session import Orchestrator
from claude_orchestrator.plans.store import PlanStore
from claude_orchestrator.state import events
from claude_orchestrator.state.database import Database

GOAL = "Add a currency to the report"
PROCESS = Path(__file__).with_name("planning_process.py")
PATIENCE_S = 60.0
FILES = {
    "pyproject.toml": '[project]\nname = "tally"\nversion = "1"\n[tool.ruff]\n',
    "README.md": "# Tally\n\nThe report shows amounts in a currency.\n",
    "src/tally/__init__.py": '"""Tally."""\nfrom tally.report import Report\n\n__all__ = ["Report"]\n',
    "src/tally/report.py": "class Report:\n    def render(self) -> str:\n        return ''\n",
    "src/tally/money.py": "class TallyError(Exception): ...\n\n\ndef parse(text: str) -> int:\n    return int(text)\n",
    "tests/test_report.py": "from tally.report import Report\n\n\ndef test_it() -> None:\n    assert Report()\n",
}
PLAN = {
    "goal": GOAL,
    "phases": [{"id": "only", "tasks": [{"id": "build", "prompt": "Build it.", "files": ["src/tally/report.py"]}]}],
}


def awaited(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """The test in an event loop of its own."""

    @functools.wraps(test)
    def run(**fixtures: Any) -> None:
        asyncio.run(test(**fixtures))

    return run


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A library with a public name, a test and a linter."""
    folder = tmp_path / "tally"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=main")
    change(folder, FILES)
    return folder


def change(folder: Path, files: dict[str, str]) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message=change")


@pytest.fixture
def settings(own_world: Path) -> Settings:
    """The settings that the processes of these tests have as well."""
    return Settings(home=own_world)


@asynccontextmanager
async def planning(settings: Settings) -> AsyncIterator[Planner]:
    async with Database.open(settings.database) as db:
        yield Planner(db, settings)


async def journal(settings: Settings) -> list[dict[str, Any]]:
    async with Database.open(settings.database) as db:
        return await events.after(db, 0)


async def rows(settings: Settings, table: str) -> list[dict[str, Any]]:
    async with Database.open(settings.database) as db:
        return await db.fetch_all(f"SELECT * FROM {table}")


async def reviewed(planner: Planner, project: Path) -> Session:
    session = await planner.start_planning_session(project, GOAL)
    await planner.draft(session.id, PLAN)
    return await planner.review(session.id)


def asked(session: Session) -> list[str]:
    return [question.id for question in session.questions]


def values(session: Session) -> dict[str, Any]:
    return {answered.question.id: answered.value for answered in session.answers}


# -- the way of a session ----------------------------------------------------------------------------------------


@awaited
async def test_a_session_goes_from_a_goal_to_an_approved_plan(project: Path, settings: Settings) -> None:
    async with planning(settings) as planner:
        session = await planner.start_planning_session(project / "src", GOAL, "Euros first.")
        assert session.id == "s1"
        assert session.project == str(project)
        assert session.kind == "feature"
        assert session.stage is Stage.GATHERING_REQUIREMENTS
        assert session.base_commit == git(project, "rev-parse", "HEAD")
        assert values(session)["kind"] == "feature"
        assert "where" in {question.id for question in session.open_questions}
        session = await planner.answer("s1", "where", "src/tally/report.py")
        session = await planner.research("s1")
        assert session.stage is Stage.RESEARCHING
        assert session.research is not None
        assert [found.name for found in session.research.documents] == ["README.md"]
        session = await planner.draft("s1")
        assert session.stage is Stage.DESIGNING
        assert session.drafted_by == "map"
        assert session.open_questions == ()
        assert session.plan is not None
        files = {file for phase in session.plan["phases"] for task in phase["tasks"] for file in task["files"]}
        assert "src/tally/report.py" in files
        session = await planner.review("s1")
        assert session.stage is Stage.REVIEWING
        assert session.review is not None
        assert session.review.approvable
        plan_id = await planner.approve_plan("s1")
        session = await planner.get("s1")
        assert session.stage is Stage.APPROVED
        assert (session.plan_id, session.plan_version) == (plan_id, 1)
    kinds = [event["kind"] for event in await journal(settings)]
    steps = ["started", "answered", "researched", "drafted", "reviewed", "approved"]
    assert kinds == [f"planning.{step}" for step in steps]


@awaited
async def test_an_approved_plan_has_the_answers_as_decisions_and_can_be_run(project: Path, settings: Settings) -> None:
    async with planning(settings) as planner:
        session = await planner.start_planning_session(project, GOAL)
        await planner.answer(session.id, "tests-first", "after")
        await planner.draft(session.id, PLAN)
        await planner.review(session.id)
        plan_id = await planner.approve_plan(session.id)
    async with Database.open(settings.database) as db:
        plan = await PlanStore(db).load(plan_id)
    decisions = {decision.question: decision for decision in plan.decisions}
    tests = decisions["When are the tests written?"]
    assert tests.answer == "afterwards, in a task of their own"
    assert tests.reason == "a person chose it"
    assert len(tests.alternatives) == 3
    assert decisions["What kind of change is it?"].reason == "the goal says 'add'"
    assert decisions["May names and behaviour change that others use?"].reason.startswith("default: ")
    assert [row["path"] for row in await rows(settings, "plan_ground")] == [
        "src/tally/report.py",
        "tests/test_report.py",
    ]
    assert await Orchestrator(project, settings).start(plan) == "r1"


@awaited
async def test_the_python_api_has_a_planner(project: Path, settings: Settings) -> None:
    async with Orchestrator(project, settings).session() as session:
        assert (await session.planner.start_planning_session(project, GOAL)).id == "s1"


@awaited
async def test_sessions_are_listed_by_project_the_newest_first(
    project: Path, settings: Settings, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "--quiet")
    change(other, {"a.py": "x = 1\n"})
    async with planning(settings) as planner:
        for place, goal in ((project, "Add one"), (other, "Add two"), (project, "Add three")):
            await planner.start_planning_session(place, goal)
        assert [session.id for session in await planner.sessions()] == ["s3", "s2", "s1"]
        assert [session.id for session in await planner.sessions(project / "src")] == ["s3", "s1"]
        assert (await planner.sessions())[0].open_questions == (await planner.get("s3")).open_questions


@awaited
async def test_what_people_decided_is_known_to_the_next_session(project: Path, settings: Settings) -> None:
    async with planning(settings) as planner:
        session = await planner.start_planning_session(project, GOAL)
        await planner.answer(session.id, "compatibility", "deprecate")
        await planner.draft(session.id, PLAN)
        await planner.review(session.id)
        plan_id = await planner.approve_plan(session.id)
        following = await planner.research(
            (await planner.start_planning_session(project, "Add a tax to the report")).id
        )
    question = next(each for each in following.questions if each.id == "compatibility")
    assert question.default == "deprecate"
    assert plan_id in question.because
    assert following.research is not None
    assert {earlier.plan_id for earlier in following.research.decisions} == {plan_id}


# -- answers -----------------------------------------------------------------------------------------------------


@awaited
async def test_a_new_answer_drops_the_draft_and_the_old_follow_ups(project: Path, settings: Settings) -> None:
    async with planning(settings) as planner:
        session = await planner.start_planning_session(project, GOAL)
        session = await planner.answer(session.id, "compatibility", "deprecate")
        assert "deprecated-until" in asked(session)
        await planner.draft(session.id)
        session = await planner.review(session.id)
        session = await planner.answer(session.id, "compatibility", "keep")
        assert "deprecated-until" not in asked(session)
        assert session.stage is Stage.GATHERING_REQUIREMENTS
        assert (session.plan, session.review, session.drafted_by, session.notes) == (None, None, "", ())
        assert session.research is not None
        with pytest.raises(NotReadyError, match="has no plan yet"):
            await planner.approve_plan(session.id)


@awaited
async def test_the_same_answer_again_changes_nothing(project: Path, settings: Settings) -> None:
    async with planning(settings) as planner:
        session = await reviewed(planner, project)
        before = await planner.get(session.id)
        question = next(each for each in before.answers if each.by == "default")
        again = await planner.answer(session.id, question.question.id, question.value, by="default")
        assert again == before
        confirmed = await planner.answer(session.id, question.question.id, question.value)
        assert confirmed.review is not None
        assert next(each for each in confirmed.answers if each.question.id == question.question.id).by == "person"


@awaited
async def test_several_answers_are_stored_together_or_not_at_all(project: Path, settings: Settings) -> None:
    async with planning(settings) as planner:
        before = await planner.start_planning_session(project, GOAL)
        wrong = {
            "tests-first": "after",
            "compatibility": "deprecate",
            "deprecated-until": "next-minor",
            "difficulty": "impossible",
        }
        with pytest.raises(PlanError, match=r"'difficulty' cannot be answered like that .* use easy, medium, hard"):
            await planner.answer_all(before.id, wrong)
        assert await planner.get(before.id) == before
        session = await planner.answer_all(before.id, {**wrong, "difficulty": "hard"})
        assert values(session).items() >= {**wrong, "difficulty": "hard"}.items()


@awaited
async def test_a_question_that_is_not_asked_is_explained(project: Path, settings: Settings) -> None:
    async with planning(settings) as planner:
        session = await planner.start_planning_session(project, GOAL)
        with pytest.raises(NotReadyError, match="follows from 'compatibility' answered with deprecate"):
            await planner.answer(session.id, "deprecated-until", "next-minor")
        with pytest.raises(NotReadyError, match="did you mean 'tests-first'"):
            await planner.answer(session.id, "test-first", "after")
        with pytest.raises(NotReadyError, match="no planning session 's9'"):
            await planner.answer("s9", "where", "none")


@awaited
async def test_an_answer_to_the_kind_changes_what_is_asked(project: Path, settings: Settings) -> None:
    async with planning(settings) as planner:
        session = await planner.start_planning_session(project, "Amounts with thousands separators")
        assert "kind" in {question.id for question in session.open_questions}
        session = await planner.answer(session.id, "kind", "fix")
        assert session.kind == "fix"
        assert "reproduce" in asked(session)
        given = await planner.start_planning_session(project, GOAL, kind="refactor")
        assert given.kind == "refactor"
        assert next(each for each in given.answers if each.question.id == "kind").by == "person"


@awaited
async def test_what_only_a_person_knows_has_to_be_answered(project: Path, settings: Settings) -> None:
    async with planning(settings) as planner:
        session = await planner.start_planning_session(project, "Fix the crash of the report")
        await planner.answer(session.id, "reproduce", "steps")
        session = await planner.accept_defaults(session.id)
        assert [question.id for question in session.open_questions] == ["reproduce-steps"]
        with pytest.raises(NotReadyError, match="before somebody answers: reproduce-steps"):
            await planner.draft(session.id)
        await planner.answer(session.id, "reproduce-steps", "render an empty report: it raises KeyError")
        assert (await planner.draft(session.id)).stage is Stage.DESIGNING


@awaited
async def test_defaults_bring_up_their_own_follow_ups(settings: Settings, tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    bare.mkdir()
    git(bare, "init", "--quiet")
    change(bare, {"report.py": "def render():\n    return 1\n"})
    async with planning(settings) as planner:
        session = await planner.start_planning_session(bare, GOAL)
        assert "test-framework" not in asked(session)
        session = await planner.accept_defaults(session.id)
        assert values(session)["test-framework"] == "pytest"
        assert session.open_questions == ()
        assert {answered.by for answered in session.answers} <= {"default", "goal", "repository"}


# -- questions of a model or host --------------------------------------------------------------------------------

FORMAT = {
    "id": "format",
    "text": "Symbol or code?",
    "kind": "choice",
    "options": [{"value": "symbol"}, {"value": "code", "label": "EUR"}],
    "default": "code",
    "because": "codes are plain ASCII",
    "changes": "what the prompt says of the output",
}


@awaited
async def test_a_host_adds_questions_and_words_better_what_the_bank_asks(project: Path, settings: Settings) -> None:
    async with planning(settings) as planner:
        session = await planner.start_planning_session(project, GOAL)
        old = next(question for question in session.questions if question.id == "tests-first")
        reworded = {
            "id": "tests-first",
            "text": "Tests for the currency: when?",
            "default": "first",
            "because": "you said so",
        }
        session = await planner.add_questions(session.id, [FORMAT, reworded], "host")
        by_id = {question.id: question for question in session.questions}
        assert by_id["format"].source == "host"
        new = by_id["tests-first"]
        assert (new.text, new.default, new.because) == ("Tests for the currency: when?", "first", "you said so")
        assert [option.value for option in new.options] == [option.value for option in old.options]
        await planner.answer(session.id, "format", "symbol")
        session = await planner.answer(session.id, "where", "src/tally/money.py")
        assert values(session)["format"] == "symbol"
        assert next(each for each in session.questions if each.id == "tests-first").text == new.text
        session = await planner.draft(session.id, PLAN)
        assert session.plan is not None
        assert "Symbol or code?" in [decision["question"] for decision in session.plan["decisions"]]


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ({**FORMAT, "id": "Format!"}, "'Format!' is no id"),
        ({**FORMAT, "text": ""}, "has no 'text'"),
        ({**FORMAT, "colour": "red"}, "unknown key 'colour'"),
        ({**FORMAT, "kind": "maybe"}, "use choice, choices, confirm, number, text"),
        ({**FORMAT, "options": ["one"]}, "at least two options"),
        ({**FORMAT, "options": [1, 2]}, "give a text, or 'value' and 'label'"),
        ({**FORMAT, "default": "yen"}, "use symbol, code"),
        ({**FORMAT, "changes": ""}, "does not say what of the plan it changes"),
        ({**FORMAT, "follows": "nothing"}, "follows 'nothing', which is not asked"),
        ({**FORMAT, "id": "schema-change"}, "does not ask it here: give yours another id"),
        ({**FORMAT, "text": "x" * 700}, "at most 600 characters"),
        ("Symbol or code?", "is no question"),
    ],
)
@awaited
async def test_a_question_that_will_not_do_is_refused_with_what_to_change(
    question: Any, said: str, project: Path, settings: Settings
) -> None:
    async with planning(settings) as planner:
        before = await planner.start_planning_session(project, GOAL)
        with pytest.raises(PlanError, match=said):
            await planner.add_questions(before.id, [{**FORMAT, "id": "fine"}, question], "model")
        assert await planner.get(before.id) == before


@awaited
async def test_a_host_cannot_add_questions_without_end(project: Path, settings: Settings) -> None:
    async with planning(settings) as planner:
        session = await planner.start_planning_session(project, GOAL)
        with pytest.raises(PlanError, match="keep the 10 that change the plan most"):
            await planner.add_questions(session.id, [{**FORMAT, "id": f"q{n}"} for n in range(11)], "host")


# -- drafts and reviews ------------------------------------------------------------------------------------------


@awaited
async def test_what_cannot_be_written_down_is_refused_at_once(project: Path, settings: Settings) -> None:
    halved = {"goal": GOAL, "phases": [{"id": "one", "tasks": [{"id": "a", "prompt": "caf\udce9"}]}]}
    async with planning(settings) as planner:
        session = await planner.start_planning_session(project, GOAL)
        for question, answer in (("done-when", "caf\udce9"), ("where", ["src", "caf\udce9"])):
            with pytest.raises(PlanError, match="no UTF-8"):
                await planner.answer(session.id, question, answer)
        with pytest.raises(PlanError, match="half a character"):
            await planner.draft(session.id, halved)


@awaited
async def test_a_handed_in_plan_is_answered_with_every_mistake(project: Path, settings: Settings) -> None:
    wrong = {
        "goal": GOAL,
        "phases": [
            {"id": "one", "tasks": [{"id": "a", "prompt": "x", "checks": ["pytets"]}, {"id": "b", "depends_on": ["c"]}]}
        ],
    }
    async with planning(settings) as planner:
        session = await planner.start_planning_session(project, GOAL)
        with pytest.raises(PlanError) as error:
            await planner.draft(session.id, wrong)
        said = str(error.value)
        assert said.startswith("the plan has 3 mistakes: (1) ")
        assert "did you mean 'pytest'?" in said
        assert "task 'b' depends on 'c', which is not there" in said
        assert "nothing says what the agent does" in said
        assert (await planner.get(session.id)).plan is None


@awaited
async def test_a_draft_comes_before_its_review_and_a_review_before_the_approval(
    project: Path, settings: Settings
) -> None:
    async with planning(settings) as planner:
        session = await planner.start_planning_session(project, GOAL)
        with pytest.raises(NotReadyError, match="no draft to review"):
            await planner.review(session.id)
        with pytest.raises(NotReadyError, match="has no plan yet"):
            await planner.approve_plan(session.id)
        await planner.draft(session.id, PLAN)
        with pytest.raises(NotReadyError, match="has not been reviewed"):
            await planner.approve_plan(session.id)
        await planner.review(session.id)
        await planner.draft(session.id, {**PLAN, "goal": "Another"})
        with pytest.raises(NotReadyError, match="has not been reviewed"):
            await planner.approve_plan(session.id)
        assert await PlanStore(planner._db).list() == []


@awaited
async def test_a_plan_with_errors_is_not_approved(project: Path, settings: Settings) -> None:
    tasks = [{"id": "build", "prompt": "Build it.", "files": ["src/tally/nowhere.py"]}]
    async with planning(settings) as planner:
        session = await planner.start_planning_session(project, GOAL)
        await planner.draft(session.id, {**PLAN, "phases": [{"id": "only", "tasks": tasks}]})
        session = await planner.review(session.id)
        assert session.review is not None
        errors = [finding for finding in session.review.findings if finding.severity == "error"]
        assert [(finding.rule, finding.task_id) for finding in errors] == [("missing-file", "build")]
        assert isinstance(errors[0], Finding)
        with pytest.raises(NotReadyError, match=r"the review of s1 has errors: build: .*nowhere.py"):
            await planner.approve_plan(session.id)


@awaited
async def test_where_the_repository_has_moved_the_map_is_made_anew(project: Path, settings: Settings) -> None:
    async with planning(settings) as planner:
        session = await planner.start_planning_session(project, GOAL)
        await planner.answer(session.id, "tests-first", "after")
        session = await reviewed_again(planner, session.id)
        change(project, {"src/tally/currency.py": "class Currency: ...\n"})
        session = await planner.research(session.id)
        assert session.base_commit == git(project, "rev-parse", "HEAD")
        assert session.survey is not None
        assert "src/tally/currency.py" in session.survey.paths
        assert (session.plan, session.review) == (None, None)
        assert values(session)["tests-first"] == "after"
        again = await reviewed_again(planner, session.id)
        assert (await planner.research(session.id)).plan == again.plan  # nothing has moved


async def reviewed_again(planner: Planner, session_id: str) -> Session:
    await planner.draft(session_id)
    return await planner.review(session_id)


@awaited
async def test_an_answer_in_the_middle_of_drafting_is_not_overwritten(
    project: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = designing.designed

    async with planning(settings) as planner, Database.open(settings.database) as elsewhere:
        session = await planner.start_planning_session(project, GOAL)

        async def slow(*arguments: Any) -> Any:
            await Planner(elsewhere, settings).answer(session.id, "tests-first", "after")
            return await original(*arguments)

        monkeypatch.setattr(designing, "designed", slow)
        with pytest.raises(NotReadyError, match="was changed from elsewhere meanwhile"):
            await planner.draft(session.id)
        now = await planner.get(session.id)
        assert now.plan is None
        assert values(now)["tests-first"] == "after"


# -- the end of a session ----------------------------------------------------------------------------------------


@awaited
async def test_approving_twice_gives_the_same_plan(project: Path, settings: Settings) -> None:
    async with planning(settings) as planner:
        session = await reviewed(planner, project)
        assert await planner.approve_plan(session.id) == await planner.approve_plan(session.id)
        assert len(await PlanStore(planner._db).list()) == 1
        for step in (planner.draft, planner.review, planner.abandon, planner.accept_defaults, planner.research):
            with pytest.raises(NotReadyError, match="is approved as plan p1"):
                await step(session.id)


@awaited
async def test_only_what_a_person_has_seen_is_approved(project: Path, settings: Settings) -> None:
    async with planning(settings) as planner:
        seen = await reviewed(planner, project)
        await planner.draft(seen.id, {**PLAN, "goal": "Something else"})
        await planner.review(seen.id)
        with pytest.raises(NotReadyError, match="was changed from elsewhere"):
            await planner.approve_plan(seen.id, seen.revision)
        assert await PlanStore(planner._db).list() == []
        await planner.approve_plan(seen.id, (await planner.get(seen.id)).revision)


@awaited
async def test_an_agent_cannot_approve(project: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    async def below(*_: Any) -> str:
        return "this process belongs to the attempt r1.t1.1"

    async with planning(settings) as planner:
        session = await reviewed(planner, project)
        monkeypatch.setattr(humans, "why_not", below)
        with pytest.raises(ForbiddenError, match="only a human can approve the plan of s1: this process belongs to"):
            await planner.approve_plan(session.id)
        assert await planner.get(session.id) == session
    refused = (await journal(settings))[-1]
    assert refused["kind"] == "planning.approval_refused"
    assert refused["data"]["session"] == "s1"


@awaited
async def test_an_abandoned_session_stays_to_be_looked_at(project: Path, settings: Settings) -> None:
    async with planning(settings) as planner:
        session = await reviewed(planner, project)
        ended = await planner.abandon(session.id)
        assert ended.stage is Stage.ABANDONED
        assert ended.plan == session.plan
        assert await planner.abandon(session.id) == ended
        for step in (planner.draft, planner.review, planner.approve_plan, planner.research):
            with pytest.raises(NotReadyError, match=r"was abandoned: .* start a new session"):
                await step(session.id)
        assert (await planner.start_planning_session(project, GOAL)).id == "s2"


@pytest.mark.parametrize(
    ("goal", "kind", "said"),
    [
        (" ", None, "the goal is empty"),
        ("x" * 4001, None, "4,001 characters"),
        ("caf\udce9", None, "no UTF-8"),
        (GOAL, "wish", "use feature, fix, refactor, migration, performance, documentation"),
    ],
)
@awaited
async def test_a_goal_that_says_nothing_is_refused(
    goal: str, kind: Any, said: str, project: Path, settings: Settings
) -> None:
    async with planning(settings) as planner:
        with pytest.raises(PlanError, match=said):
            await planner.start_planning_session(project, goal, kind=kind)
        assert await planner.sessions() == []


@awaited
async def test_where_the_projects_settings_cannot_be_read_no_session_is_left(project: Path, settings: Settings) -> None:
    (project / "pyproject.toml").write_text("[[[")
    async with planning(settings) as planner:
        with pytest.raises(ConfigError, match="cannot be read"):
            await planner.start_planning_session(project, GOAL)
        assert await planner.sessions() == []


@awaited
async def test_without_a_commit_there_is_nothing_to_plan_for(settings: Settings, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    git(empty, "init", "--quiet")
    async with planning(settings) as planner:
        with pytest.raises(RepositoryError, match="has no commits yet"):
            await planner.start_planning_session(empty, GOAL)


# -- real processes ----------------------------------------------------------------------------------------------


class Processes:
    """Processes that plan; those that are still there at the end are ended."""

    def __init__(self, project: Path) -> None:
        self._project = project
        self._running: list[subprocess.Popen[str]] = []

    def start(self, *steps: str, session: str = "", kill: int = 0) -> subprocess.Popen[str]:
        """One that has opened the database and waits to be told to go."""
        process = subprocess.Popen(
            [sys.executable, str(PROCESS), str(self._project), str(kill), session, *steps],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._running.append(process)
        return process

    def together(self, *processes: subprocess.Popen[str]) -> list[list[dict[str, Any]]]:
        """Let them go at once; what each has said."""
        for process in processes:
            assert process.stdout is not None
            process.stdout.readline()
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        said = [process.communicate(timeout=PATIENCE_S)[0] for process in processes]
        return [[json.loads(line) for line in text.splitlines() if line.startswith("{")] for text in said]

    def close(self) -> None:
        for process in self._running:
            if process.poll() is None:
                process.kill()
            process.communicate(timeout=PATIENCE_S)


@pytest.fixture
def processes(project: Path) -> Iterator[Processes]:
    made = Processes(project)
    yield made
    made.close()


def test_processes_that_start_at_once_never_share_an_id(processes: Processes, settings: Settings) -> None:
    said = processes.together(*[processes.start("start", "start", "start") for _ in range(3)])
    ids = [line["session"] for lines in said for line in lines if "session" in line]
    assert sorted(ids) == sorted(f"s{number}" for number in range(1, 10))
    assert {row["id"] for row in asyncio.run(rows(settings, "planning_session"))} == set(ids)


def test_processes_that_answer_at_once_lose_no_answer(processes: Processes, project: Path, settings: Settings) -> None:
    async def start() -> str:
        async with planning(settings) as planner:
            return (await planner.start_planning_session(project, GOAL)).id

    async def get() -> Session:
        async with planning(settings) as planner:
            return await planner.get("s1")

    session = asyncio.run(start())
    one = processes.start("answer:tests-first=after", "answer:difficulty=hard", "answer:docs=no", session=session)
    two = processes.start("answer:compatibility=deprecate", "answer:budget=5", session=session)
    said = processes.together(one, two)
    assert not [line for lines in said for line in lines if "error" in line]
    expected = {
        "tests-first": "after",
        "difficulty": "hard",
        "docs": False,
        "compatibility": "deprecate",
        "budget": 5.0,
    }
    after = asyncio.run(get())
    assert values(after).items() >= expected.items()
    assert "deprecated-until" in asked(after)


def test_processes_that_approve_at_once_make_one_plan(processes: Processes, project: Path, settings: Settings) -> None:
    async def ready() -> str:
        async with planning(settings) as planner:
            return (await reviewed(planner, project)).id

    session = asyncio.run(ready())
    said = processes.together(*[processes.start("approve", session=session) for _ in range(2)])
    assert [line["plan"] for lines in said for line in lines if "plan" in line] == ["p1", "p1"]
    assert len(asyncio.run(rows(settings, "plan_version"))) == 1


STEPS = (
    "start", "answer:compatibility=deprecate", "answer:deprecated-until=next-minor", "defaults", "research", "draft",
    "review", "approve",
)  # fmt: skip


@pytest.mark.timeout(300)
def test_a_session_survives_the_death_of_its_process_at_any_point(processes: Processes, settings: Settings) -> None:
    """Whatever has been said to be done is done, and another process goes on from there to one approved plan."""
    [whole] = processes.together(processes.start(*STEPS))
    total = whole[-1]["statements"]
    assert not [line for line in whole if "error" in line]
    for point in range(1, total, max(1, total // 7)):
        process = processes.start(*STEPS, kill=point)
        [said] = processes.together(process)
        assert process.returncode == -signal.SIGKILL
        asyncio.run(goes_on(settings, [line for line in said if "step" in line]))
    plans = asyncio.run(rows(settings, "plan_version"))
    sessions = asyncio.run(rows(settings, "planning_session"))
    assert {row["stage"] for row in sessions} == {"approved"}
    assert len(plans) == len(sessions) == len({row["plan_id"] for row in sessions})


async def goes_on(settings: Settings, done: list[dict[str, Any]]) -> None:
    """Bring a session whose process has died to its end, and look at all of it."""
    async with planning(settings) as planner:
        session = (await planner.sessions())[0]
        if done:
            assert session.id == done[0]["session"]
        elif session.stage is Stage.APPROVED:
            return  # it died before there was a session
        steps = [line["step"] for line in done]
        session = await planner.get(session.id)
        if "answer:deprecated-until=next-minor" in steps:
            assert values(session)["deprecated-until"] == "next-minor"
        if "draft" in steps:
            assert session.plan is not None
        if session.stage is not Stage.APPROVED:
            if session.review is None:
                await planner.draft(session.id)
                await planner.review(session.id)
            await planner.approve_plan(session.id)
        session = await planner.get(session.id)
        assert session.stage is Stage.APPROVED
        assert session.plan_id is not None
        assert (await PlanStore(planner._db).load(session.plan_id)).goal == GOAL
        told = await events.after(planner._db, 0)
    kinds = [event["kind"] for event in told if event["data"].get("session") == session.id]
    assert kinds[0] == "planning.started"
    assert kinds[-1] == "planning.approved"
    assert kinds.count("planning.approved") == 1


def test_a_session_without_its_starter_is_found_in_the_list(processes: Processes, settings: Settings) -> None:
    processes.together(processes.start("start"))

    async def found() -> list[Session]:
        async with planning(settings) as planner:
            return await planner.sessions()

    [session] = asyncio.run(found())
    assert session.open_questions
    assert Path(session.project).is_dir()

"""The planner: from a goal to an approved plan, in steps that are stored and can be gone on with from any process.

``GATHERING_REQUIREMENTS → RESEARCHING → DESIGNING → REVIEWING → APPROVED``: answers, then what else is known, a draft,
its review, a human's approval. Until that one can go back: a new answer drops the draft that rested on the old one.
"""

from __future__ import annotations

import asyncio
import getpass
import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, cast

from claude_orchestrator.config import Settings, within
from claude_orchestrator.errors import ForbiddenError, NotReadyError, PlanError
from claude_orchestrator.orchestrator import humans
from claude_orchestrator.orchestrator.planning import adding, asking, goals, steps, stored
from claude_orchestrator.orchestrator.planning.models import (
    Answered,
    GoalKind,
    Question,
    Research,
    Session,
    Stage,
    Survey,
)
from claude_orchestrator.orchestrator.planning.situation import Situation
from claude_orchestrator.plans.paths import is_unicode
from claude_orchestrator.state import planning, spending
from claude_orchestrator.state.database import Database
from claude_orchestrator.workspace.git import Repository

if TYPE_CHECKING:
    from claude_orchestrator.plans.models import Plan

__all__ = ["Planner"]

By = Literal["host", "model", "map", "person"]

KINDS: Final[tuple[GoalKind, ...]] = ("feature", "fix", "refactor", "migration", "performance", "documentation")

LONGEST_GOAL: Final = 4_000
"""Characters of a goal."""

LONGEST_CONTEXT: Final = 100_000
"""Characters of what is told besides."""


class Planner:
    """The planning sessions of one home. ``channel`` is written down with an approval that was refused.

    Every method takes a session as it is stored, does one step and stores it with its event ``planning.*``, all or
    nothing. Errors: NotReadyError for an unknown session, a step out of order, or one that another process has
    overtaken; PlanError for an answer or a plan that will not do.
    """

    def __init__(self, db: Database, settings: Settings, channel: str = "python", by: str = "") -> None:
        self._db = db
        self._settings = settings
        self._channel = channel
        self._by = by

    # -- looking -----------------------------------------------------------------------------------

    async def get(self, session_id: str) -> Session:
        """A session as it is stored. Raises NotReadyError when there is none of that id."""
        return stored.session_of(*await planning.loaded(self._db, session_id))

    async def sessions(self, project: Path | str | None = None) -> list[Session]:
        """The sessions of a project, or of all, the newest first; without their survey, research, plan and review."""
        root = None if project is None else str((await Repository.open(Path(project))).root)
        return [stored.session_of(row, questions) for row, questions in await planning.listed(self._db, root)]

    # -- gathering requirements --------------------------------------------------------------------

    async def start_planning_session(
        self, project: Path | str, goal: str, context: str | None = None, kind: GoalKind | None = None
    ) -> Session:
        """Look at the repository as it is at HEAD and say what has to be asked.

        ``context`` is whatever else is known (an issue's text, wishes); ``kind`` is asked for when it is not given
        and the goal's words leave it open. Raises RepositoryError where there is no repository or no commit.
        """
        goal, context = goal.strip(), (context or "").strip()
        _check_words(goal, context, kind)
        repository = await Repository.open(Path(project))
        settings = within(self._settings, repository.root)  # where they cannot be read, nothing is begun
        commit = await repository.resolve("HEAD")
        survey = await _surveyed(repository, commit)
        situation = Situation(goal, context, kind or goals.guessed(goal).kind, survey)
        root = str(repository.root)
        now = time.time()
        async with self._db.transaction() as tx:
            situation = replace(situation, earlier=await steps.earlier(tx, root))
            given = {"kind": _of_person(kind)} if kind else {}
            questions, answers = asking.settled(situation, (), given)
            session_id = await planning.create(
                tx,
                project=root,
                goal=goal,
                context=context,
                kind=situation.kind,
                stage=Stage.GATHERING_REQUIREMENTS,
                base_commit=commit,
                survey=stored.encoded(survey),
                notes="[]",
                now=now,
            )
            await steps.store_questions(tx, session_id, questions, answers)
        return await self._helped(await self.get(session_id), settings)

    async def _helped(self, session: Session, settings: Settings) -> Session:
        """The session with what a model would ask besides, or in other words, where one is configured."""
        from claude_orchestrator.orchestrator.planning import modelling

        if not modelling.is_named(settings):
            return session
        suggested = await modelling.questions_by_model(self._db, session, settings)
        async with self._db.transaction() as tx:
            now = await steps.open_session(tx, session.id, "add questions to it")
            together = adding.added(now.questions, steps.still_new(suggested.questions, now), "model")
            given = {one.question.id: one for one in now.answers}
            questions, given = asking.settled(await steps.situation_of(tx, now), together, given)
            await planning.change(
                tx,
                session.id,
                now.revision,
                now=time.time(),
                notes=stored.encoded((*now.notes, suggested.why) if suggested.why else now.notes),
                spent_micro_usd=(await spending.counted(tx, session.id))[1],
            )
            await steps.store_questions(tx, session.id, questions, given)
            data = {"questions": [each.id for each in suggested.questions], "source": "model", "why": suggested.why}
            await planning.note(tx, session.id, "planning.asked", data)
        return await self.get(session.id)

    async def answer(
        self, session_id: str, question_id: str, answer: Any, by: Literal["person", "host", "default"] = "person"
    ) -> Session:
        """Answer a question, or answer it otherwise than before.

        Raises PlanError, which names the values that would do, for an answer that will not; NotReadyError for a
        question that the session does not ask.
        """
        return await self.answer_all(session_id, {question_id: answer}, by)

    async def answer_all(
        self, session_id: str, answers: Mapping[str, Any], by: Literal["person", "host", "default"] = "person"
    ) -> Session:
        """Answer several questions, also such as the others bring up: all, or none when one will not do."""
        async with self._db.transaction() as tx:
            session = await steps.open_session(tx, session_id, "answer its questions")
            situation = await steps.situation_of(tx, session)
            questions, given = session.questions, {one.question.id: one for one in session.answers}
            left = dict(answers)
            while left:
                asked = {question.id: question for question in questions}
                now = [name for name in asked if name in left]
                if not now:
                    raise steps.not_asked(session.id, next(iter(left)), questions)
                question = asked[now[0]]
                given[question.id] = Answered(question, asking.checked(question, left.pop(question.id)), by)
                questions, given = asking.settled(situation, questions, given)
            changed = {one.question.id: one.value for one in session.answers} != {
                name: one.value for name, one in given.items()
            }
            if changed or any(one.by != given[one.question.id].by for one in session.answers):
                data = {"answers": {name: given[name].value for name in answers if name in given}, "by": by}
                await steps.store_answers(
                    tx, session, questions, given, changed=changed, event="planning.answered", data=data
                )
        return await self.get(session_id)

    async def accept_defaults(self, session_id: str) -> Session:
        """Let every open question that has a default be answered by it; those without one stay open."""
        async with self._db.transaction() as tx:
            session = await steps.open_session(tx, session_id, "answer its questions")
            questions, given = steps.by_default(await steps.situation_of(tx, session), session)
            new = [name for name in given if name not in {one.question.id for one in session.answers}]
            if new:
                data = {"answers": {name: given[name].value for name in new}, "by": "default"}
                await steps.store_answers(
                    tx, session, questions, given, changed=True, event="planning.answered", data=data
                )
        return await self.get(session_id)

    async def add_questions(
        self, session_id: str, questions: Iterable[Question | Mapping[str, Any]], source: Literal["model", "host"]
    ) -> Session:
        """Add questions, or word those of the bank better (by the same id; their values stay as they are).

        Raises PlanError, which says what to change, when one of them will not do; then none is added.
        """
        new = list(questions)
        async with self._db.transaction() as tx:
            session = await steps.open_session(tx, session_id, "add questions to it")
            together = adding.added(session.questions, new, source)
            given = {one.question.id: one for one in session.answers}
            asked, given = asking.settled(await steps.situation_of(tx, session), together, given)
            data = {"questions": [each.id for each in asked if each.source == source], "source": source}
            await steps.store_answers(tx, session, asked, given, changed=bool(new), event="planning.asked", data=data)
        return await self.get(session_id)

    # -- researching -------------------------------------------------------------------------------

    async def research(self, session_id: str) -> Session:
        """Look at the repository as it is now, and find what else is known: decisions, skills, documents that match.

        Where HEAD has moved since, the map and the questions are made anew, and a draft is dropped.
        """
        session = steps.still_open(await self.get(session_id), "research for it")
        commit, survey, found = await self._researched(session)
        moved = commit != session.base_commit or session.survey is None
        async with self._db.transaction() as tx:
            columns: dict[str, Any] = {"research": stored.encoded(found)}
            if moved:
                session = replace(session, survey=survey, base_commit=commit)
                columns |= {"survey": stored.encoded(survey), "base_commit": commit, **steps.NO_DRAFT}
            if moved or session.plan is None:
                columns["stage"] = Stage.RESEARCHING
            await planning.change(tx, session_id, session.revision, now=time.time(), **columns)
            if moved:
                given = {one.question.id: one for one in session.answers}
                await steps.store_questions(
                    tx, session_id, *asking.settled(await steps.situation_of(tx, session), session.questions, given)
                )
            await planning.note(tx, session_id, "planning.researched", {"base": commit, **_counts(found)})
        return await self.get(session_id)

    async def looked_up(self, session_id: str) -> Session:
        """The session with what :meth:`research` would find now, where it has not yet; nothing is stored."""
        session = await self.get(session_id)
        if session.research is not None or session.stage in (Stage.APPROVED, Stage.ABANDONED):
            return session
        commit, survey, found = await self._researched(session)
        return replace(session, base_commit=commit, survey=survey, research=found)

    async def _researched(self, session: Session) -> tuple[str, Survey, Research]:
        """The commit at HEAD, its map, and what else is known."""
        from claude_orchestrator.orchestrator.planning.researching import researched

        repository = await Repository.open(Path(session.project))
        commit = await repository.resolve("HEAD")
        moved = commit != session.base_commit or session.survey is None
        survey = await _surveyed(repository, commit) if moved else cast(Survey, session.survey)
        return commit, survey, await researched(self._db, repository, session, survey)

    # -- designing ---------------------------------------------------------------------------------

    async def draft(
        self, session_id: str, plan: Mapping[str, Any] | Plan | None = None, by: By | None = None
    ) -> Session:
        """Make the draft of the plan; an earlier one is replaced.

        A given ``plan`` is taken over (``by``: ``host`` unless said otherwise); else a model writes it where one is
        configured, and what answers and map give where none is, or it fails. Open questions are answered by their
        defaults. Raises NotReadyError that names those without one, PlanError with every mistake of the given plan.
        """
        from claude_orchestrator.orchestrator.planning.designing import designed, with_decisions

        session = steps.still_open(await self.get(session_id), "draft its plan")
        if session.research is None:
            session = await self.research(session_id)
        questions, given = steps.by_default(await steps.situation_of(self._db, session), session)
        steps.all_answered(session, questions, given)
        session = replace(
            session, questions=questions, answers=tuple(given.values()), kind=steps.kind_of(session, given)
        )
        settings = within(self._settings, Path(session.project))
        design = await designed(self._db, session, settings, plan, by)
        document = with_decisions(design.plan, session.answers)
        async with self._db.transaction() as tx:
            await planning.change(
                tx,
                session_id,
                session.revision,
                now=time.time(),
                kind=session.kind,
                stage=Stage.DESIGNING,
                plan=stored.encoded(document),
                drafted_by=design.by,
                review=None,
                notes=stored.encoded(design.notes),
                spent_micro_usd=(await spending.counted(tx, session_id))[1],
            )
            await steps.store_questions(tx, session_id, questions, given)
            tasks = sum(len(phase["tasks"]) for phase in document["phases"])
            await planning.note(tx, session_id, "planning.drafted", {"by": design.by, "tasks": tasks})
        return await self.get(session_id)

    # -- reviewing ---------------------------------------------------------------------------------

    async def review(self, session_id: str) -> Session:
        """Let the draft be reviewed mechanically; its findings say what should change before it is approved."""
        from claude_orchestrator.orchestrator.planning import reviewing
        from claude_orchestrator.plans.models import Plan

        session = steps.still_open(await self.get(session_id), "review its plan")
        if session.plan is None or session.survey is None:
            raise NotReadyError(f"{session_id} has no draft to review: draft its plan first")
        plan = Plan.model_validate(session.plan)
        settings = within(self._settings, Path(session.project))
        history = await reviewing.history(self._db)
        repository = await Repository.open(Path(session.project))
        found = await asyncio.to_thread(
            reviewing.review,
            plan,
            session.survey,
            settings=settings,
            history=history,
            sizes_of=await repository.sizes(session.base_commit),
        )
        async with self._db.transaction() as tx:
            await planning.change(
                tx,
                session_id,
                session.revision,
                now=time.time(),
                stage=Stage.REVIEWING,
                review=stored.encoded(found),
            )
            data = {"findings": [finding.rule for finding in found.findings], "approvable": found.approvable}
            await planning.note(tx, session_id, "planning.reviewed", data)
        return await self.get(session_id)

    async def approve_plan(self, session_id: str, revision: int | None = None) -> str:
        """Store the draft as a plan, approve that version for good, stamp what it rests on; return the plan's id.

        ``revision`` is that of the session as a person saw it: what they did not see is not approved. A second call
        returns the same id. Raises ForbiddenError when an agent asks, NotReadyError while there is no review of this
        draft, it has errors, or the session has changed since that revision.
        """
        from claude_orchestrator.orchestrator.planning import ground
        from claude_orchestrator.plans import store
        from claude_orchestrator.plans.models import Plan

        await self._only_humans(session_id)
        session = await self.get(session_id)
        if session.stage is Stage.APPROVED and session.plan_id is not None:
            return session.plan_id
        plan = Plan.model_validate(steps.reviewed(steps.still_open(session, "approve its plan")).plan)
        repository = await Repository.open(Path(session.project))
        rests_on = await ground.ground_of(repository, session.base_commit, plan, session.survey)
        async with self._db.transaction() as tx:
            now_stored = stored.session_of(*await planning.loaded(tx, session_id))
            if now_stored.stage is Stage.APPROVED and now_stored.plan_id is not None:
                return now_stored.plan_id
            saved = await store.save(tx, plan)
            if saved.id is None or saved.version is None:
                raise PlanError(f"the plan of {session_id} was not stored: try again")
            await store.approve(tx, saved.id, saved.version)
            await ground.stamp(tx, saved.id, saved.version, rests_on)
            await planning.change(
                tx,
                session_id,
                session.revision if revision is None else revision,
                now=time.time(),
                stage=Stage.APPROVED,
                plan_id=saved.id,
                plan_version=saved.version,
            )
            data = {
                "plan": saved.id,
                "version": saved.version,
                "by": self._by or getpass.getuser(),
                "channel": self._channel,
            }
            await planning.note(tx, session_id, "planning.approved", data)
        return saved.id

    async def abandon(self, session_id: str) -> Session:
        """End a session without a plan; it stays to be looked at. Abandoning it again changes nothing."""
        async with self._db.transaction() as tx:
            session = stored.session_of(*await planning.loaded(tx, session_id))
            if session.stage is not Stage.ABANDONED:
                steps.still_open(session, "abandon it")
                await planning.change(tx, session_id, session.revision, now=time.time(), stage=Stage.ABANDONED)
                await planning.note(tx, session_id, "planning.abandoned", {"stage": session.stage.value})
        return await self.get(session_id)

    async def _only_humans(self, session_id: str) -> None:
        because = await humans.why_not(self._db, self._settings)
        if not because:
            return
        async with self._db.transaction() as tx:
            data = {"process": os.getpid(), "channel": self._channel, "reason": because}
            await planning.note(tx, session_id, "planning.approval_refused", data)
        raise ForbiddenError(f"only a human can approve the plan of {session_id}: {because}")


def _check_words(goal: str, context: str, kind: str | None) -> None:
    if not goal:
        raise PlanError("the goal is empty: say in a sentence what should be true at the end")
    if len(goal) > LONGEST_GOAL:
        raise PlanError(f"the goal has {len(goal):,} characters: say it in {LONGEST_GOAL:,}, the rest is context")
    if len(context) > LONGEST_CONTEXT:
        raise PlanError(f"the context has {len(context):,} characters: at most {LONGEST_CONTEXT:,} are kept")
    if not is_unicode(goal + context):
        raise PlanError("the goal or the context has bytes in it that are no UTF-8: write them otherwise")
    if kind is not None and kind not in KINDS:
        raise PlanError(f"there is no kind of goal '{kind}': use {', '.join(KINDS)}, or leave it out")


async def _surveyed(repository: Repository, commit: str) -> Survey:
    from claude_orchestrator.orchestrator.planning.survey import survey

    return await survey(repository, commit)


def _of_person(kind: GoalKind) -> Answered:
    """The kind that was given with the goal, as an answer; which question it answers is found out by asking."""
    return Answered(Question("kind", ""), kind, "person")


def _counts(found: Research) -> dict[str, int]:
    return {
        "decisions": len(found.decisions),
        "skills": len(found.skills),
        "documents": len(found.documents),
    }

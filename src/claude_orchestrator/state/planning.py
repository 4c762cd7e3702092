"""Planning sessions: from a goal to an approved plan, every step in one transaction with its event.

What a step leaves behind are texts (JSON, made and read by ``orchestrator.planning.stored``); here nobody looks inside.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from claude_orchestrator.errors import NotReadyError
from claude_orchestrator.state import events
from claude_orchestrator.state.database import Database, Row, Transaction, Values

_COLUMNS: Final = frozenset(
    {
        "kind",
        "stage",
        "base_commit",
        "survey",
        "research",
        "plan",
        "drafted_by",
        "review",
        "notes",
        "plan_id",
        "plan_version",
        "spent_micro_usd",
    }
)
"""What a step may change of a session."""

_SHORT: Final = (
    "id, number, project, goal, context, kind, stage, base_commit, drafted_by, notes, plan_id, plan_version,"
    " spent_micro_usd, revision, created_at, updated_at"
)


_OF_SESSION: Final = "SELECT * FROM planning_question WHERE session_id = :id ORDER BY position"


class Reader(Protocol):
    """What reading needs: a database, or a transaction that is open."""

    async def fetch_one(self, sql: str, values: Values | None = None) -> Row | None:
        """The first row of a query, or None."""

    async def fetch_all(self, sql: str, values: Values | None = None) -> list[Row]:
        """All rows of a query."""


@dataclass(frozen=True)
class QuestionRow:
    """A question as it is stored: ``question`` and ``answer`` are JSON; no answer, nobody who answered."""

    id: str
    question: str
    answer: str | None = None
    answered_by: str | None = None
    answered_at: float | None = None


async def create(
    tx: Transaction,
    *,
    project: str,
    goal: str,
    context: str,
    kind: str,
    stage: str,
    base_commit: str,
    survey: str,
    notes: str,
    now: float,
) -> str:
    """Make a session and return its id, which no other session of this home has, had or will have."""
    row = await tx.fetch_one("SELECT coalesce(max(number), 0) + 1 AS number FROM planning_session")
    assert row is not None
    session_id = f"s{row['number']}"
    await tx.execute(
        "INSERT INTO planning_session"
        " (id, number, project, goal, context, kind, stage, base_commit, survey, notes, created_at, updated_at)"
        " VALUES (:id, :number, :project, :goal, :context, :kind, :stage, :base, :survey, :notes, :now, :now)",
        {
            "id": session_id,
            "number": row["number"],
            "project": project,
            "goal": goal,
            "context": context,
            "kind": kind,
            "stage": stage,
            "base": base_commit,
            "survey": survey,
            "notes": notes,
            "now": now,
        },
    )
    await note(tx, session_id, "planning.started", {"project": project, "kind": kind, "base": base_commit})
    return session_id


async def change(tx: Transaction, session_id: str, revision: int, *, now: float, **columns: Any) -> int:
    """Set columns of the session if it still has that revision; return its next one.

    Raises NotReadyError when somebody else has changed the session since it was read.
    """
    assert columns.keys() <= _COLUMNS
    setting = "".join(f", {name} = :{name}" for name in columns)
    changed = await tx.execute(
        "UPDATE planning_session SET revision = revision + 1, updated_at = :now"  # noqa: S608  (names from the set above)
        f"{setting} WHERE id = :id AND revision = :revision",  # nosec B608
        {**columns, "now": now, "id": session_id, "revision": revision},
    )
    if not changed:
        raise NotReadyError(
            f"the planning session {session_id} was changed from elsewhere meanwhile: nothing was stored, look at it "
            "and try again"
        )
    return revision + 1


async def set_questions(tx: Transaction, session_id: str, questions: Iterable[QuestionRow]) -> None:
    """Make these, in this order, the session's questions, with the answers that they have; no others stay.

    An answer that was there before, of the same one, keeps its time.
    """
    before = {row["id"]: _question(row) for row in await tx.fetch_all(_OF_SESSION, {"id": session_id})}
    await tx.execute("DELETE FROM planning_question WHERE session_id = :session", {"session": session_id})
    await tx.execute_many(
        "INSERT INTO planning_question (session_id, id, position, question, answer, answered_by, answered_at)"
        " VALUES (:session, :id, :position, :question, :answer, :by, :at)",
        [
            {
                "session": session_id,
                "id": row.id,
                "position": position,
                "question": row.question,
                "answer": row.answer,
                "by": row.answered_by,
                "at": _since(row, before.get(row.id)),
            }
            for position, row in enumerate(questions)
        ],
    )


def _since(row: QuestionRow, before: QuestionRow | None) -> float | None:
    same = before is not None and (before.answer, before.answered_by) == (row.answer, row.answered_by)
    return before.answered_at if before is not None and same else row.answered_at


async def note(tx: Transaction, session_id: str, kind: str, data: Mapping[str, Any]) -> None:
    """Write the event of a step into the journal."""
    await events.append(tx, kind=kind, data={"session": session_id, **data})


async def loaded(reader: Reader, session_id: str) -> tuple[Row, list[QuestionRow]]:
    """A session's row and its questions in their order. Raises NotReadyError when there is no such session."""
    row = await reader.fetch_one("SELECT * FROM planning_session WHERE id = :id", {"id": session_id})
    if row is None:
        raise NotReadyError(
            f"there is no planning session '{session_id}': 'claude-orchestrator plan sessions' lists them"
        )
    questions = await reader.fetch_all(_OF_SESSION, {"id": session_id})
    return row, [_question(each) for each in questions]


async def listed(db: Database, project: str | None = None) -> list[tuple[Row, list[QuestionRow]]]:
    """The sessions of a project, or of all, the newest first; without survey, research, plan and review."""
    rows = await db.fetch_all(
        f"SELECT {_SHORT} FROM planning_session"  # noqa: S608  # nosec B608  (a list of columns)
        " WHERE :project IS NULL OR project = :project ORDER BY number DESC",
        {"project": project},
    )
    questions: dict[str, list[QuestionRow]] = {row["id"]: [] for row in rows}
    for each in await db.fetch_all(
        "SELECT question.* FROM planning_question AS question"
        " JOIN planning_session AS session ON session.id = question.session_id"
        " WHERE :project IS NULL OR session.project = :project ORDER BY question.session_id, question.position",
        {"project": project},
    ):
        if each["session_id"] in questions:  # not: made between the two looks
            questions[each["session_id"]].append(_question(each))
    return [(row, questions[row["id"]]) for row in rows]


async def earlier_answers(reader: Reader, project: str) -> dict[str, tuple[str, str]]:
    """What people have answered in sessions of the project whose plan was approved: id → (JSON, id of the plan).

    The newest answer counts.
    """
    rows = await reader.fetch_all(
        "SELECT question.id AS id, question.answer AS answer, session.plan_id AS plan_id"
        " FROM planning_question AS question JOIN planning_session AS session ON session.id = question.session_id"
        " WHERE session.project = :project AND session.plan_id IS NOT NULL AND question.answered_by = 'person'"
        " ORDER BY session.number",
        {"project": project},
    )
    return {row["id"]: (row["answer"], row["plan_id"]) for row in rows}


async def plans_of(reader: Reader, project: str, *, limit: int) -> list[tuple[str, str]]:
    """The newest approved versions of plans that were made for, or run on, a repository: ``(id, document)``."""
    rows = await reader.fetch_all(
        "SELECT newest.plan_id AS id, newest.document AS document FROM plan JOIN plan_version AS newest"
        " ON newest.plan_id = plan.id"
        " WHERE newest.version = (SELECT max(version) FROM plan_version"
        "   WHERE plan_id = plan.id AND approved_at IS NOT NULL)"
        " AND (plan.id IN (SELECT plan_id FROM run WHERE repository = :project)"
        "   OR plan.id IN (SELECT plan_id FROM planning_session WHERE project = :project AND plan_id IS NOT NULL))"
        " ORDER BY plan.number DESC LIMIT :limit",
        {"project": project, "limit": limit},
    )
    return [(row["id"], row["document"]) for row in rows]


def _question(row: Row) -> QuestionRow:
    return QuestionRow(row["id"], row["question"], row["answer"], row["answered_by"], row["answered_at"])

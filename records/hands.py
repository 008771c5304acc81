"""Who of the Office has a task, and each change of hands, for good."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Identity,
    Index,
    func,
    select,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from records.clock import database_now, now_for
from records.models import Base, DossierRow, TaskRow
from records.timeline import Line, append


class Hand(StrEnum):
    """What was done with who has a task."""

    TAKEN = "taken"
    GIVEN_BACK = "given_back"
    GIVEN = "given"
    DECIDED = "decided"  # by another than the one who has it


class HandRow(Base):
    """One change of hands, or a decision by another; rows are only added.

    *by*, *before* and *after* are accounts of the Office; the last two say who had the
    task and who has it. *key* is that of a decision: asked twice, it is one row.
    """

    __tablename__ = "task_hands"

    hand_id: Mapped[int] = mapped_column(
        BigInteger, Identity(always=True), primary_key=True
    )
    key: Mapped[str | None] = mapped_column(unique=True)
    task_id: Mapped[str]
    dossier: Mapped[str | None]
    what: Mapped[str]
    by: Mapped[str]
    before: Mapped[str | None]
    after: Mapped[str | None]
    at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        CheckConstraint(
            "what IN ('taken', 'given_back', 'given', 'decided')", name="what"
        ),
        Index("ix_task_hands_task_id", "task_id", "hand_id"),
        Index("ix_task_hands_dossier", "dossier", "hand_id"),
    )


@dataclass(frozen=True, slots=True)
class Change:
    """A change of hands that is asked for; *seen* had the task on the page, if anybody.

    *to* is who has it from now on; None for nobody.
    """

    task_id: str
    by: str
    seen: str | None
    to: str | None

    @property
    def what(self) -> Hand:
        """Name it."""
        if self.to is None:
            return Hand.GIVEN_BACK
        return Hand.TAKEN if self.to == self.by else Hand.GIVEN


class ChangedBefore(Exception):  # noqa: N818 - it is what happened, not a fault
    """Since the page was shown, somebody else (or nobody) has the task."""

    def __init__(self, holder: str | None) -> None:
        super().__init__(holder)
        self.holder = holder


class IsSettled(Exception):  # noqa: N818 - it is what happened, not a fault
    """Nobody has to do it any more."""


async def change_hands(session: AsyncSession, change: Change) -> None:
    """Put a task in other hands, once, and note it in the same transaction.

    Of a task of a dossier it is a line of the dossier's history as well.
    Of two who change it at once the first wins: the second saw something that is no
    longer true. Raises ChangedBefore for that one, IsSettled for a closed task,
    LookupError for an unknown one.
    """
    task = await _locked(session, change.task_id)
    if task is None:
        raise LookupError(change.task_id)
    if task.closed_at is not None:
        raise IsSettled
    if task.holder == change.to:
        return  # as wished already: a form sent twice
    if task.holder != change.seen:
        raise ChangedBefore(task.holder)
    before, task.holder = task.holder, change.to
    await _note(session, task, change.what, change.by, before)


async def note_decided(
    session: AsyncSession, task_id: str, *, by: str, key: str
) -> None:
    """Note that *by* decided what another officer has; one's own makes no line."""
    task = await _locked(session, task_id)
    if task is None or task.holder in {None, by}:
        return
    await _note(session, task, Hand.DECIDED, by, task.holder, f"{task_id}:{key}")


async def _locked(session: AsyncSession, task_id: str) -> TaskRow | None:
    """Lock a task behind its dossier, as a story that keeps a record does."""
    task = await session.get(TaskRow, task_id)
    if task is None:
        return None
    if task.dossier is not None:
        await session.get(DossierRow, task.dossier, with_for_update=True)
    await session.flush()  # what the caller changed must not be read over
    await session.refresh(task, with_for_update=True)
    return task


async def _note(
    session: AsyncSession,
    task: TaskRow,
    what: Hand,
    by: str,
    before: str | None,
    key: str | None = None,
) -> None:
    row = insert(HandRow).values(
        key=key,
        task_id=task.task_id,
        dossier=task.dossier,
        what=what,
        by=by,
        before=before,
        after=task.holder,
    )
    added = await session.scalar(
        row.on_conflict_do_nothing(index_elements=[HandRow.key]).returning(
            HandRow.hand_id
        )
    )
    if added is not None and task.dossier is not None:
        await _add_to_history(session, task, task.dossier, what, by, before)


async def _add_to_history(
    session: AsyncSession,
    task: TaskRow,
    number: str,
    what: Hand,
    by: str,
    before: str | None,
) -> None:
    """Add the line that the hash of the next one covers; nobody can take it out."""
    at = await now_for(session, number, real_now=await database_now(session))
    told = {
        "task": task.task_id,
        "reason": task.reason,
        "before": before,
        "after": task.holder,
    }
    detail = {name: value for name, value in told.items() if value is not None}
    await append(session, number, [Line(f"task_{what}", at, by, detail)])


async def hands_of_task(session: AsyncSession, task_id: str) -> Sequence[HandRow]:
    """Who had this task, oldest first?"""
    query = select(HandRow).where(HandRow.task_id == task_id).order_by(HandRow.hand_id)
    return (await session.scalars(query)).all()


async def hands_in_dossier(
    session: AsyncSession, number: str, *, limit: int
) -> Sequence[HandRow]:
    """Who had the tasks of this dossier, newest first?"""
    query = (
        select(HandRow)
        .where(HandRow.dossier == number)
        .order_by(HandRow.hand_id.desc())
        .limit(limit)
    )
    return (await session.scalars(query)).all()

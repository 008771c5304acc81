"""The effects on a dossier: its story rebuilt, its records kept, its facts told."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import chain

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity
from temporalio.client import Client
from temporalio.exceptions import ApplicationError

from activities.ahead import ANY_CLOCK, see_it_is_time
from activities.crashpoints import crashpoint
from activities.keeping import keep
from intake.delivery import deliver
from records.clock import database_now, now_for
from records.database import Sessions
from records.dossiers import restored
from records.fees import policy_in_force
from records.models import DossierRow, FactRow, Letter, TaskRow
from rules.civil_time import civil_date, delay
from rules.dossier import Kind, Phase
from rules.policy import Policy, load_policy
from rules.standing import phase_at
from workflows.messages import (
    FactsSetAside,
    LetterOrder,
    PolicyQuestion,
    Record,
    Story,
)

ON_THEIR_WAY = ("queued", "sending", "deferred", "unknown")
"""States of letters that may still have to be sent."""

SEEN_KEPT = 500
"""Fact ids a rebuilt story starts with; the workflow carries as many."""


class Dossiers:
    """The dossier's effects, on one database and one Temporal server.

    *most_ahead* says how far Temporal's clock may be ahead of the database's.
    """

    def __init__(
        self, sessions: Sessions, client: Client, *, most_ahead: timedelta = ANY_CLOCK
    ) -> None:
        self._sessions = sessions
        self._client = client
        self._most_ahead = most_ahead

    @activity.defn(name="load_story")
    async def load_story(self, number: str) -> Story | None:
        """Rebuild what the database knows of a dossier; None for an unknown number."""
        async with self._sessions() as session:
            row = await session.get(DossierRow, number)
            return None if row is None else await _rebuilt(session, row)

    @activity.defn(name="read_policy")
    async def read_policy(self, question: PolicyQuestion) -> Policy:
        """Read the policy in force on a day."""
        async with self._sessions() as session:
            return await policy_in_force(session, question.kind, question.on)

    @activity.defn(name="keep_record")
    async def keep_record(self, record: Record) -> None:
        """Keep all that one turn changed, in one transaction, once.

        Raises ApplicationError of type AheadOfTime for a turn that lies ahead of the
        database's clock: the story waits until its instant has come.
        """
        crashpoint("before_keep")
        number = record.dossier.number
        async with self._sessions.begin() as session:
            await see_it_is_time(session, number, record.at, most=self._most_ahead)
            await keep(session, record)
        crashpoint("after_keep")

    @activity.defn(name="deliver_told")
    async def deliver_told(self, fact_ids: list[str]) -> None:
        """Signal the facts that this dossier told others; they are already kept.

        Raises ApplicationError of type NotDelivered while Temporal does not answer.
        """
        crashpoint("before_told")
        left = await deliver(self._sessions, self._client, fact_ids)
        crashpoint("after_told")
        if left:
            raise ApplicationError("facts left", *left, type="NotDelivered")

    @activity.defn(name="set_facts_aside")
    async def set_facts_aside(self, aside: FactsSetAside) -> None:
        """Give facts for an unknown number to a person, one task a fact."""
        if not aside.fact_ids:
            return
        crashpoint("before_aside")
        async with self._sessions.begin() as session:
            await _open_tasks(session, aside)
            await session.execute(
                update(FactRow)
                .where(FactRow.fact_id.in_(aside.fact_ids), FactRow.state != "applied")
                .values(state="dead", changed_at=func.now())
            )
        crashpoint("after_aside")


async def _rebuilt(session: AsyncSession, row: DossierRow) -> Story:
    dossier = restored(row.facts)
    now = await now_for(session, row.number, real_now=await database_now(session))
    policy = await policy_in_force(session, dossier.kind, civil_date(now))
    heard = (
        select(FactRow.fact_id)
        .where(FactRow.dossier == row.number, FactRow.state == "applied")
        .order_by(FactRow.changed_at.desc(), FactRow.stored_at.desc())
        .limit(SEEN_KEPT)
    )
    written = select(Letter.key).where(Letter.dossier == row.number)
    waiting = (
        select(Letter.ordered)
        .where(Letter.dossier == row.number, Letter.state.in_(ON_THEIR_WAY))
        .order_by(Letter.queued_at, Letter.key)
    )
    seen = (await session.scalars(heard)).all()
    keys = await session.scalars(written)
    orders = await session.scalars(waiting)
    return Story(
        dossier=dossier,
        policy=policy,
        phase=Phase(row.phase) if row.version else phase_at(dossier, policy, now),
        version=row.version,
        seen=tuple(reversed(seen)),
        # A letter bears the key of its duty: what was ordered is not due again.
        settled=tuple(dict.fromkeys(chain(row.settled, keys))),
        letters=tuple(LetterOrder.model_validate(order) for order in orders),
    )


async def _open_tasks(session: AsyncSession, aside: FactsSetAside) -> None:
    today = civil_date(aside.at)
    policy = load_policy(Kind.CAR, today)
    due_on = delay(today, policy.task_days, delays_extended=policy.delays_extended)
    rows: Sequence[dict[str, object]] = [
        {
            "task_id": f"unknown_dossier:{fact_id}",
            "reason": "unknown_dossier",
            "about": fact_id,
            "due_on": due_on,
            "opened_at": aside.at,
        }
        for fact_id in aside.fact_ids
    ]
    await session.execute(insert(TaskRow).values(rows).on_conflict_do_nothing())

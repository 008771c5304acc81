"""What people have written in a form and not sent: kept for them, for a while."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from records.models import Base
from rules.civil_time import civil_date

KEPT_FOR = timedelta(days=30)
"""How long answers that are not sent are kept, from the last time (our policy)."""


class DraftRow(Base):
    """The answers of one account in one form; *form* is its address behind a language.

    *sent_to* is where the form led when it was sent: the answers are gone by then, and
    who comes back to it is led there again.
    """

    __tablename__ = "drafts"

    account: Mapped[str] = mapped_column(primary_key=True)
    form: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str]
    answers: Mapped[dict[str, Any]]
    sent_to: Mapped[str | None]
    kept_at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)


@dataclass(frozen=True, slots=True)
class Draft:
    """A form as it was left: its answers, or where it led once it was sent."""

    form: str
    key: str
    answers: Mapping[str, str]
    sent_to: str | None
    kept_at: datetime

    @property
    def until(self) -> date:
        """The last whole day in Québec on which it is kept."""
        return civil_date(self.kept_at + KEPT_FOR) - timedelta(days=1)


async def draft_of(session: AsyncSession, account: str, form: str) -> Draft | None:
    """What did this account leave in this form?"""
    return next(iter(await _drafts(session, account, DraftRow.form == form)), None)


async def unsent_drafts_of(session: AsyncSession, account: str) -> Sequence[Draft]:
    """What has this account begun and not sent, newest first?"""
    return await _drafts(session, account, DraftRow.sent_to.is_(None))


async def _drafts(session: AsyncSession, account: str, which: Any) -> Sequence[Draft]:
    rows = await session.scalars(
        select(DraftRow)
        .where(
            DraftRow.account == account,
            DraftRow.kept_at > func.now() - KEPT_FOR,
            which,
        )
        .order_by(DraftRow.kept_at.desc())
    )
    return [
        Draft(row.form, row.key, row.answers, row.sent_to, row.kept_at) for row in rows
    ]


async def keep_draft(
    session: AsyncSession, account: str, form: str, key: str, answers: Mapping[str, str]
) -> None:
    """Keep answers in the place of earlier ones, and forget what was kept too long.

    What was sent under the same key stays sent, however late its answers come again.
    """
    await session.execute(
        delete(DraftRow).where(DraftRow.kept_at <= func.now() - KEPT_FOR)
    )
    kept = insert(DraftRow).values(
        account=account, form=form, key=key, answers=dict(answers), sent_to=None
    )
    await session.execute(
        kept.on_conflict_do_update(
            index_elements=[DraftRow.account, DraftRow.form],
            set_={
                "key": kept.excluded.key,
                "answers": kept.excluded.answers,
                "sent_to": None,
                "kept_at": func.now(),
            },
            where=or_(DraftRow.key != kept.excluded.key, DraftRow.sent_to.is_(None)),
        )
    )


async def note_sent(
    session: AsyncSession, account: str, form: str, key: str, sent_to: str
) -> None:
    """Forget the answers that were sent under *key*; note where that led."""
    sent = insert(DraftRow).values(
        account=account, form=form, key=key, answers={}, sent_to=sent_to
    )
    await session.execute(
        sent.on_conflict_do_update(
            index_elements=[DraftRow.account, DraftRow.form],
            set_={"answers": {}, "sent_to": sent_to, "kept_at": func.now()},
            where=DraftRow.key == sent.excluded.key,
        )
    )


async def forget_draft(session: AsyncSession, account: str, form: str) -> None:
    """Forget what this account left in this form."""
    await session.execute(
        delete(DraftRow).where(DraftRow.account == account, DraftRow.form == form)
    )

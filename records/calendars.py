"""Private addresses of calendars, and the days that were told under them."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    case,
    delete,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from records.models import Base, Clock, DossierRow

_READ_EVERY = timedelta(hours=1)


class CalendarFeed(Base):
    """A private address under which a calendar program reads the days of one reader.

    Only the hash of its secret is kept. To revoke it is to delete the row: an address
    that was is then told by nothing from one that never was.
    """

    __tablename__ = "calendar_feeds"

    secret_hash: Mapped[str] = mapped_column(primary_key=True)
    person_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("people.person_id", ondelete="CASCADE"), unique=True
    )
    permit: Mapped[str | None] = mapped_column(
        ForeignKey("agencies.permit", ondelete="CASCADE"), unique=True
    )
    made_at: Mapped[datetime] = mapped_column(server_default=func.now())
    read_at: Mapped[datetime | None]  # to the hour

    __table_args__ = (
        CheckConstraint("num_nonnulls(person_id, permit) = 1", name="one_reader"),
        CheckConstraint("secret_hash ~ '^[0-9a-f]{64}$'", name="secret_hash"),
    )


class CalendarDay(Base):
    """A day as calendars were last told it; *sequence* grows when the day changes."""

    __tablename__ = "calendar_days"

    dossier: Mapped[str] = mapped_column(
        ForeignKey("dossiers.number"), primary_key=True
    )
    deadline: Mapped[str] = mapped_column(primary_key=True)
    on_day: Mapped[date]
    sequence: Mapped[int] = mapped_column(BigInteger)
    changed_at: Mapped[datetime]


@dataclass(frozen=True, slots=True)
class Reader:
    """For whom an address is: one person, or one agency by its permit."""

    person_id: UUID | None = None
    permit: str | None = None


async def feed_with(session: AsyncSession, secret_hash: str) -> CalendarFeed | None:
    """Which address has this secret, by its hash?"""
    return await session.get(CalendarFeed, secret_hash)


async def feed_for(session: AsyncSession, reader: Reader) -> CalendarFeed | None:
    """Which address does this reader have? There is at most one."""
    query = select(CalendarFeed).where(_of(reader))
    return (await session.scalars(query)).one_or_none()


async def make_feed(session: AsyncSession, reader: Reader, secret_hash: str) -> None:
    """Give a reader an address; the one they had leads nowhere from then on."""
    row = insert(CalendarFeed).values(
        secret_hash=secret_hash, person_id=reader.person_id, permit=reader.permit
    )
    own = CalendarFeed.permit if reader.person_id is None else CalendarFeed.person_id
    await session.execute(
        row.on_conflict_do_update(
            index_elements=[own],
            set_={
                "secret_hash": row.excluded.secret_hash,
                "made_at": func.now(),
                "read_at": None,
            },
        )
    )


async def revoke_feed(session: AsyncSession, reader: Reader) -> None:
    """Take a reader's address away, if they have one."""
    await session.execute(delete(CalendarFeed).where(_of(reader)))


async def note_reading(session: AsyncSession, secret_hash: str) -> None:
    """Note that an address was read, to the hour: programs ask often."""
    stale = or_(
        CalendarFeed.read_at.is_(None),
        CalendarFeed.read_at < func.now() - _READ_EVERY,
    )
    await session.execute(
        update(CalendarFeed)
        .where(CalendarFeed.secret_hash == secret_hash, stale)
        .values(read_at=func.date_trunc("hour", func.now()))
    )


def _of(reader: Reader) -> ColumnElement[bool]:
    if reader.person_id is not None:
        return CalendarFeed.person_id == reader.person_id
    return CalendarFeed.permit == reader.permit


# ------------------------------------------------------------------- the days told


async def dossiers_of_person(
    session: AsyncSession, person_id: UUID
) -> Iterable[DossierRow]:
    """Which dossiers does this person have, oldest first?"""
    query = (
        select(DossierRow)
        .where(DossierRow.person_id == person_id)
        .order_by(DossierRow.number)
    )
    return (await session.scalars(query)).all()


async def clocks_ahead(
    session: AsyncSession, numbers: Collection[str]
) -> Mapping[str, timedelta]:
    """Embedded stack only: which of these dossiers' clocks were moved, how far?"""
    moved = select(Clock.dossier, Clock.ahead).where(Clock.dossier.in_(numbers))
    return {row.dossier: row.ahead for row in await session.execute(moved)}


@dataclass(frozen=True, slots=True)
class Told:
    """A day to tell, as of an instant of its dossier; *floor*: its least sequence."""

    dossier: str
    deadline: str
    on: date
    at: datetime
    floor: int


async def days_told(
    session: AsyncSession, told: Collection[Told]
) -> Mapping[tuple[str, str], CalendarDay]:
    """
    Keep what is told now, and find it with its sequence and its last change.

    The sequence of a day that is another one than before grows, at least to *floor*;
    that of the same day does not. Nothing is written while nothing changed.
    """
    keys = [(one.dossier, one.deadline) for one in told]
    known = await _known(session, keys)
    changed = [one for one in told if _is_news(one, known)]
    if not changed:
        return known
    row = insert(CalendarDay)
    moved = CalendarDay.on_day != row.excluded.on_day
    grown = func.greatest(CalendarDay.sequence + 1, row.excluded.sequence)
    await session.execute(
        row.on_conflict_do_update(
            index_elements=[CalendarDay.dossier, CalendarDay.deadline],
            set_={
                "on_day": row.excluded.on_day,
                "sequence": case((moved, grown), else_=CalendarDay.sequence),
                "changed_at": case(
                    (moved, row.excluded.changed_at), else_=CalendarDay.changed_at
                ),
            },
        ),
        # In one order, so that two readers at once wait for each other, once.
        [
            {
                "dossier": one.dossier,
                "deadline": one.deadline,
                "on_day": one.on,
                "sequence": one.floor,
                "changed_at": one.at,
            }
            for one in sorted(changed, key=lambda one: (one.dossier, one.deadline))
        ],
    )
    session.expire_all()
    return await _known(session, keys)


def _is_news(one: Told, known: Mapping[tuple[str, str], CalendarDay]) -> bool:
    before = known.get((one.dossier, one.deadline))
    return before is None or before.on_day != one.on


async def _known(
    session: AsyncSession, keys: Collection[tuple[str, str]]
) -> Mapping[tuple[str, str], CalendarDay]:
    numbers = {number for number, _ in keys}
    rows = await session.scalars(
        select(CalendarDay).where(CalendarDay.dossier.in_(numbers))
    )
    found = {(row.dossier, row.deadline): row for row in rows}
    return {key: found[key] for key in keys if key in found}

"""Who is signed in: sign-ins begun and redeemed once, sessions found by their hash."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, delete, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from records.models import Base

SIGN_IN_LIMIT = timedelta(minutes=10)
"""A sign-in that took longer is begun again."""

_SEEN_EVERY = timedelta(minutes=1)


class SignIn(Base):
    """A sign-in that was begun: good once, for a few minutes, in the same browser."""

    __tablename__ = "sign_ins"

    state_hash: Mapped[str] = mapped_column(primary_key=True)
    browser_hash: Mapped[str]
    audience: Mapped[str]
    nonce: Mapped[str]
    verifier: Mapped[str]
    acr: Mapped[str | None]
    language: Mapped[str]
    return_to: Mapped[str]
    begun_at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)


class Session(Base):
    """Somebody signed in; the cookie holds a random value, and this table its hash.

    *account* is the audience and the provider's subject, "person:…".
    """

    __tablename__ = "sessions"

    session_hash: Mapped[str] = mapped_column(primary_key=True)
    session_id: Mapped[UUID] = mapped_column(
        unique=True, server_default=text("uuidv7()")
    )
    account: Mapped[str] = mapped_column(index=True)
    role: Mapped[str]
    decides: Mapped[bool] = mapped_column(server_default=text("false"))
    name: Mapped[str]
    acr: Mapped[str | None]
    browser: Mapped[str]  # as the person may recognise it
    form_hash: Mapped[str | None] = mapped_column(unique=True)  # of its forms' token
    begun_at: Mapped[datetime] = mapped_column(server_default=func.now())
    seen_at: Mapped[datetime] = mapped_column(server_default=func.now())
    ended_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("role IN ('representative', 'agency', 'officer')", name="role"),
        Index("ix_sessions_begun_at", "begun_at"),
        Index(
            "ix_sessions_of_officers",
            "account",
            "begun_at",
            postgresql_where=text("role = 'officer'"),
        ),
    )


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a session lasts: unused, and in all."""

    idle: timedelta
    absolute: timedelta


LIMITS = {
    "officer": Limits(timedelta(minutes=20), timedelta(hours=8)),
    "agency": Limits(timedelta(minutes=30), timedelta(hours=12)),
    "representative": Limits(timedelta(minutes=30), timedelta(hours=12)),
}


def ends_at(session: Session) -> datetime:
    """Name the instant at which a session ends if nobody uses it."""
    limits = LIMITS[session.role]
    return min(session.seen_at + limits.idle, session.begun_at + limits.absolute)


async def keep_sign_in(records: AsyncSession, begun: SignIn) -> None:
    """Keep a sign-in that begins, and forget those that nobody ended."""
    too_old = func.now() - SIGN_IN_LIMIT
    await records.execute(delete(SignIn).where(SignIn.begun_at < too_old))
    records.add(begun)


async def take_sign_in(
    records: AsyncSession, state_hash: str, browser_hash: str
) -> SignIn | None:
    """Take a sign-in away, once, in the browser that began it; None otherwise."""
    taken = (
        delete(SignIn)
        .where(
            SignIn.state_hash == state_hash,
            SignIn.browser_hash == browser_hash,
            SignIn.begun_at >= func.now() - SIGN_IN_LIMIT,
        )
        .returning(SignIn)
    )
    return (await records.scalars(taken)).one_or_none()


async def begin_session(
    records: AsyncSession, begun: Session, *, instead_of: str | None
) -> None:
    """Begin a session; the one of the same browser, by its hash, ends with that."""
    if instead_of is not None:
        await records.execute(
            update(Session)
            .where(Session.session_hash == instead_of, Session.ended_at.is_(None))
            .values(ended_at=func.now())
        )
    records.add(begun)


async def session_of(records: AsyncSession, session_hash: str) -> Session | None:
    """Find a session that has not ended, and note that it is used."""
    found = await records.get(Session, session_hash)
    if found is None or found.ended_at is not None:
        return None
    now = (await records.execute(select(func.now()))).scalar_one()
    if now >= ends_at(found):
        found.ended_at = ends_at(found)
        return None
    if now - found.seen_at >= _SEEN_EVERY:
        found.seen_at = now
    return found


async def session_of_form(records: AsyncSession, form_hash: str) -> Session | None:
    """Which session, over or not, printed the forms of this token's hash?"""
    found = await records.scalars(select(Session).where(Session.form_hash == form_hash))
    return found.one_or_none()


async def ended_by_itself(records: AsyncSession, session: Session) -> bool:
    """Answer whether nobody ended this session: it was left alone too long."""
    if session.ended_at is not None:
        return session.ended_at == ends_at(session)
    now = (await records.execute(select(func.now()))).scalar_one()
    return now >= ends_at(session)


async def extend(records: AsyncSession, session_hash: str) -> None:
    """Begin the idle time of a session again."""
    await records.execute(
        update(Session)
        .where(Session.session_hash == session_hash, Session.ended_at.is_(None))
        .values(seen_at=func.now())
    )


async def open_sessions_of(records: AsyncSession, account: str) -> Sequence[Session]:
    """Which sessions of this account have not ended, newest first?"""
    rows = await records.scalars(
        select(Session)
        .where(Session.account == account, Session.ended_at.is_(None))
        .order_by(Session.begun_at.desc())
    )
    now = (await records.execute(select(func.now()))).scalar_one()
    return [row for row in rows if now < ends_at(row)]


async def ended_sessions_of(
    records: AsyncSession, account: str, *, limit: int
) -> Sequence[Session]:
    """Which sessions of this account ended last, those left alone too?"""
    rows = await records.scalars(
        select(Session)
        .where(Session.account == account)
        .order_by(Session.begun_at.desc())
        .limit(limit)
    )
    now = (await records.execute(select(func.now()))).scalar_one()
    return [row for row in rows if row.ended_at is not None or now >= ends_at(row)]


async def end_all_but(records: AsyncSession, account: str, kept: str) -> None:
    """End every session of this account but one, by its hash."""
    await records.execute(
        update(Session)
        .where(
            Session.account == account,
            Session.session_hash != kept,
            Session.ended_at.is_(None),
        )
        .values(ended_at=func.now())
    )


async def end(records: AsyncSession, account: str, session_id: UUID) -> bool:
    """End one session of this account; False for another's."""
    ended = (
        update(Session)
        .where(
            Session.account == account,
            Session.session_id == session_id,
            Session.ended_at.is_(None),
        )
        .values(ended_at=func.now())
        .returning(Session.session_id)
    )
    return await records.scalar(ended) is not None

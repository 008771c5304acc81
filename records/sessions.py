"""Who is signed in: sign-ins begun and redeemed once, sessions found by their hash."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from records.models import Session, SignIn

SIGN_IN_LIMIT = timedelta(minutes=10)
"""A sign-in that took longer is begun again."""

_SEEN_EVERY = timedelta(minutes=1)


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

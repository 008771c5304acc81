"""When a letter may leave: one pace for every worker, kept in the database.

A row is a limit: of all letters, and of those to one domain. A letter passes when both
let it; two workers at once pass in turn, since the rows are locked. Whoever does not
pass joins a line, whose end tells when to come back. The line is an estimate, and may
err; the limit is kept by those that pass.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from records.models import Base

EVERY_LETTER = ""
"""The row that limits them all; it is locked before any domain's."""

PAUSE = timedelta(minutes=1)
"""How long nothing leaves once we were told that we send too many."""

_MINUTE = timedelta(minutes=1)
_FORGOTTEN_AFTER = timedelta(days=1)
_IN_TIME = timedelta(minutes=5)


class MailPace(Base):
    """How far letters to one domain have got, and all letters for '' (records.pace).

    *next_at* is where an even pace would let the next one leave; the others, where the
    lines of those that wait end.
    """

    __tablename__ = "mail_pace"

    domain: Mapped[str] = mapped_column(primary_key=True)
    next_at: Mapped[datetime]
    first_until: Mapped[datetime]
    ordinary_until: Mapped[datetime]


class Lane(StrEnum):
    """Which line a letter waits in; the first goes before the ordinary one."""

    FIRST = "first"
    ORDINARY = "ordinary"


AHEAD = {Lane.FIRST: timedelta(seconds=10), Lane.ORDINARY: timedelta(seconds=5)}
"""How far a lane may run ahead of an even pace: a few letters never wait.

What lies between the two is kept free for the first lane, whatever the other does.
"""


@dataclass(frozen=True, slots=True)
class Pace:
    """The most letters that leave in any minute: in all, and to one domain."""

    in_a_minute: int
    in_a_minute_to_a_domain: int

    def between_two(self, domain: str) -> timedelta:
        """Give the distance of an even pace, rounded up.

        With what the first lane may run ahead, a minute holds as many as allowed and
        not one more.
        """
        most = self.in_a_minute_to_a_domain if domain else self.in_a_minute
        return -(-(_MINUTE + AHEAD[Lane.FIRST]) // most)


@dataclass(frozen=True, slots=True)
class Traveller:
    """What decides when a letter leaves; *has_waited* once its turn has come."""

    lane: Lane
    has_waited: bool = False
    useless_in: timedelta | None = None


async def take_turn(
    session: AsyncSession, domain: str, pace: Pace, traveller: Traveller
) -> timedelta | None:
    """Let a letter pass, or tell how long until its turn; None if it may leave now.

    The rows stay locked until the caller commits, which must be soon.
    """
    limits = await _locked(session, domain)
    now = await session.scalar(select(func.clock_timestamp()))
    assert isinstance(now, datetime)
    turn = pass_or_wait(limits, pace, traveller, now)
    return None if turn is None else turn - now


async def hold_back(session: AsyncSession, domain: str) -> None:
    """Let nothing leave to a domain ('' for all) for a PAUSE from now; never longer."""
    until = func.clock_timestamp() + PAUSE + AHEAD[Lane.FIRST]
    await session.execute(
        update(MailPace)
        .where(MailPace.domain == domain)
        .values(next_at=func.greatest(MailPace.next_at, until))
    )


def pass_or_wait(
    limits: Sequence[MailPace], pace: Pace, traveller: Traveller, now: datetime
) -> datetime | None:
    """Move the limits on by one letter, and give None; or give it a turn in a line.

    Nobody overtakes the line of their lane. Who has waited for a turn, and finds that
    others have used it up, waits once more.
    """
    lane = _lane(limits, traveller, now)
    holding = [
        limit
        for limit in limits
        if _opens_at(limit, lane) > now
        or (_end_of_line(limit, lane) > now and not traveller.has_waited)
    ]
    if not holding:
        for limit in limits:
            limit.next_at = max(limit.next_at, now) + pace.between_two(limit.domain)
        return None
    # In one line only: who waits for a domain takes no place from all the others.
    slowest = max(holding, key=lambda limit: _turn(limit, lane, now))
    turn = _turn(slowest, lane, now)
    _lengthen(slowest, lane, turn + pace.between_two(slowest.domain))
    return turn


def _lane(limits: Sequence[MailPace], traveller: Traveller, now: datetime) -> Lane:
    """Let go first whatever its own lane would make useless."""
    if traveller.useless_in is None:
        return traveller.lane
    turn = max(_turn(limit, traveller.lane, now) for limit in limits)
    is_late = turn - now + _IN_TIME > traveller.useless_in
    return Lane.FIRST if is_late else traveller.lane


def _turn(limit: MailPace, lane: Lane, now: datetime) -> datetime:
    return max(now, _opens_at(limit, lane), _end_of_line(limit, lane))


def _opens_at(limit: MailPace, lane: Lane) -> datetime:
    return limit.next_at - AHEAD[lane]


def _end_of_line(limit: MailPace, lane: Lane) -> datetime:
    return limit.first_until if lane is Lane.FIRST else limit.ordinary_until


def _lengthen(limit: MailPace, lane: Lane, end: datetime) -> None:
    if lane is Lane.FIRST:
        limit.first_until = end
    else:
        limit.ordinary_until = end


async def _locked(session: AsyncSession, domain: str) -> Sequence[MailPace]:
    """Lock both limits, always in the same order."""
    found = (
        select(MailPace)
        .where(MailPace.domain.in_((EVERY_LETTER, domain)))
        .order_by(MailPace.domain)
        .with_for_update()
    )
    limits = (await session.scalars(found)).all()
    if len(limits) == 2:  # noqa: PLR2004  all letters, and those to the domain
        return limits
    await _begin(session, domain)
    return (await session.scalars(found)).all()


async def _begin(session: AsyncSession, domain: str) -> None:
    """Add the limits that are missing; forget the domains nobody writes to any more.

    A domain may be somebody's own name, and a limit long past says nothing.
    """
    now = func.clock_timestamp()
    rows = [
        {"domain": name, "next_at": now, "first_until": now, "ordinary_until": now}
        for name in (EVERY_LETTER, domain)
    ]
    await session.execute(insert(MailPace).values(rows).on_conflict_do_nothing())
    await session.execute(
        delete(MailPace).where(
            MailPace.domain.not_in((EVERY_LETTER, domain)),
            func.greatest(
                MailPace.next_at, MailPace.first_until, MailPace.ordinary_until
            )
            < now - _FORGOTTEN_AFTER,
        )
    )

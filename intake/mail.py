"""Letters that come in: stored once, then a fact, a task, or nothing."""

import asyncio
import logging
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncSession

from intake.arrival import Door, House
from intake.copies import Identity
from intake.delivery import Courier, store_fact
from intake.known import known_about
from intake.matching import (
    Arrived,
    Asks,
    CameBack,
    ForAPerson,
    Meaning,
    SetAside,
    Silence,
    meaning,
)
from intake.understanding import Understood, understand
from records.clock import now_for
from records.database import Sessions
from records.models import Letter, Mail, TaskRow, WrittenText
from rules.civil_time import civil_date, delay
from rules.dossier import Kind
from rules.numbers import DossierNumber
from rules.policy import load_policy
from settings import Settings
from workflows.messages import (
    AnyFact,
    EmailReceived,
    LetterBounced,
    MailWish,
    Source,
)

KEEPING_LIMIT = timedelta(seconds=30)
"""After this a door says to come again; a copy kept after all is known."""

_CLOSING_LIMIT = timedelta(seconds=10)

_AWAY = (OperationalError, InterfaceError, PoolTimeout, OSError)
"""The world broke: nothing is wrong with the letter."""

_LEFT_US = ("accepted", "unknown")
"""States of letters of which a mail server may tell; one being handed over will tell
by itself. One that was delivered may still come back, and none arrives after that."""

_KEPT_AS_WRITTEN = frozenset({MailWish.OBSERVATIONS, MailWish.CANCEL})
"""Wishes whose words an officer must weigh: comments, the reason of a cancellation."""

_log = logging.getLogger(__name__)


class Outcome(StrEnum):
    """What became of a letter."""

    FACT = "fact"
    TASK = "task"
    IGNORED = "ignored"
    SET_ASIDE = "set_aside"


@dataclass(frozen=True, slots=True)
class Taken:
    """The answer for one letter, the same at each copy of it.

    *dossier* is, for a task, only the one that the letter may concern.
    """

    mail_id: str
    outcome: Outcome
    dossier: DossierNumber | None = None
    fact_id: str | None = None
    task_id: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class _Arrived:
    """A letter at the door."""

    raw: bytes
    identity: Identity
    received_at: datetime
    door: Door


class MailRoom:
    """Takes letters in; it answers nobody, since letters out are the story's."""

    def __init__(
        self, sessions: Sessions, courier: Courier, settings: Settings
    ) -> None:
        self._sessions = sessions
        self._courier = courier
        self._house = House.of(settings)
        self._telling: set[asyncio.Task[None]] = set()

    async def take_in(
        self,
        raw: bytes,
        *,
        received_at: datetime,
        door: Door = Door.LMTP,
        recipients: tuple[str, ...] = (),
    ) -> Taken:
        """Keep a letter, then tell its fact if Temporal answers."""
        taken = await self.keep(
            raw, received_at=received_at, door=door, recipients=recipients
        )
        await self.tell(taken)
        return taken

    async def keep(
        self,
        raw: bytes,
        *,
        received_at: datetime,
        door: Door = Door.LMTP,
        recipients: tuple[str, ...] = (),
        headers_only: bool = False,
    ) -> Taken:
        """Store a letter and what follows from it in one transaction, committed.

        *received_at* is the real hour of arrival. *headers_only* says that the rest was
        too large to be taken: a person must read it where it is. Raises SQLAlchemyError
        while the database is away, and nothing is then kept; no letter, whatever it
        holds, makes it raise.
        """
        # A large letter must not keep the others waiting.
        mail, identity = await asyncio.to_thread(
            _read, raw, self._house, recipients, headers_only=headers_only
        )
        arrived = _Arrived(raw, identity, received_at, door)
        try:
            return await self._settle(arrived, mail)
        except _AWAY:
            raise
        except Exception as trouble:  # noqa: BLE001 - one letter must not stop the next
            # No message of the exception: it may quote the letter.
            _log.error("a letter could not be followed: %s", type(trouble).__name__)
            return await self._settle(arrived, Understood(problem="unexpected"))

    async def _settle(self, arrived: _Arrived, mail: Understood) -> Taken:
        async with self._sessions.begin() as session:
            first = await arrived.identity.first(session)
            if first is not None:
                return await _taken_before(session, first)
            await _store(session, arrived, mail)
            follows = meaning(mail, await known_about(session, mail))
            mail_id = arrived.identity.mail_id
            taken = await _follow(session, mail_id, mail, follows, arrived.received_at)
            await _write_down(session, taken)
        return taken

    async def tell(self, taken: Taken) -> None:
        """Tell the fact of a letter; what cannot be told now, a sweep tells."""
        if taken.fact_id is not None:
            await self._courier.tell([taken.fact_id])

    def tell_later(self, taken: Taken) -> None:
        """Tell the fact of a letter beside what a door does next: no answer waits."""
        telling = asyncio.create_task(self.tell(taken))
        self._telling.add(telling)
        telling.add_done_callback(self._telling.discard)

    async def finish(self) -> None:
        """Let the facts of the last letters be told, for a bounded time."""
        if self._telling:
            await asyncio.wait(self._telling, timeout=_CLOSING_LIMIT.total_seconds())


def _read(
    raw: bytes, house: House, recipients: tuple[str, ...], *, headers_only: bool
) -> tuple[Understood, Identity]:
    mail = _storable(understand(raw, house, recipients=recipients))
    if headers_only:
        mail = replace(mail, problem="too_large")
    identity = Identity.of(
        raw, message_id=mail.message_id, sender=mail.sender, subject=mail.subject
    )
    return mail, identity


async def _store(session: AsyncSession, arrived: _Arrived, mail: Understood) -> None:
    row = insert(Mail).values(
        mail_id=arrived.identity.mail_id,
        raw=arrived.raw,
        message_id=mail.message_id,
        sender=mail.sender,
        received_at=arrived.received_at,
        outcome=Outcome.IGNORED,
        understood=_summary(mail),
        door=arrived.door,
        body_hash=arrived.identity.body_hash,
    )
    await session.execute(row)


async def _taken_before(session: AsyncSession, mail_id: str) -> Taken:
    # Never the raw letter: ten thousand copies would read it ten thousand times.
    kept = select(Mail.outcome, Mail.dossier, Mail.understood["became"])
    outcome, dossier, became = (
        await session.execute(kept.where(Mail.mail_id == mail_id))
    ).one()
    return Taken(
        mail_id=mail_id,
        outcome=Outcome(outcome),
        dossier=DossierNumber(dossier) if dossier else None,
        **(became or {}),
    )


async def _follow(
    session: AsyncSession,
    mail_id: str,
    mail: Understood,
    follows: Meaning,
    received_at: datetime,
) -> Taken:
    match follows:
        case Silence():
            return Taken(mail_id, Outcome.IGNORED)
        case SetAside():
            return Taken(mail_id, Outcome.SET_ASIDE)
        case Arrived():
            return await _note_arrival(session, mail_id, follows)
        case ForAPerson():
            return await _give_to_a_person(session, mail_id, follows, received_at)
        case CameBack():
            return await _note_bounce(session, mail_id, follows, received_at)
        case Asks():
            return await _note_asked(session, mail_id, mail, follows, received_at)


async def _give_to_a_person(
    session: AsyncSession, mail_id: str, matter: ForAPerson, received_at: datetime
) -> Taken:
    """Open a task that belongs to no story: the dossier is suggested in `mails`."""
    today = civil_date(received_at)
    policy = load_policy(Kind.CAR, today)
    task_id = f"mail:{mail_id[:32]}"
    row = insert(TaskRow).values(
        task_id=task_id,
        reason=matter.why,
        about=mail_id,
        due_on=delay(today, policy.task_days, delays_extended=policy.delays_extended),
        opened_at=received_at,
    )
    await session.execute(row.on_conflict_do_nothing())
    return Taken(
        mail_id,
        Outcome.TASK,
        matter.suggested,
        task_id=task_id,
        reason=matter.why.value,
    )


async def _note_arrival(session: AsyncSession, mail_id: str, arrived: Arrived) -> Taken:
    await session.execute(
        update(Letter)
        .where(Letter.key == arrived.letter_key, Letter.state.in_(_LEFT_US))
        .values(state="delivered", changed_at=func.now())
    )
    return Taken(mail_id, Outcome.IGNORED, arrived.dossier)


async def _note_bounce(
    session: AsyncSession, mail_id: str, came_back: CameBack, received_at: datetime
) -> Taken:
    at = await now_for(session, came_back.dossier, real_now=received_at)
    await session.execute(
        update(Letter)
        .where(
            Letter.key == came_back.letter_key,
            Letter.state.in_((*_LEFT_US, "delivered")),
        )
        .values(state="bounced", changed_at=func.now())
    )
    fact = LetterBounced(
        # One letter comes back once, however many reports speak of it.
        fact_id=f"bounce:{came_back.letter_key}",
        source=Source.RELAY,
        occurred_at=at,
        received_at=at,
        letter_key=came_back.letter_key,
    )
    return await _told(session, mail_id, came_back.dossier, fact)


async def _note_asked(
    session: AsyncSession,
    mail_id: str,
    mail: Understood,
    asks: Asks,
    received_at: datetime,
) -> Taken:
    at = await now_for(session, asks.dossier, real_now=received_at)
    if asks.wish in _KEPT_AS_WRITTEN:
        text = insert(WrittenText).values(
            text_id=mail_id,
            dossier=asks.dossier,
            text=mail.text or mail.subject,
            by="person",
        )
        await session.execute(text.on_conflict_do_nothing())
    fact = EmailReceived(
        fact_id=f"mail:{mail_id[:32]}",
        source=Source.MAIL,
        occurred_at=at,
        received_at=at,
        mail_id=mail_id,
        wish=asks.wish,
        certificate=asks.certificate,
        missing=asks.missing,
    )
    taken = await _told(session, mail_id, asks.dossier, fact)
    if asks.besides is None:
        return taken
    rest = ForAPerson(asks.besides, asks.dossier)
    task = await _give_to_a_person(session, mail_id, rest, received_at)
    return replace(taken, task_id=task.task_id, reason=task.reason)


async def _told(
    session: AsyncSession, mail_id: str, dossier: DossierNumber, fact: AnyFact
) -> Taken:
    await store_fact(session, dossier, fact)
    return Taken(mail_id, Outcome.FACT, dossier, fact_id=fact.fact_id)


async def _write_down(session: AsyncSession, taken: Taken) -> None:
    became = {
        "fact_id": taken.fact_id,
        "task_id": taken.task_id,
        "reason": taken.reason,
    }
    await session.execute(
        update(Mail)
        .where(Mail.mail_id == taken.mail_id)
        .values(
            outcome=taken.outcome,
            dossier=taken.dossier,
            understood=Mail.understood.concat({"became": became}),
        )
    )


def _summary(mail: Understood) -> dict[str, Any]:
    """Say what was understood, without the text: the raw letter holds it."""
    said = asdict(mail)
    del said["text"]
    return said


def _storable(mail: Understood) -> Understood:
    """Drop what PostgreSQL takes in no text: NUL and halves of characters."""
    said = ((field.name, getattr(mail, field.name)) for field in fields(mail))
    return replace(mail, **{name: _cleaned(value) for name, value in said})


def _cleaned(value: Any) -> Any:
    # The members of an enumeration are words of ours, and must stay members.
    if isinstance(value, tuple):
        return tuple(_cleaned(each) for each in value)
    return _clean(value) if type(value) is str else value


def _clean(text: str) -> str:
    return text.replace("\0", "").encode("utf-8", "replace").decode()

"""Letters that come in: stored once, then a fact, a task, or nothing."""

import asyncio
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from temporalio.client import Client

from intake.arrival import Door, House
from intake.delivery import deliver, store_fact
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

_TWINS_READ = 3
"""One Message-ID on every letter of a sender must not fill the memory."""

_LEFT_US = ("accepted", "unknown")
"""States of letters of which a mail server may tell; one being handed over will tell
by itself. One that was delivered may still come back, and none arrives after that."""

_KEPT_AS_WRITTEN = frozenset({MailWish.OBSERVATIONS, MailWish.CANCEL})
"""Wishes whose words an officer must weigh: comments, the reason of a cancellation."""


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


class MailRoom:
    """Takes letters in; it answers nobody, since letters out are the story's."""

    def __init__(self, sessions: Sessions, client: Client, settings: Settings) -> None:
        self._sessions = sessions
        self._client = client
        self._house = House.of(settings)

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
    ) -> Taken:
        """Store a letter and what follows from it in one transaction, committed.

        *received_at* is the real hour of arrival. Raises SQLAlchemyError while the
        database is away; nothing is then kept.
        """
        mail_id = sha256(raw).hexdigest()
        # A large letter must not keep the others waiting.
        said = await asyncio.to_thread(
            understand, raw, self._house, recipients=recipients
        )
        mail = _storable(said)
        async with self._sessions.begin() as session:
            if not await _is_first(session, mail_id, raw, mail, received_at, door):
                return await _taken_before(session, mail_id)
            if await _is_known_by_another_way(session, mail_id, raw, mail):
                return Taken(mail_id, Outcome.IGNORED)
            follows = meaning(mail, await known_about(session, mail))
            taken = await _follow(session, mail_id, mail, follows, received_at)
            await _write_down(session, taken)
        return taken

    async def tell(self, taken: Taken) -> None:
        """Tell the fact of a letter; what cannot be told now, a sweep tells."""
        if taken.fact_id is not None:
            await deliver(self._sessions, self._client, [taken.fact_id])


async def _is_first(
    session: AsyncSession,
    mail_id: str,
    raw: bytes,
    mail: Understood,
    received_at: datetime,
    door: Door,
) -> bool:
    row = insert(Mail).values(
        mail_id=mail_id,
        raw=raw,
        message_id=mail.message_id,
        sender=mail.sender,
        received_at=received_at,
        outcome=Outcome.IGNORED,
        understood=_summary(mail),
        door=door,
    )
    once = row.on_conflict_do_nothing().returning(Mail.mail_id)
    return await session.scalar(once) is not None


async def _taken_before(session: AsyncSession, mail_id: str) -> Taken:
    row = await session.get_one(Mail, mail_id)
    return Taken(
        mail_id=mail_id,
        outcome=Outcome(row.outcome),
        dossier=DossierNumber(row.dossier) if row.dossier else None,
        **row.understood.get("became", {}),
    )


async def _is_known_by_another_way(
    session: AsyncSession, mail_id: str, raw: bytes, mail: Understood
) -> bool:
    """Recognise a letter that came again by another way: only its trace differs."""
    if mail.message_id is None:
        return False
    twins = select(Mail.raw).where(
        Mail.message_id == mail.message_id,
        Mail.sender == mail.sender,
        Mail.mail_id != mail_id,
    )
    twins = twins.order_by(Mail.received_at.desc()).limit(_TWINS_READ)
    body = _body(raw)
    return any(_body(twin) == body for twin in await session.scalars(twins))


def _body(raw: bytes) -> bytes:
    return raw.replace(b"\r\n", b"\n").partition(b"\n\n")[2]


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
    return replace(
        mail,
        message_id=mail.message_id and _clean(mail.message_id),
        in_reply_to=tuple(_clean(each) for each in mail.in_reply_to),
        sender=mail.sender and _clean(mail.sender),
        subject=_clean(mail.subject),
        text=_clean(mail.text),
        suspicious=tuple(_clean(each) for each in mail.suspicious),
        letter=mail.letter and _clean(mail.letter),
    )


def _clean(text: str) -> str:
    return text.replace("\0", "").encode("utf-8", "replace").decode()

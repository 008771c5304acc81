"""Which dossier does a letter speak of, and what does it ask of it?"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from intake.understanding import Nature, Understood, Wish
from records.dossiers import restored
from records.models import Certificate, DossierRow, Letter, Person
from rules.dossier import Dossier, Item, Phase, Stage, TransferRequest
from rules.numbers import DossierNumber, find_dossier_numbers
from workflows.messages import MailWish

WAITING = frozenset({Phase.EXAM_AWAITED, Phase.IN_REVIEW})
"""The phases in which an exam result may be asked for."""


class Unclear(StrEnum):
    """Why a person must read a letter: the reason of its task."""

    BROKEN = "mail_broken"
    CONTRADICTORY = "mail_contradictory"
    UNMATCHED = "mail_unmatched"
    BOUNCE_UNMATCHED = "bounce_unmatched"


@dataclass(frozen=True, slots=True)
class Asks:
    """A letter asks something of a dossier."""

    dossier: DossierNumber
    wish: MailWish
    certificate: DossierNumber | None = None
    missing: tuple[Item, ...] = ()


@dataclass(frozen=True, slots=True)
class CameBack:
    """A letter of ours came back."""

    dossier: DossierNumber
    letter_key: str


@dataclass(frozen=True, slots=True)
class ForAPerson:
    """Nobody but a person can say; *suggested* is the one dossier it may concern."""

    why: Unclear
    suggested: DossierNumber | None = None


@dataclass(frozen=True, slots=True)
class Silence:
    """A robot speaks; nothing follows."""


Meaning: TypeAlias = Asks | CameBack | ForAPerson | Silence


@dataclass(frozen=True, slots=True)
class Answered:
    """The letter of ours that a message answers."""

    key: str
    notice: str
    dossier: DossierNumber


@dataclass(frozen=True, slots=True)
class Known:
    """What the records hold about the numbers, the sender and the thread of a letter.

    *of_sender* is empty unless the address belongs to exactly one person.
    """

    dossiers: dict[DossierNumber, tuple[Phase, Dossier]] = field(default_factory=dict)
    certificates: frozenset[DossierNumber] = frozenset()
    answered: Answered | None = None
    returned: Answered | None = None
    of_sender: tuple[tuple[DossierNumber, Phase], ...] = ()

    def waits(self, number: DossierNumber) -> bool:
        """Answer whether this dossier exists and may still be given an exam result."""
        return number in self.dossiers and self.dossiers[number][0] in WAITING


async def known_about(session: AsyncSession, mail: Understood) -> Known:
    """Look up everything `meaning` needs."""
    answered = await _letter(session, mail.in_reply_to)
    returned = await _letter(session, [mail.bounced_message_id or ""])
    numbers = {*mail.numbers, *([answered.dossier] if answered else [])}
    rows = await session.scalars(
        select(DossierRow).where(DossierRow.number.in_(numbers))
    )
    certificates = await session.scalars(
        select(Certificate.number).where(Certificate.number.in_(numbers))
    )
    return Known(
        dossiers={
            DossierNumber(row.number): (Phase(row.phase), restored(row.facts))
            for row in rows
        },
        certificates=frozenset(DossierNumber(number) for number in certificates),
        answered=answered,
        returned=returned,
        of_sender=await _dossiers_of(session, mail.sender),
    )


async def _letter(session: AsyncSession, message_ids: Sequence[str]) -> Answered | None:
    """Find the newest letter of ours in a thread."""
    row = await session.scalar(
        select(Letter)
        .where(Letter.message_id.in_(message_ids))
        .order_by(Letter.occurred_at.desc(), Letter.key.desc())
        .limit(1)
    )
    if row is None:
        return None
    return Answered(row.key, row.notice, DossierNumber(row.dossier))


async def _dossiers_of(
    session: AsyncSession, sender: str | None
) -> tuple[tuple[DossierNumber, Phase], ...]:
    people = select(Person.person_id).where(func.lower(Person.email) == sender)
    persons = (await session.scalars(people.limit(2))).all()
    if len(persons) != 1:
        return ()  # an address that two persons share names neither
    theirs = select(DossierRow.number, DossierRow.phase).where(
        DossierRow.person_id == persons[0], DossierRow.phase != Phase.CLOSED
    )
    return tuple(
        (DossierNumber(number), Phase(phase))
        for number, phase in await session.execute(theirs)
    )


# ----------------------------------------------------------- what it means, no I/O


def meaning(mail: Understood, known: Known) -> Meaning:
    """Say what follows from a letter; what is not known is asked, never guessed."""
    match mail.nature:
        case Nature.AUTO_REPLY | Nature.MAILING_LIST | Nature.OWN_MAIL:
            return Silence()
        case Nature.BOUNCE:
            return _bounce(mail, known)
        case Nature.PERSON:
            unclear = _unclear(mail)
    if unclear is not None:
        return ForAPerson(unclear, _suggested(mail, known))
    completed = _request_completed(mail, known)
    if completed is not None:
        return _completion(mail, known, *completed)
    return _asked(mail, known)


def _unclear(mail: Understood) -> Unclear | None:
    if mail.problem is not None:
        return Unclear.BROKEN
    return Unclear.CONTRADICTORY if mail.contradictory else None


def _asked(mail: Understood, known: Known) -> Meaning:
    roles = _roles(mail, known)
    if mail.wish is Wish.TRANSFER:
        return _transfer(mail, known, roles)
    if _lacks_only_the_wish(mail, known, roles):
        return _request(roles.new, roles.expired, (Item.WISH,))
    return _other(mail, known)


def _bounce(mail: Understood, known: Known) -> Meaning:
    if mail.bounce_permanent is False:
        return Silence()  # a delay: the relay goes on trying
    if known.returned is None:
        return ForAPerson(Unclear.BOUNCE_UNMATCHED)
    return CameBack(known.returned.dossier, known.returned.key)


def _suggested(mail: Understood, known: Known) -> DossierNumber | None:
    ours = [number for number in mail.numbers if number in known.dossiers]
    return ours[0] if len(ours) == 1 else None


@dataclass(frozen=True, slots=True)
class _Roles:
    new: DossierNumber | None
    expired: DossierNumber | None
    unsaid: tuple[DossierNumber, ...]


def _roles(mail: Understood, known: Known) -> _Roles:
    """Give each number its role: as the person said, else as the records know it.

    A dossier that waits for an exam result is no expired certificate, and a dossier
    that has a certificate is not the new one: that is knowledge, not a guess.
    """
    new, expired = mail.new_dossier, mail.expired_certificate
    unsaid = [n for n in mail.numbers if n not in {new, expired}]
    waiting = [n for n in unsaid if known.waits(n)]
    holding = [n for n in unsaid if n in known.certificates]
    if new is None and len(waiting) == 1:
        new = waiting[0]
    if expired is None and len(holding) == 1:
        expired = holding[0]
    return _Roles(new, expired, tuple(n for n in unsaid if n not in {new, expired}))


def _transfer(mail: Understood, known: Known, roles: _Roles) -> Meaning:
    if len(roles.unsaid) > 1 or (roles.unsaid and len(mail.numbers) > 1):
        return ForAPerson(Unclear.UNMATCHED, _suggested(mail, known))
    if roles.new is not None:
        if roles.new not in known.dossiers:
            return ForAPerson(Unclear.UNMATCHED, _suggested(mail, known))
        return _request(roles.new, roles.expired, ())
    if known.answered is not None and known.waits(known.answered.dossier):
        return _request(known.answered.dossier, roles.expired, ())
    theirs = [number for number, phase in known.of_sender if phase in WAITING]
    if len(theirs) == 1:
        return _request(theirs[0], roles.expired, (Item.NEW_DOSSIER,))
    return ForAPerson(Unclear.UNMATCHED, _suggested(mail, known))


def _request(
    dossier: DossierNumber | None,
    certificate: DossierNumber | None,
    missing: tuple[Item, ...],
) -> Meaning:
    assert dossier is not None
    if certificate == dossier:
        return ForAPerson(Unclear.CONTRADICTORY, dossier)
    lacking = {*missing, *(() if certificate else (Item.EXPIRED_CERTIFICATE,))}
    in_order = tuple(item for item in Item if item in lacking)
    return Asks(dossier, MailWish.TRANSFER, certificate, in_order)


def _lacks_only_the_wish(mail: Understood, known: Known, roles: _Roles) -> bool:
    """Two numbers with their roles and no verb are a request without its wish."""
    said_both = mail.new_dossier is not None and mail.expired_certificate is not None
    asks_nothing_else = mail.wish in {Wish.OTHER, Wish.NONE}
    return (
        said_both
        and asks_nothing_else
        and roles.new is not None
        and known.waits(roles.new)
    )


def _request_completed(
    mail: Understood, known: Known
) -> tuple[DossierNumber, TransferRequest] | None:
    """Find the request whose missing items this message may bring."""
    answered = known.answered
    if answered is None or answered.notice != "items_missing":
        return None
    if answered.dossier not in known.dossiers:
        return None
    if mail.wish not in {Wish.TRANSFER, Wish.OTHER, Wish.NONE}:
        return None
    request = known.dossiers[answered.dossier][1].request
    if request is None or request.stage is not Stage.ITEMS_MISSING:
        return None
    elsewhere = mail.new_dossier not in {None, answered.dossier}
    return None if elsewhere else (answered.dossier, request)


def _completion(
    mail: Understood, known: Known, dossier: DossierNumber, request: TransferRequest
) -> Meaning:
    """Read an answer to "items missing": its one other number is the missing one."""
    others = [number for number in mail.numbers if number != dossier]
    certificate = mail.expired_certificate
    if certificate is None and len(others) == 1:
        certificate = others[0]
    if certificate is None and others:
        return ForAPerson(Unclear.UNMATCHED, dossier)
    # The number in the subject of our own letter is not the person's answer.
    says_it = dossier in find_dossier_numbers(mail.text)
    brings_a_number = says_it or certificate is not None or bool(mail.suspicious)
    if mail.wish is not Wish.TRANSFER and not brings_a_number:
        return _other(mail, known)
    wish_said = mail.wish is Wish.TRANSFER or Item.WISH not in request.missing
    return _request(dossier, certificate, () if wish_said else (Item.WISH,))


_AS_A_FACT = {
    Wish.TRANSFER: MailWish.TRANSFER,
    Wish.CANCEL: MailWish.CANCEL,
    Wish.OBSERVATIONS: MailWish.OBSERVATIONS,
    Wish.OTHER: MailWish.OTHER,
    Wish.NONE: MailWish.OTHER,  # an empty letter may hold its wish in an attachment
}


def _other(mail: Understood, known: Known) -> Meaning:
    dossier = _dossier_named(mail, known)
    if dossier is None:
        return ForAPerson(Unclear.UNMATCHED, _suggested(mail, known))
    return Asks(dossier, _AS_A_FACT[mail.wish])


def _dossier_named(mail: Understood, known: Known) -> DossierNumber | None:
    """Find the dossier by its number, else by the thread, else by the sender."""
    by_number = _suggested(mail, known)
    if by_number is not None:
        return by_number
    if known.answered is not None and known.answered.dossier in known.dossiers:
        return known.answered.dossier
    if mail.numbers or len(known.of_sender) != 1:
        return None  # a number that we do not know outweighs the sender's address
    return known.of_sender[0][0]

"""What the records hold about the numbers, the sender and the thread of a letter."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from intake.understanding import Understood
from records.dossiers import restored
from records.models import Certificate, DossierRow, Letter, Person
from rules.dossier import Dossier, Phase
from rules.numbers import DossierNumber

WAITING = frozenset({Phase.EXAM_AWAITED, Phase.IN_REVIEW})
"""The phases in which an exam result may be asked for."""


@dataclass(frozen=True, slots=True)
class Answered:
    """The letter of ours that a message answers."""

    key: str
    notice: str
    dossier: DossierNumber


@dataclass(frozen=True, slots=True)
class Known:
    """What the records hold about the numbers, the sender and the thread of a letter.

    *knows_sender* says that somebody has the sender's address; *of_sender* is empty
    unless exactly one person has it.
    """

    dossiers: dict[DossierNumber, tuple[Phase, Dossier]] = field(default_factory=dict)
    certificates: frozenset[DossierNumber] = frozenset()
    answered: Answered | None = None
    returned: Answered | None = None
    knows_sender: bool = False
    of_sender: tuple[tuple[DossierNumber, Phase], ...] = ()

    @property
    def nothing(self) -> bool:
        """Answer whether neither sender, number nor thread of the letter is known."""
        threads = self.answered or self.returned
        return not (self.knows_sender or self.dossiers or self.certificates or threads)

    def waits(self, number: DossierNumber) -> bool:
        """Answer whether this dossier exists and may still be given an exam result."""
        return number in self.dossiers and self.dossiers[number][0] in WAITING


async def known_about(session: AsyncSession, mail: Understood) -> Known:
    """Look up everything `meaning` needs."""
    answered = await _letter(session, mail.in_reply_to)
    returned = await _letter(session, [mail.letter] if mail.letter else [])
    numbers = {*mail.numbers, *([answered.dossier] if answered else [])}
    rows = await session.scalars(
        select(DossierRow).where(DossierRow.number.in_(numbers))
    )
    certificates = await session.scalars(
        select(Certificate.number).where(Certificate.number.in_(numbers))
    )
    persons = await _persons_at(session, mail.sender)
    return Known(
        dossiers={
            DossierNumber(row.number): (Phase(row.phase), restored(row.facts))
            for row in rows
        },
        certificates=frozenset(DossierNumber(number) for number in certificates),
        answered=answered,
        returned=returned,
        knows_sender=bool(persons),
        of_sender=await _dossiers_of(session, persons),
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


async def _persons_at(session: AsyncSession, sender: str | None) -> Sequence[UUID]:
    people = select(Person.person_id).where(func.lower(Person.email) == sender)
    return (await session.scalars(people.limit(2))).all()


async def _dossiers_of(
    session: AsyncSession, persons: Sequence[UUID]
) -> tuple[tuple[DossierNumber, Phase], ...]:
    if len(persons) != 1:
        return ()  # an address that two persons share names neither
    theirs = select(DossierRow.number, DossierRow.phase).where(
        DossierRow.person_id == persons[0], DossierRow.phase != Phase.CLOSED
    )
    return tuple(
        (DossierNumber(number), Phase(phase))
        for number, phase in await session.execute(theirs)
    )

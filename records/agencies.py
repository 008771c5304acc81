"""An agency's people: who asked for a link, who has one, how long they are valid."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, and_, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from records.models import Agency, DossierRow, LinkRow, Person
from rules.dossier import Phase
from rules.links import ANSWER_WITHIN, answer_by

SOON = timedelta(days=90)
"""What counts as expiring soon in an agency's list (our policy, not law)."""


NOTICE_OF_END = timedelta(days=15)
"""Within how long the end of a link is told (OPC, work-stoppage)."""


class View(StrEnum):
    """Which part of an agency's people a list shows, by its name in addresses."""

    TO_CONFIRM = "a-confirmer"
    SOON = "90-jours"
    SUSPENDED = "suspendus"
    ALL = "tous"


@dataclass(frozen=True, slots=True)
class Member:
    """One link of an agency, with what the agency may know of its person."""

    link_id: str
    number: str
    name: str
    phase: Phase
    echeance: date | None
    asked_on: date | None
    since: date | None
    until: date | None

    @property
    def is_to_confirm(self) -> bool:
        """Whether the agency has not answered."""
        return self.since is None

    @property
    def answer_by(self) -> date | None:
        """Name the last day on which the agency answers in time; None once it did."""
        if self.since is not None or self.asked_on is None:
            return None
        return answer_by(self.asked_on)


async def people_of(
    session: AsyncSession, permit: str, view: View, *, today: date, limit: int
) -> Sequence[Member]:
    """Who is linked or asks to be: what must be answered first, then who ends soonest?

    A link refused or ended is not shown.
    """
    rows = await session.execute(
        select(
            LinkRow.link_id,
            DossierRow.number,
            Person.name,
            DossierRow.phase,
            DossierRow.echeance,
            LinkRow.asked_on,
            LinkRow.since,
            LinkRow.until,
        )
        .join(DossierRow, DossierRow.number == LinkRow.dossier)
        .join(Person, Person.person_id == DossierRow.person_id)
        .where(LinkRow.permit == permit, *_shown(view, today))
        .order_by(
            LinkRow.since.is_not(None),
            DossierRow.echeance.nulls_last(),
            LinkRow.asked_on,
            LinkRow.link_id,
        )
        .limit(limit)
    )
    return [
        Member(link_id, number, name, Phase(phase), *dates)
        for link_id, number, name, phase, *dates in rows
    ]


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A request that an agency left without an answer beyond its days."""

    link_id: str
    asked_on: date
    number: str
    name: str
    permit: str
    agency: str


async def unanswered_requests(
    session: AsyncSession,
    *,
    today: date,
    after: tuple[date, str] | None,
    limit: int,
) -> Sequence[Unanswered]:
    """Which requests wait beyond their days, longest first, after one (exclusive)?"""
    query = (
        select(
            LinkRow.link_id,
            LinkRow.asked_on,
            DossierRow.number,
            Person.name,
            LinkRow.permit,
            Agency.name.label("agency"),
        )
        .join(DossierRow, DossierRow.number == LinkRow.dossier)
        .join(Person, Person.person_id == DossierRow.person_id)
        .join(Agency, Agency.permit == LinkRow.permit)
        .where(
            LinkRow.since.is_(None),
            LinkRow.refused_on.is_(None),
            LinkRow.asked_on < today - ANSWER_WITHIN,
            DossierRow.phase != Phase.CLOSED,
        )
        .order_by(LinkRow.asked_on, LinkRow.link_id)
        .limit(limit)
    )
    if after is not None:
        place = tuple_(LinkRow.asked_on, LinkRow.link_id)
        query = query.where(place > tuple_(*after))
    return [
        Unanswered(link_id, asked_on, *others)
        for link_id, asked_on, *others in await session.execute(query)
        if asked_on is not None  # as the query has it
    ]


async def how_many_of(
    session: AsyncSession, permit: str, *, today: date
) -> dict[View, int]:
    """How many people does each part of the list show?"""
    counted = (
        select(
            *(
                func.count().filter(and_(*_shown(view, today))).label(view)
                for view in View
            )
        )
        .select_from(LinkRow)
        .join(DossierRow, DossierRow.number == LinkRow.dossier)
    )
    row = (await session.execute(counted.where(LinkRow.permit == permit))).one()
    return dict(zip(View, row, strict=True))


def _shown(view: View, today: date) -> list[ColumnElement[bool]]:
    still_there = [
        LinkRow.refused_on.is_(None),
        LinkRow.until.is_(None) | (LinkRow.until > today),
        DossierRow.phase != Phase.CLOSED,
    ]
    match view:
        case View.TO_CONFIRM:
            return [*still_there, LinkRow.since.is_(None)]
        case View.SOON:
            return [
                *still_there,
                LinkRow.since.is_not(None),
                DossierRow.echeance > today,
                DossierRow.echeance <= today + SOON,
            ]
        case View.SUSPENDED:
            return [*still_there, DossierRow.phase == Phase.SUSPENDED]
        case View.ALL:
            return still_there

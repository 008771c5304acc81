"""What an agency says of a link: confirmed, refused or ended; a fact, kept first."""

from datetime import date, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from api.codes import Code
from api.errors import Refused
from api.parts import Parts
from api.v1.answers import FactKept
from api.v1.fields import REGIME_BEGAN_ON
from api.v1.showing import own_now
from api.v1.telling import keep_fact, keep_text, tell
from records.models import LinkRow
from records.queries import link_named
from rules.civil_time import civil_date
from rules.numbers import DossierNumber, PermitNumber
from workflows.messages import AgencyLinked, AgencyUnlinked, Refusal, Source

LONGEST_AHEAD = timedelta(days=366)
"""A date told farther ahead is a mistake, not a notice (our policy, not law)."""


async def confirm(
    parts: Parts, link_id: str, since: date, *, permit: str | None = None
) -> FactKept:
    """Confirm a link, alive from a day that is not in the future.

    Raises Refused, also for a link with another agency than *permit*.
    """
    async with parts.sessions.begin() as session:
        link, now = await found(session, link_id, permit=permit)
        has_come(since, civil_date(now))
        fact = AgencyLinked(
            fact_id=f"link:{link_id}:since:{since}",
            source=Source.AGENCY,
            occurred_at=now,
            received_at=now,
            link_id=link_id,
            permit=PermitNumber(link.permit),
            since=since,
        )
        new = await keep_fact(session, DossierNumber(link.dossier), fact)
    return await tell(parts, fact, new=new)


async def end(
    parts: Parts,
    link_id: str,
    until: date,
    *,
    permit: str | None = None,
    told_by: Source = Source.AGENCY,
) -> FactKept:
    """End a link: *until* is its first day without effect, at most a year ahead."""
    async with parts.sessions.begin() as session:
        link, now = await found(session, link_id, permit=permit)
        may_end(link, until, civil_date(now))
        fact = _unlinked(link, f"until:{until}", until, now)
        fact = fact.model_copy(update={"source": told_by})
        new = await keep_fact(session, DossierNumber(link.dossier), fact)
    return await tell(parts, fact, new=new)


async def refuse(
    parts: Parts,
    link_id: str,
    *,
    permit: str | None = None,
    reason: str | None = None,
    by: str = "agency",
) -> FactKept:
    """Refuse a link that was asked for and never confirmed; the person reads why."""
    async with parts.sessions.begin() as session:
        link, now = await found(session, link_id, permit=permit)
        if link.since is not None:
            raise Refused(Code.FACT_CONTRADICTED)
        day = link.refused_on or link.asked_on or civil_date(now)
        fact = _unlinked(link, "refused", day, now)
        if reason is not None:
            text_id = f"{fact.fact_id}:why"
            await keep_text(
                session, name=text_id, dossier=link.dossier, text=reason, by=by
            )
            fact = fact.model_copy(update={"text_id": text_id})
        new = await keep_fact(session, DossierNumber(link.dossier), fact)
    return await tell(parts, fact, new=new)


async def found(
    session: AsyncSession, link_id: str, *, permit: str | None
) -> tuple[LinkRow, datetime]:
    """Find a link and its dossier's own instant; another agency's is not found."""
    link = await link_named(session, link_id)
    if link is None or (permit is not None and link.permit != permit):
        raise Refused(Refusal.UNKNOWN_LINK)
    return link, await own_now(session, link.dossier)


def may_end(link: LinkRow, until: date, today: date) -> None:
    """Refuse a day on which this link cannot end."""
    is_plausible(until, today)
    if link.since is not None and until < link.since:
        raise Refused(Refusal.ABSURD_DATE)


def has_come(day: date, today: date) -> None:
    """Refuse a day that is not yet, or that is older than the regime."""
    if day > today:
        raise Refused(Code.DATE_IN_THE_FUTURE, today=today)
    is_plausible(day, today)


def is_plausible(day: date, today: date) -> None:
    """Refuse a day before the regime, or too far ahead to be a notice."""
    if not REGIME_BEGAN_ON <= day <= today + LONGEST_AHEAD:
        raise Refused(Refusal.ABSURD_DATE)


def _unlinked(link: LinkRow, how: str, until: date, now: datetime) -> AgencyUnlinked:
    return AgencyUnlinked(
        fact_id=f"link:{link.link_id}:{how}",
        source=Source.AGENCY,
        occurred_at=now,
        received_at=now,
        link_id=link.link_id,
        until=until,
    )

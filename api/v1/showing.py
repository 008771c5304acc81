"""A dossier as it is shown: by its story when it answers, else as it was last kept."""

from datetime import date, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from api.errors import Refused
from api.parts import Parts
from api.stories import Stories
from api.v1.answers import AgendaAnswer, ExplanationAnswer, StateAnswer
from records.clock import database_now, now_for
from records.dossiers import restored
from records.fees import policy_in_force
from records.models import DossierRow
from records.queries import dossier_numbered
from rules.agenda import Duty, agenda, civil_day_of
from rules.civil_time import civil_date, last_day, start_of
from rules.dossier import Dossier, Phase
from rules.numbers import DossierNumber
from rules.policy import Policy
from rules.standing import explain, way_back_until
from workflows.messages import DutyView, Refusal, StateView


async def known(session: AsyncSession, number: str) -> DossierRow:
    """Find a dossier; raises Refused when nobody bears the number."""
    row = await dossier_numbered(session, number)
    if row is None:
        raise Refused(Refusal.UNKNOWN_DOSSIER)
    return row


async def own_now(session: AsyncSession, number: str) -> datetime:
    """Name the instant it is for a dossier."""
    return await now_for(session, number, real_now=await database_now(session))


def number_of(row: DossierRow) -> DossierNumber:
    """Name a row's dossier."""
    return DossierNumber(row.number)


async def policy_for(session: AsyncSession, dossier: Dossier, at: datetime) -> Policy:
    """Read the policy in force for a dossier at its own instant."""
    return await policy_in_force(session, dossier.kind, civil_date(at))


async def shown(parts: Parts, number: str) -> StateAnswer:
    """Show where a dossier stands; raises Refused for an unknown one."""
    async with parts.sessions() as session:
        row = await known(session, number)
    view = await Stories(parts.client).state(number_of(row))
    return as_kept(row) if view is None else as_told(view)


def as_told(view: StateView) -> StateAnswer:
    """Show what a story says of itself."""
    return StateAnswer(
        number=view.number,
        phase=view.phase,
        as_of=view.as_of,
        live=True,
        version=view.version,
        policy_version=view.policy_version,
        echeance=view.dossier.echeance,
        last_valid_day=_last_valid_day(view.dossier),
        next_due_at=view.next_due_at,
        needs_staff=bool(view.dossier.tasks),
        letters_on_their_way=view.letters_on_their_way,
        facts_waiting=view.facts_waiting,
        dossier=view.dossier,
    )


def as_kept(row: DossierRow) -> StateAnswer:
    """Show what was last kept, with its own instant."""
    dossier = restored(row.facts)
    return StateAnswer(
        number=row.number,
        phase=Phase(row.phase),
        as_of=kept_at(row),
        live=False,
        version=row.version,
        policy_version=row.policy_version,
        echeance=dossier.echeance,
        last_valid_day=_last_valid_day(dossier),
        next_due_at=row.next_due_at,
        needs_staff=row.needs_staff,
        dossier=dossier,
    )


def kept_at(row: DossierRow) -> datetime:
    """Name the instant of the last record; before the first, that of the opening."""
    return row.kept_at or start_of(row.opened_on)


async def agenda_shown(parts: Parts, number: str) -> AgendaAnswer:
    """Show what happens next; the law gives the same list from what was kept."""
    async with parts.sessions() as session:
        row = await known(session, number)
        now = await own_now(session, number)
    live = await Stories(parts.client).agenda(number_of(row))
    if live is not None:
        return AgendaAnswer(number=number, as_of=now, live=True, duties=tuple(live))
    dossier, settled = restored(row.facts), frozenset(row.settled)
    async with parts.sessions() as session:
        policy = await policy_for(session, dossier, now)
    duties = agenda(dossier, policy)
    return AgendaAnswer(
        number=number,
        as_of=kept_at(row),
        live=False,
        duties=tuple(_duty(duty, settled) for duty in duties),
    )


async def explanation_shown(parts: Parts, number: str) -> ExplanationAnswer:
    """Show each condition of the present answer, or of the last one kept."""
    async with parts.sessions() as session:
        row = await known(session, number)
        now = await own_now(session, number)
    live = await Stories(parts.client).explanation(number_of(row))
    if live is not None:
        return ExplanationAnswer(
            number=number,
            as_of=now,
            live=True,
            phase=live.phase,
            findings=live.findings,
            last_day=live.last_day,
        )
    dossier, at = restored(row.facts), kept_at(row)
    async with parts.sessions() as session:
        policy = await policy_for(session, dossier, at)
    return ExplanationAnswer(
        number=number,
        as_of=at,
        live=False,
        phase=Phase(row.phase),
        findings=explain(dossier, policy, at),
        last_day=way_back_until(dossier, policy, at),
    )


def _last_valid_day(dossier: Dossier) -> date | None:
    return None if dossier.echeance is None else last_day(dossier.echeance)


def _duty(duty: Duty, settled: frozenset[str]) -> DutyView:
    return DutyView(
        key=duty.key,
        act=duty.act,
        notice=duty.notice,
        due_at=duty.due_at,
        due_on=civil_day_of(duty),
        settled=duty.key in settled,
        source=f"{duty.source.text}, {duty.source.section}",
    )

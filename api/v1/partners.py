"""What agencies, the exam body and the register of permits tell: facts, kept first."""

from fastapi import APIRouter, status
from sqlalchemy.ext.asyncio import AsyncSession

from api import links
from api.access import Agency, ExamBody, Register
from api.codes import Code
from api.errors import Refused
from api.links import has_come, is_plausible
from api.parts import TheParts
from api.v1.answers import FactKept, PermitChangeKept
from api.v1.fields import (
    Confirmation,
    ExamResultTold,
    LinkEnd,
    NameInPath,
    PermitChangeTold,
    PermitInPath,
)
from api.v1.showing import known, own_now
from api.v1.telling import keep_fact, tell
from records.clock import database_now
from records.models import Agency as AgencyRow
from records.models import ExamResult
from records.queries import open_dossiers_linked_to
from rules.civil_time import civil_date
from rules.numbers import DossierNumber, PermitNumber
from workflows.messages import (
    ExamPassed,
    PermitChanged,
    Source,
)

router = APIRouter(tags=["partners"])


@router.post("/links/{link_id:path}/confirmation", status_code=status.HTTP_202_ACCEPTED)
async def confirm_link(
    parts: TheParts, _caller: Agency, link_id: NameInPath, told: Confirmation
) -> FactKept:
    """Confirm a link, alive from a day that is not in the future."""
    return await links.confirm(parts, link_id, told.since)


@router.post("/links/{link_id:path}/end", status_code=status.HTTP_202_ACCEPTED)
async def end_link(
    parts: TheParts, _caller: Agency, link_id: NameInPath, told: LinkEnd
) -> FactKept:
    """End a link: *until* is its first day without effect, at most a year ahead."""
    return await links.end(parts, link_id, told.until)


@router.post("/links/{link_id:path}/refusal", status_code=status.HTTP_202_ACCEPTED)
async def refuse_link(
    parts: TheParts, _caller: Agency, link_id: NameInPath
) -> FactKept:
    """Refuse a link that was asked for and never confirmed."""
    return await links.refuse(parts, link_id)


@router.post("/exam-results", status_code=status.HTTP_202_ACCEPTED)
async def transmit_exam_result(
    parts: TheParts, _caller: ExamBody, told: ExamResultTold
) -> FactKept:
    """Transmit a passed exam to a dossier."""
    async with parts.sessions.begin() as session:
        await known(session, told.dossier)
        now = await own_now(session, told.dossier)
        has_come(told.passed_on, civil_date(now))
        fact = ExamPassed(
            fact_id=f"exam:{told.result_id}",
            source=Source.EXAM_BODY,
            occurred_at=now,
            received_at=now,
            result_id=told.result_id,
            passed_on=told.passed_on,
        )
        new = await keep_fact(session, DossierNumber(told.dossier), fact)
        if new:
            await _lives_nowhere_else(session, told)
    return await tell(parts, fact, new=new)


@router.post("/permits/{permit:path}/changes", status_code=status.HTTP_202_ACCEPTED)
async def change_permit(
    parts: TheParts, _caller: Register, permit: PermitInPath, told: PermitChangeTold
) -> PermitChangeKept:
    """Say that an agency's permit begins or ceases to be valid."""
    async with parts.sessions.begin() as session:
        agency = await session.get(AgencyRow, permit, with_for_update=True)
        if agency is None:
            raise Refused(Code.UNKNOWN_PERMIT)
        _keep_newest(agency, told)
        fact_ids = await _tell_each_dossier(session, PermitNumber(permit), told)
    delivered = await parts.courier.tell(fact_ids)
    return PermitChangeKept(
        permit=permit,
        valid=told.valid,
        effective_on=told.effective_on,
        dossiers_told=len(fact_ids),
        delivered=delivered,
    )


async def _lives_nowhere_else(session: AsyncSession, told: ExamResultTold) -> None:
    """A result has one home; where it was moved to is not the exam body's affair."""
    result = await session.get(ExamResult, told.result_id)
    if result is None:
        return
    if result.home != told.dossier or result.passed_on != told.passed_on:
        raise Refused(Code.FACT_CONTRADICTED)


def _keep_newest(agency: AgencyRow, told: PermitChangeTold) -> None:
    changed_on = agency.permit_changed_on
    if changed_on is None or changed_on <= told.effective_on:
        agency.permit_valid = told.valid
        agency.permit_changed_on = told.effective_on


async def _tell_each_dossier(
    session: AsyncSession, permit: PermitNumber, told: PermitChangeTold
) -> list[str]:
    linked = await open_dossiers_linked_to(session, permit)
    at = {row.number: await own_now(session, row.number) for row in linked}
    latest = max([*at.values(), await database_now(session)])
    is_plausible(told.effective_on, civil_date(latest))
    facts = {
        number: PermitChanged(
            fact_id=f"permit:{permit}:{told.effective_on}:{told.valid}:{number}",
            source=Source.PERMIT_REGISTER,
            occurred_at=now,
            received_at=now,
            permit=permit,
            valid=told.valid,
            effective_on=told.effective_on,
        )
        for number, now in at.items()
    }
    for number, fact in facts.items():
        await keep_fact(session, DossierNumber(number), fact)
    return [fact.fact_id for fact in facts.values()]

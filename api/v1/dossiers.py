"""A person's dossier: opened, read, and what its person asks of it."""

import hashlib
from datetime import date

from fastapi import APIRouter, status

from api.access import Caller, Representative, Role
from api.codes import Code
from api.errors import Refused
from api.parts import Parts, TheParts
from api.stories import Stories
from api.v1.answers import (
    AgendaAnswer,
    CommandTaken,
    ExplanationAnswer,
    InvoiceLine,
    Invoices,
    LetterLine,
    Letters,
    Opened,
    StateAnswer,
    Timeline,
    TimelineLine,
)
from api.v1.cursors import position_after, position_cursor
from api.v1.discretion import (
    agenda_for,
    lines_withheld_from,
    state_for,
)
from api.v1.fields import (
    Cursor,
    Limit,
    LinkWish,
    NameInPath,
    NumberInPath,
    Opening,
    TransferWish,
    Written,
)
from api.v1.looking import Looking
from api.v1.mail_showing import steps_beside
from api.v1.showing import (
    agenda_shown,
    explanation_shown,
    known,
    own_now,
    policy_for,
    shown,
)
from api.v1.telling import Key, ask, command_id, keep_fact, keep_text, text_id
from records.clock import database_now
from records.dossiers import restored
from records.models import Agency, InvoiceRow
from records.opening import find_or_add_person, open_dossier
from records.queries import (
    agency_with_permit,
    invoices_of,
    letters_of,
    timeline_of,
)
from rules.civil_time import civil_date
from rules.dossier import Operation
from rules.fees import amount_on
from rules.numbers import DossierNumber, PermitNumber
from rules.policy import Policy
from workflows.messages import (
    Cancel,
    Observe,
    PermitChanged,
    RemindAgency,
    RequestLink,
    RequestTransfer,
    Source,
)

router = APIRouter(prefix="/dossiers", tags=["dossiers"])


@router.post("", status_code=status.HTTP_201_CREATED)
async def open_a_dossier(
    parts: TheParts, _caller: Representative, asked: Opening, key: Key
) -> Opened:
    """Open a dossier for a person; its number is the answer, the same for a key."""
    async with parts.sessions.begin() as session:
        person_id = await find_or_add_person(
            session, name=asked.name, email=asked.email, language=asked.language
        )
        at = await database_now(session)
        number = await open_dossier(session, person_id=person_id, at=at, key=key)
    begun = await Stories(parts.client).begin(number)
    return Opened(number=number, story_begun=begun)


# ------------------------------------------------------------------------ reading


@router.get("/{number}")
async def read_state(
    parts: TheParts, caller: Looking, number: NumberInPath
) -> StateAnswer:
    """Say where a dossier stands."""
    return state_for(caller, await shown(parts, number))


@router.get("/{number}/agenda")
async def read_agenda(
    parts: TheParts, caller: Looking, number: NumberInPath
) -> AgendaAnswer:
    """Say what happens next, with dates and sources."""
    return agenda_for(caller, await agenda_shown(parts, number))


@router.get("/{number}/explanation")
async def read_explanation(
    parts: TheParts, _caller: Looking, number: NumberInPath
) -> ExplanationAnswer:
    """Say why: each condition of the present answer."""
    return await explanation_shown(parts, number)


@router.get("/{number}/timeline")
async def read_timeline(
    parts: TheParts,
    caller: Looking,
    number: NumberInPath,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Timeline:
    """Say what happened, oldest first, a page at a time."""
    after = position_after(cursor)
    async with parts.sessions() as session:
        await known(session, number)
        rows = await timeline_of(
            session,
            number,
            after=after,
            limit=limit + 1,
            without=lines_withheld_from(caller),
        )
        ends = rows[limit - 1].at if len(rows) > limit else None
        steps = (
            await steps_beside(session, number, after=after, until=ends)
            if caller.role is Role.OFFICER
            else ()
        )
    entries = tuple(TimelineLine.model_validate(row) for row in rows[:limit])
    more = position_cursor(entries[-1].position) if len(rows) > limit else None
    return Timeline(
        number=number, entries=entries, letter_steps=steps, next_cursor=more
    )


@router.get("/{number}/letters")
async def read_letters(
    parts: TheParts, _caller: Looking, number: NumberInPath
) -> Letters:
    """Show the letters written, and what became of each."""
    async with parts.sessions() as session:
        await known(session, number)
        rows = await letters_of(session, number)
    letters = tuple(LetterLine.model_validate(row) for row in rows)
    return Letters(number=number, letters=letters)


@router.get("/{number}/invoices")
async def read_invoices(
    parts: TheParts, _caller: Looking, number: NumberInPath
) -> Invoices:
    """Show the invoices; an open one bears the fee of today."""
    async with parts.sessions() as session:
        row = await known(session, number)
        rows = await invoices_of(session, number)
        now = await own_now(session, number)
        policy = await policy_for(session, restored(row.facts), now)
    lines = tuple(_invoice(line, policy, civil_date(now)) for line in rows)
    return Invoices(number=number, invoices=lines)


def _invoice(row: InvoiceRow, policy: Policy, today: date) -> InvoiceLine:
    fee = amount_on(today, Operation(row.operation), policy)
    paid = row.amount_cents is not None
    return InvoiceLine(
        invoice_id=row.invoice_id,
        operation=row.operation,
        asked_on=row.asked_on,
        renews=row.renews,
        state=row.state,
        amount_cents=row.amount_cents if paid else fee.cents,
        amount_confirmed=paid or fee.confirmed,
        captured_at=row.captured_at,
    )


# ------------------------------------------------------------------------- asking


@router.post("/{number}/transfer-request")
async def ask_for_transfer(
    parts: TheParts,
    caller: Representative,
    number: NumberInPath,
    asked: TransferWish,
    key: Key,
) -> CommandTaken:
    """Ask for the exam result of an expired certificate."""
    await _find(parts, number)
    command = RequestTransfer(
        command_id=command_id("request_transfer", key),
        by=caller.subject,
        certificate=DossierNumber(asked.certificate),
    )
    return await ask(parts, caller, DossierNumber(number), command, key=key)


@router.post("/{number}/links")
async def ask_for_link(
    parts: TheParts,
    caller: Representative,
    number: NumberInPath,
    asked: LinkWish,
    key: Key,
) -> CommandTaken:
    """Declare an agency, which must confirm."""
    agency = await agency_to_link(parts, number, asked.permit)
    return await ask_link(parts, caller, DossierNumber(number), agency, key=key)


async def ask_link(
    parts: Parts, caller: Caller, number: DossierNumber, agency: Agency, *, key: str
) -> CommandTaken:
    """Ask a story for a link with an agency that `agency_to_link` found."""
    permit = PermitNumber(agency.permit)
    command = RequestLink(
        command_id=command_id("request_link", key),
        by=caller.subject,
        link_id=link_id_of(number, permit, key),
        permit=permit,
    )
    taken = await ask(parts, caller, number, command, key=key, link_id=command.link_id)
    await _tell_of_coming_change(parts, number, agency)
    return taken


@router.post("/{number}/links/{link_id:path}/reminder")
async def ask_to_remind_agency(
    parts: TheParts,
    caller: Representative,
    number: NumberInPath,
    link_id: NameInPath,
    key: Key,
) -> CommandTaken:
    """Have a silent agency written to again, at most once in a while."""
    return await remind_agency(parts, caller, DossierNumber(number), link_id, key=key)


async def remind_agency(
    parts: Parts, caller: Caller, number: DossierNumber, link_id: str, *, key: str
) -> CommandTaken:
    """Have the agency of a link that waits for its answer written to again."""
    command = RemindAgency(
        command_id=command_id("remind_agency", key),
        by=caller.subject,
        link_id=link_id,
    )
    return await ask(parts, caller, number, command, key=key, link_id=link_id)


@router.post("/{number}/observations")
async def comment_on_refusal(
    parts: TheParts,
    caller: Representative,
    number: NumberInPath,
    asked: Written,
    key: Key,
) -> CommandTaken:
    """Comment on an intended refusal."""
    return await observe(parts, caller, DossierNumber(number), asked.text, key=key)


async def observe(
    parts: Parts, caller: Caller, number: DossierNumber, text: str, *, key: str
) -> CommandTaken:
    """Keep a person's comments, then tell the story that they are there."""
    command = Observe(
        command_id=command_id("observe", key),
        by=caller.subject,
        text_id=await _keep(parts, number, "observe", key, text, caller.subject),
    )
    return await ask(parts, caller, number, command, key=key)


@router.post("/{number}/cancellation")
async def cancel_dossier(
    parts: TheParts,
    caller: Representative,
    number: NumberInPath,
    asked: Written,
    key: Key,
) -> CommandTaken:
    """Close the dossier for good."""
    return await cancel(parts, caller, DossierNumber(number), asked.text, key=key)


async def cancel(
    parts: Parts, caller: Caller, number: DossierNumber, reason: str, *, key: str
) -> CommandTaken:
    """Keep a person's reason, then have the story end."""
    command = Cancel(
        command_id=command_id("cancel", key),
        by=caller.subject,
        text_id=await _keep(parts, number, "cancel", key, reason, caller.subject),
    )
    return await ask(parts, caller, number, command, key=key)


def link_id_of(number: str, permit: PermitNumber, key: str) -> str:
    """Name a link; the same key asks for the same link."""
    mark = hashlib.sha256(key.encode()).hexdigest()[:8]
    return f"{number}-{permit}-{mark}"


async def _find(parts: Parts, number: str) -> None:
    async with parts.sessions() as session:
        await known(session, number)


async def _keep(
    parts: Parts, number: str, kind: str, key: str, text: str, by: str
) -> str:
    name = text_id(kind, key)
    async with parts.sessions.begin() as session:
        await known(session, number)
        await keep_text(session, name=name, dossier=number, text=text, by=by)
    return name


async def agency_to_link(parts: Parts, number: str, permit: str) -> Agency:
    """Find the agency of a permit that is valid today; raises Refused otherwise."""
    async with parts.sessions() as session:
        await known(session, number)
        today = civil_date(await own_now(session, number))
        agency = await agency_with_permit(session, permit)
    if agency is None:
        raise Refused(Code.UNKNOWN_PERMIT)
    if not _is_valid_on(agency, today):
        raise Refused(Code.PERMIT_NOT_VALID)
    return agency


def _is_valid_on(agency: Agency, day: date) -> bool:
    """A change told ahead of its day has not happened yet."""
    if agency.permit_changed_on is not None and agency.permit_changed_on > day:
        return not agency.permit_valid
    return agency.permit_valid


async def _tell_of_coming_change(parts: Parts, number: str, agency: Agency) -> None:
    """A dossier linked after a permit's end was announced must hear of it too."""
    if agency.permit_valid or agency.permit_changed_on is None:
        return
    async with parts.sessions.begin() as session:
        now = await own_now(session, number)
        fact = PermitChanged(
            fact_id=f"permit:{agency.permit}:{agency.permit_changed_on}:False:{number}",
            source=Source.PERMIT_REGISTER,
            occurred_at=now,
            received_at=now,
            permit=PermitNumber(agency.permit),
            valid=False,
            effective_on=agency.permit_changed_on,
        )
        await keep_fact(session, DossierNumber(number), fact)
    await parts.courier.tell([fact.fact_id])

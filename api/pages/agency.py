"""An agency's pages: its people, what it must answer, and the end of a link.

Nothing here pays, applies or declares for a person: only they may.
"""

import csv
import io
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response, status
from fastapi.responses import RedirectResponse

from api import links
from api.errors import Refused
from api.language import Language
from api.pages.forms import Faults, FormWritten, Step, Written, first_time
from api.pages.rendering import Page, page
from api.parts import Parts, TheParts
from api.signin.who import SignedIn, TheAgency, own_form
from records.accounts import agency_with_account
from records.agencies import (
    ANSWER_WITHIN,
    NOTICE_OF_END,
    View,
    answer_by,
    how_many_of,
    people_of,
)
from records.clock import database_now
from records.models import Agency, LinkRow, Person
from records.queries import dossier_numbered
from rules.civil_time import civil_date, last_day

router = APIRouter(route_class=Page, include_in_schema=False)
MOST_SHOWN = 500
_ON, _WHY, _ANSWER = "jour", "raison", "reponse"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


async def _own_agency(parts: TheParts, who: TheAgency) -> Agency | None:
    async with parts.sessions() as session:
        return await agency_with_account(session, who.account)


MyAgency = Annotated[Agency | None, Depends(_own_agency)]


@router.get("/{language:fr_or_en}/agence")
async def home(
    request: Request,
    parts: TheParts,
    language: Language,
    agency: MyAgency,
    view: Annotated[View, Query(alias="voir")] = View.ALL,
) -> Response:
    """Show three numbers and the people, most urgent first."""
    if agency is None:
        return page(request, "agency_unknown.html", language)
    async with parts.sessions() as session:
        today = civil_date(await database_now(session))
        counts = await how_many_of(session, agency.permit, today=today)
        people = await people_of(
            session, agency.permit, view, today=today, limit=MOST_SHOWN
        )
    return page(
        request,
        "agency.html",
        language,
        agency=agency,
        view=view,
        counts=counts,
        people=people,
        last_day=last_day,
        today=today,
        most=MOST_SHOWN,
        said=request.query_params.get("fait") or "",
    )


@router.get("/{language:fr_or_en}/agence/liste.csv")
async def as_csv(parts: TheParts, language: Language, agency: MyAgency) -> Response:
    """Give the whole list to a spreadsheet; no cell of it can be a formula."""
    if agency is None:
        return RedirectResponse(f"/{language}/agence", status.HTTP_303_SEE_OTHER)
    async with parts.sessions() as session:
        today = civil_date(await database_now(session))
        people = await people_of(
            session, agency.permit, View.ALL, today=today, limit=100 * MOST_SHOWN
        )
    written = io.StringIO()
    lines = csv.writer(written)
    lines.writerow(("numero", "nom", "etat", "dernier_jour_de_validite", "lien_depuis"))
    for one in people:
        ends = last_day(one.echeance) if one.echeance else ""
        cells = (one.number, one.name, one.phase, ends, one.since or "")
        lines.writerow([_plain(str(cell)) for cell in cells])
    return Response(
        "\ufeff" + written.getvalue(),  # the mark by which spreadsheets know UTF-8
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="representants.csv"'},
    )


def _plain(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


# ------------------------------------------------------------- one link, to answer


@router.get("/{language:fr_or_en}/agence/lien/{link_id:path}")
async def see_link(
    request: Request,
    parts: TheParts,
    language: Language,
    agency: MyAgency,
    link_id: str,
) -> Response:
    """Show one link, and what can be said of it."""
    link = await _link(parts, agency, link_id)
    return await _link_page(request, parts, language, link, first_time(), Faults())


@router.post(
    "/{language:fr_or_en}/agence/lien/{link_id:path}", dependencies=[Depends(own_form)]
)
async def answer_link(
    request: Request,
    parts: TheParts,
    language: Language,
    who: TheAgency,
    agency: MyAgency,
    link_id: str,
    written: FormWritten,
) -> Response:
    """Confirm, refuse or end a link; a fact that is told once however often sent.

    The end of a link is read once more before it is told: it may suspend a certificate.
    """
    link = await _link(parts, agency, link_id)
    faults = Faults()
    if written[_ANSWER] == "terminer" and written.step is not Step.SEND:
        return await _end_page(request, parts, language, link, written)
    try:
        await _say(parts, who, link, written, faults)
    except Refused as refused:
        faults.refused(_WHY if written[_ANSWER] == "refuser" else _ON, refused)
    if faults:
        return await _link_page(request, parts, language, link, written, faults)
    return RedirectResponse(
        f"/{language}/agence?fait={written[_ANSWER]}", status.HTTP_303_SEE_OTHER
    )


async def _say(
    parts: Parts, who: SignedIn, link: LinkRow, written: Written, faults: Faults
) -> None:
    match written[_ANSWER]:
        case "confirmer" if link.since is None:
            day = _day(written, faults)
            if day is not None:
                await links.confirm(parts, link.link_id, day, permit=link.permit)
        case "refuser" if link.since is None:
            if not written[_WHY]:
                faults.add(_WHY, "agency.fault_why")
                return
            await links.refuse(
                parts,
                link.link_id,
                permit=link.permit,
                reason=written[_WHY],
                by=who.account,
            )
        case "terminer" if link.since is not None:
            day = _day(written, faults)
            if day is not None:
                await links.end(parts, link.link_id, day, permit=link.permit)
        case _:
            faults.add(_ANSWER, "agency.fault_answer")


def _day(written: Written, faults: Faults) -> date | None:
    """Read a day as its field gives it, or as it is written by hand: 2026-11-26."""
    try:
        return date.fromisoformat(written[_ON])
    except ValueError:
        faults.add(_ON, "agency.fault_day")
        return None


async def _link(parts: Parts, agency: Agency | None, link_id: str) -> LinkRow:
    permit = agency.permit if agency else ""
    async with parts.sessions() as session:
        link, _ = await links.found(session, link_id, permit=permit)
    return link


async def _link_page(
    request: Request,
    parts: Parts,
    language: Language,
    link: LinkRow,
    written: Written,
    faults: Faults,
) -> Response:
    name, today = await _whose(parts, link)
    return page(
        request,
        "agency_link.html",
        language,
        422 if faults else 200,
        link=link,
        name=name,
        today=today,
        answer_by=answer_by(link.asked_on) if link.asked_on else None,
        within=ANSWER_WITHIN.days,
        written=written,
        faults=faults,
    )


async def _end_page(
    request: Request, parts: Parts, language: Language, link: LinkRow, written: Written
) -> Response:
    """Show what the end of a link will do, and whether it is told in time."""
    faults = Faults()
    until = None if written.step is Step.WRITE else _day(written, faults)
    name, today = await _whose(parts, link)
    if until is not None:
        try:
            links.may_end(link, until, today)
        except Refused as refused:
            faults.refused(_ON, refused)
    if until is None or faults:
        return await _link_page(request, parts, language, link, written, faults)
    return page(
        request,
        "agency_end_check.html",
        language,
        link=link,
        name=name,
        today=today,
        until=until,
        notice_by=until + NOTICE_OF_END,
        written=written,
    )


async def _whose(parts: Parts, link: LinkRow) -> tuple[str, date]:
    """Name the person of a link, and today."""
    async with parts.sessions() as session:
        row = await dossier_numbered(session, link.dossier)
        assert row is not None
        person = await session.get_one(Person, row.person_id)
        return person.name, civil_date(await database_now(session))

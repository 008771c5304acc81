"""An agency's people, most urgent first, on a page and as a file.

Nothing here pays, applies or declares for a person: only they may.
"""

import csv
import io
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response, status
from fastapi.responses import RedirectResponse

from api.language import Language
from api.pages.rendering import Page, page
from api.parts import TheParts
from api.signin.who import TheAgency
from records.accounts import agency_with_account
from records.agencies import (
    View,
    how_many_of,
    people_of,
)
from records.clock import database_now
from records.models import Agency
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

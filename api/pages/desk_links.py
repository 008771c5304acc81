"""Requests that agencies left without an answer, for the Office to ask after."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response

from api.language import Language
from api.pages.desk import AT_ONCE
from api.pages.rendering import Page, page
from api.parts import TheParts
from api.signin.who import TheOfficer
from api.v1.cursors import task_after, task_cursor
from records.agencies import unanswered_requests
from records.clock import database_now
from rules.civil_time import civil_date
from rules.links import ANSWER_WITHIN

router = APIRouter(route_class=Page, include_in_schema=False)


@router.get("/{language:fr_or_en}/bureau/liens")
async def silent_agencies(
    request: Request,
    parts: TheParts,
    language: Language,
    _who: TheOfficer,
    further: Annotated[str | None, Query(alias="suite")] = None,
) -> Response:
    """List requests beyond their days, the one that waits longest first."""
    after = task_after(further)
    async with parts.sessions() as session:
        today = civil_date(await database_now(session))
        rows = await unanswered_requests(
            session, today=today, after=after, limit=AT_ONCE + 1
        )
    shown = rows[:AT_ONCE]
    last = shown[-1] if len(rows) > AT_ONCE else None
    return page(
        request,
        "desk_links.html",
        language,
        rows=[(row, (today - row.asked_on).days) for row in shown],
        within=ANSWER_WITHIN.days,
        more=last and urlencode({"suite": task_cursor(last.asked_on, last.link_id)}),
        is_first=after is None,
    )

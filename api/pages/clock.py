"""The buttons that move one dossier's clock ahead; on the embedded stack only."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Form, HTTPException, Request, Response, status
from fastapi.responses import RedirectResponse
from temporalio.service import RPCError

from api.language import Language
from api.pages.dossier import see, still_to_come
from api.pages.mine import number_of
from api.pages.rendering import Page, sorry
from api.pages.seeing import DossierToRead
from api.pages.words import Voice
from api.parts import Parts, TheParts
from api.signin.who import own_form
from api.v1.showing import own_now
from rules.numbers import DossierNumber

Mover = Callable[[Parts, DossierNumber, datetime], Awaitable[None]]
"""Moves a dossier's clock to an instant; given by whoever starts the service."""

router = APIRouter(
    route_class=Page, include_in_schema=False, dependencies=[Depends(own_form)]
)
_A_MINUTE = timedelta(minutes=1)


@router.post("/{language:fr_or_en}/dossier/{number}/horloge")
async def move_clock(
    request: Request,
    parts: TheParts,
    language: Language,
    row: DossierToRead,
    jump: Annotated[Literal["1", "7", "30", "90", "next"], Form()],
) -> Response:
    """Move one dossier ahead by days, or to its next due date."""
    mover: Mover | None = request.app.state.mover
    number = number_of(row)
    async with parts.sessions() as session:
        now = await own_now(session, number)
    if mover is None:
        raise HTTPException(status.HTTP_404_NOT_FOUND)
    to = await _aim(parts, number, now, jump)
    try:
        await mover(parts, number, to)
    except RPCError:
        told = Voice(language)("sorry.clock")
        return sorry(request, told, status.HTTP_503_SERVICE_UNAVAILABLE)
    return RedirectResponse(f"/{language}/dossier/{number}", status.HTTP_303_SEE_OTHER)


async def _aim(
    parts: Parts, number: DossierNumber, now: datetime, jump: str
) -> datetime:
    if jump != "next":
        return now + timedelta(days=int(jump))
    _, duties = await see(parts, number)
    coming = still_to_come(duties, now)
    # A minute later, so that what falls due has fallen due.
    return min((duty.due_at for duty in coming), default=now) + _A_MINUTE

"""What anybody may know of the service: for whom it is fit, what it keeps, how it does.

The page of its state is shown while the records are away: it is then that it is read.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from fastapi import APIRouter, Request, Response, status
from sqlalchemy.exc import SQLAlchemyError

from api.brand import Brand
from api.codes import Code
from api.errors import Refused
from api.health import Readiness, readiness
from api.language import Language
from api.pages.rendering import Page, page
from api.parts import Parts, TheParts
from api.signin.who import whoever
from records.clock import database_now
from records.ledger import letters_on_their_way
from records.measures import last_ended_sweep
from workflows.upkeep import SWEEP_EVERY

router = APIRouter(route_class=Page, include_in_schema=False)
at_any_time = APIRouter(include_in_schema=False)
_A_YEAR_S = 31_536_000
_LATE = 10 * SWEEP_EVERY
"""Whoever follows the dates compares everything at each SWEEP_EVERY, and notes it."""

Mood = Literal["yes", "waiting", "no"]
Line = tuple[Mood, str]
"""How a part of the service does, and the key of the sentence that says it."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What the records say: letters not yet gone, and how long ago all was compared."""

    waiting: int | None
    swept_ago: timedelta | None


@router.get("/{language:fr_or_en}/accessibilite")
async def accessibility(request: Request, language: Language) -> Response:
    """Say for whom the pages were made fit, how that is known, and what is not."""
    parts = ("aim", "does", "checked", "not_yet", "tell")
    return page(request, "about.html", language, about="access", parts=parts)


@router.get("/{language:fr_or_en}/confidentialite")
async def privacy(request: Request, parts: TheParts, language: Language) -> Response:
    """Say what is kept of a person, why, who sees it, and what one may ask."""
    told = (
        *("kept", "why", "seen", "not_here", "calendar", "long"),
        *("rights", "decided", "cookies"),
    )
    office = parts.settings
    kept = office.office_keeps_fr if language == "fr" else office.office_keeps_en
    return page(
        request, "about.html", language, about="privacy", parts=told, files_kept=kept
    )


@at_any_time.get("/{language:fr_or_en}/etat")
async def state(request: Request, parts: TheParts, language: Language) -> Response:
    """Say in sentences how the service does right now."""
    found = await readiness(parts)
    kept = Kept(None, None)
    with suppress(SQLAlchemyError):  # it is what this page then says
        await whoever(request)
        kept = await _kept(parts)
    code = status.HTTP_200_OK if found.ready else status.HTTP_503_SERVICE_UNAVAILABLE
    return page(
        request,
        "state.html",
        language,
        code,
        lines=list(_lines(found, kept)),
        waiting=kept.waiting,
        ready=found.ready,
        at=datetime.now(UTC),
    )


async def _kept(parts: Parts) -> Kept:
    async with parts.sessions() as session:
        swept = await last_ended_sweep(session)
        letters = await letters_on_their_way(session)
        now = await database_now(session)
    return Kept(letters.waiting, now - swept.ended_at if swept else None)


def _lines(found: Readiness, kept: Kept) -> Iterator[Line]:
    yield "yes", "service.pages"
    records = found.database == found.migrations == "ok"
    yield ("yes", "service.records") if records else ("no", "service.records_away")
    if found.temporal != "ok":
        yield "no", "service.dates_away"
    elif kept.swept_ago is None or kept.swept_ago > _LATE:
        yield "waiting", "service.dates_silent"
    else:
        yield "yes", "service.dates"
    if kept.waiting is None:
        yield "waiting", "service.letters_unknown"
    elif kept.waiting:
        yield "waiting", "service.letters_wait"
    else:
        yield "yes", "service.letters"


@router.get("/marque/{name}")
async def brand_file(request: Request, name: str) -> Response:
    """Give a file of the operator's look; its address changes with it: it is kept."""
    brand: Brand = request.app.state.brand
    if name not in brand.files:
        raise Refused(Code.NOT_FOUND)
    kept = {"Cache-Control": f"public, max-age={_A_YEAR_S}, immutable"}
    return Response(brand.files[name], media_type=brand.media_type(name), headers=kept)

"""The pages on which one makes, replaces and revokes the address of one's calendar."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response, status
from fastapi.responses import RedirectResponse

from api.calendars import address_of
from api.errors import Refused
from api.language import Language
from api.pages.agency import MyAgency
from api.pages.rendering import Page, page
from api.parts import Parts, TheParts
from api.signin.cookies import hash_of, new_value
from api.signin.who import TheAgency, ThePerson, own_form
from records.accounts import person_with_account
from records.calendars import Reader, feed_for, make_feed, revoke_feed
from workflows.messages import Refusal

router = APIRouter(route_class=Page, include_in_schema=False)
_MAKE, _REVOKE = "creer", "revoquer"
Wanted = Annotated[str, Form(alias="acte")]


async def _the_person(parts: TheParts, who: ThePerson) -> Reader:
    """Find who is signed in; raises Refused for who has no dossier yet."""
    async with parts.sessions() as session:
        person = await person_with_account(session, who.account)
    if person is None:
        raise Refused(Refusal.UNKNOWN_DOSSIER)
    return Reader(person_id=person.person_id)


MyDays = Annotated[Reader, Depends(_the_person)]


@router.get("/{language:fr_or_en}/mon-calendrier")
async def see_own(
    request: Request, parts: TheParts, language: Language, reader: MyDays
) -> Response:
    """Say whether one has an address, and what it would tell."""
    return await _page(request, parts, language, reader)


@router.post("/{language:fr_or_en}/mon-calendrier", dependencies=[Depends(own_form)])
async def change_own(
    request: Request,
    parts: TheParts,
    language: Language,
    reader: MyDays,
    wanted: Wanted = "",
) -> Response:
    """Make an address and show it, this once; or revoke the one there is."""
    return await _change(request, parts, language, reader, wanted)


@router.get("/{language:fr_or_en}/agence/calendrier")
async def see_agencys(
    request: Request, parts: TheParts, language: Language, agency: MyAgency
) -> Response:
    """Say whether the agency has an address, and what it would tell."""
    if agency is None:
        return page(request, "agency_unknown.html", language)
    return await _page(request, parts, language, Reader(permit=agency.permit))


@router.post("/{language:fr_or_en}/agence/calendrier", dependencies=[Depends(own_form)])
async def change_agencys(
    request: Request,
    parts: TheParts,
    language: Language,
    _who: TheAgency,
    agency: MyAgency,
    wanted: Wanted = "",
) -> Response:
    """Make an address and show it, this once; or revoke the one there is."""
    if agency is None:
        return page(request, "agency_unknown.html", language)
    reader = Reader(permit=agency.permit)
    return await _change(request, parts, language, reader, wanted)


async def _change(
    request: Request, parts: Parts, language: Language, reader: Reader, wanted: str
) -> Response:
    if wanted == _MAKE:
        secret = new_value()
        async with parts.sessions.begin() as session:
            await make_feed(session, reader, hash_of(secret))
        # No address of ours could show it again: the answer itself does, once.
        return await _page(request, parts, language, reader, secret)
    if wanted == _REVOKE:
        async with parts.sessions.begin() as session:
            await revoke_feed(session, reader)
        here = f"{request.url.path}?fait={_REVOKE}"
        return RedirectResponse(here, status.HTTP_303_SEE_OTHER)
    return RedirectResponse(request.url.path, status.HTTP_303_SEE_OTHER)


async def _page(
    request: Request,
    parts: Parts,
    language: Language,
    reader: Reader,
    secret: str | None = None,
) -> Response:
    async with parts.sessions() as session:
        feed = await feed_for(session, reader)
    made = None if secret is None else address_of(parts, secret)
    return page(
        request,
        "calendar.html",
        language,
        feed=feed,
        made=made,
        # The scheme by which phones know what to do with it.
        to_open=made and f"webcal:{made.partition(':')[2]}",
        to_agency=reader.permit is not None,
        revoked=request.query_params.get("fait") == _REVOKE and feed is None,
    )

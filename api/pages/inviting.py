"""An agency invited to sign in here, and the words with which it invites its people.

An agency writes to its people itself: we learn nobody's address from somebody else, and
send nothing to who has not asked.
"""

from html import unescape
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request, Response, status
from fastapi.responses import RedirectResponse

from api.codes import Code
from api.errors import Refused
from api.language import Language
from api.pages.agency import MyAgency
from api.pages.rendering import Page, page
from api.pages.words import Voice
from api.parts import TheParts
from api.signin.who import TheAgency, own_form
from records.invitations import accept_invitation, invited_by

router = APIRouter(route_class=Page, include_in_schema=False)
_PLACE = "/{language:fr_or_en}/agence/invitation/{secret}"


@router.get(_PLACE)
async def see_invitation(
    request: Request, parts: TheParts, language: Language, who: TheAgency, secret: str
) -> Response:
    """Name the agency for which one would answer; a link that is followed does nothing.

    One address that does not serve is told by nothing from another.
    """
    async with parts.sessions() as session:
        found = await invited_by(session, secret, who.account)
    if found is None:
        raise Refused(Code.NOT_FOUND)
    _, agency = found
    return page(request, "invitation.html", language, agency=agency, secret=secret)


@router.post(_PLACE, dependencies=[Depends(own_form)])
async def accept(
    parts: TheParts, language: Language, who: TheAgency, secret: str
) -> Response:
    """Attach the account to the agency, once."""
    async with parts.sessions.begin() as session:
        found = await invited_by(session, secret, who.account)
        if found is None:
            raise Refused(Code.NOT_FOUND)
        if not await accept_invitation(session, *found, who.account):
            raise Refused(Code.ACCOUNT_OF_ANOTHER_AGENCY)
    return RedirectResponse(
        f"/{language}/agence?fait=invitation", status.HTTP_303_SEE_OTHER
    )


@router.get("/{language:fr_or_en}/agence/inviter")
async def invite_a_person(
    request: Request, parts: TheParts, language: Language, agency: MyAgency
) -> Response:
    """Give the words to send to a person whom the agency employs."""
    if agency is None:
        return RedirectResponse(f"/{language}/agence", status.HTTP_303_SEE_OTHER)
    say = Voice(language)
    start = f"{parts.settings.public_url.rstrip('/')}/{language}"
    # A program that writes e-mail reads no HTML.
    subject = unescape(say("inviting.subject", name=agency.name))
    text = unescape(
        say("inviting.text", name=agency.name, permit=agency.permit, start=start)
    )
    return page(
        request,
        "inviting.html",
        language,
        subject=subject,
        text=text,
        mail=f"mailto:?subject={quote(subject)}&body={quote(text)}",
    )

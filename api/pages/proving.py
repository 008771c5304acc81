"""The page that the link in a letter opens: its button does what was wished."""

from fastapi import APIRouter, Depends, Request, Response, status
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from api.codes import Code
from api.errors import Refused
from api.language import Language
from api.pages.done import done, led_to
from api.pages.rendering import Page, mail_link, page, sorry
from api.pages.words import Voice
from api.parts import Parts, TheParts
from api.proofs import purpose_of, tell_address_changed, wish_proven
from api.signin.who import SignedIn, ThePerson, own_form
from records.accounts import dossier_of_account, person_with_account
from records.models import WrittenText
from records.taking_back import person_without_account, take_over
from workflows.messages import ProofPurpose

router = APIRouter(route_class=Page, include_in_schema=False)


@router.get("/{language:fr_or_en}/confirmer/{proof}")
async def ask(
    request: Request, parts: TheParts, language: Language, who: ThePerson, proof: str
) -> Response:
    """Say what would be done: a program that follows links does nothing."""
    async with parts.sessions() as session:
        wish = await wish_proven(session, parts, proof, who.account)
    purpose = purpose_of(wish)
    return page(
        request, "proving.html", language, wish=wish, purpose=purpose, proof=proof
    )


@router.post("/{language:fr_or_en}/confirmer/{proof}", dependencies=[Depends(own_form)])
async def confirm(
    request: Request, parts: TheParts, language: Language, who: ThePerson, proof: str
) -> Response:
    """Do it, once: the same link again changes nothing more."""
    told: list[str] = []
    try:
        async with parts.sessions.begin() as session:
            wish = await wish_proven(session, parts, proof, who.account)
            if purpose_of(wish) is ProofPurpose.TAKE_BACK:
                await _take_back(session, who, wish)
            else:
                told = await _change_address(session, who, wish)
    except IntegrityError:
        help_ = mail_link(parts.settings.office_help_address)
        said = Voice(language)("taking_back.two_live", help=help_)
        return sorry(request, said, status.HTTP_409_CONFLICT)
    return await _told(parts, language, wish, told)


async def _told(
    parts: Parts, language: Language, wish: WrittenText, told: list[str]
) -> Response:
    await parts.courier.tell(told)
    key = wish.text_id.partition("-")[2]
    if purpose_of(wish) is ProofPurpose.TAKE_BACK:
        return done(language, wish.text, "taken_back", key)
    return led_to(f"/{language}/mes-coordonnees", "address_confirmed", key)


async def _change_address(
    session: AsyncSession, who: SignedIn, wish: WrittenText
) -> list[str]:
    person = await person_with_account(session, who.account)
    if person is None:
        raise Refused(Code.NOT_FOUND)
    before, person.email = person.email, wish.text
    if before == wish.text:
        return []
    return [await tell_address_changed(session, wish, before=before)]


async def _take_back(session: AsyncSession, who: SignedIn, wish: WrittenText) -> None:
    if await dossier_of_account(session, who.account, wish.text) is not None:
        return
    person = await person_without_account(session, wish.text)
    if person is None:
        raise Refused(Code.NOT_FOUND)
    await take_over(session, who.account, person)

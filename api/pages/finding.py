"""Where the link of every letter leads; on the embedded stack, a dossier by number."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response, status
from fastapi.responses import RedirectResponse

from api.access import Role
from api.errors import WORDINGS
from api.language import Language
from api.pages.newest import Newest, newest_dossiers
from api.pages.own_host import asked_by_own_name
from api.pages.rendering import Page, page
from api.pages.words import Voice
from api.parts import TheParts, parts_of
from api.signin.who import SignedIn
from records.queries import dossier_numbered
from rules.numbers import BadNumber, DossierNumber, parse_dossier_number

router = APIRouter(
    route_class=Page,
    include_in_schema=False,
    dependencies=[Depends(asked_by_own_name)],
)
_LONGEST = 200
Written = Annotated[str | None, Query(alias="numero")]


@router.get("/{language:fr_or_en}/dossier")
async def find(
    request: Request, parts: TheParts, language: Language, number: Written = None
) -> Response:
    """Lead who is signed in to what is theirs; else ask for a number, or a session."""
    who: SignedIn | None = request.state.signed_in
    if number is None and who is not None and who.role is Role.REPRESENTATIVE:
        return RedirectResponse(f"/{language}/mes-dossiers", status.HTTP_303_SEE_OTHER)
    if number is None or not parts.settings.embedded:
        return await asked_again(request, language)
    read = await read_number(request, language, number)
    if isinstance(read, Response):
        return read
    return RedirectResponse(f"/{language}/dossier/{read}", status.HTTP_303_SEE_OTHER)


async def read_number(
    request: Request, language: Language, written: str
) -> DossierNumber | Response:
    """Read the number of a dossier that exists, or ask again and say why."""
    try:
        number = parse_dossier_number(written)
    except BadNumber as wrong:
        about = {"detail": wrong.detail}
        told = WORDINGS[f"number_{wrong.problem}"].said_in(language, about)
        code = status.HTTP_422_UNPROCESSABLE_CONTENT
        return await asked_again(request, language, code, problem=told, written=written)
    async with parts_of(request).sessions() as session:
        row = await dossier_numbered(session, number)
    if row is not None:
        return number
    told = Voice(language)("find.unknown", number=number)
    code = status.HTTP_404_NOT_FOUND
    return await asked_again(request, language, code, problem=told, written=written)


async def asked_again(
    request: Request,
    language: Language,
    code: int = 200,
    *,
    problem: str | None = None,
    written: str = "",
) -> Response:
    """Print the page with the form; an answer that could not be taken stays in it."""
    parts = parts_of(request)
    newest: Sequence[Newest] = ()
    if parts.settings.embedded:
        async with parts.sessions() as session:
            newest = await newest_dossiers(session)
    return page(
        request,
        "find.html",
        language,
        code,
        problem=problem,
        written=written[:_LONGEST],
        newest=newest,
    )

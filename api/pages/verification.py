"""The public register as a page: what is this certificate worth, right now?"""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Query, Request, Response, status
from fastapi.responses import RedirectResponse
from starlette.convertors import StringConvertor, register_url_convertor

from api.errors import Refused
from api.language import Language
from api.pages.rendering import Page, page, preferred
from api.pages.words import refusal
from api.parts import TheParts
from api.v1.verification import NOT_INDEXED
from api.verifying import verify
from api.visitors import admit_visitor
from rules.numbers import BadNumber, DossierNumber, parse_dossier_number

router = APIRouter(route_class=Page, include_in_schema=False)
_WORD: dict[Language, str] = {"fr": "verifier", "en": "verify"}
_LONGEST = 200


class _Verify(StringConvertor):
    """The same page in either language's word."""

    regex = "verifier|verify"


register_url_convertor("verify", _Verify())
Written = Annotated[str | None, Query(alias="numero")]


@router.get("/v/{number}")
async def follow_code(request: Request, number: str) -> Response:
    """Lead from a certificate's code to the answer in the browser's language."""
    answer = RedirectResponse(_address(preferred(request), number))
    answer.headers["Vary"] = "Accept-Language"
    return answer


@router.get("/{language:fr_or_en}/{word:verify}")
async def ask(
    request: Request, language: Language, word: str, written: Written = None
) -> Response:
    """Ask for a number, or lead to the answer about the one that was given."""
    if written is not None:
        try:
            number = parse_dossier_number(written)
        except BadNumber as wrong:
            return _asked_again(request, language, written, wrong)
        return _led(_address(language, number))
    if word != _WORD[language]:
        return _led(_address(language))
    return _page(request, language, "")


@router.get(
    "/{language:fr_or_en}/{word:verify}/{written}",
    dependencies=[Depends(admit_visitor)],
)
async def answer(
    request: Request, parts: TheParts, language: Language, word: str, written: str
) -> Response:
    """Say what a certificate is worth at this instant, and what that means."""
    try:
        number = parse_dossier_number(written)
    except BadNumber as wrong:
        return _asked_again(request, language, written, wrong)
    if (word, written) != (_WORD[language], number):
        return _led(_address(language, number))
    async with parts.sessions() as session:
        told = (await verify(session, [number]))[number]
    return _page(request, language, number, answer=told)


def _address(language: Language, number: str | DossierNumber = "") -> str:
    behind = f"/{quote(number[:_LONGEST], safe='')}" if number else ""
    return f"/{language}/{_WORD[language]}{behind}"


def _led(address: str) -> Response:
    return RedirectResponse(address, status.HTTP_303_SEE_OTHER)


def _asked_again(
    request: Request, language: Language, written: str, wrong: BadNumber
) -> Response:
    """Keep what was written, and say what is wrong with it."""
    problem = refusal(Refused(f"number_{wrong.problem}", detail=wrong.detail), language)
    code = status.HTTP_422_UNPROCESSABLE_CONTENT
    return _page(request, language, written, code, problem=problem)


def _page(
    request: Request,
    language: Language,
    written: str,
    code: int = 200,
    **facts: object,
) -> Response:
    other: Language = "en" if language == "fr" else "fr"
    behind = request.url.path.split("/", 3)[3:]
    shown = {"problem": None, "answer": None, "written": written[:_LONGEST], **facts}
    made = page(
        request,
        "verify.html",
        language,
        code,
        other_path="/" + "/".join([_WORD[other], *map(quote, behind)]),
        action=_address(language),
        **shown,
    )
    made.headers.update(NOT_INDEXED)
    return made

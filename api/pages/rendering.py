"""How a page is made: its language, its frame, its headers, and its errors in HTML."""

import hashlib
import re
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fastapi import Request, Response, status
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.routing import APIRoute
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.convertors import StringConvertor, register_url_convertor

from api.brand import LOGO, STYLE, Brand
from api.codes import Code
from api.errors import RETRY_AFTER_S, WORDINGS, Refused, wait_told
from api.language import Language, language_of
from api.pages.words import Voice, words
from api.parts import parts_of
from api.signin.who import (
    HOMES,
    PrintedBefore,
    SignedIn,
    SignInNeeded,
    sign_in_path,
    whoever,
)
from letters import wording
from letters.layout import french_spacing, unwrapped

_API = Path(__file__).parents[1]
_STATIC = _API / "static"
_OF_A_DOSSIER = re.compile(r"/(?:fr|en)(?P<path>(?:/bureau)?/dossier/(?P<number>\w+))/")
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
        "font-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
}


class _FrenchOrEnglish(StringConvertor):
    """No other first part of an address is a page's."""

    regex = "fr|en"


register_url_convertor("fr_or_en", _FrenchOrEnglish())


class Page(APIRoute):
    """A route whose refusals are pages too."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Answer, or say in HTML why not."""
        answer = super().get_route_handler()

        async def in_words(request: Request) -> Response:
            try:
                await whoever(request)
                return await answer(request)
            except SignInNeeded as needed:
                kept_at = await self.when_late(request, needed)
                way = sign_in_path(request, _asked_in(request), needed.why, kept_at)
                return RedirectResponse(way, status.HTTP_303_SEE_OTHER)
            except PrintedBefore as before:
                kept_at = await self.when_printed_before(request, before.who)
                if kept_at is None:
                    return refusal(request, Refused(Code.FOREIGN_FORM))
                return RedirectResponse(kept_at, status.HTTP_303_SEE_OTHER)
            except Refused as refused:
                return refusal(request, refused)
            except (InterfaceError, OperationalError, PoolTimeout):
                return refusal(request, Refused(Code.RECORDS_AWAY))

        return in_words

    async def when_late(self, request: Request, needed: SignInNeeded) -> str | None:
        """Keep what is sent after a session ended, where this page can; say where."""
        del request, needed
        return None

    async def when_printed_before(self, request: Request, who: SignedIn) -> str | None:
        """Keep what is sent from a page of an earlier session; say where."""
        del request, who
        return None


def _asked_in(request: Request) -> Language:
    """Name the language of a page by its address, else the browser's."""
    match request.url.path.split("/")[1]:
        case "fr":
            return "fr"
        case "en":
            return "en"
        case _:
            return preferred(request)


def behind_language(path: str) -> str:
    """Give what follows the language in the address of a page."""
    language, *behind = path.split("/")[1:]
    return "".join(f"/{part}" for part in behind) if language in {"fr", "en"} else ""


def page(
    request: Request,
    template: str,
    language: Language,
    status_code: int = 200,
    *,
    other_path: str | None = None,
    **facts: Any,
) -> HTMLResponse:
    """Print a page; *facts* are what its template says.

    *other_path* is what follows the language in the other one, where that differs.
    """
    other: Language = "en" if language == "fr" else "fr"
    settings = parts_of(request).settings
    brand: Brand = request.app.state.brand
    # Behind the language, the switch leads to the same page in the same state.
    same = quote(behind_language(request.url.path))
    query = f"?{request.url.query}" if request.url.query else ""
    signed_in: SignedIn | None = getattr(request.state, "signed_in", None)
    text = (
        _templates()
        .get_template(template)
        .render(
            say=Voice(language),
            language=language,
            other=other,
            other_url=f"/{other}{other_path or same}{query}",
            now=datetime.now(UTC),
            here=f"{settings.public_url.rstrip('/')}/{language}{same}",
            same_url=f"/{language}{same}{query}",
            style_url=f"/static/portal.css?v={_mark('portal.css')}",
            brand_style=brand.address(STYLE),
            brand_logo=brand.address(LOGO),
            script_url=f"/static/portal.js?v={_mark('portal.js')}",
            signed_in=signed_in,
            home=HOMES[signed_in.role] if signed_in else None,
            session_left_s=_left_s(signed_in),
            embedded=settings.embedded,
            help=mail_link(settings.office_help_address),
            intake=mail_link(settings.intake_address),
            comments=comments_link(settings.office_help_address, language),
            telephone=telephone_link(settings.office_telephone),
            hours=settings.office_hours_fr
            if language == "fr"
            else settings.office_hours_en,
            spaced=spaced,
            unwrapped=unwrapped,
            source=lambda text: spaced(wording.source(text, language), language),
            **facts,
        )
    )
    return HTMLResponse(
        text, status_code, {**_HEADERS, "Content-Language": f"{language}-CA"}
    )


def sorry(request: Request, sentence: str, code: int) -> HTMLResponse:
    """Print a page that says why there is no other."""
    language = _asked_in(request)
    # What a dossier does not allow now leads back to the dossier.
    of = _OF_A_DOSSIER.match(request.url.path)
    answer = page(
        request,
        "sorry.html",
        language,
        code,
        sentence=sentence,
        code=code,
        dossier=of if of and code == status.HTTP_409_CONFLICT else None,
    )
    if code == status.HTTP_503_SERVICE_UNAVAILABLE:
        answer.headers["Retry-After"] = str(RETRY_AFTER_S)
    return answer


def refusal(request: Request, refused: Refused) -> HTMLResponse:
    """Print a page that says why not, and when to try again if that is known."""
    said = Voice(_asked_in(request)).refusal(refused)
    answer = sorry(request, said, WORDINGS[refused.code].status)
    answer.headers.update(wait_told(refused))
    return answer


def spaced(text: str, language: Language) -> str:
    """Put the no-break spaces of French, in French."""
    return french_spacing(text) if language == "fr" else text


def mail_link(address: str) -> Markup:
    """Make an address one can write to."""
    return Markup('<a href="mailto:{}">{}</a>').format(address, address)


def comments_link(address: str, language: Language) -> str:
    """Write to whom, and about what, one says what one thinks of the service."""
    about = words()["frame.comments_about"][language]
    return f"mailto:{address}?subject={quote(about)}"


def telephone_link(number: str | None) -> Markup | None:
    """Make a number one can call from where it is read; None where there is none."""
    if not number:
        return None
    dialled = re.sub(r"[^+0-9]", "", number)
    return Markup('<a href="tel:{}">{}</a>').format(dialled, number)


def preferred(request: Request) -> Language:
    """Name the language of a browser; French first."""
    return language_of(request.headers.get("accept-language"))


def static(name: str) -> bytes:
    """Read the one stylesheet, or the one script."""
    return (_STATIC / name).read_bytes()


@cache
def _mark(name: str) -> str:
    return hashlib.sha256(static(name)).hexdigest()[:12]


def _left_s(signed_in: SignedIn | None) -> int:
    if signed_in is None:
        return 0
    return max(0, int((signed_in.ends_at - datetime.now(UTC)).total_seconds()))


@cache
def _templates() -> Environment:
    return Environment(
        loader=FileSystemLoader(_API / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )

"""How a page of the inbox is made: its language, its frame, its headers."""

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from embedded.inbox_pages.desk import desk_of
from embedded.inbox_pages.words import Voice
from letters.plain import one_line
from letters.wording import Language

_HERE = Path(__file__).parent
_STYLE = _HERE / "inbox.css"
_A_YEAR_S = 31_536_000

HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; frame-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    # A form tells where it comes from; a link to elsewhere tells nothing.
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def language_asked(request: Request) -> Language:
    """Name the language of an address; any other is no page's (404)."""
    match request.path_params.get("language"):
        case "fr":
            return "fr"
        case "en":
            return "en"
    raise HTTPException(404)


def page(
    request: Request,
    template: str,
    *,
    code: int = 200,
    path: str | None = None,
    **facts: Any,
) -> HTMLResponse:
    """Print a page; *path* is where its twin in the other language is, if elsewhere."""
    language = _language_of(request)
    other: Language = "en" if language == "fr" else "fr"
    # Behind the language, the switch leads to the same page in the same state.
    twin = f"/{other}{path}" if path is not None else _twin(request, other)
    text = (
        _templates()
        .get_template(template)
        .render(
            say=Voice(language),
            language=language,
            other=other,
            other_url=twin,
            portal_url=desk_of(request).portal_url,
            style_url=f"/inbox.css?v={_style_mark()}",
            **facts,
        )
    )
    return HTMLResponse(text, code, {**HEADERS, "Content-Language": f"{language}-CA"})


def sorry(request: Request, key: str, code: int) -> HTMLResponse:
    """Print a page that says why there is no other."""
    return page(request, "sorry.html", code=code, path="", reason=key)


def address(path: str, **query: object) -> str:
    """Join a path and what is asked of it; what is not asked is left out."""
    asked = {name: value for name, value in query.items() if value}
    return f"{path}?{urlencode(asked)}" if asked else path


def style(_: Request) -> Response:
    """Give the stylesheet; its address changes with it, so that it may be kept."""
    kept = {"Cache-Control": f"public, max-age={_A_YEAR_S}, immutable"}
    return Response(_STYLE.read_bytes(), media_type="text/css", headers=kept)


def _language_of(request: Request) -> Language:
    return "en" if request.url.path.startswith("/en") else "fr"


def _twin(request: Request, other: Language) -> str:
    query = f"?{request.url.query}" if request.url.query else ""
    return f"/{other}{quote(request.url.path[len('/fr') :])}{query}"


@cache
def _style_mark() -> str:
    return hashlib.sha256(_STYLE.read_bytes()).hexdigest()[:12]


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["one_line"] = one_line
    environment.globals["address"] = address
    return environment

"""The mail catcher's pages and JSON, for whoever tries Échéance out."""

from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from html import escape
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import (
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
)
from starlette.routing import Route

from embedded.letterbox import Letter, Letterbox

WORDS: Mapping[str, Mapping[str, str]] = {
    "fr": {
        "title": "Courriels envoyés",
        "notice": "Démonstration : ces courriels n'ont quitté cette machine pour "
        "personne.",
        "empty": "Aucun courriel pour le moment.",
        "caption": "Du plus récent au plus ancien",
        "dated": "Daté du",
        "received": "Reçu le",
        "to": "À",
        "from": "De",
        "subject": "Objet",
        "source": "Source",
        "back": "Tous les courriels",
        "unknown": "Ce courriel n'existe pas.",
        "none": "(sans objet)",
    },
    "en": {
        "title": "Letters sent",
        "notice": "Demonstration: these letters left this machine for nobody.",
        "empty": "No letter yet.",
        "caption": "Newest first",
        "dated": "Dated",
        "received": "Received",
        "to": "To",
        "from": "From",
        "subject": "Subject",
        "source": "Source",
        "back": "All letters",
        "unknown": "There is no such letter.",
        "none": "(no subject)",
    },
}

_OTHER = {"fr": ("en", "English"), "en": ("fr", "Français")}
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; "
    "frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_STYLE = """
:root{color-scheme:light dark}
body{font:1rem/1.5 system-ui,sans-serif;max-width:60rem;margin:0 auto;padding:1rem}
table{border-collapse:collapse;width:100%}
caption,th,td{text-align:left}
th,td{padding:.3rem .6rem;border-bottom:1px solid #767676;overflow-wrap:break-word}
th,td{vertical-align:top}
@media(max-width:40rem){
.list thead{position:absolute;left:-99em}
.list tr{display:block;border-bottom:1px solid #767676;padding:.5rem 0}
.list td{display:block;border:0;padding:0}
}
pre{white-space:pre-wrap;overflow-wrap:anywhere;border:1px solid #767676;padding:1rem}
"""


def inbox_app(box: Letterbox) -> Starlette:
    """Build the pages over one letterbox."""
    app = Starlette(
        routes=[
            Route("/", _start),
            Route("/livez", _alive),
            Route("/api/messages", _json_list),
            Route("/api/messages/{id}", _json_letter),
            Route("/api/log/{message_id:path}", _relay_log),
            Route("/{language}", _list_page),
            Route("/{language}/{id}", _letter_page),
            Route("/{language}/{id}/source", _source_page),
        ],
        # A page elsewhere must not read this box through a name of its own.
        middleware=[
            Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"])
        ],
    )
    app.state.box = box
    return app


async def _alive(_: Request) -> Response:
    return PlainTextResponse("ok")


async def _start(request: Request) -> Response:
    wanted = request.headers.get("accept-language", "fr").lower()
    return RedirectResponse("/en" if wanted.startswith("en") else "/fr")


async def _json_list(request: Request) -> Response:
    box = _box(request)
    letters = box.letters(after=request.query_params.get("after", ""))
    return JSONResponse([_as_json(box, letter) for letter in letters])


async def _json_letter(request: Request) -> Response:
    box = _box(request)
    letter = box.letter(request.path_params["id"])
    return _nothing() if letter is None else JSONResponse(_as_json(box, letter))


async def _relay_log(request: Request) -> Response:
    box = _box(request)
    letter = box.accepted(request.path_params["message_id"])
    return _nothing() if letter is None else JSONResponse(_as_json(box, letter))


async def _list_page(request: Request) -> Response:
    language = request.path_params["language"]
    if language not in WORDS:
        return _nothing()
    words = WORDS[language]
    rows = [_row(letter, language) for letter in _box(request).letters()]
    head = "".join(
        f'<th scope="col">{words[name]}</th>' for name in ("dated", "to", "subject")
    )
    table = (
        f"<table class=list><caption>{words['caption']}</caption>"
        f"<thead><tr>{head}</tr></thead>"
        f"<tbody>{''.join(reversed(rows))}</tbody></table>"
    )
    body = table if rows else f"<p>{words['empty']}</p>"
    return _page(language, "", words["title"], f"<p>{words['notice']}</p>{body}")


async def _letter_page(request: Request) -> Response:
    language, letter_id = request.path_params["language"], request.path_params["id"]
    if language not in WORDS:
        return _nothing()
    words, box = WORDS[language], _box(request)
    back = f'<p><a href="/{language}">{words["back"]}</a></p>'
    letter = box.letter(letter_id)
    if letter is None:
        return _page(language, "", words["unknown"], back, status=404)
    lines = (
        (words["from"], letter.sender),
        (words["to"], ", ".join(letter.recipients)),
        (words["received"], _instant(letter)),
        ("Date", letter.date),
        ("Message-ID", letter.message_id),
    )
    head = "".join(
        f'<tr><th scope="row">{name}</th><td>{escape(value)}</td></tr>'
        for name, value in lines
    )
    body = (
        f"<table>{head}</table><pre>{escape(box.text(letter.id))}</pre>"
        f'<p><a href="/{language}/{letter.id}/source">{words["source"]}</a></p>{back}'
    )
    title = escape(letter.subject) or words["none"]
    return _page(language, f"/{letter.id}", title, body)


async def _source_page(request: Request) -> Response:
    box, letter_id = _box(request), request.path_params["id"]
    if box.letter(letter_id) is None:
        return _nothing()
    return PlainTextResponse(box.source(letter_id), headers=_HEADERS)


def _box(request: Request) -> Letterbox:
    box = request.app.state.box
    assert isinstance(box, Letterbox)
    return box


def _nothing() -> Response:
    return JSONResponse({"detail": "not found"}, status_code=404)


def _instant(letter: Letter) -> str:
    return f"{letter.received_at:%Y-%m-%d %H:%M:%S} UTC"


def _dated(letter: Letter) -> str:
    """Show a letter's own date: in a demo, that of its dossier's clock."""
    try:
        return f"{parsedate_to_datetime(letter.date):%Y-%m-%d %H:%M}"
    except ValueError:
        return _instant(letter)


def _row(letter: Letter, language: str) -> str:
    subject = escape(letter.subject) or WORDS[language]["none"]
    return (
        f"<tr><td>{escape(_dated(letter))}</td>"
        f"<td>{escape(', '.join(letter.recipients))}"
        f'</td><td><a href="/{language}/{letter.id}">{subject}</a></td></tr>'
    )


def _page(
    language: str, path: str, title: str, body: str, *, status: int = 200
) -> HTMLResponse:
    other, its_name = _OTHER[language]
    return HTMLResponse(
        f'<!doctype html><html lang="{language}-CA"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{title} – Échéance</title><style>{_STYLE}</style></head><body>"
        f'<nav><a href="/{other}{path}" lang="{other}" hreflang="{other}">{its_name}'
        f"</a></nav><main><h1>{title}</h1>{body}</main></body></html>",
        status_code=status,
        headers=_HEADERS,
    )


def _as_json(box: Letterbox, letter: Letter) -> dict[str, Any]:
    return {
        "id": letter.id,
        "message_id": letter.message_id,
        "to": list(letter.recipients),
        "from": letter.sender,
        "subject": letter.subject,
        "date": letter.date,
        "received_at": letter.received_at.isoformat(),
        "text": box.text(letter.id),
    }

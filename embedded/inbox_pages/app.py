"""The inbox's application: which address leads to which page."""

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from embedded.inbox_pages import (
    handing_in,
    listing,
    machine,
    reading,
    rendering,
    replying,
    reporting,
    writing,
)
from embedded.inbox_pages.desk import Desk
from embedded.inbox_pages.forms import NotTaken
from embedded.intake_door import IntakeDoor
from embedded.letterbox import Letterbox

_METHOD_NOT_ALLOWED = 405


def inbox_app(box: Letterbox, door: IntakeDoor, portal_url: str) -> Starlette:
    """Build the pages over one letterbox, one way to the intake and one portal."""
    app = Starlette(
        routes=[
            Route("/", listing.choose_language),
            Route("/livez", machine.alive),
            Route("/inbox.css", rendering.style),
            Route("/api/messages", machine.all_letters),
            Route("/api/messages/{id}", machine.one_letter),
            Route("/api/log/{message_id:path}", machine.relay_log),
            Route("/letters/{id}/html", reading.letter_html),
            Route("/letters/{id}/attachments/{number:int}", reading.download),
            Route("/{language}", listing.list_letters),
            Route("/{language}/write", writing.show_writing),
            Route("/{language}/write", writing.send_writing, methods=["POST"]),
            Route("/{language}/write/file", writing.send_file, methods=["POST"]),
            Route("/{language}/sent/{token}", handing_in.show_handed_in),
            Route("/{language}/{id}", reading.read_letter),
            Route("/{language}/{id}/text", reading.read_text),
            Route("/{language}/{id}/attachments", reading.read_attachments),
            Route("/{language}/{id}/source", reading.read_source),
            Route("/{language}/{id}/reply", replying.show_reply),
            Route("/{language}/{id}/reply", replying.send_reply, methods=["POST"]),
            Route("/{language}/{id}/back", reporting.send_back, methods=["POST"]),
            Route(
                "/{language}/{id}/delivered",
                reporting.confirm_delivery,
                methods=["POST"],
            ),
        ],
        # A page elsewhere must not read this box through a name of its own.
        middleware=[
            Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"])
        ],
        exception_handlers={HTTPException: _say_why},
    )
    app.state.desk = Desk(box, door, portal_url)
    return app


async def _say_why(request: Request, refusal: Exception) -> Response:
    assert isinstance(refusal, HTTPException)
    if isinstance(refusal, NotTaken):
        return rendering.sorry(request, refusal.key, refusal.status_code)
    known = refusal.status_code == _METHOD_NOT_ALLOWED
    key = "sorry.method" if known else "sorry.missing"
    return rendering.sorry(request, key, refusal.status_code)

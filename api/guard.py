"""The outermost door: limits on size and time, safe headers, no trace to anybody."""

import asyncio
import logging
import secrets
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.codes import Code
from api.errors import Refused
from api.problems import no
from intake.arrival import MOST_BYTES
from intake.importing import reading

log = logging.getLogger(__name__)

LONGEST_BODY = 128 * 1024
"""In bytes. The longest text a person may send fits, each letter escaped."""

_FORM_AROUND_A_FILE = 16 * 1024

LONGER_BODIES = {
    "/api/v1/mail": MOST_BYTES,
    **dict.fromkeys(
        ("/fr/bureau/importer", "/en/bureau/importer"),
        reading.MOST_BYTES + _FORM_AROUND_A_FILE,
    ),
}
"""In bytes, by address: a message has attachments, a move has many lines."""

ANSWER_LIMIT_S = 20.0
"""The longest any answer may take; the limits inside are far shorter."""

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_PRIVATE = "no-store"
_HTTPS_ONLY = {"Strict-Transport-Security": "max-age=31536000; includeSubDomains"}
"""Where the service is reached by https, no browser asks by http for a year."""


_SECRET_PLACES = ("/calendrier/",)
"""What follows these in an address opens a door by itself."""


def _sayable(path: str) -> str:
    """Write an address for a log, without a secret that it bears."""
    place = next((p for p in _SECRET_PLACES if path.startswith(p)), None)
    return path if place is None else f"{place}…"


class _TooLarge(Exception):  # noqa: N818 - never seen outside of this module
    """The body is longer than it may be."""


class Guard:
    """ASGI middleware around every route."""

    def __init__(
        self, app: ASGIApp, *, public_url: str, own_names: frozenset[str] | None
    ) -> None:
        """Wrap *app*; with *own_names* it answers under no other name."""
        self._app = app
        self._own_names = own_names
        secure = public_url.startswith("https:")
        self._headers = _HEADERS | (_HTTPS_ONLY if secure else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one request through, or answer in its place."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        passage = _Passage(scope, receive, send, self._headers)
        if self._own_names is not None and not passage.is_for(self._own_names):
            await passage.turn_away()
            return
        await passage.through(self._app)


class _Passage:
    """One request on its way through."""

    def __init__(
        self, scope: Scope, receive: Receive, send: Send, headers: dict[str, str]
    ) -> None:
        self._scope = scope
        self._safe_headers = headers
        self._receive = receive
        self._send = send
        self._longest = LONGER_BODIES.get(scope["path"], LONGEST_BODY)
        self._received = 0
        self._too_large = False
        self._answered = False

    def is_for(self, own_names: frozenset[str]) -> bool:
        """Whether it is asked by a name of ours; it may also bear none."""
        told = Headers(scope=self._scope).get("host")
        if not told:
            return True
        try:
            return urlsplit(f"//{told}").hostname in own_names
        except ValueError:
            return False

    async def turn_away(self) -> None:
        """Answer that there is nothing, under a name that is not ours."""
        bare = [each for each in self._scope["headers"] if each[0] != b"host"]
        asked = Request({**self._scope, "headers": bare})
        await self._answer(no(asked, Refused(Code.NOT_FOUND)))

    async def through(self, app: ASGIApp) -> None:
        try:
            self._check_length_told()
            async with asyncio.timeout(ANSWER_LIMIT_S):
                await app(self._scope, self._take, self._give)
        except _TooLarge:
            pass
        except TimeoutError:
            log.warning("no answer in time: %s", _sayable(self._scope["path"]))
            await self._answer(no(self._asked, Refused(Code.TOO_SLOW)))
        except Exception:
            incident = secrets.token_hex(6)
            log.exception("incident %s: %s", incident, _sayable(self._scope["path"]))
            told = Refused(Code.INTERNAL, incident=incident)
            await self._answer(no(self._asked, told, incident=incident))
        if self._too_large:
            await self._answer(no(self._asked, Refused(Code.BODY_TOO_LARGE)))

    @property
    def _asked(self) -> Request:
        return Request(self._scope)

    def _check_length_told(self) -> None:
        told = Headers(scope=self._scope).get("content-length", "0")
        if not told.isdecimal() or int(told[:20]) > self._longest:
            self._too_large = True
            raise _TooLarge

    async def _take(self) -> Message:
        message = await self._receive()
        self._received += len(message.get("body", b""))
        if self._received > self._longest:
            self._too_large = True
            raise _TooLarge
        return message

    async def _give(self, message: Message) -> None:
        if self._too_large:
            return  # whatever a route made of half a body
        if message["type"] == "http.response.start":
            self._answered = True
            headers = MutableHeaders(scope=message)
            for name, value in self._safe_headers.items():
                headers.setdefault(name, value)
            headers.setdefault("Cache-Control", _PRIVATE)
        await self._send(message)

    async def _answer(self, answer: Response) -> None:
        """Answer in the route's place, unless it began to answer."""
        if self._answered:
            return
        self._too_large = False
        await answer(self._scope, self._receive, self._give)

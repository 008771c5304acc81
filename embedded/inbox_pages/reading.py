"""One letter: as its reader sees it, as text, as source, with its attachments."""

import asyncio
import html
import re
from dataclasses import dataclass
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from embedded.inbox_pages.desk import desk_of
from embedded.inbox_pages.handing_in import Problem
from embedded.inbox_pages.rendering import language_asked, page, sorry
from embedded.inbox_pages.safe_html import HEADERS, harmless
from embedded.intake_door import is_plain
from embedded.letter_parts import Opened
from embedded.letterbox import Letter
from rules.numbers import DossierNumber, find_dossier_numbers

LONGEST_TEXT = 200_000
_MOST_LINKS = 20
_IN_HTML = re.compile(r"""href\s*=\s*["'](https?://[^"'\s<>]{1,500})""", re.IGNORECASE)
_IN_TEXT = re.compile(r"https?://[^\s<>\"'»)\]]{1,500}")
_HEADERS_SHOWN = {
    "from": "From",
    "to": "To",
    "reply_to": "Reply-To",
    "date": "Date",
    "message_id": "Message-ID",
    "auto_submitted": "Auto-Submitted",
}


@dataclass(frozen=True, slots=True)
class Reading:
    """A letter that is being read."""

    letter: Letter
    opened: Opened

    @property
    def dossier(self) -> DossierNumber | None:
        """The dossier that the subject names."""
        return next(iter(find_dossier_numbers(self.letter.subject)), None)

    @property
    def text(self) -> str:
        """The plain words, as much of them as a page can hold."""
        return (self.opened.text or "")[:LONGEST_TEXT]

    @property
    def is_cut(self) -> bool:
        """There is more text than is shown."""
        return len(self.opened.text or "") > LONGEST_TEXT

    @property
    def return_path(self) -> str | None:
        """Where a mail server's report about it goes; None where it came from <>."""
        path = self.letter.return_path
        return path if is_plain(path) else None

    @property
    def links(self) -> list[str]:
        """The addresses that the letter leads to, each once."""
        in_html = _IN_HTML.findall((self.opened.html or "")[:LONGEST_TEXT])
        in_text = _IN_TEXT.findall(self.text)
        found = [html.unescape(link) for link in in_html]
        found += [link.rstrip(".,;:!?") for link in in_text]
        return list(dict.fromkeys(found))[:_MOST_LINKS]

    @property
    def headers(self) -> dict[str, str]:
        """The headers in words, by their names in the catalogue."""
        told = self.opened.headers
        shown = {name: told.first(header) for name, header in _HEADERS_SHOWN.items()}
        return {**shown, "return_path": f"<{self.letter.return_path}>"}


async def reading_of(request: Request) -> Reading | None:
    """Open the letter that an address names; None where there is none."""
    box = desk_of(request).box
    letter = box.letter(request.path_params["id"])
    if letter is None:
        return None
    return Reading(letter, await asyncio.to_thread(box.opened, letter))


async def read_letter(request: Request) -> Response:
    """Show a letter as its recipient sees it."""
    return await _tab(request, "letter.html")


async def read_text(request: Request) -> Response:
    """Show a letter's plain words."""
    return await _tab(request, "text.html")


async def read_attachments(request: Request) -> Response:
    """List a letter's attachments."""
    return await _tab(request, "attachments.html")


async def read_source(request: Request) -> Response:
    """Give the letter byte by byte, our lines above it."""
    language_asked(request)
    box = desk_of(request).box
    letter = box.letter(request.path_params["id"])
    if letter is None:
        return sorry(request, "sorry.letter", 404)
    source = await asyncio.to_thread(box.source, letter)
    return Response(source, media_type="text/plain", headers=HEADERS)


async def letter_html(request: Request) -> Response:
    """Give the HTML part alone; in the frame of its page, its links are asleep."""
    reading = await reading_of(request)
    if reading is None or reading.opened.html is None:
        raise HTTPException(404)
    framed = "framed" in request.query_params
    return Response(
        harmless(reading.opened.html, framed=framed),
        media_type="text/html",
        headers=HEADERS,
    )


async def download(request: Request) -> Response:
    """Give an attachment to keep, never to show."""
    reading, number = await reading_of(request), request.path_params["number"]
    if reading is None or not 1 <= number <= len(reading.opened.attachments):
        raise HTTPException(404)
    one = reading.opened.attachments[number - 1]
    named = f"attachment; filename*=UTF-8''{quote(one.name, safe='')}"
    return Response(
        one.content,
        media_type=one.kind.media_type,
        headers={**HEADERS, "Content-Disposition": named},
    )


async def _tab(request: Request, template: str) -> Response:
    language_asked(request)
    reading = await reading_of(request)
    if reading is None:
        return sorry(request, "sorry.letter", 404)
    return letter_page(request, reading, template)


def letter_page(
    request: Request,
    reading: Reading,
    template: str,
    *,
    problem: Problem | None = None,
    **facts: object,
) -> Response:
    """Print one of the pages of a letter, with what went wrong on it."""
    return page(
        request,
        template,
        code=problem.code if problem else 200,
        path=_path_of(reading, template) if problem else None,
        reading=reading,
        problem=problem,
        is_phone=request.query_params.get("width") == "320",
        **facts,
    )


def _path_of(reading: Reading, template: str) -> str:
    """Name where a form that was sent is shown: its own address takes forms only."""
    own = "/reply" if template == "reply.html" else ""
    return f"/{reading.letter.id}{own}"

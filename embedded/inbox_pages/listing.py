"""The list: every letter, newest first, fifty a page; sought by words or recipient."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from api.language import language_of
from embedded.inbox_pages.desk import desk_of
from embedded.inbox_pages.rendering import address, language_asked, page
from embedded.letterbox import Glance, Letter, Letterbox

PER_PAGE = 50
_LONGEST_QUESTION = 200
_DIGITS = 9


@dataclass(frozen=True, slots=True)
class Row:
    """A letter as the list shows it."""

    letter: Letter
    glance: Glance


@dataclass(frozen=True, slots=True)
class Shelf:
    """One page of what was asked for; the first letter is number *first*."""

    rows: tuple[Row, ...]
    total: int
    number: int
    last: int

    @property
    def first(self) -> int:
        """The place of the first letter among all that were found."""
        return (self.number - 1) * PER_PAGE + 1


async def choose_language(request: Request) -> Response:
    """Lead to the list in the browser's language."""
    answer = RedirectResponse(f"/{language_of(request.headers.get('accept-language'))}")
    answer.headers["Vary"] = "Accept-Language"
    return answer


async def list_letters(request: Request) -> Response:
    """Show one page of the list."""
    language, asked = language_asked(request), request.query_params
    recipient = asked.get("to", "")[:_LONGEST_QUESTION].strip()
    words = asked.get("q", "")[:_LONGEST_QUESTION].strip()
    box = desk_of(request).box
    found = box.found(recipient=recipient, words=words)
    shelf = await asyncio.to_thread(_shelf, box, found, asked.get("page", ""))
    return page(
        request,
        "list.html",
        shelf=shelf,
        recipient=recipient,
        words=words,
        now=datetime.now(UTC),
        here=address(f"/{language}", to=recipient, q=words, page=asked.get("page")),
    )


def _shelf(box: Letterbox, found: list[Letter], asked: str) -> Shelf:
    last = max(1, -(-len(found) // PER_PAGE))
    is_number = asked.isascii() and asked.isdecimal() and len(asked) < _DIGITS
    number = max(1, min(int(asked), last)) if is_number else 1
    letters = found[(number - 1) * PER_PAGE : number * PER_PAGE]
    rows = tuple(Row(letter, box.glance(letter)) for letter in letters)
    return Shelf(rows, len(found), number, last)

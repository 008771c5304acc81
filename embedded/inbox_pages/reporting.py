"""What a mail server reports about a letter: it came back, or it was delivered."""

from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import Response

from embedded.delivery_reports import DELIVERED, FAILED, Fate, Reported, delivery_report
from embedded.inbox_pages.desk import HandedIn, desk_of
from embedded.inbox_pages.forms import filled
from embedded.inbox_pages.handing_in import Problem, hand_in
from embedded.inbox_pages.reading import letter_page, reading_of
from embedded.inbox_pages.rendering import language_asked, sorry
from embedded.letter_parts import head_of


async def send_back(request: Request) -> Response:
    """Report that a letter failed, to its own return path."""
    return await _report(request, FAILED)


async def confirm_delivery(request: Request) -> Response:
    """Report that a letter was delivered, to its own return path."""
    return await _report(request, DELIVERED)


async def _report(request: Request, fate: Fate) -> Response:
    language_asked(request)
    reading = await reading_of(request)
    if reading is None or reading.return_path is None:
        return sorry(request, "sorry.letter", 404)
    await filled(request)
    letter, to = reading.letter, reading.return_path
    head = head_of(desk_of(request).box.sent(letter))
    reported = Reported(to, letter.recipients, letter.received_at, head)
    raw, words = delivery_report(reported, fate), fate.words_of(reported)
    message = HandedIn("", to, fate.subject, words, datetime.now(UTC), letter.id)
    outcome = await hand_in(request, raw, message, return_path="")
    if isinstance(outcome, Problem):
        return letter_page(request, reading, "letter.html", problem=outcome)
    return outcome

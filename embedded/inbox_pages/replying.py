"""An answer to a letter, from the person who got it."""

from datetime import UTC, datetime
from email.utils import parseaddr

from starlette.requests import Request
from starlette.responses import Response

from embedded.inbox_pages.composing import Said, compose, quoted
from embedded.inbox_pages.desk import HandedIn, desk_of
from embedded.inbox_pages.examples import BLANK, EXAMPLES, example
from embedded.inbox_pages.forms import filled
from embedded.inbox_pages.handing_in import Draft, Problem, hand_in
from embedded.inbox_pages.reading import Reading, letter_page, reading_of
from embedded.inbox_pages.rendering import language_asked, sorry
from embedded.inbox_pages.words import Voice
from embedded.intake_door import is_plain

_LONGEST_QUOTATION = 20_000


async def show_reply(request: Request) -> Response:
    """Show the form of an answer, with an example where one was asked for."""
    say, reading = Voice(language_asked(request)), await reading_of(request)
    if reading is None:
        return sorry(request, "sorry.letter", 404)
    begun = example(
        request.query_params.get("example", ""),
        say,
        dossier=reading.dossier,
        notice=reading.opened.headers.first("X-Echeance-Letter"),
    )
    draft = Draft(
        sender=next(iter(reading.letter.recipients), ""),
        subject=_answering(reading.letter.subject),
        text=begun.text,
        quotes=not begun.is_robot,
        is_robot=begun.is_robot,
    )
    return _reply_page(request, reading, draft)


async def send_reply(request: Request) -> Response:
    """Hand an answer in; where it is not kept, show its form again."""
    say, reading = Voice(language_asked(request)), await reading_of(request)
    if reading is None:
        return sorry(request, "sorry.letter", 404)
    draft = Draft.of(await filled(request))
    if draft.sender not in reading.letter.recipients or not is_plain(draft.sender):
        wrong = Problem("write.from_wrong", field="from")
        return _reply_page(request, reading, draft, wrong)
    outcome = await _handed_in(request, reading, draft, say)
    if isinstance(outcome, Problem):
        return _reply_page(request, reading, draft, outcome)
    return outcome


async def _handed_in(
    request: Request, reading: Reading, draft: Draft, say: Voice
) -> Problem | Response:
    now = datetime.now(UTC)
    said = Said(
        draft.sender,
        _reply_address(request, reading),
        draft.subject,
        draft.text + (_quotation(reading, say) if draft.quotes else ""),
        is_robot=draft.is_robot,
        answers=reading.opened.headers,
    )
    message = HandedIn(
        said.sender, said.recipient, said.subject, said.text, now, reading.letter.id
    )
    return await hand_in(
        request, compose(said, now), message, return_path=said.return_path
    )


def _reply_page(
    request: Request, reading: Reading, draft: Draft, problem: Problem | None = None
) -> Response:
    return letter_page(
        request,
        reading,
        "reply.html",
        problem=problem,
        draft=draft,
        examples=EXAMPLES,
        blank=BLANK,
        recipient=_reply_address(request, reading),
    )


def _reply_address(request: Request, reading: Reading) -> str:
    """Name whom an answer goes to: Reply-To, else From, else the intake."""
    told = reading.opened.headers
    asked = (parseaddr(told.first(name))[1] for name in ("Reply-To", "From"))
    ours = desk_of(request).door.address
    return next((address for address in asked if is_plain(address)), ours)


def _answering(subject: str) -> str:
    return subject if subject.lower().startswith("re:") else f"Re: {subject}"


def _quotation(reading: Reading, say: Voice) -> str:
    letter = reading.letter
    head = say(
        "write.quoted",
        instant=say.instant(letter.dated or letter.received_at),
        sender=parseaddr(reading.opened.headers.first("From"))[1],
    )
    return f"\n\n{head.unescape()}\n{quoted(reading.text[:_LONGEST_QUOTATION])}\n"

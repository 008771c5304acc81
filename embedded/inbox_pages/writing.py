"""A message anew: from anybody, or from a file byte by byte."""

from datetime import UTC, datetime
from email.utils import parseaddr

from starlette.requests import Request
from starlette.responses import Response

from embedded.inbox_pages.composing import Said, compose
from embedded.inbox_pages.desk import HandedIn, desk_of
from embedded.inbox_pages.examples import BLANK, EXAMPLES, example
from embedded.inbox_pages.forms import LARGEST_FILE, filled
from embedded.inbox_pages.handing_in import Draft, Problem, hand_in
from embedded.inbox_pages.reading import LONGEST_TEXT
from embedded.inbox_pages.rendering import language_asked, page
from embedded.inbox_pages.words import Voice
from embedded.intake_door import is_plain
from embedded.letter_parts import open_letter

_NAMES_OFFERED = 30
_LETTERS_LOOKED_AT = 300


async def show_writing(request: Request) -> Response:
    """Show the form of a new message, with an example where one was asked for."""
    say, asked = Voice(language_asked(request)), request.query_params
    begun = example(asked.get("example", ""), say)
    draft = Draft(
        sender=asked.get("as", ""),
        subject=begun.subject,
        text=begun.text,
        is_robot=begun.is_robot,
    )
    return _writing_page(request, draft)


async def send_writing(request: Request) -> Response:
    """Hand a new message in; where it is not kept, show its form again."""
    language_asked(request)
    draft = Draft.of(await filled(request))
    if not is_plain(draft.sender):
        wrong = Problem("write.from_wrong", field="from")
        return _writing_page(request, draft, wrong)
    now, ours = datetime.now(UTC), desk_of(request).door.address
    said = Said(draft.sender, ours, draft.subject, draft.text, is_robot=draft.is_robot)
    message = HandedIn(said.sender, ours, said.subject, said.text, now)
    raw = compose(said, now)
    outcome = await hand_in(request, raw, message, return_path=said.return_path)
    if isinstance(outcome, Problem):
        return _writing_page(request, draft, outcome)
    return outcome


async def send_file(request: Request) -> Response:
    """Hand in a message that was written elsewhere, byte by byte."""
    language_asked(request)
    raw = (await filled(request, with_file=True)).file
    if not raw.strip() or len(raw) > LARGEST_FILE:
        wrong = Problem("write.file_wrong", field="file")
        return _writing_page(request, Draft(), wrong)
    ours, opened = desk_of(request).door.address, open_letter(raw)
    told = opened.headers.first("Return-Path") or opened.headers.first("From")
    address = parseaddr(told)[1]
    sender = address if is_plain(address) else ""
    message = HandedIn(
        sender,
        ours,
        opened.headers.first("Subject"),
        (opened.text or "")[:LONGEST_TEXT],
        datetime.now(UTC),
    )
    outcome = await hand_in(request, raw, message, return_path=sender)
    if isinstance(outcome, Problem):
        return _writing_page(request, Draft(), outcome)
    return outcome


def _writing_page(
    request: Request, draft: Draft, problem: Problem | None = None
) -> Response:
    return page(
        request,
        "write.html",
        code=problem.code if problem else 200,
        path="/write" if problem else None,
        draft=draft,
        problem=problem,
        examples=EXAMPLES,
        blank=BLANK,
        recipient=desk_of(request).door.address,
        known=_known_people(request),
        largest_bytes=LARGEST_FILE,
    )


def _known_people(request: Request) -> list[str]:
    """Name the last people who got a letter."""
    newest = desk_of(request).box.found(recipient="", words="")[:_LETTERS_LOOKED_AT]
    people = dict.fromkeys(to for letter in newest for to in letter.recipients)
    return list(people)[:_NAMES_OFFERED]

"""A message goes into the intake: kept, and confirmed; or not, and its form is back."""

from dataclasses import dataclass, replace
from typing import Self

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from embedded.inbox_pages.desk import HandedIn, desk_of
from embedded.inbox_pages.examples import BLANK
from embedded.inbox_pages.forms import Filled
from embedded.inbox_pages.rendering import language_asked, page, sorry
from embedded.intake_door import Answer


@dataclass(frozen=True, slots=True)
class Draft:
    """A message on its form."""

    sender: str = ""
    subject: str = ""
    text: str = ""
    quotes: bool = False
    is_robot: bool = False

    @property
    def has_blanks(self) -> bool:
        """The text still waits for a number."""
        return BLANK in self.text

    @classmethod
    def of(cls, form: Filled) -> Self:
        """Read it from its form."""
        return cls(
            form["from"].strip(),
            form["subject"],
            form["text"].replace("\r\n", "\n"),  # browsers write lines so
            quotes=bool(form["quotes"]),
            is_robot=bool(form["robot"]),
        )


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a form comes back: a wrong *field*, or the intake's *answer*."""

    key: str
    code: int = 422
    field: str = ""
    answer: str = ""

    @classmethod
    def of(cls, answer: Answer) -> Self:
        """Read an answer that is no yes."""
        if answer.code is None:
            return cls("write.silent", 503)
        if answer.come_again:
            return cls("write.again", 503, answer=_worded(answer))
        return cls("write.refused", answer=_worded(answer))


async def hand_in(
    request: Request, raw: bytes, message: HandedIn, *, return_path: str
) -> Problem | Response:
    """Hand a message in; return the way to its confirmation, or the problem."""
    desk = desk_of(request)
    answer = await desk.door.hand_in(
        raw, sender=return_path, recipient=message.recipient
    )
    if not answer.kept:
        return Problem.of(answer)
    token = desk.remember(replace(message, answer=_worded(answer)))
    return RedirectResponse(f"/{language_asked(request)}/sent/{token}", 303)


async def show_handed_in(request: Request) -> Response:
    """Confirm a message that the intake kept."""
    language_asked(request)
    message = desk_of(request).handed_in(request.path_params["token"])
    if message is None:
        return sorry(request, "sorry.sent", 404)
    return page(request, "sent.html", message=message)


def _worded(answer: Answer) -> str:
    return f"{answer.code} {answer.text}"

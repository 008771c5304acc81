"""The last page before something is sent: one's answers once more, and what follows."""

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import Request, Response

from api.language import Language
from api.pages.forms import Step, Written
from api.pages.rendering import page
from api.pages.words import Sentence

Back = tuple[str, Sentence]
"""A page to go back to, behind the language, and what its link says."""

Row = tuple[Sentence, Sentence | str]
"""What was asked, and the answer: a person's own words, or ours."""


@dataclass(frozen=True, slots=True)
class Check:
    """What is checked at *path* (behind the language), and what its button says.

    *can_change* is whether there was anything to write; *look_twice*, what looks wrong
    and may be right.
    """

    path: str
    rows: Sequence[Row]
    what_follows: Sequence[Sentence]
    send: Sentence
    back: Back | None = None
    can_change: bool = True
    look_twice: Sequence[Sentence] = ()


def check_page(
    request: Request, language: Language, check: Check, written: Written
) -> Response:
    """Show the answers as they would be sent; the title says that they are not yet."""
    return page(
        request,
        "check.html",
        language,
        check=check,
        written=Written(written.answers, Step.CHECK, written.key),
    )

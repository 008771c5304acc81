"""The last page before something is sent: one's answers once more, and what follows."""

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import Request, Response

from api.language import Language
from api.pages.forms import Step, Written
from api.pages.rendering import page
from api.pages.words import Sentence

Row = tuple[Sentence, Sentence | str]
"""What was asked, and the answer: a person's own words, or ours."""


@dataclass(frozen=True, slots=True)
class Check:
    """What is checked at *path* (behind the language), and what its button says."""

    path: str
    rows: Sequence[Row]
    what_follows: Sequence[Sentence]
    send: Sentence
    number: str | None = None


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

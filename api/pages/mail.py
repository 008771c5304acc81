"""What staff see of letters: due against sent, each one, and those to post.

On the embedded stack only, since nobody can sign in yet; the JSON twin is for officers.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request, Response

from api.language import Language
from api.pages.own_host import asked_by_own_name
from api.pages.rendering import Page, page
from api.pages.words import Sentence, notice_name
from api.parts import TheParts
from api.v1.fields import CivilDay, Cursor, Line
from api.v1.mail_answers import (
    DayLine,
    DueLine,
    DueList,
    FatesCounted,
    MailDays,
    NoticeLine,
    Standing,
)
from api.v1.mail_showing import (
    days_shown,
    letters_shown,
    post_shown,
    together_by_notice,
    unexplained_shown,
)
from records.ledger import HANDED_OVER, OF_LETTERS, Fate, Span
from rules.civil_time import civil_date

router = APIRouter(
    route_class=Page,
    include_in_schema=False,
    dependencies=[Depends(asked_by_own_name)],
)

DAYS = 14
LINES = 50

HANDED = "handed_over"
"""The one choice of a list that is three fates."""

ALWAYS_SHOWN = ("handed_over", "bounced", "refused", "on_its_way", "unexplained")
"""Columns that are there even when they hold nothing but zeros."""

COLUMNS = (
    "handed_over",
    "delivered",
    "bounced",
    "refused",
    "on_its_way",
    "withdrawn",
    "useless",
    "no_address",
    "superseded",
    "unexplained",
)


@dataclass(frozen=True, slots=True)
class Said:
    """One sentence on how the mail does: its mood has a shape and a colour."""

    mood: str  # yes, waiting, no
    what: Sentence
    leads_to: str | None = None

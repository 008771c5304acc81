"""What the pages stand on: the letterbox, the way to the intake, what was handed in."""

import secrets
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime

from starlette.requests import Request

from embedded.intake_door import IntakeDoor
from embedded.letterbox import Letterbox
from rules.numbers import DossierNumber, find_dossier_numbers

_MOST_REMEMBERED = 200
_WORDS_LOOKED_AT = 5_000
_MOST_DOSSIERS = 3


@dataclass(frozen=True, slots=True)
class HandedIn:
    """A message that the intake kept, as its confirmation shows it.

    *sender* is empty for a mail server. *letter_id* is the letter it is about, if any.
    """

    sender: str
    recipient: str
    subject: str
    text: str
    at: datetime
    letter_id: str | None = None
    answer: str = ""

    @property
    def dossiers(self) -> tuple[DossierNumber, ...]:
        """The first dossiers that it names."""
        named = find_dossier_numbers(f"{self.subject}\n{self.text[:_WORDS_LOOKED_AT]}")
        return named[:_MOST_DOSSIERS]


@dataclass(slots=True)
class Desk:
    """One inbox: what it reads, where it hands in, which service it stands beside."""

    box: Letterbox
    door: IntakeDoor
    portal_url: str
    _handed_in: OrderedDict[str, HandedIn] = field(default_factory=OrderedDict)

    def remember(self, message: HandedIn) -> str:
        """Keep a message in mind for its confirmation; return its token."""
        token = secrets.token_hex(8)
        self._handed_in[token] = message
        while len(self._handed_in) > _MOST_REMEMBERED:
            self._handed_in.popitem(last=False)
        return token

    def handed_in(self, token: str) -> HandedIn | None:
        """Return a message that was handed in lately."""
        return self._handed_in.get(token)


def desk_of(request: Request) -> Desk:
    """Return the desk of this inbox."""
    desk = request.app.state.desk
    assert isinstance(desk, Desk)
    return desk

"""Forms as people meet them: written, checked, sent; answers kept, faults at fields.

One address a form. Its button says which step comes next; nothing is done before the
person has read their answers once more.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, TypeVar
from uuid import uuid4

from fastapi import Depends, Request

from api.errors import Refused
from api.pages.words import Sentence
from rules.numbers import (
    BadNumber,
    DossierNumber,
    PermitNumber,
    parse_dossier_number,
    parse_permit_number,
)

_Number = TypeVar("_Number")
_MOST_FIELDS = 40
_LONGEST = 10_000


class Step(StrEnum):
    """Where a form stands, by the value of the button that was pressed."""

    WRITE = "write"
    CHECK = "check"
    SEND = "send"
    KEEP = "keep"
    FORGET = "forget"


@dataclass(frozen=True, slots=True)
class Written:
    """What a person wrote, trimmed; and the key under which it counts once."""

    answers: Mapping[str, str]
    step: Step
    key: str

    def __getitem__(self, name: str) -> str:
        """Give an answer; the empty text for a field left out."""
        return self.answers.get(name, "")


@dataclass(slots=True)
class Faults:
    """What keeps a form from being taken, by field, in the order of the page."""

    by_field: dict[str, Sentence | Refused] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self.by_field)

    def add(self, name: str, key: str, **facts: object) -> None:
        """Note the first fault of a field."""
        self.by_field.setdefault(name, Sentence(key, facts))

    def refused(self, name: str, refused: Refused) -> None:
        """Note a refusal of ours at the field it is about."""
        self.by_field.setdefault(name, refused)

    def dossier_number(self, name: str, written: str) -> DossierNumber | None:
        """Read a dossier number, or note what is wrong with it."""
        return self._number(name, written, parse_dossier_number)

    def permit_number(self, name: str, written: str) -> PermitNumber | None:
        """Read a permit number, or note what is wrong with it."""
        return self._number(name, written, parse_permit_number)

    def _number(
        self, name: str, written: str, parse: Callable[[str], _Number]
    ) -> _Number | None:
        try:
            return parse(written)
        except BadNumber as wrong:
            code = f"number_{wrong.problem}"
            self.refused(name, Refused(code, detail=wrong.detail))
            return None


def first_time() -> Written:
    """Give a form that nobody has written in yet."""
    return Written({}, Step.WRITE, uuid4().hex)


async def written_in(request: Request) -> Written:
    """Read a form that was sent; what no record can hold is left out."""
    form = await request.form(max_fields=_MOST_FIELDS, max_files=0)
    said = {name: value for name, value in form.items() if isinstance(value, str)}
    step = said.pop("step", Step.WRITE)
    key = said.pop("key", "")
    said.pop("form_token", None)
    return Written(
        {name: _clean(value) for name, value in said.items()},
        Step(step) if step in set(Step) else Step.WRITE,
        key if _is_key(key) else uuid4().hex,
    )


FormWritten = Annotated[Written, Depends(written_in)]


def _clean(text: str) -> str:
    """Compose accents, and drop what cannot be seen, printed or stored."""
    text = unicodedata.normalize("NFC", text[:_LONGEST]).replace("\r\n", "\n")
    return "".join(
        c
        for c in text
        if c == "\n" or unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Co"}
    ).strip()


def _is_key(key: str) -> bool:
    return re.fullmatch(r"[0-9A-Za-z]{8,64}", key) is not None

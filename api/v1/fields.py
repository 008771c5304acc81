"""What callers may send: strict models, whose faults are named field by field."""

import re
import unicodedata
from datetime import date
from typing import Annotated, Any

from fastapi import Header, Path, Query
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from api.codes import Code
from rules.numbers import parse_dossier_number, parse_permit_number
from workflows.messages import Correctable, Decision

REGIME_BEGAN_ON = date(2019, 8, 1)
"""No date of a certificate lies before the regime's first day."""


class Asked(BaseModel):
    """The body of a request: nothing is converted, nothing unknown is let through."""

    model_config = ConfigDict(strict=True, extra="forbid")


def _bad(code: Code) -> PydanticCustomError:
    return PydanticCustomError("refused", "{code}", {"code": str(code)})


def _kept_text(text: str) -> str:
    """Refuse what the records or a letter cannot hold: NUL, controls, half letters."""
    for char in text:
        control = unicodedata.category(char) in {"Cc", "Cs"}
        if control and char not in "\n\r\t":
            raise _bad(Code.BAD_TEXT)
    if not text.strip():
        raise _bad(Code.TOO_SHORT)
    return text


def _one_line(text: str) -> str:
    if len(_kept_text(text).splitlines()) > 1 or "\t" in text:
        raise _bad(Code.BAD_TEXT)
    return text.strip()


EMAIL = re.compile(r"[^@\s<>()\[\],;:\"\\]+@[^@\s<>()\[\],;:\"\\]+\.[^@\s.]{2,}")


def _email(text: str) -> str:
    if not EMAIL.fullmatch(_one_line(text)):
        raise _bad(Code.BAD_EMAIL)
    return text.strip()


_ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def _iso_day(value: Any) -> date:
    """Take a date as text only: a number of seconds is no civil day."""
    if not isinstance(value, str) or not _ISO_DAY.fullmatch(value):
        raise _bad(Code.BAD_DATE)
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise _bad(Code.BAD_DATE) from None


_KEY = re.compile(r"[A-Za-z0-9._-]{8,64}")


def _key(text: str | None) -> str | None:
    if text is not None and not _KEY.fullmatch(text):
        raise _bad(Code.BAD_KEY)
    return text


def _choice(kind: type[Decision | Correctable]) -> Any:
    def chosen(value: Any) -> Any:
        if not isinstance(value, str) or value not in set(kind):
            raise _bad(Code.NOT_A_CHOICE)
        return kind(value)

    return BeforeValidator(chosen, json_schema_input_type=kind)


CivilDay = Annotated[
    date, Field(strict=False), BeforeValidator(_iso_day, json_schema_input_type=date)
]
Line = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_one_line)]
Words = Annotated[
    str, Field(min_length=1, max_length=10_000), AfterValidator(_kept_text)
]
Email = Annotated[str, Field(max_length=254), AfterValidator(_email)]
Number = Annotated[str, Field(max_length=60), AfterValidator(parse_dossier_number)]
Permit = Annotated[str, Field(max_length=60), AfterValidator(parse_permit_number)]

NumberInPath = Annotated[
    Number, Path(description="Dossier number: CAR20… of 15 characters.")
]
PermitInPath = Annotated[Permit, Path(description="Permit number of an agency.")]
NameInPath = Annotated[
    str, Path(min_length=1, max_length=500), AfterValidator(_one_line)
]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        description="8 to 64 letters, digits, dots, dashes, underscores. The same key "
        "counts once.",
    ),
    AfterValidator(_key),
]
Cursor = Annotated[
    str | None,
    Query(max_length=500, description="next_cursor of the page before."),
]
Limit = Annotated[int, Query(ge=1, le=200)]


class Opening(Asked):
    """A person opens a dossier."""

    name: Line
    email: Email
    language: Annotated[str, Field(pattern="^(fr|en)$")] = "fr"


class TransferWish(Asked):
    """The exam result of this expired certificate is asked for."""

    certificate: Number


class LinkWish(Asked):
    """A link with the agency of this permit is asked for."""

    permit: Permit


class Written(Asked):
    """A text of the person's."""

    text: Words


class Confirmation(Asked):
    """The link is alive from *since* on."""

    since: CivilDay


class LinkEnd(Asked):
    """The link has no effect from *until* on."""

    until: CivilDay


class ExamResultTold(Asked):
    """An exam passed by the person of a dossier."""

    dossier: Number
    result_id: Line
    passed_on: CivilDay


class PermitChangeTold(Asked):
    """A permit begins or ceases to be valid on a day."""

    valid: bool
    effective_on: CivilDay


class DecisionTaken(Asked):
    """An officer settles a task; the text goes to the person where a letter says so."""

    decision: Annotated[Decision, _choice(Decision)]
    text: Words


class TaskTaken(Asked):
    """An officer takes a task; *seen* is the account that had it, as it was shown."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"seen": None}]})

    seen: Line | None = None


class TaskGiven(Asked):
    """An officer gives a task to the account *to*; *seen* had it, as it was shown."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"to": "staff:denis", "seen": "staff:claire"}]}
    )

    to: Line
    seen: Line | None = None


class SendingAgain(Asked):
    """Why a letter is sent once more; the history keeps these words."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"text": "Elle dit n'avoir rien reçu."}]}
    )

    text: Words


class ReissueAsked(Asked):
    """An officer has a certificate printed again, with the reason.

    *term_start* is the first day of its term; without one, of the last term.
    """

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"text": "Le nom était mal écrit."}]}
    )

    text: Words
    term_start: CivilDay | None = None


class NameCorrectionAsked(Asked):
    """An officer replaces a wrong name, with the reason that the person will read."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"name": "Élise Lévesque", "text": "Le prénom était sans accents."}
            ]
        }
    )

    name: Line
    text: Words


class CorrectionAsked(Asked):
    """An officer replaces a wrong date, with the reason."""

    what: Annotated[Correctable, _choice(Correctable)]
    value: CivilDay
    link_id: Line | None = None
    text: Words

"""The public register for machines: one number for anybody, a list for an agency."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Depends, Request, Response

from api.access import Agency
from api.errors import WORDINGS
from api.language import Language, language_of
from api.parts import Parts, TheParts
from api.v1.answers import VerificationAnswer
from api.v1.fields import NumberInPath
from api.v1.number_lists import LONGEST_LIST, NumberList, shown
from api.verifying import PublicAnswer, verify
from api.visitors import admit, admit_visitor
from rules.numbers import BadNumber, DossierNumber, parse_dossier_number

router = APIRouter(prefix="/verification", tags=["verification"])

NOT_INDEXED = {"X-Robots-Tag": "noindex, nofollow"}

_CSV = "text/csv; charset=utf-8"
_LIST: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": f"One number a line, {LONGEST_LIST} lines at most; or a CSV "
        "file whose first column holds the numbers.",
        "content": {
            kind: {"schema": {"type": "string"}} for kind in ("text/csv", "text/plain")
        },
    }
}
_ANSWERED: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A line for each line, in its order; `error` says what is wrong "
        "with a number.",
        "content": {"text/csv": {"schema": {"type": "string"}}},
    }
}


@router.get("/{number}", dependencies=[Depends(admit_visitor)])
async def verify_number(
    parts: TheParts,
    response: Response,
    number: NumberInPath,
) -> VerificationAnswer:
    """Say what a certificate is worth at this instant; no token is needed.

    A dossier without a certificate is answered as a number that nobody bears.
    """
    async with parts.sessions() as session:
        (answer,) = (await verify(session, [DossierNumber(number)])).values()
    response.headers.update(NOT_INDEXED)
    return VerificationAnswer.model_validate(answer)


@router.post(
    "",
    response_class=Response,
    openapi_extra=_LIST,
    responses=_ANSWERED,
)
async def verify_list(parts: TheParts, caller: Agency, request: Request) -> Response:
    """Answer for a list of numbers, line by line, as a CSV file."""
    who = f"{caller.role} {caller.subject}"
    language = language_of(request.headers.get("accept-language"))
    return (await check_list(parts, who, await request.body(), language)).as_file()


@dataclass(frozen=True, slots=True)
class CheckedList:
    """A list and what the register says beside each of its lines, as COLUMNS."""

    asked: NumberList
    rows: tuple[tuple[object, ...], ...]

    def as_file(self) -> Response:
        """Give it as a file like the one that was sent."""
        answered = self.asked.answered(self.rows)
        return Response(answered, media_type=_CSV, headers=NOT_INDEXED)


async def check_list(
    parts: Parts, who: str, body: bytes, language: Language
) -> CheckedList:
    """Ask the register about each line; raises Refused too often, or for no list."""
    await admit(parts, who, most=parts.settings.verification_lists_per_minute)
    asked = NumberList.read(body)
    numbers = {line.text: _read(line.text) for line in asked.lines}
    good = [read for read in numbers.values() if not isinstance(read, BadNumber)]
    async with parts.sessions() as session:
        answers = await verify(session, good)
    return CheckedList(asked, tuple(_rows(asked, numbers, answers, language)))


def _read(written: str) -> DossierNumber | BadNumber:
    try:
        return parse_dossier_number(written)
    except BadNumber as wrong:
        return wrong


def _rows(
    asked: NumberList,
    numbers: Mapping[str, DossierNumber | BadNumber],
    answers: Mapping[DossierNumber, PublicAnswer],
    language: Language,
) -> Iterator[tuple[object, ...]]:
    for line in asked.lines:
        number, written = numbers[line.text], shown(line.text)
        if isinstance(number, BadNumber):
            code = f"number_{number.problem}"
            said = WORDINGS[code].said_in(language, {"detail": number.detail})
            yield line.line, written, None, None, None, None, None, code, said
            continue
        a = answers[number]
        as_of = a.as_of.isoformat(timespec="seconds")
        about = (a.number, a.status, a.kind, a.last_valid_day, as_of)
        yield line.line, written, *about, None, None

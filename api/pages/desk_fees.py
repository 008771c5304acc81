"""The amounts of fees, and the one of next year adopted ahead of its day."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response, status
from fastapi import Form as Field
from fastapi.responses import RedirectResponse

from api.errors import Refused
from api.language import Language
from api.pages.asking import ByOfficer, Form, form_router
from api.pages.checking import Check
from api.pages.forms import Faults, Written
from api.pages.rendering import Page
from api.pages.words import Sentence
from api.parts import Parts, TheParts
from api.signin.who import TheOfficer, own_form
from intake.fees import (
    CannotAdopt,
    Examined,
    NothingToWithdraw,
    adopt,
    examine,
    tell_the_stories,
    withdraw,
)
from records.clock import database_now
from records.fees import Adoption, adoptions, policy_in_force
from rules.civil_time import civil_date, last_day
from rules.dossier import Kind, Operation
from rules.fees import AdoptedFee, FeeFault, FeePeriod, fee_periods

router = APIRouter(route_class=Page, include_in_schema=False)
_OPERATION, _FROM, _AMOUNT, _SOURCE = "operation", "debut", "montant", "source"
_CENTS = re.compile(r"([0-9]{1,5})(?:[.,]([0-9]{2}))?\s*\$?")
_SHORTEST_SOURCE, _LONGEST_SOURCE = 5, 200
_FIELD_OF: Mapping[str, str] = {
    FeeFault.IN_THE_PAST: _FROM,
    FeeFault.TOO_FAR: _FROM,
    FeeFault.OVERLAPS: _FROM,
    FeeFault.ABSURD: _AMOUNT,
}


@dataclass(frozen=True, slots=True)
class Fees:
    """What the page shows: every amount of each operation, and those ahead."""

    today: date
    periods: tuple[FeePeriod, ...]
    ahead: tuple[Adoption, ...]


class Adopting(Form[Examined]):
    """Every amount there is, and the next one: a renewal's, most often."""

    template, field = "desk_fees.html", _SOURCE

    def __init__(self, asked: ByOfficer) -> None:
        super().__init__(asked)
        self.back = "/bureau", Sentence("fees.back")

    async def known(self) -> Mapping[str, str]:
        """Propose a renewal."""
        return {_OPERATION: Operation.RENEWAL}

    async def facts(self) -> Mapping[str, Any]:
        """Give the amounts, and what was just done."""
        return {
            "fees": await _fees(self.asked.parts),
            "last_day": last_day,
            "was_done": _what_was_done(self.asked.request),
        }

    async def read(self, written: Written, faults: Faults) -> Examined | None:
        """Read an amount, and look at it as if it were adopted now."""
        fee = _fee(written, faults)
        if fee is None:
            return None
        try:
            async with self.asked.parts.sessions() as session:
                return await examine(session, fee)
        except CannotAdopt as cannot:
            _note(cannot, faults)
            return None

    async def check(self, what: Examined) -> Check:
        """Show it beside the amount of the day before, with what looks wrong."""
        fee = what.fee
        return Check(
            self.path,
            [
                (Sentence("fees.operation"), Sentence(f"fees.{fee.operation}")),
                (Sentence("fees.from"), Sentence("fees.day", {"on": fee.starts_on})),
                (Sentence("fees.amount"), Sentence("fees.cents", {"cents": fee.cents})),
                (
                    Sentence("fees.known"),
                    Sentence("fees.cents", {"cents": what.known_cents}),
                ),
                (Sentence("fees.source"), fee.source),
            ],
            [Sentence("fees.next")],
            Sentence("fees.send"),
            (self.path, Sentence("fees.back_to_table")),
            look_twice=[Sentence(f"fees.warn_{each}") for each in what.warnings],
        )

    async def send(self, what: Examined, key: str) -> Response:
        """Adopt it, and tell the stories."""
        del key  # an amount is adopted once for its first day
        parts = self.asked.parts
        try:
            await adopt(parts.sessions, what.fee, by=self.asked.who.account)
        except CannotAdopt as cannot:
            raise Refused(cannot.faults[0]) from cannot
        await tell_the_stories(parts.sessions, parts.client)
        return _back(self.asked.language, "adopted")

    def note(self, faults: Faults, refused: Refused) -> None:
        """Note what keeps an amount from being adopted at its field."""
        faults.refused(_FIELD_OF.get(refused.code, self.field), refused)


def _note(cannot: CannotAdopt, faults: Faults) -> None:
    for fault in cannot.faults:
        faults.refused(_FIELD_OF[fault], Refused(fault))


@router.post(
    "/{language:fr_or_en}/bureau/tarifs/retrait", dependencies=[Depends(own_form)]
)
async def take_back(
    parts: TheParts,
    language: Language,
    who: TheOfficer,
    operation: Annotated[Operation, Field()],
    starts_on: Annotated[date, Field(alias=_FROM)],
) -> Response:
    """Take back an amount that has not begun; one that has begun stays."""
    try:
        await withdraw(parts.sessions, Kind.CAR, operation, starts_on, by=who.account)
    except NothingToWithdraw:
        return _back(language, "begun")
    await tell_the_stories(parts.sessions, parts.client)
    return _back(language, "withdrawn")


def _back(language: Language, what: str) -> Response:
    return RedirectResponse(
        f"/{language}/bureau/tarifs?fait={what}", status.HTTP_303_SEE_OTHER
    )


def _fee(written: Written, faults: Faults) -> AdoptedFee | None:
    """Read what was written; each field that cannot be read is a fault."""
    operation = _one_of_the_operations(written[_OPERATION])
    starts_on = _day(written[_FROM])
    cents = cents_of(written[_AMOUNT])
    source = " ".join(written[_SOURCE].split())
    if operation is None:
        faults.add(_OPERATION, "fees.fault_operation")
    if starts_on is None:
        faults.add(_FROM, "fees.fault_day")
    if cents is None:
        faults.add(_AMOUNT, "fees.fault_amount")
    if not _SHORTEST_SOURCE <= len(source) <= _LONGEST_SOURCE:
        faults.add(_SOURCE, "fees.fault_source")
    if faults or operation is None or starts_on is None or cents is None:
        return None
    return AdoptedFee(Kind.CAR, operation, starts_on, cents, source)


def _one_of_the_operations(written: str) -> Operation | None:
    return Operation(written) if written in set(Operation) else None


def _day(written: str) -> date | None:
    try:
        return date.fromisoformat(written)
    except ValueError:
        return None


def cents_of(written: str) -> int | None:
    """Read an amount as people write it.

    >>> cents_of("190"), cents_of("190,50 $"), cents_of("190.50"), cents_of("190,5")
    (19000, 19050, 19050, None)
    """
    read = _CENTS.fullmatch("".join(written.split()))
    return None if read is None else int(read[1]) * 100 + int(read[2] or 0)


def _what_was_done(request: Request) -> str | None:
    told = request.query_params.get("fait")
    return told if told in {"adopted", "withdrawn", "begun"} else None


async def _fees(parts: Parts) -> Fees:
    async with parts.sessions() as session:
        today = civil_date(await database_now(session))
        policy = await policy_in_force(session, Kind.CAR, today)
        adopted = await adoptions(session, Kind.CAR)
    return Fees(
        today,
        tuple(p for operation in Operation for p in fee_periods(operation, policy)),
        tuple(a for a in adopted if a.fee.starts_on > today),
    )


router.include_router(form_router("/bureau/tarifs", Adopting))

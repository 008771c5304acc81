"""The amounts of fees, and the one of next year adopted ahead of its day."""

import re
from dataclasses import dataclass
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response, status
from fastapi.responses import RedirectResponse

from api.errors import Refused
from api.language import Language
from api.pages.forms import Faults, FormWritten, Step, Written, first_time
from api.pages.rendering import Page, page
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
_FIELD_OF = {
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


@router.get("/{language:fr_or_en}/bureau/tarifs")
async def see(
    request: Request, parts: TheParts, language: Language, _who: TheOfficer
) -> Response:
    """Show the amounts, and ask for the next one: a renewal's, most often."""
    blank = first_time()
    written = Written({_OPERATION: Operation.RENEWAL}, blank.step, blank.key)
    return await _form(request, parts, language, written, Faults())


@router.post("/{language:fr_or_en}/bureau/tarifs", dependencies=[Depends(own_form)])
async def take(
    request: Request,
    parts: TheParts,
    language: Language,
    who: TheOfficer,
    written: FormWritten,
) -> Response:
    """Show an amount with what looks wrong about it; then adopt it."""
    faults = Faults()
    fee = _fee(written, faults)
    if fee is None or written.step is Step.WRITE:
        return await _form(request, parts, language, written, faults)
    try:
        if written.step is Step.CHECK:
            async with parts.sessions() as session:
                examined = await examine(session, fee)
            return _check(request, language, examined, written)
        await adopt(parts.sessions, fee, by=who.account)
    except CannotAdopt as cannot:
        for fault in cannot.faults:
            faults.refused(_FIELD_OF[fault], Refused(fault))
        return await _form(request, parts, language, written, faults)
    await tell_the_stories(parts.sessions, parts.client)
    return _back(language, "adopted")


@router.post(
    "/{language:fr_or_en}/bureau/tarifs/retrait", dependencies=[Depends(own_form)]
)
async def take_back(
    parts: TheParts,
    language: Language,
    who: TheOfficer,
    operation: Annotated[Operation, Form()],
    starts_on: Annotated[date, Form(alias=_FROM)],
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
    cents = _cents(written[_AMOUNT])
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


def _cents(written: str) -> int | None:
    """Read an amount as people write it.

    >>> _cents("190"), _cents("190,50 $"), _cents("190.50"), _cents("190,5")
    (19000, 19050, 19050, None)
    """
    read = _CENTS.fullmatch("".join(written.split()))
    return None if read is None else int(read[1]) * 100 + int(read[2] or 0)


def _check(
    request: Request, language: Language, examined: Examined, written: Written
) -> Response:
    return page(
        request,
        "desk_fees_check.html",
        language,
        examined=examined,
        written=Written(written.answers, Step.CHECK, written.key),
    )


async def _form(
    request: Request,
    parts: Parts,
    language: Language,
    written: Written,
    faults: Faults,
) -> Response:
    return page(
        request,
        "desk_fees.html",
        language,
        422 if faults else 200,
        fees=await _fees(parts),
        last_day=last_day,
        was_done=_what_was_done(request),
        written=written,
        faults=faults,
    )


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

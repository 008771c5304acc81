"""What an operation costs on a day, by which notice, and until when that is known."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum

from rules.dossier import Invoice, Kind, Operation
from rules.policy import Fee, Policy, PolicyError

LAST_KNOWN = "last known, indexed on 1 July"
"""The source of an amount that no notice has fixed yet."""

_CAP_ENDS_ON = date(2026, 12, 31)
_CAP_PERCENT = 3
_UNUSUAL_PERCENT = 10
_FARTHEST_AHEAD = timedelta(days=2 * 366)
_DOLLAR = 100


def amount_on(day: date, operation: Operation, policy: Policy) -> Fee:
    """
    Name the fee of *operation* on the civil day of its payment.

    A notice fixes an amount until the next 1 July. From then on, without another one,
    the fee is the last known, not confirmed, and must be announced so. Raises
    PolicyError for a day before the first row: no amount is ever guessed.
    """
    begun = [fee for fee in _table(operation, policy) if fee.starts_on <= day]
    if not begun:
        table = f"policies/{policy.kind.lower()}.toml: fees_{operation}"
        raise PolicyError(f"{table}: no row for {day}")
    fee = begun[-1]
    if fee.confirmed and day >= next_indexation(fee.starts_on):
        return replace(fee, confirmed=False, source=LAST_KNOWN)
    return fee


def next_indexation(day: date) -> date:
    """Name the first 1 July after *day* (OPC, renouveler, 2024-07-15).

    >>> next_indexation(date(2026, 7, 1))
    datetime.date(2027, 7, 1)
    """
    this_year = date(day.year, 7, 1)
    return this_year if day < this_year else date(day.year + 1, 7, 1)


def replaced_on(invoice: Invoice, policy: Policy) -> date | None:
    """
    Name the first day on which an open invoice bears an amount that no longer holds.

    None while no other amount is known, and for an invoice that bears none: it is paid
    at the fee of the day.
    """
    if invoice.asked_cents is None:
        return None
    if amount_on(invoice.asked_on, invoice.operation, policy).cents != (
        invoice.asked_cents
    ):
        return invoice.asked_on  # the table was mended since
    return next(
        (
            fee.starts_on
            for fee in _table(invoice.operation, policy)
            if fee.starts_on > invoice.asked_on and fee.cents != invoice.asked_cents
        ),
        None,
    )


def holds_until(day: date, operation: Operation, policy: Policy) -> date | None:
    """Name the first known day after *day* with another amount, if there is one."""
    cents = amount_on(day, operation, policy).cents
    return next(
        (
            fee.starts_on
            for fee in _table(operation, policy)
            if fee.starts_on > day and fee.cents != cents
        ),
        None,
    )


@dataclass(frozen=True, slots=True)
class FeePeriod:
    """An amount on [starts_on, until); *until* is None where no other one is known."""

    operation: Operation
    starts_on: date
    until: date | None
    cents: int
    confirmed: bool
    source: str


def fee_periods(operation: Operation, policy: Policy) -> tuple[FeePeriod, ...]:
    """List the amounts of *operation*, oldest first, without a hole between them."""
    table = _table(operation, policy)
    ends = [*(fee.starts_on for fee in table[1:]), None]
    return tuple(
        period
        for fee, until in zip(table, ends, strict=True)
        for period in _periods(operation, fee, until)
    )


def _periods(operation: Operation, fee: Fee, until: date | None) -> Iterable[FeePeriod]:
    indexed_on = next_indexation(fee.starts_on)
    if not fee.confirmed or (until is not None and until <= indexed_on):
        yield FeePeriod(
            operation, fee.starts_on, until, fee.cents, fee.confirmed, fee.source
        )
        return
    yield FeePeriod(
        operation,
        fee.starts_on,
        indexed_on,
        fee.cents,
        confirmed=True,
        source=fee.source,
    )
    yield FeePeriod(
        operation, indexed_on, until, fee.cents, confirmed=False, source=LAST_KNOWN
    )


# ------------------------------------------------- amounts adopted ahead of their day


@dataclass(frozen=True, slots=True)
class AdoptedFee:
    """An amount that the Office adopted, from a day on, with where it was published."""

    kind: Kind
    operation: Operation
    starts_on: date
    cents: int
    source: str


class FeeFault(StrEnum):
    """Why an amount cannot be adopted; api/errors.py words it."""

    IN_THE_PAST = "fee_in_the_past"
    TOO_FAR = "fee_too_far"
    OVERLAPS = "fee_overlaps"
    ABSURD = "fee_absurd"


class FeeWarning(StrEnum):
    """What an officer must look at twice before an amount is adopted."""

    ABOVE_THE_CAP = "above_the_cap"
    UNUSUAL_CHANGE = "unusual_change"
    NOT_ON_1_JULY = "not_on_1_july"
    NOT_WHOLE_DOLLARS = "not_whole_dollars"


def with_adopted(policy: Policy, adopted: Iterable[AdoptedFee], day: date) -> Policy:
    """
    Lay the adopted amounts over the table of the file, for the policy read on *day*.

    On the same day the adopted amount holds: it is what people were told. The version
    grows with an amount that has begun, as it does with the file's own rows.
    """
    own = [fee for fee in adopted if fee.kind is policy.kind]
    begun = [f"{policy.kind}-{fee.starts_on}" for fee in own if fee.starts_on <= day]
    return replace(
        policy,
        version=max([policy.version, *begun]),
        fees_issue=_laid_over(policy.fees_issue, own, Operation.ISSUE),
        fees_renewal=_laid_over(policy.fees_renewal, own, Operation.RENEWAL),
    )


def _laid_over(
    table: tuple[Fee, ...], adopted: list[AdoptedFee], operation: Operation
) -> tuple[Fee, ...]:
    rows = {fee.starts_on: fee for fee in table}
    rows |= {
        fee.starts_on: Fee(fee.starts_on, fee.cents, confirmed=True, source=fee.source)
        for fee in adopted
        if fee.operation is operation
    }
    return tuple(rows[starts_on] for starts_on in sorted(rows))


def faults_of(fee: AdoptedFee, policy: Policy, today: date) -> tuple[FeeFault, ...]:
    """
    List why *fee* cannot be adopted on *today*; our policy, not law.

    *policy* bears what was adopted before. An amount is adopted ahead of its day only:
    what people have paid is never found wrong afterwards.
    """
    table = _table(fee.operation, policy)
    taken = any(row.starts_on == fee.starts_on and row.confirmed for row in table)
    known = known_before(fee, policy).cents
    found = {
        FeeFault.IN_THE_PAST: fee.starts_on <= today,
        FeeFault.TOO_FAR: fee.starts_on > today + _FARTHEST_AHEAD,
        FeeFault.OVERLAPS: taken,
        FeeFault.ABSURD: not known <= 2 * fee.cents <= 4 * known,
    }
    return tuple(fault for fault, there in found.items() if there)


def warnings_of(fee: AdoptedFee, policy: Policy) -> tuple[FeeWarning, ...]:
    """List what looks wrong in *fee*, though it may be right."""
    known = known_before(fee, policy).cents
    found = {
        FeeWarning.ABOVE_THE_CAP: _is_above_the_cap(fee, policy),
        FeeWarning.UNUSUAL_CHANGE: not known
        <= fee.cents
        <= known * (100 + _UNUSUAL_PERCENT) / 100,
        FeeWarning.NOT_ON_1_JULY: (fee.starts_on.month, fee.starts_on.day) != (7, 1),
        # Sibling rule: rounded to the nearest dollar (P-40.1, r. 3 s. 165.1).
        FeeWarning.NOT_WHOLE_DOLLARS: bool(fee.cents % _DOLLAR),
    }
    return tuple(warning for warning, there in found.items() if there)


def _is_above_the_cap(fee: AdoptedFee, policy: Policy) -> bool:
    """At most 3 % a year from the last confirmed amount, to the dollar (I-7.1 s. 1)."""
    confirmed = [
        row
        for row in _table(fee.operation, policy)
        if row.confirmed and row.starts_on < fee.starts_on
    ]
    if not confirmed or fee.starts_on > _CAP_ENDS_ON:
        return False
    cents, day = confirmed[-1].cents, next_indexation(confirmed[-1].starts_on)
    highest = cents
    while day <= fee.starts_on:
        highest = highest * (100 + _CAP_PERCENT) // 100
        day = next_indexation(day)
    return fee.cents > _to_the_dollar(highest)


def _to_the_dollar(cents: int) -> int:
    return (cents + _DOLLAR // 2) // _DOLLAR * _DOLLAR


def known_before(fee: AdoptedFee, policy: Policy) -> Fee:
    """Name the fee of the day before *fee* begins."""
    return amount_on(fee.starts_on - timedelta(days=1), fee.operation, policy)


def _table(operation: Operation, policy: Policy) -> tuple[Fee, ...]:
    return policy.fees_issue if operation is Operation.ISSUE else policy.fees_renewal

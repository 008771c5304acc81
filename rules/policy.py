"""The dated parameters of one kind of certificate, each with its source."""

import tomllib
from dataclasses import dataclass, fields, replace
from datetime import date
from enum import StrEnum
from functools import cache, lru_cache
from importlib.resources import files
from itertools import pairwise
from typing import Any

from rules.civil_time import LeapDayTerm
from rules.dossier import Kind


class PolicyError(ValueError):
    """A table of policy is wrong; the message names the table and the row."""


class TransferRule(StrEnum):
    """Which ground lets an exam result follow the person (our policy, not law)."""

    NARROW = "narrow"
    WIDE = "wide"


class RemindersFrom(StrEnum):
    """The day from which reminder steps are counted (our policy, not law)."""

    LAST_VALID_DAY = "last_valid_day"
    ECHEANCE = "echeance"


class ExamLadderFrom(StrEnum):
    """The day from which the exam's steps are counted (our policy, not law)."""

    EXTENDED_LIMIT = "extended_limit"
    BARE_LIMIT = "bare_limit"


class LateRenewal(StrEnum):
    """What a renewal on the open day after a closed last day is worth."""

    TIMELY_IN_EXTENDED_DELAY = "timely_in_extended_delay"
    NO_EXTENSION = "no_extension"


class RenewedTermStarts(StrEnum):
    """Where a renewed term starts (our policy, not law)."""

    OLD_ECHEANCE = "old_echeance"
    PAYMENT = "payment"


class FirstDay(StrEnum):
    """The first day of a new certificate (our policy, not law)."""

    CONDITION_OCCURRED = "condition_occurred"
    TOLD = "told"


class ReversalAfterIssue(StrEnum):
    """What a reversal told after the delay or after issue causes."""

    TASK = "task"
    UNDONE = "undone"


class PaymentAfterLapse(StrEnum):
    """What becomes of money captured after the exam lapsed."""

    REFUNDED = "refunded"
    KEPT_FOR_NEW_EXAM = "kept_for_new_exam"


@dataclass(frozen=True, slots=True)
class Rung:
    """One step of a ladder: a notice, this many civil days before the day counted."""

    days_before: int
    notice: str


@dataclass(frozen=True, slots=True)
class Fee:
    """An amount from a day on; not *confirmed* means the last known amount."""

    starts_on: date
    cents: int
    confirmed: bool
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The values in force for one kind on one day; enters a workflow as data."""

    kind: Kind
    version: str
    term_years: int
    exam_years: int
    unlinked_years: int
    transfer_rule: TransferRule
    delays_extended: bool
    reminders_counted_from: RemindersFrom
    exam_ladder_counted_from: ExamLadderFrom
    late_renewal: LateRenewal
    renewed_term_starts: RenewedTermStarts
    leap_day_term: LeapDayTerm
    first_day_of_certificate: FirstDay
    reversal_after_issue: ReversalAfterIssue
    payment_after_exam_lapsed: PaymentAfterLapse
    account_dormant_after_months: int
    reminders: tuple[Rung, ...]
    exam_ladder: tuple[Rung, ...]
    letters_from_hour: int
    letters_spread_minutes: int
    missing_items_days: int
    missing_items_chase_days: int
    observation_days: int
    task_days: int
    fees_issue: tuple[Fee, ...]
    fees_renewal: tuple[Fee, ...]
    # A policy is kept in running stories: what is added has a default.
    returned_letter_days: int = 1
    agency_reminder_days: int = 7


@dataclass(frozen=True, slots=True)
class PolicyEntry:
    """One parameter as shown to people: its value, its source, and whose choice."""

    name: str
    value: Any
    starts_on: date
    source: str
    ours: bool
    question: str | None
    other_values: tuple[Any, ...]


def policy_entries(kind: Kind, day: date) -> tuple[PolicyEntry, ...]:
    """
    List every parameter in force on *day*, in the order of the table.

    Raises PolicyError when a table has no row for the day.
    """
    return entries_in_force(kind, _tables(kind), day)


def first_days(kind: Kind, name: str) -> tuple[date, ...]:
    """List the first day of each row of a table, past and to come."""
    return tuple(sorted(row["from"] for row in _tables(kind)[name]))


def entries_in_force(
    kind: Kind, tables: dict[str, list[dict[str, Any]]], day: date
) -> tuple[PolicyEntry, ...]:
    """
    List the row of each table in force on *day*: the last one begun.

    Raises PolicyError, naming the table and the row, when one is missing or unclear.
    """
    return tuple(
        _entry_in_force(f"{_file(kind)}: {name}", name, rows, day)
        for name, rows in tables.items()
    )


@lru_cache(64)  # a day more each midnight, and those that people ask about
def load_policy(kind: Kind, day: date) -> Policy:
    """
    Read and check the policy in force on *day*.

    Its version is the day of the newest row that has begun, a fee's included. Raises
    PolicyError, naming the table, when a value is missing or wrong.
    """
    entries = policy_entries(kind, day)
    policy = build_policy(kind, "", {e.name: e.value for e in entries})
    fees = (*policy.fees_issue, *policy.fees_renewal)
    begun = [fee.starts_on for fee in fees if fee.starts_on <= day]
    newest = max([*begun, *(entry.starts_on for entry in entries)])
    return replace(policy, version=f"{kind}-{newest}")


def build_policy(kind: Kind, version: str, values: dict[str, Any]) -> Policy:
    """
    Build a policy from plain values, as the tables and the tests write them.

    Raises PolicyError, naming the table, when a value is missing, unknown or wrong.
    """
    given = values.keys() - SHOWN_ONLY
    if unknown := given - _TYPES.keys():
        raise PolicyError(f"{_file(kind)}: {min(unknown)}: no such parameter")
    if missing := _TYPES.keys() - given:
        raise PolicyError(f"{_file(kind)}: {min(missing)}: has no value")
    policy = Policy(
        kind=kind,
        version=version,
        **{
            name: _typed(f"{_file(kind)}: {name}", wanted, values[name])
            for name, wanted in _TYPES.items()
        },
    )
    _check(policy)
    return policy


SHOWN_ONLY = frozenset(
    {
        "reversal_in_time",
        "late_told_payment",
        "request_for_another_person",
        "last_link_lost",
    }
)
"""Choices with one value: shown to people with the others, read by no rule."""

_TYPES: dict[str, Any] = {
    field.name: field.type
    for field in fields(Policy)
    if field.name not in {"kind", "version"}
}

_HOURS_OF_A_DAY = 24
_MINUTES_OF_A_DAY = 60 * _HOURS_OF_A_DAY


def _file(kind: Kind) -> str:
    return f"policies/{kind.lower()}.toml"


def _typed(where: str, wanted: Any, value: Any) -> Any:
    """Give a plain value of a table the type of its field of Policy."""
    if wanted == tuple[Rung, ...]:
        return _rows(where, Rung, value)
    if wanted == tuple[Fee, ...]:
        return _rows(where, Fee, value)
    if issubclass(wanted, StrEnum):
        if value not in list(wanted):
            raise PolicyError(f"{where}: {value!r} is not one of {', '.join(wanted)}")
        return wanted(value)
    return _plain(where, wanted, value)


def _plain(where: str, wanted: Any, value: Any) -> Any:
    if type(value) is not wanted:  # a bool would pass for an int
        raise PolicyError(f"{where}: {value!r} is not of type {wanted.__name__}")
    if wanted is int and value < 0:
        raise PolicyError(f"{where}: {value} is negative")
    return value


def _rows(where: str, row_type: type[Rung | Fee], rows: Any) -> Any:
    _plain(where, list, rows)
    return tuple(
        _row(f"{where}: row {position}", row_type, row)
        for position, row in enumerate(rows, 1)
    )


def _row(where: str, row_type: type[Rung | Fee], row: dict[str, Any]) -> Any:
    values = {}
    for field in fields(row_type):
        column = "from" if field.name == "starts_on" else field.name
        if column not in row:
            raise PolicyError(f"{where} lacks {column!r}")
        values[field.name] = _plain(f"{where}: {column}", field.type, row[column])
    return row_type(**values)


def _check(policy: Policy) -> None:
    file = _file(policy.kind)
    for name in ("reminders", "exam_ladder"):
        _check_ladder(f"{file}: {name}", getattr(policy, name))
    for name in ("fees_issue", "fees_renewal"):
        _check_fees(f"{file}: {name}", getattr(policy, name))
    for name in ("term_years", "exam_years", "unlinked_years"):
        if getattr(policy, name) < 1:
            raise PolicyError(f"{file}: {name}: must be one year or more")
    last_minute = 60 * policy.letters_from_hour + policy.letters_spread_minutes
    if policy.letters_from_hour >= _HOURS_OF_A_DAY or last_minute > _MINUTES_OF_A_DAY:
        raise PolicyError(
            f"{file}: letters_spread_minutes: a letter must leave on its own day,"
            f" from {policy.letters_from_hour}:00 on"
        )


def _check_ladder(where: str, ladder: tuple[Rung, ...]) -> None:
    for above, below in pairwise(ladder):
        if below.days_before >= above.days_before:
            raise PolicyError(
                f"{where}: {below.notice}: {below.days_before} days before do not come"
                f" after {above.days_before}: steps must fall, each once"
            )
    notices = [rung.notice for rung in ladder]
    for notice in notices:
        if notices.count(notice) > 1:
            raise PolicyError(f"{where}: {notice}: one notice, two steps")


def _check_fees(where: str, fees: tuple[Fee, ...]) -> None:
    if not fees:
        raise PolicyError(f"{where}: has no row")
    for fee in fees:
        if fee.cents <= 0:
            raise PolicyError(
                f"{where}: row from {fee.starts_on}: {fee.cents} cents:"
                " an amount must be above zero"
            )
    for before, after in pairwise(fees):
        if after.starts_on <= before.starts_on:
            raise PolicyError(
                f"{where}: row from {after.starts_on}: must follow the row from"
                f" {before.starts_on}"
            )


@cache
def _tables(kind: Kind) -> dict[str, list[dict[str, Any]]]:
    """Read the tables, once a process: to parse them takes longer than most rules."""
    path = files("rules").joinpath("policies", f"{kind.lower()}.toml")
    return tomllib.loads(path.read_text(encoding="utf-8"))


def _entry_in_force(
    where: str, name: str, rows: list[dict[str, Any]], day: date
) -> PolicyEntry:
    for position, row in enumerate(rows, 1):
        if lacks := [key for key in ("from", "value", "source") if key not in row]:
            raise PolicyError(f"{where}: row {position} lacks {lacks[0]!r}")
    starts = [row["from"] for row in rows]
    if twice := [start for start in starts if starts.count(start) > 1]:
        raise PolicyError(f"{where}: two rows from {twice[0]}")
    begun = [row for row in rows if row["from"] <= day]
    if not begun:
        raise PolicyError(f"{where}: no row for {day}")
    row = max(begun, key=lambda r: r["from"])
    return PolicyEntry(
        name=name,
        value=row["value"],
        starts_on=row["from"],
        source=row["source"],
        ours=row.get("ours", False),
        question=row.get("question"),
        other_values=tuple(row.get("other", ())),
    )

"""The dated parameters of one kind of certificate, each with its source."""

import tomllib
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from importlib.resources import files
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
    return tuple(
        _entry_in_force(kind, name, rows, day) for name, rows in _table(kind).items()
    )


def load_policy(kind: Kind, day: date) -> Policy:
    """
    Read and check the policy in force on *day*.

    Raises PolicyError, naming the table, when a value is missing or wrong.
    """
    entries = policy_entries(kind, day)
    newest = max(e.starts_on for e in entries)
    return build_policy(kind, f"{kind}-{newest}", {e.name: e.value for e in entries})


def build_policy(kind: Kind, version: str, values: dict[str, Any]) -> Policy:
    """Build a policy from plain values, as the tables and the tests write them."""
    shown_only = {"late_told_payment", "request_for_another_person", "last_link_lost"}
    fields = {k: v for k, v in values.items() if k not in shown_only}
    try:
        policy = Policy(
            kind=kind,
            version=version,
            **{name: _typed(name, value) for name, value in fields.items()},
        )
    except (KeyError, TypeError, ValueError) as wrong:
        raise PolicyError(f"policies/{kind.lower()}.toml: {wrong}") from wrong
    _check(policy)
    return policy


_ENUMS: dict[str, type[StrEnum]] = {
    "transfer_rule": TransferRule,
    "reminders_counted_from": RemindersFrom,
    "exam_ladder_counted_from": ExamLadderFrom,
    "late_renewal": LateRenewal,
    "renewed_term_starts": RenewedTermStarts,
    "leap_day_term": LeapDayTerm,
    "first_day_of_certificate": FirstDay,
    "reversal_after_issue": ReversalAfterIssue,
    "payment_after_exam_lapsed": PaymentAfterLapse,
}


def _typed(name: str, value: Any) -> Any:
    if name in _ENUMS:
        return _ENUMS[name](value)
    if name in {"reminders", "exam_ladder"}:
        return tuple(Rung(row["days_before"], row["notice"]) for row in value)
    if name in {"fees_issue", "fees_renewal"}:
        return tuple(
            Fee(row["from"], row["cents"], row["confirmed"], row["source"])
            for row in value
        )
    return value


def _check(policy: Policy) -> None:
    where = f"policies/{policy.kind.lower()}.toml"
    for name, ladder in (
        ("reminders", policy.reminders),
        ("exam_ladder", policy.exam_ladder),
    ):
        days = [rung.days_before for rung in ladder]
        if days != sorted(set(days), reverse=True) or any(d < 0 for d in days):
            raise PolicyError(
                f"{where}: {name}: steps must fall, each once, none negative: {days}"
            )
    for name, fees in (
        ("fees_issue", policy.fees_issue),
        ("fees_renewal", policy.fees_renewal),
    ):
        starts = [fee.starts_on for fee in fees]
        if not starts or starts != sorted(set(starts)):
            raise PolicyError(
                f"{where}: {name}: rows must follow one another: {starts}"
            )
        if any(fee.cents <= 0 for fee in fees):
            raise PolicyError(f"{where}: {name}: an amount must be above zero")


def _table(kind: Kind) -> dict[str, list[dict[str, Any]]]:
    path = files("rules").joinpath("policies", f"{kind.lower()}.toml")
    return tomllib.loads(path.read_text(encoding="utf-8"))


def _entry_in_force(
    kind: Kind, name: str, rows: list[dict[str, Any]], day: date
) -> PolicyEntry:
    begun = [row for row in rows if row["from"] <= day]
    if not begun:
        raise PolicyError(f"policies/{kind.lower()}.toml: {name}: no row for {day}")
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

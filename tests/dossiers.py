"""Dossiers for tests, named after their situation, valid unless a test says else."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from rules.civil_time import add_years
from rules.dossier import (
    Capture,
    Dossier,
    Exam,
    Invoice,
    Kind,
    Link,
    Operation,
    PermitChange,
    Takeover,
    Term,
)
from rules.numbers import DossierNumber, PermitNumber
from rules.policy import Policy, build_policy, load_policy, policy_entries
from rules.reasons import Condition, Finding

TODAY = date(2026, 11, 24)
HOLDER = DossierNumber("CAR202400000001")
NEWCOMER = DossierNumber("CAR202600000002")
RIVAL = DossierNumber("CAR202600000003")
PERMIT = PermitNumber("AR-1001")
OTHER_PERMIT = PermitNumber("AR-2002")


def a_policy(**changes: Any) -> Policy:
    """The policy in force today, with some values changed as a table would."""
    values = {e.name: e.value for e in policy_entries(Kind.CAR, TODAY)}
    if not changes:
        return load_policy(Kind.CAR, TODAY)
    return build_policy(Kind.CAR, "test", values | changes)


def a_link(
    since: date | None = date(2024, 12, 10),
    until: date | None = None,
    *,
    permit: PermitNumber = PERMIT,
    link_id: str = "link-1",
) -> Link:
    return Link(link_id, permit, asked_on=since, since=since, until=until)


def a_holder(
    echeance: date = date(2026, 12, 10),
    *,
    number: DossierNumber = HOLDER,
    passed_on: date = date(2022, 11, 20),
    links: tuple[Link, ...] | None = None,
) -> Dossier:
    """A certificate in force, linked, two years to its échéance."""
    start = add_years(echeance, -2)
    return Dossier(
        number=number,
        kind=Kind.CAR,
        opened_on=start,
        exam=Exam(f"exam-{number}", passed_on, here_since=start),
        terms=(Term(start, echeance),),
        links=(a_link(since=start),) if links is None else links,
    )


def a_newcomer(opened_on: date = TODAY, *, number: DossierNumber = NEWCOMER) -> Dossier:
    """A dossier just opened: no exam result, nothing else."""
    return Dossier(number=number, kind=Kind.CAR, opened_on=opened_on)


def a_finalizing(
    passed_on: date = date(2026, 11, 1),
    *,
    here_since: date = TODAY,
    links: tuple[Link, ...] = (),
    takeover: Takeover | None = None,
) -> Dossier:
    """An exam result is here; invoice and agency are awaited."""
    return replace(
        a_newcomer(),
        exam=Exam("exam-new", passed_on, here_since, takeover),
        links=links,
        invoices=(Invoice(f"{NEWCOMER}-1", Operation.ISSUE, here_since),),
    )


def an_expired_certificate(
    passed_on: date = date(2022, 11, 20),
    echeance: date = date(2026, 12, 10),
    *,
    linked_at_echeance: bool = True,
    last_linked_on: date | None = None,
) -> Exam:
    """What an expired dossier answers when its result is asked for."""
    last = last_linked_on
    if last is None and linked_at_echeance:
        last = echeance - timedelta(days=1)
    return Exam(
        "exam-old",
        passed_on,
        here_since=passed_on,
        takeover=Takeover(HOLDER, echeance, linked_at_echeance, last),
    )


def with_renewal_paid(dossier: Dossier, captured_at: datetime) -> Dossier:
    """The same holder, the invoice of the present échéance paid."""
    invoice = Invoice(
        f"{dossier.number}-renewal",
        Operation.RENEWAL,
        captured_at.date(),
        renews=dossier.echeance,
        paid=Capture("pay-1", captured_at, 18500),
    )
    return dossier.with_invoice(invoice)


def with_issue_paid(dossier: Dossier, captured_at: datetime) -> Dossier:
    """The same newcomer, the first invoice paid."""
    invoice = dossier.open_invoice(Operation.ISSUE)
    assert invoice is not None
    capture = Capture("pay-1", captured_at, 18000)
    return dossier.with_invoice(replace(invoice, paid=capture))


def permit_lost(on: date, *, permit: PermitNumber = PERMIT) -> PermitChange:
    """The agency's permit is no longer valid from a day on."""
    return PermitChange(permit, valid=False, effective_on=on)


def permit_back(on: date, *, permit: PermitNumber = PERMIT) -> PermitChange:
    """The agency's permit is valid again from a day on."""
    return PermitChange(permit, valid=True, effective_on=on)


def finding(findings: tuple[Finding, ...], condition: Condition) -> Finding:
    """The one answer on a condition; fails unless there is exactly one."""
    (found,) = (f for f in findings if f.condition is condition)
    return found


def noon(day: date) -> datetime:
    """An instant that falls on *day* everywhere in Québec."""
    return datetime(day.year, day.month, day.day, 17, tzinfo=UTC)

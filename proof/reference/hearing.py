"""What a thing told changes in a dossier, and what it makes the Office do at once."""

from collections.abc import Callable
from datetime import date, datetime, timedelta

from proof.histories import Told
from proof.reference.days import DAY, civil, two_years_to_act
from proof.reference.following import File
from proof.reference.standing import Exam, Link, Term

FEES = {"issue": 18000, "renewal": 18500}  # §0.9
YEAR_AHEAD = timedelta(366)


def hear(file: File, told: Told, day: date, at: datetime) -> None:
    """Take in one thing told; a transfer is heard by :func:`transfer`."""
    money = told.what in {"paid", "reversed"}
    if money and file.looked.get(told.about) is None:
        return  # no fee was asked: nothing could be paid
    if file.closed and not money:
        if told.what not in {"corrected", "cancelled"}:
            file.task("fact_for_closed_dossier", told.fact)
        return
    _HEARD[told.what](file, told, day, at)


def _linked(file: File, told: Told, day: date, at: datetime) -> None:
    assert told.on
    if told.on > day + YEAR_AHEAD:
        file.task("date_in_the_future", told.fact)
    elif told.about not in file.links:
        file.links[told.about] = Link(told.permit, told.on)
        file.write(told.about, "link_confirmed", at)


def _unlinked(file: File, told: Told, day: date, at: datetime) -> None:
    assert told.on
    if told.about not in file.links or told.on > day + YEAR_AHEAD:
        file.task("unknown_link", told.fact)
        return
    file.links[told.about] = file.links[told.about]._replace(until=told.on)
    file.write(f"{told.about}/{told.on}", "link_ended", at)


def _permit(file: File, told: Told, _day: date, _at: datetime) -> None:
    assert told.on
    file.permits.append((told.permit, told.on, told.valid))


def _exam(file: File, told: Told, day: date, _at: datetime) -> None:
    assert told.on
    if told.on > day:
        file.task("date_in_the_future", told.fact)
    elif not file.exam or file.exam.passed < told.on:
        for bill in file.bills:
            if file.exam and bill.counts and day > file.exam.limit and not file.terms:
                bill.void = day  # refunded: it pays for no other exam
        here_since, limit = min(day, civil(told.at)), two_years_to_act(told.on)
        file.exam = Exam(told.about, told.on, here_since, limit)
        file.request = ""


def _paid(file: File, told: Told, day: date, at: datetime) -> None:
    bill = file.looked[told.about]
    assert bill
    assert told.captured_at
    on = civil(told.captured_at)
    same = [b for b in file.bills if (b.kind, b.renews) == (bill.kind, bill.renews)]
    # Of a bill that took the place of another, money told late pays the newest.
    while bill.void and (bill.payment or on >= bill.void) and bill.next:
        bill = bill.next
    late = (bill.void and on >= bill.void) or on > file.last_day_to_pay(bill)
    if file.closed or any(b.counts and not b.owed for b in same) or late:
        file.write(told.about, "refund_due", at)  # it goes back by itself
    elif told.cents != FEES[bill.kind]:
        file.task("wrong_amount", told.about)
        bill_id = f"{file.number}-{file.bills.index(bill) + 1}"
        file.write(f"{bill_id}/{told.about}", "invoice", at)
    else:
        bill.payment, bill.paid_on, bill.void = told.about, on, None
        bill.owed = False
        for other in same:
            if other is not bill and not other.paid_on:
                other.void = other.void or day
        file.write(told.about, "receipt", at)


def _reversed(file: File, told: Told, day: date, at: datetime) -> None:
    bill = next((b for b in file.bills if b.payment == told.about), None)
    if bill is None:
        file.task("unknown_payment_reversed", told.about)
        return
    file.write(told.about, "payment_reversed", at)
    term = next((t for t in file.terms if t.bill is bill), None)
    if file.closed or (term and day >= term.start):
        file.task("payment_reversed_after_issue", told.about)
        bill.owed = True
        return
    bill.void = bill.void or day
    file.terms = [t for t in file.terms if t is not term]
    if day <= file.last_day_to_pay(bill):
        bill.next = file.ask(bill.kind, bill.renews)


def _mail(file: File, told: Told, _day: date, _at: datetime) -> None:
    file.task("mail_to_read", told.fact)


def _corrected(file: File, told: Told, day: date, at: datetime) -> None:
    assert told.on
    if not file.terms or told.on > day + 4 * YEAR_AHEAD:
        return
    start, echeance, bill = file.terms[-1]
    if echeance != told.on:
        file.terms[-1] = Term(start, told.on, bill)
        file.write(told.fact, "correction_made", at)


def _cancelled(file: File, _told: Told, day: date, at: datetime) -> None:
    file.grant(day, at)  # what was earned before stays earned
    file.closed = True
    file.write(day, "cancelled", at)


_HEARD: dict[str, Callable[[File, Told, date, datetime], None]] = {
    "linked": _linked,
    "unlinked": _unlinked,
    "permit": _permit,
    "exam": _exam,
    "paid": _paid,
    "reversed": _reversed,
    "mail": _mail,
    "corrected": _corrected,
    "cancelled": _cancelled,
}


def transfer(
    file: File, told: Told, day: date, at: datetime, old: File | None = None
) -> None:
    """Take in the request to bring an exam over from an *old* dossier (§3, §9.3)."""
    if file.closed:
        file.task("fact_for_closed_dossier", told.fact)
        return
    if file.phase_on(day) != "exam_awaited":
        file.task("mail_to_read", told.fact)
        return
    asked = civil(told.at)
    file.write(told.fact, "transfer_received", at)
    limits = [] if old is None else _limits(old, day, asked)
    if old and old.exam and any(asked <= limit for limit in limits):
        name, passed, *_ = old.exam
        file.exam = Exam(name, passed, day, max(limits), moved_here=True)
        old.exam, old.closed = None, True
    else:
        file.request = told.fact
        file.task("transfer_not_allowed", told.fact)
        file.write(told.fact, "transfer_under_review", at)


def _limits(old: File, day: date, asked: date) -> list[date]:
    """Until when an expired dossier's exam may be brought over, by each ground."""
    if not old.exam or old.phase_on(day) != "expired" or old.ends() > asked:
        return []
    end, by_exam = old.ends(), two_years_to_act(old.exam.passed)
    return [two_years_to_act(end), by_exam] if old.linked(end - DAY) else [by_exam]

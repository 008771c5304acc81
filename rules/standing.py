"""Where a dossier stands at an instant, and what would move it: facts in, phase out."""

from dataclasses import replace
from datetime import date, datetime, timedelta

from rules.civil_time import (
    add_years,
    civil_date,
    last_day,
    last_day_to_act,
    term_end,
)
from rules.dossier import (
    Dossier,
    Exam,
    Invoice,
    Operation,
    Phase,
    Takeover,
    Term,
)
from rules.links import (
    is_linked,
    last_linked_on,
    linked_from,
    unlinked_since,
    unlinked_stretches,
)
from rules.policy import FirstDay, LateRenewal, Policy, RenewedTermStarts
from rules.reasons import (
    APPLICATION_PAGE,
    EXAM_PAGE,
    EXPIRY_PAGE,
    RENEWAL_PAGE,
    SERVICE_PAGE,
    STOPPAGE_PAGE,
    Condition,
    Finding,
)
from rules.transfer import grounds_on, last_day_to_finish


def phase_at(dossier: Dossier, policy: Policy, at: datetime) -> Phase:
    """Answer where *dossier* stands at the instant *at*."""
    if dossier.ending is not None:
        return Phase.CLOSED
    if dossier.terms:
        return _phase_of_holder(dossier, policy, civil_date(at))
    if dossier.exam and civil_date(at) <= last_day_to_finish(dossier.exam, policy):
        return Phase.TO_FINALIZE
    return Phase.IN_REVIEW if dossier.request else Phase.EXAM_AWAITED


def _phase_of_holder(dossier: Dossier, policy: Policy, day: date) -> Phase:
    if day >= _end(dossier, policy):
        return Phase.EXPIRED
    return Phase.IN_FORCE if is_linked(dossier, day) else Phase.SUSPENDED


def terms_to_print(dossier: Dossier, policy: Policy, at: datetime) -> tuple[Term, ...]:
    """
    List the terms whose certificate may be printed again: in force, or to come.

    While it is suspended a certificate is still in its term. One that has ended,
    whatever ended it, is not printed again (our policy, not law).
    """
    if phase_at(dossier, policy, at) not in {Phase.IN_FORCE, Phase.SUSPENDED}:
        return ()
    today = civil_date(at)
    return tuple(term for term in dossier.terms if today < term.echeance)


def unlinked_too_long_since(dossier: Dossier, policy: Policy) -> date | None:
    """
    Name the first day of the stretch without a link that ends the certificate.

    None if no stretch, as far as told, is longer than two years. A link that comes
    later brings nothing back: "new application and exam" (OPC, work-stoppage).
    """
    return next(
        (
            since
            for since, until in unlinked_stretches(dossier)
            if until is None or until > last_day_unlinked(since, policy)
        ),
        None,
    )


def _end(dossier: Dossier, policy: Policy) -> date:
    """Name the first day without validity, as far as told: the échéance or sooner."""
    echeance = dossier.terms[-1].echeance
    since = unlinked_too_long_since(dossier, policy)
    if since is None:
        return echeance
    return min(echeance, last_day_unlinked(since, policy) + timedelta(days=1))


def last_day_unlinked(since: date, policy: Policy) -> date:
    """
    Name the last day on which a suspended holder may come back by a new link.

    "Not affiliated for more than 2 years": the second anniversary is in, and runs to
    the next open day (OPC, work-stoppage, 2021-05-03; P-40.1 s. 269).
    """
    return last_day_to_act(
        add_years(since, policy.unlinked_years),
        delays_extended=policy.delays_extended,
    )


def last_day_to_renew(echeance: date, policy: Policy) -> date:
    """Name the last day on which a renewal's payment is timely."""
    return last_day_to_act(
        last_day(echeance),
        delays_extended=policy.delays_extended
        and policy.late_renewal is LateRenewal.TIMELY_IN_EXTENDED_DELAY,
    )


def certificate_due(dossier: Dossier, policy: Policy, told_on: date) -> Term | None:
    """
    Name the first term once the result is here, the invoice paid and an agency linked.

    All three must have occurred by the last day to finish, in any order; the day of
    the last one is the first day of the certificate (OPC, application-regular).
    """
    exam = dossier.exam
    invoice = paid_invoice(dossier, Operation.ISSUE)
    if dossier.terms or exam is None or invoice is None or invoice.paid is None:
        return None
    ready_on = max(exam.here_since, civil_date(invoice.paid.captured_at))
    occurred_on = linked_from(dossier, ready_on)
    if occurred_on is None or occurred_on > last_day_to_finish(exam, policy):
        return None
    if occurred_on > told_on:
        return None
    start = (
        occurred_on
        if policy.first_day_of_certificate is FirstDay.CONDITION_OCCURRED
        else told_on
    )
    return Term(start, _echeance_of(start, policy), invoice.invoice_id)


def renewal_due(dossier: Dossier, policy: Policy) -> Term | None:
    """
    Name the next term once a renewal was paid in time for the present échéance.

    The instant of capture decides, not that of its telling (our policy, not law). A
    certificate ended by two years without a link is not renewed (OPC, work-stoppage).
    """
    echeance = dossier.echeance
    if echeance is None:
        return None
    in_time = (
        (invoice, paid_on)
        for invoice in dossier.invoices
        if invoice.renews == echeance
        and (paid_on := _paid_on(invoice)) is not None
        and _is_timely(dossier, policy, paid_on)
    )
    paid = next(in_time, None)
    if paid is None:
        return None
    invoice, paid_on = paid
    start = (
        echeance
        if policy.renewed_term_starts is RenewedTermStarts.OLD_ECHEANCE
        else paid_on
    )
    return Term(start, _echeance_of(start, policy), invoice.invoice_id)


def _is_timely(dossier: Dossier, policy: Policy, paid_on: date) -> bool:
    echeance = dossier.terms[-1].echeance
    end = _end(dossier, policy)
    if end < echeance and paid_on >= end:
        return False
    return paid_on <= last_day_to_renew(echeance, policy)


def _paid_on(invoice: Invoice) -> date | None:
    """Name the civil day on which money that still counts was captured."""
    if invoice.paid is None or not invoice.is_paid:
        return None
    return civil_date(invoice.paid.captured_at)


def paid_invoice(dossier: Dossier, operation: Operation) -> Invoice | None:
    """Find the paid, not reversed, not void invoice of an operation."""
    return next(
        (
            i
            for i in dossier.invoices
            if i.operation is operation and _paid_on(i) is not None
        ),
        None,
    )


def ended_certificate(dossier: Dossier, policy: Policy, at: datetime) -> Exam | None:
    """
    Describe the result an expired dossier could give, with how its certificate ended.

    None unless the certificate has ended at *at* and the result is still here.
    """
    exam = dossier.exam
    if exam is None or phase_at(dossier, policy, at) is not Phase.EXPIRED:
        return None
    end = ended_on(dossier, policy, at)
    last = last_day(end)
    return replace(
        exam,
        takeover=Takeover(
            certificate=dossier.number,
            echeance=end,
            linked_at_echeance=is_linked(dossier, last),
            last_linked_on=last_linked_on(dossier, last),
        ),
    )


def ended_on(dossier: Dossier, policy: Policy, at: datetime) -> date:
    """Name the first day without validity of a certificate that has ended."""
    end = _end(dossier, policy)
    # An end told ahead is none yet.
    return end if end <= civil_date(at) else dossier.terms[-1].echeance


def way_back_until(dossier: Dossier, policy: Policy, at: datetime) -> date | None:
    """Name the last day on which an expired holder may come back without an exam."""
    exam = ended_certificate(dossier, policy, at)
    return None if exam is None else last_day_to_finish(exam, policy)


def explain(dossier: Dossier, policy: Policy, at: datetime) -> tuple[Finding, ...]:
    """List each condition of the present answer, in the order a person meets them."""
    day = civil_date(at)
    match phase_at(dossier, policy, at):
        case Phase.EXAM_AWAITED:
            return _what_became_of_exam(dossier, policy)
        case Phase.IN_REVIEW:
            return dossier.request.findings if dossier.request else ()
        case Phase.TO_FINALIZE:
            return _what_finalizing_needs(dossier, policy, day)
        case Phase.IN_FORCE | Phase.SUSPENDED:
            return (
                Finding(
                    Condition.TERM_IS_RUNNING,
                    True,
                    RENEWAL_PAGE,
                    last_day(_end(dossier, policy)),
                ),
                _agency_linked(dossier, day),
            )
        case Phase.EXPIRED:
            exam = ended_certificate(dossier, policy, at)
            ended = Finding(
                Condition.CERTIFICATE_HAS_ENDED,
                True,
                EXPIRY_PAGE,
                ended_on(dossier, policy, at),
            )
            return (ended, *(() if exam is None else grounds_on(exam, day, policy)))
        case Phase.CLOSED:
            return ()


def _what_became_of_exam(dossier: Dossier, policy: Policy) -> tuple[Finding, ...]:
    """Tell a result that never came from one that came and lapsed."""
    exam = dossier.exam
    if exam is None:
        return (Finding(Condition.EXAM_RESULT_IS_HERE, False, EXAM_PAGE),)
    limit = last_day_to_finish(exam, policy)
    return (
        Finding(Condition.EXAM_RESULT_IS_HERE, True, EXAM_PAGE, exam.here_since),
        Finding(Condition.BEFORE_THE_LIMIT, False, EXAM_PAGE, limit),
    )


def _what_finalizing_needs(
    dossier: Dossier, policy: Policy, day: date
) -> tuple[Finding, ...]:
    assert dossier.exam is not None
    limit = last_day_to_finish(dossier.exam, policy)
    paid = paid_invoice(dossier, Operation.ISSUE)
    return (
        Finding(
            Condition.EXAM_RESULT_IS_HERE, True, EXAM_PAGE, dossier.exam.here_since
        ),
        Finding(
            Condition.INVOICE_PAID,
            None if paid is None else True,
            APPLICATION_PAGE,
            civil_date(paid.paid.captured_at) if paid and paid.paid else limit,
        ),
        _agency_linked(dossier, day, awaited_until=limit),
        Finding(Condition.BEFORE_THE_LIMIT, day <= limit, EXAM_PAGE, limit),
    )


def _agency_linked(
    dossier: Dossier, day: date, *, awaited_until: date | None = None
) -> Finding:
    since = unlinked_since(dossier, day)
    if since is None:
        return Finding(Condition.AGENCY_LINKED, True, SERVICE_PAGE)
    if awaited_until is not None:
        return Finding(Condition.AGENCY_LINKED, None, SERVICE_PAGE, awaited_until)
    return Finding(Condition.AGENCY_LINKED, False, STOPPAGE_PAGE, since)


def _echeance_of(start: date, policy: Policy) -> date:
    return term_end(start, policy.term_years, leap_day=policy.leap_day_term)

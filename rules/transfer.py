"""May the exam result of an expired certificate follow the person, and until when?"""

from datetime import date

from rules.civil_time import add_years, last_day_to_act
from rules.dossier import Exam
from rules.policy import Policy, TransferRule
from rules.reasons import (
    COUNSELLOR_PAGE,
    EXPIRY_PAGE,
    Allowed,
    Citation,
    Condition,
    Finding,
    NotAllowed,
    Verdict,
)


def may_transfer(exam: Exam, asked_on: date, policy: Policy) -> Verdict:
    """
    Answer whether the result may be associated with a new dossier on *asked_on*.

    The certificate must have ended. Then one ground is enough: linked to an agency
    when the certificate came to its end, or an exam passed not more than two years
    before (OPC, certificat expiré, 2022-05-12). Asked again, with the day of the last
    condition, before a certificate is issued.
    """
    takeover = exam.takeover
    if takeover is None:
        raise ValueError("only the result of an expired certificate is transferred")
    ended = Finding(
        Condition.CERTIFICATE_HAS_ENDED,
        takeover.echeance <= asked_on,
        EXPIRY_PAGE,
        takeover.echeance,
    )
    grounds = grounds_on(exam, asked_on, policy)
    met = [ground for ground in grounds if ground.met]
    findings = (ended, *grounds)
    if ended.met and met:
        return Allowed(met[0].condition, findings)
    return NotAllowed(findings)


def grounds_on(exam: Exam, day: date, policy: Policy) -> tuple[Finding, ...]:
    """List each ground of the rule in force with its answer on *day*."""
    return tuple(
        # « pas plus de 2 ans » : the anniversary itself is in.
        Finding(ground, limit is not None and day <= limit, source, limit)
        for ground, limit, source in _limits(exam, policy)
    )


def last_day_to_finish(exam: Exam, policy: Policy) -> date:
    """
    Name the last day (inclusive) on which payment and link may be completed.

    For a newcomer: two years from the exam (OPC, exam, 2021-05-03). After a transfer:
    the farthest ground. A closed last day runs to the next open one (P-40.1 s. 269).
    """
    limits = [limit for _, limit, _ in _limits(exam, policy) if limit is not None]
    return max(limits)


def bare_last_day_to_finish(exam: Exam, policy: Policy) -> date:
    """Name the same day before any extension by P-40.1 s. 269."""
    limits = [limit for _, limit in _bare_limits(exam, policy) if limit is not None]
    return max(limits)


def _limits(
    exam: Exam, policy: Policy
) -> tuple[tuple[Condition, date | None, Citation], ...]:
    return tuple(
        (
            ground,
            None
            if limit is None
            else last_day_to_act(limit, delays_extended=policy.delays_extended),
            _SOURCES[ground],
        )
        for ground, limit in _bare_limits(exam, policy)
    )


def _bare_limits(
    exam: Exam, policy: Policy
) -> tuple[tuple[Condition, date | None], ...]:
    by_exam = (
        Condition.EXAM_STILL_VALID,
        add_years(exam.passed_on, policy.exam_years),
    )
    takeover = exam.takeover
    if takeover is None:
        return (by_exam,)
    if policy.transfer_rule is TransferRule.WIDE:
        linked = takeover.last_linked_on
        return (
            (
                Condition.LINKED_WITHIN_TWO_YEARS,
                None if linked is None else add_years(linked, policy.unlinked_years),
            ),
            by_exam,
        )
    return (
        (
            Condition.LINKED_AT_ECHEANCE,
            # Bounded by "not affiliated for more than 2 years: new application and
            # exam" (OPC, work-stoppage, 2021-05-03); the expiry page names no end.
            add_years(takeover.echeance, policy.unlinked_years)
            if takeover.linked_at_echeance
            else None,
        ),
        by_exam,
    )


_SOURCES = {
    Condition.LINKED_AT_ECHEANCE: EXPIRY_PAGE,
    Condition.EXAM_STILL_VALID: EXPIRY_PAGE,
    Condition.LINKED_WITHIN_TWO_YEARS: COUNSELLOR_PAGE,
}

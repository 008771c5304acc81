"""What follows when the law moves a dossier: certificate, invoice, letters, tasks."""

from dataclasses import replace

from rules.agenda import Act, Duty, agenda, falling_due, renewal_opens_on
from rules.civil_time import last_day
from rules.dossier import (
    Dossier,
    Exam,
    Operation,
    Phase,
    Stage,
    Term,
    TransferRequest,
    VoidReason,
)
from rules.links import answer_by, is_linked, unlinked_since
from rules.notices import LINK_REMINDER
from rules.reasons import Allowed
from rules.standing import (
    ended_on,
    last_day_to_renew,
    last_day_unlinked,
    paid_invoice,
    renewal_due,
    way_back_until,
)
from rules.transfer import last_day_to_finish, may_transfer
from workflows.hearing import give_result_back
from workflows.invoicing import (
    ask_fee,
    end_renewal,
    remaining,
    replace_if_its_amount_changed,
    void_open_invoices,
)
from workflows.messages import DecisionMade, ResultTaken, Source
from workflows.turn import Turn

# ------------------------------------------------------------ the law's own steps


def renew_if_paid(turn: Turn) -> None:
    """Grant the next term once its renewal was paid in time.

    After a false expiry, of which the person knows, the same letter corrects it.
    """
    term = renewal_due(turn.dossier, turn.policy)
    if term is None:
        return
    turn.change(terms=(*turn.dossier.terms, term))
    turn.note("renewed", "rule", start=term.start, echeance=term.echeance)
    turn.write(
        "renewed",
        term.echeance,
        echeance=term.echeance,
        act_before=last_day(term.echeance),
        expiry_corrected=turn.told is Phase.EXPIRED,
        # A suspended certificate is renewed too, and stays suspended.
        remaining=() if is_linked(turn.dossier, turn.today) else ("agency",),
    )


def issue(turn: Turn, term: Term) -> None:
    """Begin the first term of a certificate."""
    turn.change(terms=(term,), request=None)
    turn.note("certificate_issued", "rule", start=term.start, echeance=term.echeance)
    turn.write(
        "certificate_issued",
        term.start,
        echeance=term.echeance,
        act_before=last_day(term.echeance),
    )


def judge(turn: Turn, request: TransferRequest) -> Exam | None:
    """Answer a request whose result was found: the exam to move, or a person's task.

    The machine alone may only say yes; anything else waits for an officer (J-3 s. 5,
    A-2.1 s. 65.2).
    """
    if request.found is None:
        with_staff(turn, "transfer_not_allowed")
        return None
    verdict = may_transfer(request.found, request.asked_on, turn.policy)
    if not isinstance(verdict, Allowed):
        turn.change(request=replace(request, findings=verdict.findings))
        with_staff(turn, "transfer_not_allowed")
        return None
    takeover = request.found.takeover
    assert takeover is not None
    turn.change(request=replace(request, findings=verdict.findings))
    return replace(
        request.found,
        here_since=turn.today,
        takeover=replace(takeover, ground=verdict.ground),
    )


def accept_transfer(turn: Turn, exam: Exam) -> None:
    """Associate the result with this dossier, by rule."""
    request = turn.dossier.request
    assert request is not None
    assert exam.takeover is not None
    turn.change(exam=exam, request=None)
    turn.decisions.append(
        DecisionMade(
            decision_id=request.request_id,
            decided="accepted",
            by="rule",
            at=turn.now,
            policy_version=turn.policy.version,
            findings=request.findings,
            ground=exam.takeover.ground,
        )
    )
    turn.note("transfer_accepted", "rule", certificate=exam.takeover.certificate)
    turn.tell(
        exam.takeover.certificate,
        ResultTaken(
            fact_id=f"{request.request_id}:taken",
            source=Source.DOSSIER,
            occurred_at=turn.now,
            received_at=turn.now,
            by=turn.dossier.number,
        ),
    )


def with_staff(turn: Turn, reason: str) -> None:
    """Leave a request to an officer; the person hears the same words in every case."""
    request = turn.dossier.request
    assert request is not None
    turn.change(request=replace(request, stage=Stage.WITH_STAFF))
    turn.give_to_a_person(reason, request.request_id)
    # One letter, not two in one breath: this one says "received" as well.
    turn.letters = [x for x in turn.letters if x.notice != "transfer_received"]
    turn.write(
        "transfer_under_review", request.request_id, certificate=request.certificate
    )


# ----------------------------------------------------------------- changes of phase


def follow(turn: Turn) -> None:
    """Do what a change of phase asks for, once for each change."""
    before, after = turn.told, turn.phase
    turn.told = after
    turn.note("phase", "rule", before=before, after=after)
    match after:
        case Phase.TO_FINALIZE:
            _to_finalize(turn)
        case Phase.EXAM_AWAITED if before is Phase.TO_FINALIZE:
            _exam_lapsed(turn)
        case Phase.SUSPENDED:
            _suspended(turn)
        case Phase.IN_FORCE if before is Phase.SUSPENDED:
            turn.write("reinstated", turn.today, echeance=turn.dossier.echeance)
        case Phase.EXPIRED:
            _expired(turn)
        case Phase.CLOSED:
            _closed(turn)
        case _:
            pass
    if after in {Phase.IN_FORCE, Phase.SUSPENDED}:
        open_renewal_if_due(turn)


def _to_finalize(turn: Turn) -> None:
    exam = turn.dossier.exam
    assert exam is not None
    if paid_invoice(turn.dossier, Operation.ISSUE) is None:
        ask_fee(turn, Operation.ISSUE)
    limit = last_day_to_finish(exam, turn.policy)
    says = {
        "act_before": limit,
        "remaining": remaining(turn),
        **turn.fee(Operation.ISSUE),
    }
    takeover = exam.takeover
    if takeover is None:
        turn.write("finalize", exam.result_id, **says)
    else:
        turn.write(
            "transfer_accepted",
            exam.result_id,
            certificate=takeover.certificate,
            ground=takeover.ground,
            **says,
        )
    _say_once(turn)


def _say_once(turn: Turn) -> None:
    """Take the letter just ordered for the step of the ladder that is due as well."""
    falling = falling_due(agenda(turn.dossier, turn.policy), frozenset(), turn.now)
    supersede(turn, tuple(duty for duty in falling.to_do if duty.ladder))


def _exam_lapsed(turn: Turn) -> None:
    exam = turn.dossier.exam
    assert exam is not None
    limit = last_day_to_finish(exam, turn.policy)
    void_open_invoices(turn, VoidReason.EXAM_LAPSED)
    paid = paid_invoice(turn.dossier, Operation.ISSUE)
    if paid is not None and paid.paid is not None:
        turn.give_to_a_person("refund_after_lapse", paid.paid.payment_id)
    turn.write("exam_lapsed", limit, act_before=limit)


def _suspended(turn: Turn) -> None:
    since = unlinked_since(turn.dossier, turn.today)
    assert since is not None
    turn.write(
        "suspended",
        since,
        happened_on=since,
        echeance=turn.dossier.echeance,
        act_before=last_day_unlinked(since, turn.policy),
    )


def _expired(turn: Turn) -> None:
    ended = ended_on(turn.dossier, turn.policy, turn.now)
    by_law = "expired" if ended == turn.dossier.echeance else "unlinked_too_long"
    if turn.today > last_day_to_renew(ended, turn.policy) or by_law != "expired":
        void_open_invoices(turn, VoidReason.RENEWAL_OVER, Operation.RENEWAL)
    turn.write(
        by_law,
        ended,
        happened_on=ended,
        echeance=ended,
        certificate=turn.dossier.number,
        act_before=way_back_until(turn.dossier, turn.policy, turn.now),
    )


def _closed(turn: Turn) -> None:
    void_open_invoices(turn, VoidReason.DOSSIER_CLOSED)
    give_result_back(turn)


def open_renewal_if_due(turn: Turn) -> None:
    """Ask the fee of the next term once its window is open."""
    echeance = turn.dossier.echeance
    if echeance is None or turn.today >= echeance:
        return
    if turn.today < renewal_opens_on(echeance, turn.policy):
        return
    if not any(
        i.renews == echeance and i.void_on is None for i in turn.dossier.invoices
    ):
        ask_fee(turn, Operation.RENEWAL, renews=echeance)


# --------------------------------------------------------------------- duties


def perform(turn: Turn, duty: Duty) -> None:
    """Do what fell due. Changes of phase follow from the law, not from here."""
    if duty.act is Act.WRITE:
        _remind(turn, duty)
        return
    turn.settled.append(duty.key)
    match duty.act:
        case Act.OPEN_RENEWAL:
            open_renewal_if_due(turn)
        case Act.REPLACE_INVOICE:
            replace_if_its_amount_changed(turn, duty.about)
        case Act.END_RENEWAL:
            end_renewal(turn, duty.about)
        case Act.CLOSE_REQUEST:
            _close_request(turn)
        case Act.END_OBSERVATIONS:
            turn.note("observations_ended", "rule")
        case Act.ESCALATE:
            _escalate(turn, duty)
        case Act.EXPIRE | Act.LAPSE_EXAM | Act.END_UNLINKED | Act.LOOK_AGAIN:
            pass


def _remind(turn: Turn, duty: Duty) -> None:
    turn.remind(duty, **told_by(turn, duty))


def told_by(turn: Turn, duty: Duty) -> dict[str, object]:
    """Say what the letter of a duty tells of the dossier as it stands."""
    dossier = turn.dossier
    if duty.notice == LINK_REMINDER:
        return _of_silent_agency(dossier, duty)
    if dossier.request is not None and duty.about == dossier.request.request_id:
        return {
            "missing": dossier.request.missing,
            "act_before": dossier.request.complete_by,
            "certificate": dossier.request.certificate,
        }
    if dossier.echeance is not None:
        return {
            "echeance": dossier.echeance,
            "act_before": last_day(dossier.echeance),
            **turn.fee(Operation.RENEWAL),
        }
    if dossier.exam is not None:
        return {
            "act_before": last_day_to_finish(dossier.exam, turn.policy),
            "remaining": remaining(turn),
            **turn.fee(Operation.ISSUE),
        }
    return {}


def _of_silent_agency(dossier: Dossier, duty: Duty) -> dict[str, object]:
    link = dossier.link(duty.about) if duty.about else None
    assert link is not None
    return {
        "link_id": link.link_id,
        "act_before": answer_by(link.asked_on) if link.asked_on else None,
    }


def _close_request(turn: Turn) -> None:
    request = turn.dossier.request
    assert request is not None
    turn.change(request=None)
    turn.note("request_closed", "rule", why="items_missing")
    turn.write("request_closed", request.request_id, missing=request.missing)


def _escalate(turn: Turn, duty: Duty) -> None:
    turn.change(
        tasks=tuple(
            replace(task, escalated=True) if task.task_id == duty.about else task
            for task in turn.dossier.tasks
        )
    )
    assert duty.about is not None
    turn.tasks_escalated.append(duty.about)
    turn.note("task_overdue", "rule", task=duty.about)


def supersede(turn: Turn, duties: tuple[Duty, ...]) -> None:
    """Record steps whose window is past: they are never sent under an old text."""
    for duty in duties:
        turn.settled.append(duty.key)
        turn.note("superseded", "rule", notice=duty.notice, due_at=duty.due_at)

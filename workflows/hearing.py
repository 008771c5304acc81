"""What each fact changes in a dossier: heard in any order, late, early or twice."""

from dataclasses import replace
from datetime import date, timedelta
from typing import assert_never

from rules.civil_time import civil_date, delay
from rules.dossier import (
    Ending,
    EndReason,
    Exam,
    Item,
    Link,
    PermitChange,
    Phase,
    Stage,
    TransferRequest,
)
from rules.numbers import DossierNumber
from rules.reasons import EXPIRY_PAGE, Condition, Finding
from rules.standing import ended_certificate
from workflows.messages import (
    AddressChanged,
    AgencyLinked,
    AgencyUnlinked,
    AnyFact,
    EmailReceived,
    ExamPassed,
    InvoicePaid,
    LetterBounced,
    MailWish,
    NameCorrected,
    PaymentRefunded,
    PaymentReversed,
    PermitChanged,
    ProofAsked,
    RefundRefused,
    ResultAnswered,
    ResultAsked,
    ResultReturned,
    ResultTaken,
    Source,
)
from workflows.money import (
    invoice_paid,
    payment_refunded,
    payment_reversed,
    refund_refused,
    release_spent_fee,
)
from workflows.turn import Turn

LONGEST_EARLY_NOTICE = timedelta(days=366)
"""A date farther ahead than this is a mistake, not a notice (our policy, not law)."""

PROOF_LASTS = timedelta(days=2)
"""How long a link sent to a mailbox serves, last day included (our policy, not law)."""


_HEARD_WHEN_CLOSED = (
    ResultAsked,
    InvoicePaid,
    PaymentReversed,
    PaymentRefunded,
    RefundRefused,
    NameCorrected,
)
"""Money goes its way, and another dossier is answered, after the end too.

A name is the person's, whatever became of the dossier.
"""


def hear(turn: Turn, fact: AnyFact) -> None:  # noqa: C901, PLR0912 # one arm a fact
    """Apply one fact, seen for the first time, to the dossier of *turn*."""
    turn.applied.append(fact.fact_id)
    if turn.dossier.ending is not None and not isinstance(fact, _HEARD_WHEN_CLOSED):
        turn.note("fact_after_the_end", fact.source, fact=fact.kind)
        turn.give_to_a_person("fact_for_closed_dossier", fact.fact_id)
        return
    match fact:
        case EmailReceived():
            _email_received(turn, fact)
        case InvoicePaid():
            invoice_paid(turn, fact)
        case PaymentReversed():
            payment_reversed(turn, fact)
        case PaymentRefunded():
            payment_refunded(turn, fact)
        case RefundRefused():
            refund_refused(turn, fact)
        case AgencyLinked():
            _agency_linked(turn, fact)
        case AgencyUnlinked():
            _agency_unlinked(turn, fact)
        case ExamPassed():
            _exam_passed(turn, fact)
        case PermitChanged():
            _permit_changed(turn, fact)
        case LetterBounced():
            turn.note("letter_bounced", fact.source, letter=fact.letter_key)
            turn.give_letter_to_a_person("letter_bounced", fact.letter_key)
        case ProofAsked():
            turn.note(fact.purpose, "person")
            until = turn.today + PROOF_LASTS
            turn.write(
                fact.purpose, fact.text_id, text_id=fact.text_id, act_before=until
            )
        case AddressChanged():
            turn.note("address_changed", "person")
            # To the address before: who did not ask for it must hear of it.
            turn.write("address_changed", fact.fact_id, text_id=fact.text_id)
        case NameCorrected():
            _name_corrected(turn, fact)
        case ResultAsked():
            _result_asked(turn, fact)
        case ResultAnswered():
            _result_answered(turn, fact)
        case ResultTaken():
            _result_taken(turn, fact)
        case ResultReturned():
            if turn.dossier.result_promised_to == fact.by:
                turn.change(result_promised_to=None)
                turn.note("result_returned", fact.source, by=fact.by)
        case _:
            assert_never(fact)


# ------------------------------------------------------------------ who it is about


def _name_corrected(turn: Turn, fact: NameCorrected) -> None:
    turn.note("name_corrected", fact.by, text_id=fact.text_id)
    if fact.writes:
        turn.write(
            "correction_made", fact.fact_id, corrected="name", text_id=fact.text_id
        )


# ----------------------------------------------------------------------- mail


def _email_received(turn: Turn, fact: EmailReceived) -> None:
    turn.note("email_received", "person", wish=fact.wish, mail=fact.mail_id)
    match fact.wish:
        case MailWish.TRANSFER:
            _transfer_wished(turn, fact)
        case MailWish.OBSERVATIONS if turn.dossier.request is not None:
            observed(turn, turn.dossier.request, fact.mail_id)
        # What changes a right is confirmed through the account, never by mail: the
        # address on file is told, once a day, however often it was asked.
        case MailWish.CANCEL:
            turn.give_to_a_person("cancellation_by_mail", fact.mail_id)
            turn.write("cancellation_asked", turn.today)
        case MailWish.ADDRESS:
            turn.give_to_a_person("address_by_mail", fact.mail_id)
            turn.write("address_change_asked", turn.today)
        case MailWish.OBSERVATIONS | MailWish.OTHER:
            turn.give_to_a_person("mail_to_read", fact.mail_id)


def _transfer_wished(turn: Turn, fact: EmailReceived) -> None:
    asked_on = civil_date(fact.received_at)
    request = turn.dossier.request
    if request is not None and request.stage is Stage.ITEMS_MISSING:
        _complete_request(turn, request, fact)
    elif turn.phase is not Phase.EXAM_AWAITED:
        turn.give_to_a_person("mail_to_read", fact.mail_id)
    elif asked_on > turn.today:
        turn.give_to_a_person("date_in_the_future", fact.fact_id)
    else:
        open_request(
            turn, fact.fact_id, asked_on, fact.certificate, missing=fact.missing
        )


def open_request(
    turn: Turn,
    request_id: str,
    asked_on: date,
    certificate: DossierNumber | None,
    missing: tuple[Item, ...],
) -> None:
    """Begin the examination of a wish to transfer, or ask for what it lacks."""
    request = TransferRequest(
        request_id,
        asked_on,
        Stage.ITEMS_MISSING if missing else Stage.TO_EXAMINE,
        certificate,
        missing,
    )
    turn.note(
        "transfer_requested", "person", certificate=certificate, asked_on=asked_on
    )
    if missing:
        request = replace(
            request,
            complete_by=delay(
                asked_on,
                turn.policy.missing_items_days,
                delays_extended=turn.policy.delays_extended,
            ),
        )
        _ask_for_missing_items(turn, request)
    else:
        turn.write("transfer_received", request_id, certificate=certificate)
    turn.change(request=request)


def _complete_request(
    turn: Turn, request: TransferRequest, fact: EmailReceived
) -> None:
    """Add what an answer brings; what was said before stays said."""
    missing = tuple(item for item in request.missing if item in fact.missing)
    request = replace(
        request,
        certificate=fact.certificate or request.certificate,
        missing=missing,
        stage=Stage.ITEMS_MISSING if missing else Stage.TO_EXAMINE,
    )
    turn.change(request=request)
    if missing:
        # Two robots that answer each other stop here: the same items are asked for
        # once a day.
        _ask_for_missing_items(turn, request, about=f"{turn.today}:{':'.join(missing)}")
    else:
        turn.write(
            "transfer_received", request.request_id, certificate=request.certificate
        )


def _ask_for_missing_items(
    turn: Turn, request: TransferRequest, *, about: str | None = None
) -> None:
    key = request.request_id if about is None else f"{request.request_id}:{about}"
    turn.write(
        "items_missing",
        key,
        missing=request.missing,
        act_before=request.complete_by,
        certificate=request.certificate,
    )


def observed(turn: Turn, request: TransferRequest, text_id: str) -> None:
    """Put a person's comments before the officer who must read them."""
    turn.change(request=replace(request, observed=True))
    turn.note("observations_received", "person", text_id=text_id)
    turn.give_to_a_person("observations_to_read", text_id)


# ------------------------------------------------------------ agencies, permits


def _agency_linked(turn: Turn, fact: AgencyLinked) -> None:
    if fact.since > turn.today + LONGEST_EARLY_NOTICE:
        turn.give_to_a_person("date_in_the_future", fact.fact_id)
        return
    known = turn.dossier.link(fact.link_id)
    if known is not None and known.since is not None:
        return  # confirmed twice
    asked = known or Link(fact.link_id, fact.permit)
    turn.dossier = turn.dossier.with_link(
        replace(asked, since=fact.since, refused_on=None)
    )
    turn.note("agency_linked", fact.source, permit=fact.permit, since=fact.since)
    turn.write("link_confirmed", fact.link_id, link_id=fact.link_id)


def _agency_unlinked(turn: Turn, fact: AgencyUnlinked) -> None:
    link = turn.dossier.link(fact.link_id)
    if link is None or fact.until > turn.today + LONGEST_EARLY_NOTICE:
        turn.give_to_a_person("unknown_link", fact.fact_id)
        return
    if link.since is None:
        turn.dossier = turn.dossier.with_link(replace(link, refused_on=turn.today))
        turn.note("link_refused", fact.source, text_id=fact.text_id, permit=link.permit)
        turn.write(
            "link_refused", fact.link_id, link_id=fact.link_id, text_id=fact.text_id
        )
        return
    turn.dossier = turn.dossier.with_link(replace(link, until=fact.until))
    turn.note("agency_unlinked", fact.source, permit=link.permit, until=fact.until)
    turn.write(
        "link_ended",
        f"{fact.link_id}/{fact.until}",
        link_id=fact.link_id,
        happened_on=fact.until,
    )


def _permit_changed(turn: Turn, fact: PermitChanged) -> None:
    change = PermitChange(fact.permit, fact.valid, fact.effective_on)
    if change in turn.dossier.permit_changes:
        return
    turn.change(permit_changes=(*turn.dossier.permit_changes, change))
    turn.note(
        "permit_changed",
        fact.source,
        permit=fact.permit,
        valid=fact.valid,
        effective_on=fact.effective_on,
    )


# ----------------------------------------------------------------------- exam


def _exam_passed(turn: Turn, fact: ExamPassed) -> None:
    if fact.passed_on > turn.today:
        turn.give_to_a_person("date_in_the_future", fact.fact_id)
        return
    exam = turn.dossier.exam
    if exam is not None and exam.passed_on >= fact.passed_on:
        return  # the newest result counts
    release_spent_fee(turn)
    here_since = min(turn.today, civil_date(fact.received_at))
    turn.change(exam=Exam(fact.result_id, fact.passed_on, here_since))
    turn.note("exam_passed", fact.source, passed_on=fact.passed_on)
    give_result_back(turn)


def give_result_back(turn: Turn) -> None:
    """Drop an open request: the expired dossier keeps its result."""
    request = turn.dossier.request
    if request is None:
        return
    if request.found is not None and request.certificate is not None:
        turn.tell(
            request.certificate,
            ResultReturned(
                fact_id=f"{request.request_id}:returned",
                source=Source.DOSSIER,
                occurred_at=turn.now,
                received_at=turn.now,
                by=turn.dossier.number,
            ),
        )
    turn.change(request=None)


# ----------------------------------------------- the result of an expired dossier


def _result_asked(turn: Turn, fact: ResultAsked) -> None:
    """Answer for this dossier's result: it is promised to one asker at a time."""
    exam = ended_certificate(turn.dossier, turn.policy, turn.now)
    promised_to = turn.dossier.result_promised_to
    findings: tuple[Finding, ...] = ()
    if exam is not None and promised_to in {None, fact.by}:
        turn.change(result_promised_to=fact.by)
        turn.note("result_promised", fact.source, to=fact.by)
    else:
        ended = turn.phase in {Phase.EXPIRED, Phase.CLOSED}
        findings = (
            Finding(
                Condition.CERTIFICATE_HAS_ENDED,
                ended,
                EXPIRY_PAGE,
                turn.dossier.echeance,
            ),
            Finding(Condition.RESULT_IS_FREE, False if ended else None, EXPIRY_PAGE),
        )
        exam = None
        turn.note("result_not_promised", fact.source, to=fact.by)
    turn.tell(
        fact.by,
        ResultAnswered(
            fact_id=f"{fact.fact_id}:answer",
            source=Source.DOSSIER,
            occurred_at=turn.now,
            received_at=turn.now,
            request_id=fact.request_id,
            exam=exam,
            findings=findings,
        ),
    )


def _result_answered(turn: Turn, fact: ResultAnswered) -> None:
    request = turn.dossier.request
    if request is None or request.request_id != fact.request_id:
        return  # an answer to a request that was given up
    turn.change(
        request=replace(
            request,
            stage=Stage.ANSWERED,
            found=fact.exam,
            findings=fact.findings,
        )
    )


def _result_taken(turn: Turn, fact: ResultTaken) -> None:
    turn.note("result_taken", fact.source, by=fact.by)
    turn.change(
        exam=None,
        result_promised_to=None,
        ending=Ending(EndReason.RESULT_MOVED, turn.today),
    )

"""What people ask of a dossier: refused at once with a reason, or carried out."""

from dataclasses import replace
from datetime import date
from typing import assert_never

from rules.agenda import agenda
from rules.civil_time import civil_date, delay
from rules.dossier import (
    Dossier,
    Ending,
    EndReason,
    Link,
    Phase,
    Stage,
    Task,
    TransferRequest,
)
from rules.links import answer_by, remindable_from
from workflows.consequences import told_by
from workflows.hearing import LONGEST_EARLY_NOTICE, give_result_back, observed
from workflows.hearing import open_request as open_transfer_request
from workflows.invoicing import remaining
from workflows.messages import (
    AnyCommand,
    Cancel,
    Correct,
    Correctable,
    Decide,
    Decision,
    DecisionMade,
    Observe,
    Refusal,
    Reissue,
    RemindAgency,
    RequestLink,
    RequestTransfer,
    Resend,
)
from workflows.reissuing import refusal_of_reissue, reissue
from workflows.resending import Present, copy_of, refusal_of_sending_again
from workflows.turn import Turn

TRANSFER_TASKS = frozenset(
    {"transfer_not_allowed", "transfer_identity", "transfer_unknown_certificate"}
)
"""The reasons of tasks that a decision on a transfer settles."""


def refusal_of(  # noqa: PLR0911 # one arm a command
    turn: Turn, command: AnyCommand
) -> Refusal | None:
    """Say why *command* cannot be taken now; None if it can. Changes nothing."""
    match command:
        case RequestTransfer():
            return _refusal_of_transfer(turn, command)
        case RequestLink():
            return _refusal_of_link(turn, command)
        case RemindAgency():
            return _refusal_of_reminder(turn, command)
        case Decide():
            return _refusal_of_decision(turn, command)
        case Correct():
            return _refusal_of_correction(turn, command)
        case Resend():
            return refusal_of_sending_again(command.letter, _present(turn))
        case Reissue():
            return refusal_of_reissue(turn, command)
        case Observe() | Cancel():
            return None if _is_time_for(turn, command) else Refusal.WRONG_PHASE
        case _:
            assert_never(command)


def carry_out(turn: Turn, command: AnyCommand) -> None:
    """Carry out a command that `refusal_of` does not refuse."""
    turn.applied.append(command.command_id)
    match command:
        case RequestTransfer():
            open_transfer_request(
                turn, command.command_id, turn.today, command.certificate, missing=()
            )
        case RequestLink():
            _request_link(turn, command)
        case RemindAgency():
            _remind_agency(turn, command)
        case Decide():
            _decide(turn, command)
        case Correct():
            _correct(turn, command)
        case Observe():
            assert turn.dossier.request is not None
            observed(turn, turn.dossier.request, command.text_id or command.command_id)
        case Resend():
            _send_again(turn, command)
        case Reissue():
            reissue(turn, command)
        case Cancel():
            _cancel(turn, command)
        case _:
            assert_never(command)


def _is_time_for(turn: Turn, command: Observe | Cancel) -> bool:
    if isinstance(command, Cancel):
        return turn.dossier.ending is None
    request = turn.dossier.request
    return request is not None and request.stage is Stage.NOTICE_GIVEN


# ------------------------------------------------------------------- transfer


def _refusal_of_transfer(turn: Turn, command: RequestTransfer) -> Refusal | None:
    if command.certificate == turn.dossier.number:
        return Refusal.SAME_NUMBER
    request = turn.dossier.request
    if request is not None and request.stage is not Stage.ITEMS_MISSING:
        return Refusal.REQUEST_ALREADY_OPEN
    if turn.phase not in {Phase.EXAM_AWAITED, Phase.IN_REVIEW}:
        return Refusal.WRONG_PHASE
    return None


# ----------------------------------------------------------------------- links


def _refusal_of_link(turn: Turn, command: RequestLink) -> Refusal | None:
    if turn.phase in {Phase.CLOSED, Phase.EXPIRED}:
        return Refusal.WRONG_PHASE
    same_permit = [
        link
        for link in turn.dossier.links
        if link.permit == command.permit
        and link.refused_on is None
        and (link.until is None or link.until > turn.today)
    ]
    return Refusal.LINK_ALREADY_THERE if same_permit else None


def _request_link(turn: Turn, command: RequestLink) -> None:
    turn.dossier = turn.dossier.with_link(
        Link(command.link_id, command.permit, asked_on=turn.today)
    )
    turn.note("link_requested", command.by, permit=command.permit)
    turn.write(
        "link_requested",
        command.link_id,
        link_id=command.link_id,
        act_before=answer_by(turn.today),
    )


def _refusal_of_reminder(turn: Turn, command: RemindAgency) -> Refusal | None:
    if turn.phase in {Phase.CLOSED, Phase.EXPIRED}:
        return Refusal.WRONG_PHASE
    link = turn.dossier.link(command.link_id)
    if link is None:
        return Refusal.UNKNOWN_LINK
    if not link.is_waiting:
        return Refusal.LINK_ANSWERED
    from_day = remindable_from(link, turn.policy)
    early = from_day is not None and turn.today < from_day
    return Refusal.REMINDED_LATELY if early else None


def _remind_agency(turn: Turn, command: RemindAgency) -> None:
    """Put the reminder on the agenda, from where it leaves as every letter of a duty.

    So it is withdrawn when the agency answers before it has left.
    """
    link = turn.dossier.link(command.link_id)
    assert link is not None
    turn.dossier = turn.dossier.with_link(replace(link, reminded_at=turn.now))
    turn.note("agency_reminded", command.by, permit=link.permit)


# ------------------------------------------------------------------- decisions


def _task(dossier: Dossier, task_id: str) -> Task | None:
    return next((task for task in dossier.tasks if task.task_id == task_id), None)


def _refusal_of_decision(turn: Turn, command: Decide) -> Refusal | None:
    task = _task(turn.dossier, command.task_id)
    if task is None:
        return Refusal.UNKNOWN_TASK
    if command.decision is Decision.SETTLE:
        on_transfer = task.reason in TRANSFER_TASKS
        return Refusal.NOT_FOR_THIS_TASK if on_transfer else None
    request = turn.dossier.request
    if task.reason not in TRANSFER_TASKS or request is None:
        return Refusal.NOT_FOR_THIS_TASK
    if command.decision is Decision.REFUSE:
        return _refusal_of_refusing(turn, request)
    if (
        command.decision is Decision.INTEND_TO_REFUSE
        and request.stage is Stage.NOTICE_GIVEN
    ):
        return Refusal.NOT_FOR_THIS_TASK
    return None


def _refusal_of_refusing(turn: Turn, request: TransferRequest) -> Refusal | None:
    """A refusal comes after notice, and observations or their delay (J-3 s. 5)."""
    if request.stage is not Stage.NOTICE_GIVEN or request.observe_until is None:
        return Refusal.NOT_FOR_THIS_TASK
    if not request.observed and turn.today <= request.observe_until:
        return Refusal.OBSERVATIONS_STILL_OPEN
    return None


def _decide(turn: Turn, command: Decide) -> None:
    request = turn.dossier.request
    match command.decision:
        case Decision.SETTLE:
            turn.close_task(command.task_id)
            turn.note(
                "task_settled",
                command.by,
                task=command.task_id,
                text_id=command.text_id,
            )
        case Decision.EXAMINE_AGAIN:
            assert request is not None
            turn.close_task(command.task_id)
            turn.change(
                request=replace(
                    request,
                    stage=Stage.TO_EXAMINE,
                    identity_confirmed=True,
                    observe_until=None,
                )
            )
            turn.note("examined_again", command.by, text_id=command.text_id)
        case Decision.INTEND_TO_REFUSE:
            assert request is not None
            _intend_to_refuse(turn, command, request)
        case Decision.REFUSE:
            assert request is not None
            _refuse(turn, command, request)


def _intend_to_refuse(turn: Turn, command: Decide, request: TransferRequest) -> None:
    observe_until = delay(
        turn.today,
        turn.policy.observation_days,
        delays_extended=turn.policy.delays_extended,
    )
    turn.change(
        request=replace(request, stage=Stage.NOTICE_GIVEN, observe_until=observe_until)
    )
    _record_decision(turn, command, request, "intended_refusal")
    turn.write(
        "intended_refusal",
        request.request_id,
        certificate=request.certificate,
        findings=request.findings,
        act_before=observe_until,
        text_id=command.text_id,
    )


def _refuse(turn: Turn, command: Decide, request: TransferRequest) -> None:
    _record_decision(turn, command, request, "refused")
    turn.write(
        "refused",
        request.request_id,
        certificate=request.certificate,
        findings=request.findings,
        text_id=command.text_id,
    )
    turn.close_task(command.task_id)
    give_result_back(turn)


def _record_decision(
    turn: Turn, command: Decide, request: TransferRequest, decided: str
) -> None:
    turn.decisions.append(
        DecisionMade.model_validate(
            {
                "decision_id": command.command_id,
                "decided": decided,
                "by": command.by,
                "at": turn.now,
                "policy_version": turn.policy.version,
                "findings": request.findings,
                "text_id": command.text_id,
            }
        )
    )
    turn.note(decided, command.by, text_id=command.text_id)


# ------------------------------------------------------------------ corrections


def _refusal_of_correction(turn: Turn, command: Correct) -> Refusal | None:
    if turn.dossier.ending is not None:
        return Refusal.WRONG_PHASE
    if command.value > turn.today + LONGEST_EARLY_NOTICE * 4:
        return Refusal.ABSURD_DATE
    before = _value_to_correct(turn.dossier, command)
    if before is None or before == command.value:
        return Refusal.NOTHING_TO_CORRECT
    if (
        command.what is Correctable.EXAM_PASSED_ON and command.value > turn.today
    ) or command.value < date(2019, 8, 1):  # the regime's first day
        return Refusal.ABSURD_DATE
    return None


def _value_to_correct(dossier: Dossier, command: Correct) -> date | None:
    link = dossier.link(command.link_id) if command.link_id else None
    match command.what:
        case Correctable.EXAM_PASSED_ON:
            return dossier.exam.passed_on if dossier.exam else None
        case Correctable.ECHEANCE:
            return dossier.echeance
        case Correctable.LINK_SINCE:
            return link.since if link else None
        case Correctable.LINK_UNTIL:
            return link.until if link else None


def _correct(turn: Turn, command: Correct) -> None:
    before = _value_to_correct(turn.dossier, command)
    link = turn.dossier.link(command.link_id) if command.link_id else None
    match command.what:
        case Correctable.EXAM_PASSED_ON:
            assert turn.dossier.exam is not None
            turn.change(exam=replace(turn.dossier.exam, passed_on=command.value))
        case Correctable.ECHEANCE:
            *earlier, last = turn.dossier.terms
            turn.change(terms=(*earlier, replace(last, echeance=command.value)))
        case Correctable.LINK_SINCE:
            assert link is not None
            turn.dossier = turn.dossier.with_link(replace(link, since=command.value))
        case Correctable.LINK_UNTIL:
            assert link is not None
            turn.dossier = turn.dossier.with_link(replace(link, until=command.value))
    turn.note(
        "corrected",
        command.by,
        text_id=command.text_id,
        what=command.what,
        before=before,
        after=command.value,
    )
    turn.write(
        "correction_made",
        command.command_id,
        corrected=command.what,
        text_id=command.text_id,
        echeance=turn.dossier.echeance,
    )


# ---------------------------------------------------------------------- once more


def _present(turn: Turn) -> Present:
    duties = {duty.key for duty in agenda(turn.dossier, turn.policy)}
    return Present(dossier=turn.dossier, phase=turn.phase, duties=duties, now=turn.now)


def _send_again(turn: Turn, command: Resend) -> None:
    first = command.letter
    copy = copy_of(first, command.command_id, turn.now)
    duties = agenda(turn.dossier, turn.policy)
    duty = next((each for each in duties if each.key == first.cause), None)
    if duty is not None:
        # A fee, a date or what is missing may have changed since the first.
        copy = copy.model_copy(update=told_by(turn, duty))
    elif first.remaining:
        still = tuple(item for item in remaining(turn) if item in first.remaining)
        copy = copy.model_copy(update={"remaining": still})
    turn.letters.append(copy)
    turn.note(
        "letter_sent_again",
        command.by,
        text_id=command.text_id,
        letter=copy.key,
        first=copy.copy_of,
        notice=copy.notice,
    )


def _cancel(turn: Turn, command: Cancel) -> None:
    give_result_back(turn)
    turn.change(ending=Ending(EndReason.CANCELLED, turn.today))
    turn.note("cancelled", command.by, text_id=command.text_id)
    turn.write("cancelled", civil_date(turn.now))

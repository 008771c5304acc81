"""The five steps to a certificate, and how far each has come in a dossier."""

from dataclasses import dataclass
from enum import StrEnum

from api.pages.seen import Seen
from api.pages.words import Sentence
from rules.civil_time import civil_date, last_day
from rules.dossier import Operation, Phase
from rules.links import is_alive


class Progress(StrEnum):
    """How far a step has come, by the key that words it."""

    DONE = "done"
    TODO = "todo"
    WAITING = "waiting"
    LATER = "later"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Step:
    """One step; *name* is the key of its title."""

    name: str
    progress: Progress
    what: Sentence


def steps(seen: Seen) -> tuple[Step, ...]:
    """List the steps in the order in which a person meets them."""
    opened = Sentence("step.opened_on", {"on": seen.dossier.opened_on})
    return (
        Step("step.opened", Progress.DONE, opened),
        Step("step.exam", *_exam(seen)),
        Step("step.invoice", *_invoice(seen)),
        Step("step.agency", *_agency(seen)),
        Step("step.certificate", *_certificate(seen)),
    )


_Come = tuple[Progress, Sentence]
_GONE = frozenset({Phase.EXPIRED, Phase.CLOSED})


def _exam(seen: Seen) -> _Come:
    exam, request = seen.dossier.exam, seen.dossier.request
    if exam is not None and seen.state.phase is Phase.EXAM_AWAITED:
        lapsed = Sentence("step.exam_lapsed", {"passed_on": exam.passed_on})
        return Progress.TODO, lapsed
    if exam is not None:
        facts = {"passed_on": exam.passed_on, "here_since": exam.here_since}
        return Progress.DONE, Sentence("step.exam_here", facts)
    if seen.dossier.terms and seen.state.phase is Phase.CLOSED:
        return Progress.OVER, Sentence("step.exam_moved")
    if seen.state.phase in _GONE:
        return Progress.OVER, Sentence("step.exam_none")
    if request is not None:
        asked = {"asked_on": request.asked_on}
        return Progress.WAITING, Sentence("step.exam_in_review", asked)
    return Progress.TODO, Sentence("step.exam_awaited")


def _invoice(seen: Seen) -> _Come:
    dossier, phase = seen.dossier, seen.state.phase
    if phase is Phase.TO_FINALIZE and dossier.open_invoice(Operation.ISSUE):
        return Progress.TODO, Sentence("step.invoice_open", {"until": seen.finish_by})
    if phase in {Phase.IN_FORCE, Phase.SUSPENDED} and dossier.open_invoice(
        Operation.RENEWAL
    ):
        until = {"until": seen.last_valid_day}
        return Progress.TODO, Sentence("step.invoice_open", until)
    captures = [
        invoice.paid.captured_at
        for invoice in dossier.invoices
        if invoice.paid and invoice.paid.reversed_on is None and not invoice.void_on
    ]
    if captures:
        paid = {"on": civil_date(max(captures))}
        return Progress.DONE, Sentence("step.invoice_paid", paid)
    if dossier.terms or phase is Phase.CLOSED:
        progress = Progress.OVER if phase in _GONE else Progress.DONE
        return progress, Sentence("step.invoice_none")
    return Progress.LATER, Sentence("step.invoice_later")


def _agency(seen: Seen) -> _Come:
    if seen.state.phase in _GONE:
        return Progress.OVER, Sentence("step.agency_over")
    alive = [x for x in seen.dossier.links if is_alive(seen.dossier, x, seen.today)]
    if alive:
        since = min(link.since for link in alive if link.since)
        return Progress.DONE, Sentence("step.agency_linked", {"since": since})
    if seen.coming_link is not None:
        begins = {"since": seen.coming_link.since}
        return Progress.WAITING, Sentence("step.agency_begins", begins)
    pending = seen.pending_link
    if pending is not None and pending.asked_on is not None:
        asked = {"asked_on": pending.asked_on}
        return Progress.WAITING, Sentence("step.agency_asked", asked)
    return Progress.TODO, Sentence("step.agency_none")


def _certificate(seen: Seen) -> _Come:
    match seen.state.phase:
        case Phase.IN_FORCE:
            term = seen.dossier.terms[-1]
            facts = {"start": term.start, "last_day": last_day(term.echeance)}
            return Progress.DONE, Sentence("step.certificate_valid", facts)
        case Phase.SUSPENDED:
            return Progress.TODO, Sentence("step.certificate_suspended")
        case Phase.EXPIRED:
            ended = {"ended_on": seen.ended_on}
            return Progress.OVER, Sentence("step.certificate_expired", ended)
        case Phase.CLOSED:
            return Progress.OVER, Sentence("step.certificate_closed")
        case _:
            return Progress.LATER, Sentence("step.certificate_later")

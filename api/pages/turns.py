"""Whose turn it is in a dossier, and what is to be done now."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from api.pages.seen import Seen, may_observe
from api.pages.words import Sentence
from rules.dossier import Operation, Phase, Stage
from rules.fees import amount_on
from workflows.messages import DutyView


class Whose(StrEnum):
    """Who must act, by the key that words it."""

    YOU = "you"
    AGENCY = "agency"
    OFFICE = "office"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Turn:
    """One thing to do, and whose it is."""

    whose: Whose
    what: Sentence


def turns(
    seen: Seen, coming: tuple[DutyView, ...], addresses: Mapping[str, object]
) -> tuple[Turn, ...]:
    """List what is to be done now; one line that says so when nothing is."""
    found = tuple(_TURNS[seen.state.phase](seen, addresses))
    return found or (_nothing(coming),)


def _nothing(coming: tuple[DutyView, ...]) -> Turn:
    letters = [duty.due_on for duty in coming if duty.notice is not None]
    if not letters:
        return Turn(Whose.NOBODY, Sentence("turn.nothing"))
    return Turn(Whose.NOBODY, Sentence("turn.nothing_until", {"on": min(letters)}))


_Addresses = Mapping[str, object]


def _exam_awaited(_seen: Seen, addresses: _Addresses) -> Iterator[Turn]:
    yield Turn(Whose.YOU, Sentence("turn.take_exam"))
    yield Turn(Whose.YOU, Sentence("turn.ask_transfer", addresses))


def _in_review(seen: Seen, addresses: _Addresses) -> Iterator[Turn]:
    request = seen.dossier.request
    assert request is not None
    if request.stage is Stage.ITEMS_MISSING:
        facts = {**addresses, "until": request.complete_by}
        yield Turn(Whose.YOU, Sentence("turn.send_missing", facts))
    elif request.stage is not Stage.NOTICE_GIVEN:
        since = {"asked_on": request.asked_on}
        yield Turn(Whose.OFFICE, Sentence("turn.office_answers", since))
    elif request.observed:
        yield Turn(Whose.OFFICE, Sentence("turn.observed"))
    elif may_observe(seen):
        facts = {**addresses, "until": request.observe_until}
        yield Turn(Whose.YOU, Sentence("turn.observe", facts))
    else:
        yield Turn(Whose.OFFICE, Sentence("turn.office_decides"))


def _to_finalize(seen: Seen, _addresses: _Addresses) -> Iterator[Turn]:
    until = seen.finish_by
    assert until is not None
    if not seen.is_paid and seen.dossier.open_invoice(Operation.ISSUE):
        yield _payment(seen, Operation.ISSUE, until)
    if not seen.is_linked:
        yield _link(seen, until)


def _holder(seen: Seen, _addresses: _Addresses) -> Iterator[Turn]:
    if not seen.is_linked:
        yield _link(seen, seen.link_by)
    if seen.dossier.open_invoice(Operation.RENEWAL):
        yield _payment(seen, Operation.RENEWAL, seen.last_valid_day)


def _expired(seen: Seen, addresses: _Addresses) -> Iterator[Turn]:
    if seen.still_renewable_until is not None:
        yield _payment(seen, Operation.RENEWAL, seen.still_renewable_until)
    elif seen.dossier.result_promised_to is not None:
        return
    elif seen.way_back_until is not None:
        facts = {**addresses, "number": seen.dossier.number}
        yield Turn(Whose.YOU, Sentence("turn.come_back", facts))
    else:
        yield Turn(Whose.YOU, Sentence("turn.start_again", addresses))


def _closed(_seen: Seen, _addresses: _Addresses) -> Iterator[Turn]:
    yield Turn(Whose.NOBODY, Sentence("turn.closed"))


def _payment(seen: Seen, operation: Operation, until: date) -> Turn:
    fee = amount_on(seen.today, operation, seen.policy)
    key = (
        f"turn.pay_{operation}" if fee.confirmed else f"turn.pay_{operation}_last_known"
    )
    return Turn(Whose.YOU, Sentence(key, {"cents": fee.cents, "until": until}))


def _link(seen: Seen, until: date) -> Turn:
    if seen.coming_link is not None:
        since = {"since": seen.coming_link.since}
        return Turn(Whose.NOBODY, Sentence("turn.link_begins", since))
    if seen.pending_link is not None and seen.pending_link.asked_on is not None:
        asked = {
            "permit": seen.pending_link.permit,
            "asked_on": seen.pending_link.asked_on,
        }
        return Turn(Whose.AGENCY, Sentence("turn.agency_confirms", asked))
    find = Sentence("turn.find_agency", {"until": until})
    return Turn(Whose.YOU, find)


_TURNS: Mapping[Phase, Callable[[Seen, _Addresses], Iterator[Turn]]] = {
    Phase.EXAM_AWAITED: _exam_awaited,
    Phase.IN_REVIEW: _in_review,
    Phase.TO_FINALIZE: _to_finalize,
    Phase.IN_FORCE: _holder,
    Phase.SUSPENDED: _holder,
    Phase.EXPIRED: _expired,
    Phase.CLOSED: _closed,
}

"""May a letter be sent once more? Only while what it says is still true."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, datetime

from rules.civil_time import civil_date
from rules.dossier import Dossier, Phase, Stage
from rules.notices import (
    BRINGS_A_CERTIFICATE,
    CERTIFICATE_REISSUED,
    TO_ANOTHER_ADDRESS,
)
from workflows.messages import LetterOrder, Refusal

_ONLY_WHILE = {
    "expired": Phase.EXPIRED,
    "unlinked_too_long": Phase.EXPIRED,
    "suspended": Phase.SUSPENDED,
    "reinstated": Phase.IN_FORCE,
    "finalize": Phase.TO_FINALIZE,
    "transfer_accepted": Phase.TO_FINALIZE,
    "exam_lapsed": Phase.EXAM_AWAITED,
}
"""Letters that say where the dossier stands; elsewhere they are false."""

_AT_STAGE = {
    "items_missing": {Stage.ITEMS_MISSING},
    "intended_refusal": {Stage.NOTICE_GIVEN},
    "transfer_under_review": {Stage.WITH_STAFF, Stage.NOTICE_GIVEN},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """Where a dossier stands at *now*; *duties* are the keys of its whole agenda."""

    dossier: Dossier
    phase: Phase
    duties: AbstractSet[str]
    now: datetime

    @property
    def today(self) -> date:
        """The civil day in Québec."""
        return civil_date(self.now)


def refusal_of_sending_again(order: LetterOrder, present: Present) -> Refusal | None:
    """Say why a letter may not be sent once more; None if it may.

    A step of a ladder follows the rule by which it would be withdrawn: its duty is
    gone, or its window is over. Any other letter must still say what is true.
    """
    if order.dossier != present.dossier.number:
        return Refusal.UNKNOWN_DOSSIER
    if order.notice in TO_ANOTHER_ADDRESS:
        return Refusal.LETTER_OF_ANOTHER_ADDRESS
    if order.cause is not None and order.cause not in present.duties:
        return Refusal.LETTER_NO_LONGER_TRUE
    if order.useless_at is not None and order.useless_at <= present.now:
        return Refusal.LETTER_OUT_OF_ITS_WINDOW
    if order.act_before is not None and order.act_before < present.today:
        return Refusal.LETTER_OUT_OF_ITS_WINDOW
    return None if _is_true(order, present) else Refusal.LETTER_NO_LONGER_TRUE


def _is_true(order: LetterOrder, present: Present) -> bool:
    dossier, notice = present.dossier, order.notice
    if notice in _ONLY_WHILE and present.phase is not _ONLY_WHILE[notice]:
        return False
    if notice in BRINGS_A_CERTIFICATE and not _tells_its_term(order, present):
        return False
    if notice in _AT_STAGE:
        request = dossier.request
        return request is not None and request.stage in _AT_STAGE[notice]
    if notice == "invoice":
        return any(
            i.invoice_id == order.invoice_id and i.is_open for i in dossier.invoices
        )
    if notice == "link_requested":
        link = dossier.link(order.link_id) if order.link_id else None
        return link is not None and link.since is None and link.refused_on is None
    return True


def _tells_its_term(order: LetterOrder, present: Present) -> bool:
    """Whether a certificate's term still ends as the letter told."""
    if order.notice != CERTIFICATE_REISSUED:
        return order.echeance == present.dossier.echeance
    if present.phase not in {Phase.IN_FORCE, Phase.SUSPENDED}:
        return False
    told = (order.term_start, order.echeance)
    return any((term.start, term.echeance) == told for term in present.dossier.terms)


def copy_of(first: LetterOrder, command_id: str, now: datetime) -> LetterOrder:
    """Order a letter once more, under a key of its own.

    A step of a ladder counts its days from *now*; any other letter goes on speaking of
    the day of the first.
    """
    spoken_of = first.happened_on or civil_date(first.occurred_at)
    # A receipt speaks of the day of the capture, which it finds by itself.
    of_a_day = first.cause is None and first.notice != "receipt"
    return first.model_copy(
        update={
            "key": f"{first.dossier}/{command_id}/{first.notice}",
            "occurred_at": now,
            "happened_on": spoken_of if of_a_day else first.happened_on,
            "copy_of": first.copy_of or first.key,
            "copy_of_on": first.copy_of_on or civil_date(first.occurred_at),
            "next_due_at": None,
        }
    )

"""Every letter the stories order can be composed from its order and the rows."""

from datetime import date
from typing import Any

import pytest

from activities.issuing import Enclosed
from activities.writing import write
from letters.compose import plain_of
from letters.facts import Notice
from records.models import Agency, InvoiceRow, LinkRow, WrittenText
from rules.dossier import Item
from rules.reasons import EXPIRY_PAGE, OUR_POLICY, Condition, Finding
from tests.activities.attempt import HEAD
from tests.activities.office import Office, an_order
from tests.dossiers import HOLDER, NEWCOMER, PERMIT, TODAY, a_holder, a_newcomer

LIMIT = date(2028, 11, 20)
TERM: dict[str, Any] = {
    "echeance": date(2026, 12, 10),
    "act_before": date(2026, 12, 9),
    "amount_cents": 18500,
}
NEW_TERM: dict[str, Any] = {"echeance": date(2028, 12, 10)}
EXAM: dict[str, Any] = {
    "echeance": None,
    "act_before": LIMIT,
    "remaining": ("invoice", "agency"),
    "amount_cents": 18000,
    "amount_confirmed": False,
}
REQUEST: dict[str, Any] = {"echeance": None, "certificate": HOLDER}
FINDINGS = tuple(
    Finding(condition, met, source)
    for condition in Condition
    for met, source in ((True, EXPIRY_PAGE), (False, OUR_POLICY), (None, EXPIRY_PAGE))
)
# What workflows/ says in each order; nothing orders an invoice by itself.
SAID: dict[str, dict[str, Any]] = {
    "account_dormant": TERM,
    "renewed": NEW_TERM | {"expiry_corrected": True},
    "expired": {**NEW_TERM, "certificate": NEWCOMER, "act_before": LIMIT},
    "unlinked_too_long": {**NEW_TERM, "certificate": NEWCOMER},
    "transfer_received": REQUEST,
    "items_missing": REQUEST | {"missing": tuple(Item), "act_before": LIMIT},
    "transfer_under_review": REQUEST,
    "transfer_accepted": EXAM | REQUEST | {"ground": Condition.LINKED_AT_ECHEANCE},
    "intended_refusal": REQUEST
    | {"findings": FINDINGS, "act_before": LIMIT, "text_id": "t-1"},
    "refused": REQUEST | {"findings": FINDINGS, "text_id": "t-1"},
    "request_closed": {"missing": (Item.WISH,)},
    "finalize": EXAM,
    "exam_lapsed": {"act_before": LIMIT},
    "receipt": {"invoice_id": "F-1", "amount_cents": 18000},
    "refund_due": {"amount_cents": 18000},
    "certificate_issued": NEW_TERM,
    "certificate_reissued": NEW_TERM | {"text_id": "t-1"},
    "link_requested": {"link_id": "link-1"},
    "link_reminder": {"link_id": "link-1", "act_before": TODAY},
    "link_confirmed": {},
    "link_refused": {},
    "link_ended": {"act_before": TODAY},
    "suspended": NEW_TERM | {"act_before": LIMIT},
    "reinstated": NEW_TERM,
    "cancelled": {},
    "payment_reversed": {"invoice_id": "F-1", "amount_cents": 18000},
    "correction_made": {"corrected": "exam_passed_on", "text_id": "t-1"},
    "cancellation_asked": {},
    "address_change_asked": {},
    "address_to_confirm": {"text_id": "t-2", "act_before": TODAY},
    "address_changed": {"text_id": "t-2"},
    "take_back_asked": {"text_id": "t-3", "act_before": TODAY},
    **{f"reminder_{days}": TERM for days in (90, 60, 30, 14, 7, 1, 0)},
    **{f"exam_ends_{days}": EXAM for days in (90, 30, 14, 7, 1, 0)},
}


def test_every_notice_that_is_ordered_is_tried_here() -> None:
    assert SAID.keys() == set(Notice) - {Notice.INVOICE}


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("notice", sorted(SAID))
async def test_a_letter_is_composed_from_its_order(
    office: Office, notice: str, language: str
) -> None:
    await office.place(a_holder())
    await office.place(a_newcomer(), "Ana Cruz", language)
    await office.add(
        Agency(permit=PERMIT, name="Boréale", email="b@b.example", language=language),
        LinkRow(link_id="link-1", dossier=NEWCOMER, permit=PERMIT),
        WrittenText(text_id="t-1", text="Nous avons tout lu.", by="officer:1"),
        WrittenText(text_id="t-2", text="autre@courriel.example", by="person:ana"),
        InvoiceRow(
            invoice_id="F-1",
            dossier=NEWCOMER,
            operation="issue",
            asked_on=TODAY,
            state="open",
        ),
    )
    said = {"amount_cents": None} | SAID[notice]
    async with office.sessions() as session:
        order = an_order(a_newcomer(), notice, **said)
        written = await write(session, order, HEAD, Enclosed(edition=2))
    assert written is not None
    assert written.language == language
    text = " ".join(plain_of(written.message).split())
    assert NEWCOMER in text
    elsewhere = said.get("text_id") == "t-2"
    assert (written.recipient == "autre@courriel.example") is elsewhere
    assert "autre@courriel.example" not in text
    if said.get("text_id") == "t-1":
        assert "Nous avons tout lu." in text
    if notice == "expired":
        assert HOLDER not in text
    if said.get("certificate") == HOLDER and notice == "transfer_received":
        assert HOLDER in text

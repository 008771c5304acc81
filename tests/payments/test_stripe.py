"""Stripe's interface as we speak it, against somebody who answers as Stripe documents.

The signatures are those of its test mode: made by the published rule, with a test key.
"""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import pytest

from payments.events import (
    BadEvent,
    Captured,
    ForAPerson,
    Other,
    Refunded,
    RefundFailed,
    Reversed,
    SessionEnded,
)
from payments.provider import (
    PaymentProvider,
    ProviderAway,
    SessionOrder,
    SessionState,
    WillNotRefund,
)
from payments.signing import BadSignature, sign_stripe
from payments.stripe import Stripe
from tests.dossiers import NEWCOMER, TODAY, noon
from tests.payments.listening import Heard, Received, listening

KEY, NEXT_KEY = "whsec_test_one", "whsec_test_two"
CAPTURED_AT = noon(TODAY)
ORDER = SessionOrder(
    session_id="ps_of_the_tests",
    dossier=NEWCOMER,
    invoice_id=f"{NEWCOMER}-1",
    invoice_number="F-2026-000001",
    amount_cents=18500,
    expires_at=CAPTURED_AT + timedelta(hours=1),
    return_url="https://echeance.example/fr/paiement/ps_of_the_tests",
)
OURS = {"session": ORDER.session_id, "invoice": ORDER.invoice_id}
CHARGE: dict[str, Any] = {
    "id": "ch_1",
    "object": "charge",
    "amount_captured": 18500,
    "amount_refunded": 0,
    "captured": True,
    "created": int(CAPTURED_AT.timestamp()),
    "currency": "cad",
    "disputed": False,
    "metadata": OURS,
    "payment_intent": "pi_1",
}
SESSION: dict[str, Any] = {
    "id": "cs_test_1",
    "amount_total": 18500,
    "client_reference_id": ORDER.session_id,
    "metadata": OURS,
    "payment_intent": None,
    "payment_status": "unpaid",
    "status": "open",
    "url": "https://checkout.stripe.com/c/pay/cs_test_1",
}
PAID = SESSION | {
    "payment_intent": {"id": "pi_1", "latest_charge": CHARGE},
    "payment_status": "paid",
    "status": "complete",
    "url": None,
}
REFUND = {
    "id": "re_1",
    "amount": 18500,
    "metadata": {"key": "pi_1/whole"},
    "payment_intent": "pi_1",
    "status": "succeeded",
}


@dataclass
class Account:
    """An account at Stripe: what it answers to each method and path, in turn."""

    stripe: Stripe
    heard: Heard
    answers: dict[tuple[str, str], list[tuple[int, Any]]] = field(default_factory=dict)

    def answers_with(self, method: str, path: str, *answers: tuple[int, Any]) -> None:
        self.answers[method, f"/v1/{path}"] = list(answers)

    def answer(self, received: Received) -> tuple[int, bytes]:
        path = received.path.partition("?")[0]
        waiting = self.answers[received.method, path]
        status, body = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        return status, json.dumps(body).encode()

    @property
    def forms(self) -> list[dict[str, str]]:
        """What was sent, one form a request that had one."""
        return [
            {name: values[0] for name, values in parse_qs(r.body.decode()).items()}
            for r in self.heard.requests
            if r.method == "POST"
        ]


@pytest.fixture
async def account() -> AsyncIterator[Account]:
    async with listening() as heard:
        stripe = Stripe(
            api_key="sk_test_1", webhook_keys=(KEY, NEXT_KEY), api_url=heard.url
        )
        account = Account(stripe, heard)
        heard.body_for = account.answer
        yield account


async def test_a_session_asks_our_amount_under_our_name_and_is_begun_once(
    account: Account,
) -> None:
    account.answers_with("POST", "checkout/sessions", (200, SESSION))
    provider: PaymentProvider = account.stripe
    begun = await provider.create_session(ORDER)
    assert (begun.provider_session, begun.session_id, begun.state) == (
        "cs_test_1",
        ORDER.session_id,
        SessionState.OPEN,
    )
    assert begun.pay_url == SESSION["url"]
    (form,) = account.forms
    assert form["line_items[0][price_data][unit_amount]"] == "18500"
    assert form["line_items[0][price_data][currency]"] == "cad"
    assert form["expires_at"] == str(int(ORDER.expires_at.timestamp()))
    assert form["payment_intent_data[metadata][invoice]"] == ORDER.invoice_id
    (request,) = account.heard.requests
    assert request.headers["idempotency-key"] == ORDER.session_id
    assert request.headers["authorization"] == "Bearer sk_test_1"
    # No name, no address, no card: the invoice's number alone says what is paid.
    assert not [name for name in form if "customer" in name or "card[" in name]


@pytest.mark.parametrize(
    ("session", "state"),
    [
        (SESSION, SessionState.OPEN),
        (PAID, SessionState.PAID),
        (SESSION | {"status": "expired"}, SessionState.EXPIRED),
        # Complete, but its money cannot be read yet: asked again later.
        (PAID | {"payment_intent": "pi_1"}, SessionState.OPEN),
    ],
    ids=["open", "paid", "expired", "not readable yet"],
)
async def test_a_session_is_shown_as_it_stands(
    account: Account, session: dict[str, Any], state: SessionState
) -> None:
    account.answers_with("GET", "checkout/sessions/cs_test_1", (200, session))
    found = await account.stripe.fetch("cs_test_1")
    assert found is not None
    assert found.state is state
    assert (found.payment is not None) is (state is SessionState.PAID)


async def test_the_instant_of_the_charge_is_that_of_the_capture(
    account: Account,
) -> None:
    account.answers_with("GET", "checkout/sessions/cs_test_1", (200, PAID))
    found = await account.stripe.fetch("cs_test_1")
    assert found is not None
    assert found.payment is not None
    assert found.payment.captured_at == CAPTURED_AT
    assert (found.payment.amount_cents, found.payment.currency) == (18500, "CAD")


async def test_an_unknown_session_is_none(account: Account) -> None:
    fault = {"error": {"code": "resource_missing", "message": "No such session"}}
    account.answers_with("GET", "checkout/sessions/cs_none", (404, fault))
    assert await account.stripe.fetch("cs_none") is None


async def test_a_session_that_is_ended_is_asked_how_it_ended(account: Account) -> None:
    account.answers_with("POST", "checkout/sessions/cs_test_1/expire", (400, {}))
    account.answers_with("GET", "checkout/sessions/cs_test_1", (200, PAID))
    ended = await account.stripe.end_session("cs_test_1")
    assert ended is not None
    assert ended.state is SessionState.PAID


@pytest.mark.parametrize("status", [401, 409, 429, 500, 503])
async def test_an_answer_that_says_nothing_is_no_answer(
    account: Account, status: int
) -> None:
    account.answers_with("GET", "checkout/sessions/cs_test_1", (status, {}))
    with pytest.raises(ProviderAway):
        await account.stripe.fetch("cs_test_1")


async def test_nobody_there_is_no_answer() -> None:
    stripe = Stripe(api_key="sk", webhook_keys=(KEY,), api_url="http://127.0.0.1:1")
    with pytest.raises(ProviderAway):
        await stripe.create_session(ORDER)


async def test_the_lists_pages_are_read_to_the_end(account: Account) -> None:
    page = {"data": [SESSION], "has_more": True}
    last = {"data": [PAID | {"id": "cs_test_2"}], "has_more": False}
    account.answers_with("GET", "checkout/sessions", (200, page), (200, last))
    found = await account.stripe.sessions_since(CAPTURED_AT)
    assert [s.provider_session for s in found] == ["cs_test_1", "cs_test_2"]
    assert "starting_after=cs_test_1" in account.heard.requests[1].path


# ----------------------------------------------------------------- money goes back


async def test_a_refund_is_asked_once_for_its_key(account: Account) -> None:
    none, one = {"data": [], "has_more": False}, {"data": [REFUND], "has_more": False}
    account.answers_with("GET", "refunds", (200, none), (200, one))
    account.answers_with("POST", "refunds", (200, REFUND))
    first, again = [
        await account.stripe.refund("pi_1", amount_cents=18500, key="pi_1/whole")
        for _ in range(2)
    ]
    assert first == again
    (form,) = account.forms
    assert (form["payment_intent"], form["amount"]) == ("pi_1", "18500")
    assert form["metadata[key]"] == "pi_1/whole"


@pytest.mark.parametrize(
    "answer",
    [
        (400, {"error": {"code": "charge_already_refunded"}}),
        (400, {"error": {"message": "greater than what is left"}}),
        (200, REFUND | {"status": "failed"}),
    ],
    ids=["already", "too much", "failed"],
)
async def test_money_that_will_not_go_back_is_said_to_stay(
    account: Account, answer: tuple[int, Any]
) -> None:
    account.answers_with("GET", "refunds", (200, {"data": [], "has_more": False}))
    account.answers_with("POST", "refunds", answer)
    with pytest.raises(WillNotRefund):
        await account.stripe.refund("pi_1", amount_cents=18500, key="pi_1/whole")


# ----------------------------------------------------------------- signed messages


def a_message(kind: str, carried: Mapping[str, Any]) -> bytes:
    message = {
        "id": "evt_1",
        "type": kind,
        "created": int(CAPTURED_AT.timestamp()),
        "data": {"object": carried},
    }
    return json.dumps(message).encode()


def signed(body: bytes, key: str = KEY) -> dict[str, str]:
    at = str(int(datetime.now(UTC).timestamp()))
    return {"stripe-signature": f"t={at},v1={sign_stripe(body, at, key)}"}


@pytest.mark.parametrize(
    ("kind", "carried", "event"),
    [
        (
            "charge.succeeded",
            CHARGE,
            Captured(
                session_id=ORDER.session_id,
                payment_id="pi_1",
                invoice_id=ORDER.invoice_id,
                amount_cents=18500,
                currency="CAD",
                captured_at=CAPTURED_AT,
            ),
        ),
        (
            "charge.refunded",
            CHARGE | {"amount_refunded": 500},
            Refunded(payment_id="pi_1", refunded_cents=500, refunded_at=CAPTURED_AT),
        ),
        ("checkout.session.expired", SESSION, SessionEnded(session_id="cs_test_1")),
        (
            "charge.dispute.funds_withdrawn",
            {"payment_intent": "pi_1"},
            Reversed(payment_id="pi_1", reversed_at=CAPTURED_AT),
        ),
        (
            "charge.dispute.funds_reinstated",
            {"payment_intent": "pi_1"},
            ForAPerson(payment_id="pi_1", what="dispute_won"),
        ),
        (
            "refund.failed",
            REFUND | {"status": "failed"},
            RefundFailed(payment_id="pi_1", refund_id="re_1", failed_at=CAPTURED_AT),
        ),
        ("payout.paid", {}, Other(type="payout.paid")),
        # Reserved on the card, and not taken.
        ("charge.succeeded", CHARGE | {"captured": False}, Other(type="charge")),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.parametrize("key", [KEY, NEXT_KEY])
def test_a_signed_message_is_read_as_one_of_our_events(
    kind: str, carried: dict[str, Any], event: object, key: str
) -> None:
    body = a_message(kind, carried)
    stripe = Stripe(api_key="sk_test_1", webhook_keys=(KEY, NEXT_KEY))
    told = stripe.verify_webhook(body, signed(body, key))
    assert (told.message_id, told.event) == ("evt_1", event)


def test_a_message_that_is_not_signed_or_was_changed_is_not_believed() -> None:
    stripe = Stripe(api_key="sk_test_1", webhook_keys=(KEY,))
    body = a_message("charge.succeeded", CHARGE)
    changed = body.replace(b"18500", b"99999")
    for told, headers in (
        (body, {}),
        (body, signed(body, NEXT_KEY)),
        (changed, signed(body)),
    ):
        with pytest.raises(BadSignature):
            stripe.verify_webhook(told, headers)


@pytest.mark.parametrize("body", [b"", b"{}", a_message("charge.succeeded", {})])
def test_a_believed_message_that_cannot_be_read_is_told_apart(body: bytes) -> None:
    stripe = Stripe(api_key="sk_test_1", webhook_keys=(KEY,))
    with pytest.raises(BadEvent):
        stripe.verify_webhook(body, signed(body))

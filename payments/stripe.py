"""Stripe, by its HTTP interface: hosted pages, refunds, signed messages."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, TypeVar

import httpx2
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from outward import authorities
from payments.events import (
    BadEvent,
    Captured,
    Event,
    ForAPerson,
    Other,
    Refunded,
    RefundFailed,
    Reversed,
    SessionEnded,
    Told,
)
from payments.provider import (
    Payment,
    ProviderAway,
    ProviderSession,
    Refund,
    SessionOrder,
    SessionState,
    WillNotRefund,
)
from payments.signing import BadSignature, verify_stripe

VERSION = "2024-06-20"
"""The version of the interface whose fields are read here."""

PAGES = "https://checkout.stripe.com"
ANSWER_LIMIT_S = 10.0
_PAGE = 100
_MOST_PAGES = 100


class _Object(BaseModel):
    # Stripe adds fields at any time; those we read must be there and of their type.
    model_config = ConfigDict(frozen=True, extra="ignore")


def _in_utc(at: object) -> object:
    return datetime.fromtimestamp(at, UTC) if isinstance(at, int) else at


_Seconds = Annotated[datetime, BeforeValidator(_in_utc)]
_Metadata = Annotated[dict[str, str], Field(default_factory=dict)]


class _Charge(_Object):
    amount_captured: int
    amount_refunded: int
    captured: bool
    created: _Seconds
    currency: str
    disputed: bool = False
    metadata: _Metadata
    payment_intent: str | None = None


class _Intent(_Object):
    id: str
    latest_charge: _Charge | str | None = None


class _Session(_Object):
    id: str
    amount_total: int
    client_reference_id: str | None = None
    metadata: _Metadata
    payment_intent: _Intent | str | None = None
    payment_status: str
    status: str
    url: str | None = None


class _Sessions(_Object):
    data: list[_Session]
    has_more: bool


class _Refund(_Object):
    id: str
    amount: int
    metadata: _Metadata
    payment_intent: str | None = None
    status: str


class _Refunds(_Object):
    data: list[_Refund]
    has_more: bool


class _Dispute(_Object):
    payment_intent: str | None = None


class _Fault(_Object):
    code: str | None = None
    message: str = ""


class _Faults(_Object):
    error: _Fault


class _Carried(_Object):
    object: dict[str, Any]


class _Message(_Object):
    id: str = Field(min_length=1, max_length=200, pattern=r"^[\x21-\x7e]+$")
    type: str
    created: _Seconds
    data: _Carried


_Read = TypeVar("_Read", bound=_Object)
_WILL_NOT = frozenset({"charge_already_refunded", "charge_disputed"})
_FAILED = frozenset({"failed", "canceled"})


class Stripe:
    """
    Pays on Stripe's own pages; the card is typed there, never here.

    *api_key* is a secret or restricted key; one of a test account moves no money.
    *webhook_keys* are the signing secrets of our endpoint, two while one is replaced.
    """

    pay_origin = PAGES
    # Half an hour, and what the asking itself may take.
    shortest_session = timedelta(minutes=30, seconds=30)

    def __init__(
        self,
        *,
        api_key: str,
        webhook_keys: Sequence[str],
        api_url: str = "https://api.stripe.com",
    ) -> None:
        self._api_url = api_url.rstrip("/")
        self._webhook_keys = webhook_keys
        self._headers = {
            "Authorization": f"Bearer {api_key}",
            "Stripe-Version": VERSION,
        }

    async def create_session(self, order: SessionOrder) -> ProviderSession:
        """Begin a try to pay, or find the one begun under the same session_id."""
        ours = {"session": order.session_id, "invoice": order.invoice_id}
        said = {
            "mode": "payment",
            "client_reference_id": order.session_id,
            "expires_at": str(int(order.expires_at.timestamp())),
            "line_items[0][price_data][currency]": order.currency.lower(),
            "line_items[0][price_data][product_data][name]": order.invoice_number,
            "line_items[0][price_data][unit_amount]": str(order.amount_cents),
            "line_items[0][quantity]": "1",
            "locale": "fr-CA" if order.language == "fr" else "en",
            "payment_method_types[0]": "card",
            "success_url": order.return_url,
            "cancel_url": order.return_url,
        }
        for name, value in ours.items():
            said[f"metadata[{name}]"] = value
            # So that the charge itself says what it is for.
            said[f"payment_intent_data[metadata][{name}]"] = value
        session = await self._asked(
            _Session, "checkout/sessions", said, key=order.session_id
        )
        return _shown(session)

    async def fetch(self, provider_session: str) -> ProviderSession | None:
        """Ask how a try to pay stands; None for one it does not know."""
        answer = await self._call(
            "GET",
            f"checkout/sessions/{provider_session}",
            params={"expand[0]": "payment_intent.latest_charge"},
        )
        if answer.status_code == httpx2.codes.NOT_FOUND:
            return None
        return _shown(_read(_Session, answer))

    async def end_session(self, provider_session: str) -> ProviderSession | None:
        """Let nobody pay there any more; answers how it ended, which may be paid."""
        # One that is complete or expired cannot be expired: how it ended is asked.
        await self._call("POST", f"checkout/sessions/{provider_session}/expire")
        return await self.fetch(provider_session)

    async def sessions_since(self, at: datetime) -> Sequence[ProviderSession]:
        """List the tries begun since *at* (real), whether we know them or not."""
        params = {
            "created[gte]": str(int(at.timestamp())),
            "limit": str(_PAGE),
            "expand[0]": "data.payment_intent.latest_charge",
        }
        found: list[ProviderSession] = []
        for _ in range(_MOST_PAGES):
            answer = await self._call("GET", "checkout/sessions", params=params)
            page = _read(_Sessions, answer)
            found += [_shown(session) for session in page.data]
            if not page.has_more:
                break
            params["starting_after"] = page.data[-1].id
        return found

    async def refund(self, payment_id: str, *, amount_cents: int, key: str) -> Refund:
        """Give money back, once for each *key*, ever; may raise WillNotRefund.

        Stripe forgets an idempotency key after a day: what was given back is looked up.
        """
        given = await self._refund_given(payment_id, key)
        if given is None:
            said = {
                "payment_intent": payment_id,
                "amount": str(amount_cents),
                "metadata[key]": key,
            }
            given = await self._asked(_Refund, "refunds", said, key=key)
        if given.status in _FAILED:
            raise WillNotRefund(given.status)
        return Refund(given.id, payment_id, given.amount)

    async def _refund_given(self, payment_id: str, key: str) -> _Refund | None:
        params = {"payment_intent": payment_id, "limit": str(_PAGE)}
        page = _read(_Refunds, await self._call("GET", "refunds", params=params))
        return next((r for r in page.data if r.metadata.get("key") == key), None)

    def verify_webhook(self, body: bytes, headers: Mapping[str, str]) -> Told:
        """Believe a message; raises BadSignature, or BadEvent for a believed one."""
        signature = headers.get("stripe-signature")
        if signature is None:
            raise BadSignature("no signature")
        verify_stripe(body, signature, self._webhook_keys)
        try:
            message = _Message.model_validate_json(body)
            return Told(message.id, _event_of(message))
        except ValidationError as wrong:
            raise BadEvent("no event") from wrong

    # ------------------------------------------------------------------- over HTTP

    async def _asked(
        self, kind: type[_Read], path: str, said: Mapping[str, str], *, key: str
    ) -> _Read:
        answer = await self._call("POST", path, data=said, key=key)
        return _read(kind, answer)

    async def _call(
        self, method: str, path: str, *, key: str | None = None, **said: Any
    ) -> httpx2.Response:
        headers = dict(self._headers)
        if key is not None:
            headers["Idempotency-Key"] = key
        try:
            async with httpx2.AsyncClient(
                timeout=ANSWER_LIMIT_S, verify=authorities()
            ) as http:
                answer = await http.request(
                    method, f"{self._api_url}/v1/{path}", headers=headers, **said
                )
        except httpx2.HTTPError as wrong:
            raise ProviderAway(type(wrong).__name__) from wrong
        if answer.is_server_error or answer.status_code in _TRY_AGAIN:
            raise ProviderAway(f"status {answer.status_code}")
        return answer


_TRY_AGAIN = frozenset(
    {
        httpx2.codes.UNAUTHORIZED,  # a key of ours is wrong: mended by a person
        httpx2.codes.CONFLICT,  # the same key is being worked on
        httpx2.codes.TOO_MANY_REQUESTS,
    }
)


def _read(kind: type[_Read], answer: httpx2.Response) -> _Read:
    try:
        if answer.is_client_error:
            fault = _Faults.model_validate_json(answer.content).error
            if kind is _Refund or fault.code in _WILL_NOT:
                raise WillNotRefund(fault.code or fault.message)
            raise ProviderAway(f"{answer.status_code} {fault.code}")
        return kind.model_validate_json(answer.content)
    except ValidationError as wrong:
        raise ProviderAway("an answer that cannot be read") from wrong


def _shown(session: _Session) -> ProviderSession:
    payment = _payment_of(session)
    return ProviderSession(
        provider_session=session.id,
        session_id=session.client_reference_id,
        invoice_id=session.metadata.get("invoice"),
        amount_cents=session.amount_total,
        state=_state_of(session, payment),
        pay_url=session.url,
        payment=payment,
    )


def _state_of(session: _Session, payment: Payment | None) -> SessionState:
    if payment is not None:
        return SessionState.PAID
    # Complete without a payment that can be read: asked again later.
    if session.status == "expired":
        return SessionState.EXPIRED
    return SessionState.OPEN


def _payment_of(session: _Session) -> Payment | None:
    intent = session.payment_intent
    if session.payment_status != "paid" or not isinstance(intent, _Intent):
        return None
    charge = intent.latest_charge
    if not isinstance(charge, _Charge) or not charge.captured:
        return None
    return Payment(
        intent.id,
        charge.amount_captured,
        charge.currency.upper(),
        charge.created,
        charge.amount_refunded,
        contested=charge.disputed,
    )


# ----------------------------------------------------------------- signed messages


def _event_of(message: _Message) -> Event:
    """Read a message; one about money that bears no payment changes nothing here."""
    carried = message.data.object
    match message.type:
        case "charge.succeeded" | "charge.captured":
            return _captured(_Charge.model_validate(carried))
        case "charge.refunded":
            return _refunded(_Charge.model_validate(carried), message.created)
        case "checkout.session.expired":
            return SessionEnded(session_id=_Session.model_validate(carried).id)
        case "charge.dispute.funds_withdrawn" | "charge.dispute.funds_reinstated":
            return _disputed(_Dispute.model_validate(carried), message)
        case "refund.failed":
            return _refund_failed(_Refund.model_validate(carried), message.created)
        case _:
            return Other(type=message.type)


def _captured(charge: _Charge) -> Event:
    if charge.payment_intent is None or not charge.captured:
        return Other(type="charge")
    return Captured(
        session_id=charge.metadata.get("session"),
        payment_id=charge.payment_intent,
        invoice_id=charge.metadata.get("invoice"),
        amount_cents=charge.amount_captured,
        currency=charge.currency.upper(),
        captured_at=charge.created,
    )


def _refunded(charge: _Charge, at: datetime) -> Event:
    if charge.payment_intent is None:
        return Other(type="charge")
    return Refunded(
        payment_id=charge.payment_intent,
        refunded_cents=charge.amount_refunded,
        refunded_at=at,
    )


def _disputed(dispute: _Dispute, message: _Message) -> Event:
    if dispute.payment_intent is None:
        return Other(type=message.type)
    if message.type.endswith("reinstated"):
        return ForAPerson(payment_id=dispute.payment_intent, what="dispute_won")
    return Reversed(payment_id=dispute.payment_intent, reversed_at=message.created)


def _refund_failed(refund: _Refund, at: datetime) -> Event:
    if refund.payment_intent is None:
        return Other(type="refund.failed")
    return RefundFailed(
        payment_id=refund.payment_intent, refund_id=refund.id, failed_at=at
    )

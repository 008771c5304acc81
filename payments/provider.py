"""What is asked of a payment provider, and what it answers; never a card."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal, Protocol

from payments.events import Told
from rules.numbers import DossierNumber

CURRENCY = "CAD"


class ProviderAway(Exception):  # noqa: N818 - named as what is the matter
    """No answer: whether what was asked was done is not known."""


class WillNotRefund(Exception):  # noqa: N818 - named as what the provider says
    """The provider will not give this money back; a person must find another way."""


class SessionState(StrEnum):
    """How far a try to pay has come."""

    OPEN = "open"
    PAID = "paid"
    REFUSED = "refused"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionOrder:
    """
    What a person is about to pay; the amount is ours, never the caller's.

    *session_id* is our name for the try: asked twice, in the same words, it is one
    session. From *expires_at* on nobody may pay there.
    """

    session_id: str
    dossier: DossierNumber
    invoice_id: str
    invoice_number: str
    amount_cents: int
    expires_at: datetime
    return_url: str
    language: Literal["fr", "en"] = "fr"
    currency: str = CURRENCY


@dataclass(frozen=True, slots=True)
class Payment:
    """Money as the provider has it; *captured_at* is the instant that counts."""

    payment_id: str
    amount_cents: int
    currency: str
    captured_at: datetime
    refunded_cents: int = 0
    contested: bool = False  # taken back by the card's bank


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSession:
    """One try to pay, as the provider knows it; the person goes to *pay_url*.

    *session_id* and *invoice_id* are our names, as the provider gives them back.
    """

    provider_session: str
    session_id: str | None
    invoice_id: str | None
    amount_cents: int
    state: SessionState
    pay_url: str | None
    payment: Payment | None = None


@dataclass(frozen=True, slots=True)
class Refund:
    """Money given back; *refund_id* is the same for the same key."""

    refund_id: str
    payment_id: str
    amount_cents: int


class PaymentProvider(Protocol):
    """A provider of payments by card. Every call may raise ProviderAway."""

    pay_origin: str
    """Where its pages are, as an origin; a form of ours leads there."""
    shortest_session: timedelta
    """It ends no session sooner by itself."""

    async def create_session(self, order: SessionOrder) -> ProviderSession:
        """Begin a try to pay, or find the one begun under the same session_id."""

    async def fetch(self, provider_session: str) -> ProviderSession | None:
        """Ask how a try to pay stands; None for one it does not know."""

    async def end_session(self, provider_session: str) -> ProviderSession | None:
        """Let nobody pay there any more; answers how it ended, which may be paid."""

    async def sessions_since(self, at: datetime) -> Sequence[ProviderSession]:
        """List the tries begun since *at* (real), whether we know them or not."""

    async def refund(self, payment_id: str, *, amount_cents: int, key: str) -> Refund:
        """Give money back, once for each *key*, ever; may raise WillNotRefund."""

    def verify_webhook(self, body: bytes, headers: Mapping[str, str]) -> Told:
        """Believe a message; raises BadSignature, or BadEvent for a believed one."""

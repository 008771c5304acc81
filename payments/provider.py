"""What is asked of a payment provider, and how its messages are believed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Literal, Protocol

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
)
from standardwebhooks import Webhook, WebhookVerificationError

from rules.numbers import DossierNumber

CURRENCY = "CAD"


class BadSignature(ValueError):  # noqa: N818 - named as the caller is told
    """A message is not signed by the provider, or is more than 300 s old or ahead."""


class BadEvent(ValueError):  # noqa: N818 - named as the caller is told
    """A message is the provider's but cannot be read."""


class SessionState(StrEnum):
    """How far a try to pay has come."""

    OPEN = "open"
    PAID = "paid"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class SessionOrder:
    """What a person is about to pay; the amount is ours, never the caller's."""

    dossier: DossierNumber
    invoice_id: str
    amount_cents: int
    currency: str = CURRENCY


@dataclass(frozen=True, slots=True)
class ProviderSession:
    """One try to pay, as the provider knows it; the person goes to *pay_url*."""

    session_id: str
    pay_url: str
    state: SessionState
    order: SessionOrder
    payment_id: str | None = None
    captured_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Refund:
    """Money given back; *refund_id* is the same for the same *key*."""

    refund_id: str
    payment_id: str
    amount_cents: int


class _Event(BaseModel):
    # A provider may add fields; those we read are never guessed from another type.
    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


_Id = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[\x21-\x7e]+$")]


def _in_utc(at: datetime) -> datetime:
    try:
        return at.astimezone(UTC)
    except OverflowError as wrong:
        raise ValueError("an instant outside of the calendar") from wrong


_Instant = Annotated[AwareDatetime, Field(strict=False), AfterValidator(_in_utc)]
# Amounts beyond this are no amounts; they are still kept, as what was told.
_Cents = Annotated[int, Field(ge=-(10**15), le=10**15)]


class Captured(_Event):
    """Money was captured; *captured_at* is the instant that counts."""

    type: Literal["payment.captured"]
    session_id: _Id | None = None
    payment_id: _Id
    invoice_id: _Id | None = None
    amount_cents: _Cents
    currency: Annotated[str, Field(pattern=r"^[A-Za-z]{3}$")]
    captured_at: _Instant


class Declined(_Event):
    """A try to pay was refused; nothing was captured."""

    type: Literal["payment.refused"]
    session_id: _Id


class Reversed(_Event):
    """A captured payment was taken back (chargeback)."""

    type: Literal["payment.reversed"]
    payment_id: _Id
    reversed_at: _Instant


class Other(_Event):
    """A kind of message that changes nothing here."""

    type: str


Event = Captured | Declined | Reversed | Other


@dataclass(frozen=True, slots=True)
class Told:
    """One believed message; *message_id* is the same at each repetition."""

    message_id: str
    event: Event


class PaymentProvider(Protocol):
    """A provider of payments by card; we never see the card."""

    async def create_session(self, order: SessionOrder) -> ProviderSession:
        """Begin a try to pay."""

    async def fetch(self, session_id: str) -> ProviderSession | None:
        """Ask how a try to pay stands, for when no message comes."""

    async def refund(self, payment_id: str, *, amount_cents: int, key: str) -> Refund:
        """Give money back, once for each *key*."""

    def verify_webhook(self, body: bytes, headers: Mapping[str, str]) -> Told:
        """Believe a message; raises BadSignature, or BadEvent for a believed one."""


_KINDS: dict[str, type[Captured | Declined | Reversed]] = {
    "payment.captured": Captured,
    "payment.refused": Declined,
    "payment.reversed": Reversed,
}
_LONGEST_ID = 200


def verify_signed(body: bytes, headers: Mapping[str, str], *, secret: str) -> Told:
    """
    Believe a message signed as Standard Webhooks says, over its raw bytes.

    Raises BadSignature; BadEvent for a believed message that cannot be read.
    """
    try:
        Webhook(secret).verify(body, dict(headers), json_parse=False)
    except (WebhookVerificationError, ValueError) as wrong:
        # ValueError: a header or a body that is no text at all.
        raise BadSignature("no signature of the provider") from wrong
    message_id = headers["webhook-id"]
    if not message_id.isascii() or len(message_id) > _LONGEST_ID:
        raise BadEvent("webhook-id")
    return Told(message_id, _read(body))


def _read(body: bytes) -> Event:
    try:
        kind = Other.model_validate_json(body)
        return _KINDS.get(kind.type, Other).model_validate_json(body)
    except ValidationError as wrong:
        raise BadEvent("no event") from wrong

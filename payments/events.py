"""What a provider tells, whichever it is: amounts as it told them, never guessed."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
)


class BadEvent(ValueError):  # noqa: N818 - named as the caller is told
    """A message is the provider's but cannot be read."""


class _Event(BaseModel):
    # A provider may add fields; those we read are never guessed from another type.
    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


Id = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[\x21-\x7e]+$")]


def _in_utc(at: datetime) -> datetime:
    try:
        return at.astimezone(UTC)
    except OverflowError as wrong:
        raise ValueError("an instant outside of the calendar") from wrong


Instant = Annotated[AwareDatetime, Field(strict=False), AfterValidator(_in_utc)]
# Amounts beyond this are no amounts; they are still kept, as what was told.
Cents = Annotated[int, Field(ge=-(10**15), le=10**15)]


class Captured(_Event):
    """Money was captured; *captured_at* is the instant that counts.

    *session_id* is the try it ends, by the provider's name for it or by ours.
    """

    type: Literal["payment.captured"] = "payment.captured"
    session_id: Id | None = None
    payment_id: Id
    invoice_id: Id | None = None
    amount_cents: Cents
    currency: Annotated[str, Field(pattern=r"^[A-Za-z]{3}$")]
    captured_at: Instant


class Declined(_Event):
    """A try to pay was refused; nothing was captured."""

    type: Literal["payment.refused"] = "payment.refused"
    session_id: Id


class SessionEnded(_Event):
    """A try to pay can no longer be paid; nothing was captured."""

    type: Literal["session.expired"] = "session.expired"
    session_id: Id


class Reversed(_Event):
    """A captured payment was taken back (chargeback)."""

    type: Literal["payment.reversed"] = "payment.reversed"
    payment_id: Id
    reversed_at: Instant


class Refunded(_Event):
    """Money was given back: *refunded_cents* of the payment in all."""

    type: Literal["payment.refunded"] = "payment.refunded"
    payment_id: Id
    refunded_cents: Cents
    refunded_at: Instant


class RefundFailed(_Event):
    """A refund that had begun did not reach its card."""

    type: Literal["refund.failed"] = "refund.failed"
    payment_id: Id
    refund_id: Id
    failed_at: Instant


class ForAPerson(_Event):
    """Something about a payment that no rule of ours covers."""

    type: Literal["for_a_person"] = "for_a_person"
    payment_id: Id
    what: str


class Other(_Event):
    """A kind of message that changes nothing here."""

    type: str


Event = (
    Captured
    | Declined
    | SessionEnded
    | Reversed
    | Refunded
    | RefundFailed
    | ForAPerson
    | Other
)


@dataclass(frozen=True, slots=True)
class Told:
    """One believed message; *message_id* is the same at each repetition."""

    message_id: str
    event: Event


_KINDS: dict[str, type[Event]] = {
    kind.model_fields["type"].default: kind
    for kind in (Captured, Declined, SessionEnded, Reversed, Refunded, RefundFailed)
}


def read_event(body: bytes) -> Event:
    """Read a message of the simulator; raises BadEvent for one that cannot be read."""
    try:
        kind = Other.model_validate_json(body)
        return _KINDS.get(kind.type, Other).model_validate_json(body)
    except ValidationError as wrong:
        raise BadEvent("no event") from wrong

"""What an officer gives back: never more than is left of a capture, once for a key."""

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from payments.provider import CURRENCY
from records.money import PaymentRow
from records.payments import (
    Order,
    order_refund,
    payment_named,
    promised_back,
    refunds_of,
)

_WHY = "ordered_by_officer"


class TooMuch(Exception):  # noqa: N818 - named as what is the matter
    """More than is left of the capture: *left_cents*, which may be nothing."""

    def __init__(self, left_cents: int) -> None:
        super().__init__(f"{left_cents} cents are left")
        self.left_cents = left_cents


@dataclass(frozen=True, slots=True)
class InHand:
    """A capture, and what of it is neither ordered back nor gone back, in cents."""

    payment: PaymentRow
    left_cents: int


async def in_hand(session: AsyncSession, payment_id: str) -> InHand | None:
    """Find a capture that could be given back; None for what is no capture.

    Nothing is left of one that the card's bank took back, nor of another currency than
    ours: that is settled at the provider.
    """
    payment = await payment_named(session, payment_id)
    if payment is None:
        return None
    promised = await promised_back(session, payment_id)
    gone = max(promised, payment.refunded_cents)
    ours = payment.reversed_at is None and payment.currency == CURRENCY
    return InHand(payment, max(0, payment.amount_cents - gone) if ours else 0)


async def order_by_officer(
    session: AsyncSession,
    payment_id: str,
    cents: int,
    *,
    by: str,
    text_id: str,
    key: str,
) -> None:
    """
    Order *cents* back, for the reason kept under *text_id*; the sweep carries it out.

    The same *key* orders once. Raises TooMuch. One order follows another: two officers
    at once cannot promise the same money.
    """
    await session.execute(
        select(func.pg_advisory_xact_lock(func.hashtextextended(payment_id, 0)))
    )
    name = f"{payment_id}/desk/{key}"
    if any(order.key == name for order in await refunds_of(session, payment_id)):
        return
    found = await in_hand(session, payment_id)
    if found is None or not 0 < cents <= found.left_cents:
        raise TooMuch(found.left_cents if found else 0)
    await order_refund(
        session,
        Order(
            key=name,
            payment_id=payment_id,
            dossier=found.payment.dossier,
            amount_cents=cents,
            currency=found.payment.currency,
            why=_WHY,
            ordered_by=by,
            text_id=text_id,
        ),
    )

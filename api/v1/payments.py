"""Paying an invoice: a try is begun here, the provider tells how it ended."""

from fastapi import APIRouter, Request, status
from sqlalchemy.ext.asyncio import AsyncSession

from api.access import Representative
from api.codes import Code
from api.errors import Refused
from api.parts import Parts, TheParts
from api.stories import Stories
from api.v1.answers import PaymentBegun, WebhookTaken
from api.v1.fields import NumberInPath
from api.v1.showing import own_now, policy_for, shown
from intake.payments import take_in
from payments.due import NotPayable, ToPay, invoice_to_pay
from payments.provider import (
    BadEvent,
    BadSignature,
    PaymentProvider,
    ProviderSession,
    SessionOrder,
    SessionState,
    verify_signed,
)
from records.models import PaymentSession
from records.queries import open_payment_session
from rules.numbers import DossierNumber

router = APIRouter(tags=["payments"])


@router.post("/dossiers/{number}/payments", status_code=status.HTTP_201_CREATED)
async def begin_payment(
    parts: TheParts, _caller: Representative, number: NumberInPath
) -> PaymentBegun:
    """Begin to pay the open invoice: the amount is that of today, and ours."""
    provider = _provider(parts)
    due = await _due(parts, number)
    order = SessionOrder(DossierNumber(number), due.invoice.invoice_id, due.fee.cents)
    session = await _session_for(parts, provider, order)
    return PaymentBegun(
        session_id=session.session_id,
        invoice_id=order.invoice_id,
        operation=due.invoice.operation,
        amount_cents=order.amount_cents,
        amount_confirmed=due.fee.confirmed,
        currency=order.currency,
        pay_url=session.pay_url,
    )


@router.post("/webhooks/payments")
async def hear_provider(parts: TheParts, request: Request) -> WebhookTaken:
    """Take a signed message of the payment provider: kept first, then answered."""
    secret = parts.settings.payment_webhook_secret.get_secret_value()
    body = await request.body()
    try:
        told = verify_signed(body, request.headers, secret=secret)
    except BadSignature:
        raise Refused(Code.BAD_SIGNATURE) from None
    except BadEvent:
        raise Refused(Code.BAD_EVENT) from None
    async with parts.sessions.begin() as session:
        fact_id = await take_in(session, told)
    if fact_id is not None:
        await Stories(parts.client).tell(parts.sessions, [fact_id])
    return WebhookTaken()


def _provider(parts: Parts) -> PaymentProvider:
    if parts.provider is None:
        raise Refused(Code.PAYMENTS_NOT_OFFERED)
    return parts.provider


async def _due(parts: Parts, number: str) -> ToPay:
    """Name what is to pay; raises Refused for what would be charged in vain."""
    state = await shown(parts, number)
    async with parts.sessions() as session:
        now = await own_now(session, number)
    due = invoice_to_pay(state.dossier, policy_for(state.dossier, now), now)
    if isinstance(due, NotPayable):
        raise Refused(due.why, last_day=due.last_day)
    return due


async def _session_for(
    parts: Parts, provider: PaymentProvider, order: SessionOrder
) -> ProviderSession:
    """Go on with a try under way rather than open a second one for the same money."""
    async with parts.sessions() as session:
        under_way = await _under_way(session, provider, order)
    if under_way is not None:
        return under_way
    begun = await provider.create_session(order)
    async with parts.sessions.begin() as session:
        session.add(
            PaymentSession(
                session_id=begun.session_id,
                invoice_id=order.invoice_id,
                amount_cents=order.amount_cents,
            )
        )
    return begun


async def _under_way(
    session: AsyncSession, provider: PaymentProvider, order: SessionOrder
) -> ProviderSession | None:
    ours = await open_payment_session(session, order.invoice_id, order.amount_cents)
    if ours is None:
        return None
    theirs = await provider.fetch(ours.session_id)
    return theirs if theirs and theirs.state is SessionState.OPEN else None

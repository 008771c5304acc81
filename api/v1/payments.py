"""Paying an invoice: a try is begun here, the provider tells how it ended."""

from fastapi import APIRouter, Request, status

from api.access import Representative
from api.codes import Code
from api.errors import Refused
from api.language import Language, language_of
from api.parts import Parts, TheParts
from api.v1.answers import PaymentBegun, WebhookTaken
from api.v1.fields import NumberInPath
from api.v1.showing import own_now, policy_for, shown
from intake.paying import (
    AlreadyCaptured,
    Payer,
    PaymentUncertain,
    Try,
    way_to_pay,
)
from intake.payments import take_in
from payments.due import NotPayable, ToPay, invoice_to_pay
from payments.events import BadEvent
from payments.provider import CURRENCY, PaymentProvider, ProviderAway
from payments.signing import BadSignature
from rules.numbers import DossierNumber

router = APIRouter(tags=["payments"])


@router.post("/dossiers/{number}/payments", status_code=status.HTTP_201_CREATED)
async def begin_payment(
    request: Request, parts: TheParts, _caller: Representative, number: NumberInPath
) -> PaymentBegun:
    """Begin to pay the open invoice: the amount is that of today, and ours."""
    language = language_of(request.headers.get("accept-language"))
    due, begun = await try_to_pay(parts, DossierNumber(number), language)
    return PaymentBegun(
        session_id=begun.session_id,
        invoice_id=due.invoice.invoice_id,
        operation=due.invoice.operation,
        amount_cents=due.fee.cents,
        amount_confirmed=due.fee.confirmed,
        currency=CURRENCY,
        pay_url=begun.pay_url,
    )


@router.post("/webhooks/payments")
async def hear_provider(parts: TheParts, request: Request) -> WebhookTaken:
    """Take a signed message of the payment provider: kept first, then answered."""
    body = await request.body()
    try:
        told = provider_at(parts).verify_webhook(body, request.headers)
    except BadSignature:
        raise Refused(Code.BAD_SIGNATURE) from None
    except BadEvent:
        raise Refused(Code.BAD_EVENT) from None
    async with parts.sessions.begin() as session:
        fact_id = await take_in(session, told)
    if fact_id is not None:
        await parts.courier.tell([fact_id])
    return WebhookTaken()


def provider_at(parts: Parts) -> PaymentProvider:
    """Name the provider; raises Refused on an installation that has none."""
    if parts.provider is None:
        raise Refused(Code.PAYMENTS_NOT_OFFERED)
    return parts.provider


async def what_is_due(
    parts: Parts, number: DossierNumber, language: Language
) -> tuple[ToPay, Payer]:
    """Name what is to pay; raises Refused for what would be charged in vain."""
    state = await shown(parts, number)
    async with parts.sessions() as session:
        now = await own_now(session, number)
        policy = await policy_for(session, state.dossier, now)
    due = invoice_to_pay(state.dossier, policy, now)
    if isinstance(due, NotPayable):
        raise Refused(due.why, last_day=due.last_day)
    return due, Payer(number, due, now, language, parts.settings.public_url)


async def try_to_pay(
    parts: Parts, number: DossierNumber, language: Language
) -> tuple[ToPay, Try]:
    """Begin a try to pay, or find the one under way; raises Refused with the reason."""
    provider = provider_at(parts)
    due, payer = await what_is_due(parts, number, language)
    try:
        return due, await way_to_pay(parts.sessions, provider, payer)
    except AlreadyCaptured as found:
        await parts.courier.tell(found.fact_ids)
        raise Refused(Code.ALREADY_PAID) from None
    except PaymentUncertain:
        raise Refused(Code.PAYMENT_UNCERTAIN) from None
    except ProviderAway:
        raise Refused(Code.PROVIDER_AWAY) from None

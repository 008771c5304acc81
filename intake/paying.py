"""How a try to pay begins: one at a time for an invoice, and never over a doubt."""

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal, cast

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from intake.payments import take_in_session
from payments.due import ToPay
from payments.provider import (
    PaymentProvider,
    ProviderAway,
    ProviderSession,
    SessionOrder,
    SessionState,
)
from records.clock import database_now
from records.database import Sessions
from records.invoices import number_of_invoice
from records.models import PaymentSession
from records.queries import is_paid_or_being_counted, open_payment_session
from rules.numbers import DossierNumber

SESSION_LASTS = timedelta(hours=1)
"""A person who comes later begins anew; what was typed is the provider's."""

_LOOKS = 20
_PAUSE_S = 0.1
_BEGINNING_LASTS = timedelta(seconds=30)
"""Another browser that asks the provider is waited for this long."""


class PaymentUncertain(Exception):  # noqa: N818 - named as what is the matter
    """How the try before ended is not known: a second one must wait."""


class AlreadyCaptured(Exception):  # noqa: N818 - named as what is found
    """The try before was paid: *fact_ids* must be told, nothing is to pay."""

    def __init__(self, fact_ids: Sequence[str]) -> None:
        super().__init__("already captured")
        self.fact_ids = fact_ids


@dataclass(frozen=True, slots=True)
class Try:
    """One try to pay; the person goes to *pay_url*."""

    session_id: str
    pay_url: str


@dataclass(frozen=True, slots=True)
class Payer:
    """Who pays what, at the dossier's own instant *now*."""

    dossier: DossierNumber
    due: ToPay
    now: datetime
    language: Literal["fr", "en"]
    public_url: str


async def way_to_pay(
    sessions: Sessions, provider: PaymentProvider, payer: Payer
) -> Try:
    """
    Begin a try to pay, or go on with the one under way: two browsers get the same.

    The provider is asked how the try before stands before another is offered. Raises
    AlreadyCaptured, PaymentUncertain, and what the provider raises.
    """
    for _ in range(_LOOKS):
        async with sessions.begin() as session:
            ours, is_new = await _reserved(session, payer)
            if await is_paid_or_being_counted(
                session, payer.dossier, payer.due.invoice.invoice_id
            ):
                # The story has not heard of it yet: what it showed is old.
                raise AlreadyCaptured(())
            now = await database_now(session)
        if ours is None:
            continue  # it ended in between
        if ours.provider_session is None:
            if is_new or now - ours.created_at > _BEGINNING_LASTS:
                return await _begin(sessions, provider, payer, ours)
            await asyncio.sleep(_PAUSE_S)
            continue
        theirs = await provider.fetch(ours.provider_session)
        if _can_go_on(ours, theirs, payer) and ours.pay_url is not None:
            return Try(ours.session_id, ours.pay_url)
        await _end(sessions, provider, ours, theirs)
    raise PaymentUncertain


def _can_go_on(
    ours: PaymentSession, theirs: ProviderSession | None, payer: Payer
) -> bool:
    """Whether what is open there still asks the right amount."""
    return (
        theirs is not None
        and theirs.state is SessionState.OPEN
        and ours.amount_cents == payer.due.fee.cents
    )


async def _reserved(
    session: AsyncSession, payer: Payer
) -> tuple[PaymentSession | None, bool]:
    """Keep a new try before the provider is asked, or find the one under way."""
    row = insert(PaymentSession).values(
        session_id=f"ps_{secrets.token_urlsafe(18)}",
        invoice_id=payer.due.invoice.invoice_id,
        amount_cents=payer.due.fee.cents,
        language=payer.language,
        # Where the provider's own end must come later, the sweep ends it at this one.
        expires_at=min(payer.now + SESSION_LASTS, payer.due.payable_until),
    )
    once = row.on_conflict_do_nothing(
        index_elements=[PaymentSession.invoice_id],
        index_where=PaymentSession.state == "open",
    ).returning(PaymentSession)
    new = await session.scalar(once)
    if new is not None:
        return new, True
    return await open_payment_session(session, payer.due.invoice.invoice_id), False


async def _begin(
    sessions: Sessions, provider: PaymentProvider, payer: Payer, ours: PaymentSession
) -> Try:
    theirs = await provider.create_session(
        await _order(sessions, payer, ours, provider.shortest_session)
    )
    if theirs.pay_url is None or ours.amount_cents != payer.due.fee.cents:
        # Begun long ago, and cut off: nobody was ever sent there.
        await provider.end_session(theirs.provider_session)
        await _close(sessions, ours)
        raise PaymentUncertain
    async with sessions.begin() as session:
        await session.execute(
            update(PaymentSession)
            .where(PaymentSession.session_id == ours.session_id)
            .values(provider_session=theirs.provider_session, pay_url=theirs.pay_url)
        )
    return Try(ours.session_id, theirs.pay_url)


async def _order(
    sessions: Sessions, payer: Payer, ours: PaymentSession, shortest: timedelta
) -> SessionOrder:
    """
    Say what is paid in words that are the same however often it is asked.

    A provider that ends no session so soon keeps its page open beyond the last instant
    of the amount, by *shortest* at most. Money captured there after that instant is
    judged by the day of its capture: at another fee it is a wrong amount, for a person
    and said by letter; where nothing can be paid any more it goes back by itself.
    """
    async with sessions() as session:
        number = await number_of_invoice(session, ours.invoice_id)
    language = cast("Literal['fr', 'en']", ours.language)
    public_url = payer.public_url.rstrip("/")
    return SessionOrder(
        session_id=ours.session_id,
        dossier=payer.dossier,
        invoice_id=ours.invoice_id,
        invoice_number=number or ours.invoice_id,
        amount_cents=ours.amount_cents,
        expires_at=max(
            ours.expires_at or payer.due.payable_until, ours.created_at + shortest
        ),
        return_url=f"{public_url}/{language}/paiement/{ours.session_id}",
        language=language,
    )


async def _end(
    sessions: Sessions,
    provider: PaymentProvider,
    ours: PaymentSession,
    theirs: ProviderSession | None,
) -> None:
    """End a try that cannot go on; raises AlreadyCaptured when it was paid after all.

    One that is open there for another amount is ended there first: two open at once
    could both be paid.
    """
    if theirs is not None and theirs.state is SessionState.OPEN:
        theirs = await provider.end_session(theirs.provider_session)
    if theirs is None:
        await _close(sessions, ours)
        return
    async with sessions.begin() as session:
        fact_ids = await take_in_session(session, theirs)
    if theirs.state is SessionState.PAID:
        raise AlreadyCaptured(fact_ids)
    if theirs.state is SessionState.OPEN:
        raise PaymentUncertain


async def _close(sessions: Sessions, ours: PaymentSession) -> None:
    async with sessions.begin() as session:
        await session.execute(
            update(PaymentSession)
            .where(
                PaymentSession.session_id == ours.session_id,
                PaymentSession.state == "open",
            )
            .values(state="expired")
        )


class Outcome(StrEnum):
    """How a try to pay stands, as far as is known."""

    PAID = "paid"
    REFUSED = "refused"
    EXPIRED = "expired"
    OPEN = "open"
    UNKNOWN = "unknown"  # the provider does not answer: never a second try over it


async def how_it_ended(
    sessions: Sessions, provider: PaymentProvider, ours: PaymentSession
) -> tuple[Outcome, Sequence[str]]:
    """
    Ask how a try stands before a person is told anything of it.

    What the provider says is taken in as its message would be; the facts named must be
    told to the dossier.
    """
    if ours.state != Outcome.OPEN:
        return Outcome(ours.state), ()
    if ours.provider_session is None:
        return Outcome.UNKNOWN, ()
    try:
        theirs = await provider.fetch(ours.provider_session)
    except ProviderAway:
        return Outcome.UNKNOWN, ()
    if theirs is None:
        return Outcome.UNKNOWN, ()
    async with sessions.begin() as session:
        fact_ids = await take_in_session(session, theirs)
    return Outcome(theirs.state), fact_ids
